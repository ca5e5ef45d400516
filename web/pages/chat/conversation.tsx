// One place: what was said there, as one long list, and what the visitor says.
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { channelName, type Target } from '../../../lib/index.ts'
import { timerMs } from '../../../lib/protocol/timer.ts'
import { rove } from '../../kit/roving.ts'
import { VirtualList, type ListHandle } from '../../kit/virtual-list.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { entry, keepRowPlace, rowPlace } from '../../shell/scroll.ts'
import { inView, join, joined, read, unreadOf } from '../../state/channels.ts'
import { logOf } from '../../state/logs.ts'
import { tellFailure } from '../../state/notices.ts'
import { growing, type Growing } from '../../state/growing.ts'
import { outbox, type Outgoing } from '../../state/outbox.ts'
import { usePerFrame } from '../../state/per-frame.ts'
import { askPins } from '../../state/pins.ts'
import { nameOf } from '../../state/people.ts'
import { myId, opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { reasonOf } from '../../text/reason.ts'
import { Composer } from './composer.tsx'
import type { Intent } from './intent.ts'
import { Members } from './members.tsx'
import { GrowingRow, MessageRow, OutgoingRow } from './message-row.tsx'
import { PinsPane } from './pins-pane.tsx'
import { PlaceHead, type Pane } from './place-head.tsx'
import { SearchPane } from './search-pane.tsx'

/** What passes by faster is not asked for. */
const glanceMs = 60

/** Members are shown at first where there is room for them; a window that gets narrow has none. */
const usePane = (isChannel: boolean) => {
  const pane = useSignal<Pane>(isChannel && matchMedia('(min-width: 1100px)').matches ? 'members' : undefined)
  useEffect(() => {
    const narrow = matchMedia('(max-width: 760px)')
    const changed = () => {
      if (narrow.matches) pane.value = undefined
    }
    narrow.addEventListener('change', changed)
    return () => narrow.removeEventListener('change', changed)
  }, [])
  return pane
}

export const Conversation = (
  { place, wanted }: { readonly place: Target, /** the number of a message */ readonly wanted: number | undefined },
) => {
  const texts = t.value.chat
  const log = logOf(place)
  const handle = useRef<ListHandle>(null)
  const glance = useRef<ReturnType<typeof setTimeout>>(undefined)
  const range = useRef<() => void>(undefined)
  const intent = useSignal<Intent | undefined>(undefined)
  const intend = useMemo(() => (wish: Intent) => intent.value = wish, [])
  const current = useSignal<number | undefined>(undefined)
  // Where this entry of the history was left: before anything of it is shown, and so read.
  const left = useMemo(rowPlace, [entry.value])
  const isAtEnd = useSignal(left === undefined && wanted === undefined)
  const isChannel = place.startsWith('#')
  const pane = usePane(isChannel)
  const info = isChannel ? joined.value.get(channelName(place)) : undefined
  const isIn = !isChannel || info !== undefined
  const isOwner = info?.owner !== undefined && info.owner === myId.value
  const name = isChannel ? place : nameOf(place).value

  useEffect(() => {
    if (opened.value > 0) void log.refresh().then(() => range.current?.())
  }, [log, opened.value])
  useEffect(() => {
    if (isChannel && isIn && opened.value > 0) void askPins(channelName(place)).catch(() => undefined)
  }, [place, isIn, opened.value])
  usePerFrame(log.version, growing)

  const mine = outbox.value.filter(({ to }) => to === place)
  const inLog = log.newest === 0 ? 0 : log.newest - log.oldest + 1
  const others = growing.peek().filter(each => each.place === place)
  const count = inLog + others.length + mine.length
  const late = (index: number) => others[index - inLog] ?? mine[index - inLog - others.length]
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
  const begin = left && { index: Math.max(0, left.key - log.oldest), px: left.key < log.oldest ? 0 : left.px }
  const shownEntry = useRef(entry.value)
  useLayoutEffect(() => {
    if (shownEntry.current === entry.value) return
    // The same place in another entry of the history.
    shownEntry.current = entry.value
    if (begin !== undefined) handle.current?.toPlace(begin)
    else if (wanted === undefined) handle.current?.toEnd()
  }, [entry.value])
  useEffect(() => {
    if (wanted === undefined || left !== undefined || !log.isKnown || wanted < log.oldest || wanted > log.newest) return
    isAtEnd.value = false
    handle.current?.toIndex(wanted - log.oldest)
  }, [wanted, entry.value, log.isKnown])

  return (
    <section class={`conversation ${pane.value === undefined ? '' : 'with-members'}`} aria-label={plain(name)}>
      <PlaceHead place={place} name={name} isIn={isIn} isOwner={isOwner} pane={pane} />
      <div
        class='log'
        onKeyDown={rove}
        onFocusCapture={event => {
          const seq = (event.target as HTMLElement).closest<HTMLElement>('[data-seq]')?.dataset['seq']
          current.value = seq === undefined ? undefined : Number(seq)
        }}
      >
        {log.problem.value !== undefined && count === 0 && (
          <p class='middle wrong'>
            <Why reason={reasonOf(log.problem.value)} />
          </p>
        )}
        {log.isKnown && count === 0 && <p class='middle empty'>{texts.empty}</p>}
        {count > 0 && (
          <VirtualList
            of={place}
            ref={handle}
            count={count}
            label={texts.messagesIn(plain(name))}
            rowHeight={64}
            begin={begin}
            onPlace={at => keepRowPlace(at && { key: seqOf(at.index), px: at.px })}
            keyOf={index => index < inLog ? seqOf(index) : keyOfLate(late(index)) ?? index}
            onRange={(first, last, atEnd) => {
              isAtEnd.value = atEnd
              range.current = () => log.look(seqOf(Math.max(0, first - 20)), seqOf(Math.min(inLog - 1, last + 20)))
              clearTimeout(glance.current)
              glance.current = setTimeout(() => range.current?.(), timerMs(glanceMs))
            }}
            row={index =>
              index < inLog
                ? (
                  <MessageRow
                    log={log}
                    seq={seqOf(index)}
                    {...log.row(seqOf(index))}
                    isCurrent={current.value === seqOf(index)}
                    isFound={wanted === seqOf(index)}
                    isOwner={isOwner}
                    onIntent={intend}
                  />
                )
                : <LateRow late={late(index)} place={place} />}
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
        ? <Composer place={place} name={name} intent={intent} onSaid={() => handle.current?.toEnd()} />
        : (
          <div class='composer'>
            <p>{texts.notJoined}</p>
            <button type='button' class='primary' onClick={() => void join(channelName(place)).catch(tellFailure)}>{texts.join}</button>
          </div>
        )}
      {isChannel && isIn && pane.value === 'members' && <Members channel={channelName(place)} isOwner={isOwner} />}
      {isChannel && isIn && pane.value === 'pins' && <PinsPane channel={channelName(place)} isOwner={isOwner} />}
      {isIn && pane.value === 'search' && <SearchPane place={place} name={name} />}
    </section>
  )
}

type Late = Growing | Outgoing | undefined

const keyOfLate = (late: Late): string | undefined => late === undefined ? undefined : 'key' in late ? late.key : late.id

/** What stands behind the log: what others are writing, and what of the visitor's is on its way. */
const LateRow = ({ late, place }: { readonly late: Late, readonly place: Target }) =>
  late === undefined ? null : 'key' in late ? <GrowingRow growing={late} /> : <OutgoingRow message={late} place={place} />
