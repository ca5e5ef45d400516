// One message of a place: who said it and when, what that is worth, what it says, and what can be done with it.
import { visible } from '../../../lib/identity/fence.ts'
import { isChannel } from '../../../lib/client/targets.ts'
import type { Frame, Target } from '../../../lib/index.ts'
import { Markdown } from '../../kit/markdown.tsx'
import { Provenance } from '../../kit/provenance.tsx'
import { Time } from '../../kit/time.tsx'
import { Name, plain } from '../../kit/visible-text.tsx'
import { hrefOf } from '../../shell/router.ts'
import { keepDraft } from '../../state/drafts.ts'
import type { LogEvent, PlaceLog, Row } from '../../state/log.ts'
import type { Growing } from '../../state/growing.ts'
import { isPinned } from '../../state/pins.ts'
import { discard, retry, type Outgoing } from '../../state/outbox.ts'
import { myId, visitor } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import type { Intent } from './intent.ts'
import { FileLine } from './file-line.tsx'
import { MessageActions } from './message-actions.tsx'
import { Reactions } from './reactions.tsx'

/** All that a row shows of the log is among its props: it is drawn anew when one of them changes, and not whenever the log does. */
export interface MessageRowProps extends Row {
  readonly log: PlaceLog
  readonly seq: number
  /** It has the focus of the list, or was looked for. */
  readonly isCurrent: boolean
  readonly isFound: boolean
  readonly isOwner: boolean
  readonly onIntent: (intent: Intent) => void
}

/** Characters of a growing message that are shown. */
const maxGrowing = 2_000

const messageOf = (event: LogEvent): Frame<'MSG'> => event as unknown as Frame<'MSG'>

export const MessageRow = (
  { log, seq, event, change, reacted, answered, isCurrent, isFound, isOwner, onIntent }: MessageRowProps,
) => {
  const texts = t.value.chat
  if (event === 'unread') return <div class='message waiting' aria-hidden='true' />
  if (event === 'gone') return null
  if (event.type !== 'MSG') {
    return (
      <p class='event'>
        {texts.event(plain(event.type))} · <Time at={event.ts} />
      </p>
    )
  }
  const message = messageOf(event)
  // Edits stand in the place of what they change.
  if (message.edit !== undefined || message.retract !== undefined) return null
  const { msg_id: id } = message
  const isGone = message.erased === true || change?.retract !== undefined
  // Nobody but its author says a message anew; what he says now is what is vouched for.
  const edit = change?.edit !== undefined && change.from === message.from ? change : undefined
  const content = edit?.content ?? message.content
  // An edit names those files that stay, or says that all do.
  const files = edit === undefined || edit.edit?.kept === true ? message.files : edit.files
  const isMine = message.from === myId.value
  const isPinnedHere = id !== undefined && isChannel(log.place) && isPinned(log.place, id)
  const name = isMine ? visitor.value?.name ?? message.from_name : message.from_name
  return (
    <article
      class={`message ${isMine ? 'mine' : ''} ${isFound ? 'found' : ''}`}
      aria-label={plain(name)}
      data-item
      data-seq={seq}
      tabIndex={-1}
    >
      <header>
        <a class='from' tabIndex={-1} href={hrefOf('chat', message.from)}>
          <Name text={name} />
        </a>
        {isMine && <span class='small'>{texts.you}</span>}
        <Time at={message.ts} />
        {isPinnedHere && <span class='small'>📌 {texts.pinned}</span>}
        {edit !== undefined && !isGone && <span class='small'>{texts.edited}</span>}
        <Provenance event={edit === undefined ? event : edit as unknown as LogEvent} isReachable={isCurrent} />
        {id !== undefined && !isGone && (
          <MessageActions
            log={log}
            seq={seq}
            of={{ id, name, content }}
            reacted={reacted}
            isMine={isMine}
            isPinned={isPinnedHere}
            isOwner={isOwner}
            isReachable={isCurrent}
            onIntent={onIntent}
          />
        )}
      </header>
      {message.in_reply_to !== undefined && <Answered event={answered} />}
      {isGone ? <p class='gone'>{texts.takenBack}</p> : <Markdown text={content} />}
      {!isGone && id !== undefined
        && files?.map(file => <FileLine key={file.sha256 + file.name} of={id} file={file} isReachable={isCurrent} />)}
      {!isGone && id !== undefined && <Reactions log={log} of={id} reacted={reacted} isReachable={isCurrent} />}
    </article>
  )
}

const Answered = ({ event }: { readonly event: LogEvent | undefined }) => {
  const texts = t.value.chat
  if (event === undefined) return <p class='answers'>↪ {texts.answersOlder}</p>
  const { from_name, content } = messageOf(event)
  return (
    <p class='answers'>
      ↪ {texts.answers(plain(from_name).slice(0, 64))}: <bdi>{plain(content.slice(0, 80))}</bdi>
    </p>
  )
}

/** A message of the visitor that is not stored yet. */
export const OutgoingRow = ({ message, place }: { readonly message: Outgoing, readonly place: Target }) => {
  const texts = t.value.chat
  const { id, content, files = [], at, state, problem } = message
  return (
    <article class={`message mine ${state}`} aria-label={texts.you} data-item tabIndex={-1}>
      <header>
        <span class='from'>
          <Name text={visitor.value?.name ?? ''} />
        </span>
        <span class='small'>{texts.you}</span>
        <Time at={at} />
        <span class='small' role='status'>
          {state === 'sending' ? texts.sending : texts.failed(problem === 'old' ? texts.tooOld : plain(problem ?? ''))}
        </span>
      </header>
      <Markdown text={content} />
      {files.map(({ sha256, name, bytes }) => (
        <p key={sha256 + name} class='small'>
          ▤ <bdi>{plain(name)}</bdi> · {texts.bytes(bytes)}
        </p>
      ))}
      {state === 'failed' && (
        <div class='actions'>
          {problem !== 'old' && <button type='button' onClick={() => retry(id)}>{texts.again}</button>}
          <button
            type='button'
            onClick={() => {
              keepDraft(place, content)
              discard(id)
              document.getElementById('compose')?.dispatchEvent(new CustomEvent('draft'))
            }}
          >
            {texts.copyBack}
          </button>
          <button type='button' class='quiet' onClick={() => discard(id)}>{texts.discard}</button>
        </div>
      )}
    </article>
  )
}

/** What somebody is writing: the newest of it. Nothing of it is stored, or signed, yet. */
export const GrowingRow = ({ growing: { name, text } }: { readonly growing: Growing }) => (
  <article class='message growing' aria-label={plain(name)} aria-busy='true' data-item tabIndex={-1}>
    <header>
      <span class='from'>
        <Name text={name} />
      </span>
      <span class='small'>{t.value.chat.writing}</span>
    </header>
    <p class='said raw' dir='auto'>{visible(text.slice(-maxGrowing))}</p>
  </article>
)
