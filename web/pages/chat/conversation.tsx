// One place: what was said there, as one long list, and what the visitor says.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { channelName, type Target } from '../../../lib/index.ts'
import { VirtualList, type ListHandle } from '../../kit/virtual-list.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { hrefOf } from '../../shell/router.ts'
import { inView, join, joined, leave, read, unreadOf } from '../../state/channels.ts'
import { logOf } from '../../state/logs.ts'
import { tellFailure } from '../../state/notices.ts'
import { outbox } from '../../state/outbox.ts'
import { nameOf } from '../../state/people.ts'
import { opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { Composer } from './composer.tsx'
import { Members } from './members.tsx'
import { MessageRow, OutgoingRow, type ReplyTo } from './message-row.tsx'

/** Shown at first where there is room for them; a window that gets narrow has none. */
const useMembersShown = () => {
  const isShown = useSignal(matchMedia('(min-width: 1100px)').matches)
  useEffect(() => {
    const narrow = matchMedia('(max-width: 760px)')
    const changed = () => {
      if (narrow.matches) isShown.value = false
    }
    narrow.addEventListener('change', changed)
    return () => narrow.removeEventListener('change', changed)
  }, [])
  return isShown
}

export const Conversation = ({ place }: { readonly place: Target }) => {
  const texts = t.value.chat
  const log = logOf(place)
  const handle = useRef<ListHandle>(null)
  const replyTo = useSignal<ReplyTo | undefined>(undefined)
  const isAtEnd = useSignal(true)
  const showsMembers = useMembersShown()
  const isChannel = place.startsWith('#')
  const isIn = !isChannel || joined.value.has(channelName(place))
  const name = isChannel ? place : nameOf(place).value

  useEffect(() => {
    if (opened.value > 0) void log.refresh()
  }, [log, opened.value])
  // Subscribes to what the log has.
  void log.version.value

  const mine = outbox.value.filter(({ to }) => to === place)
  const inLog = log.newest === 0 ? 0 : log.newest - log.oldest + 1
  const count = inLog + mine.length
  const seqOf = (index: number) => log.oldest + index

  useEffect(() => {
    const looking = isAtEnd.value && document.visibilityState === 'visible' && isIn
    inView.value = looking ? place : undefined
    if (looking && log.isKnown) read(place, log.newest)
    return () => {
      inView.value = undefined
    }
  })
  useEffect(() => {
    const seen = () => {
      if (document.visibilityState !== 'visible' || !isAtEnd.peek()) return
      inView.value = place
      read(place, log.newest)
    }
    document.addEventListener('visibilitychange', seen)
    return () => document.removeEventListener('visibilitychange', seen)
  }, [place])

  return (
    <section class={`conversation ${showsMembers.value && isChannel ? 'with-members' : ''}`} aria-label={plain(name)}>
      <header class='place-head'>
        <a class='back' href={hrefOf('chat')} aria-label={texts.back}>←</a>
        <h1>
          <bdi>{plain(name)}</bdi>
        </h1>
        <span class='about'>{isChannel ? plain(joined.value.get(channelName(place))?.topic ?? '') : place}</span>
        {isChannel && isIn && (
          <>
            <button type='button' class='quiet' aria-pressed={showsMembers.value} onClick={() => showsMembers.value = !showsMembers.value}>
              {texts.memberList}
            </button>
            <button type='button' class='quiet' onClick={() => void leave(channelName(place)).catch(tellFailure)}>{texts.leave}</button>
          </>
        )}
      </header>
      <div class='log'>
        {log.problem.value !== undefined && count === 0 && <p class='middle wrong'>{plain(log.problem.value)}</p>}
        {log.isKnown && count === 0 && <p class='middle empty'>{texts.empty}</p>}
        {count > 0 && (
          <VirtualList
            of={place}
            ref={handle}
            count={count}
            label={texts.messagesIn(plain(name))}
            rowHeight={64}
            keyOf={index => index < inLog ? seqOf(index) : mine[index - inLog]?.id ?? index}
            onRange={(first, last, atEnd) => {
              log.look(seqOf(Math.max(0, first - 20)), seqOf(Math.min(inLog - 1, last + 20)))
              isAtEnd.value = atEnd
            }}
            row={index =>
              index < inLog
                ? <MessageRow log={log} seq={seqOf(index)} onReply={to => replyTo.value = to} />
                : <OutgoingRow message={mine[index - inLog]!} place={place} />}
          />
        )}
        {!isAtEnd.value && (
          <button type='button' class='to-end' onClick={() => handle.current?.toEnd()}>
            ↓ {texts.newest}
            {unreadOf(place).count > 0 && <span class='count'>{unreadOf(place).count}</span>}
          </button>
        )}
      </div>
      {isIn
        ? <Composer place={place} name={name} replyTo={replyTo} onSaid={() => handle.current?.toEnd()} />
        : (
          <div class='composer'>
            <p>{texts.notJoined}</p>
            <button type='button' class='primary' onClick={() => void join(channelName(place)).catch(tellFailure)}>{texts.join}</button>
          </div>
        )}
      {isChannel && isIn && showsMembers.value && <Members channel={channelName(place)} />}
    </section>
  )
}
