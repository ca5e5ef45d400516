// What the visitor says, until the relay has stored it: kept in this browser under its id, so that a page that is loaded anew in the middle of it
// says it once.
import { signal } from '@preact/signals'
import { agentId, type Target } from '../../lib/index.ts'
import type { FileRef } from './carrying.ts'
import { met } from './channels.ts'
import { logOf, onMessage } from './logs.ts'
import type { LogEvent } from './log.ts'
import { here, isKeyed, myId, onOpened, visitor } from './session.ts'
import { reasonOf } from '../text/reason.ts'

/** A message on its way. */
export interface Outgoing {
  readonly id: string
  readonly to: Target
  readonly content: string
  readonly inReplyTo: string | undefined
  /** Files that it names; they are at the relay already. */
  readonly files?: readonly FileRef[]
  /** ms since 1970 */
  readonly at: number
  readonly state: 'sending' | 'failed'
  /** why it failed */
  readonly problem?: string
}

/** For how long the relay knows an id again, less an hour. */
const repeatableMs = 23 * 60 * 60_000

export const outbox = signal<readonly Outgoing[]>([])

/** Each message by itself: windows of one key keep theirs beside each other. */
const prefix = (): string => `agentchat.outbox.${myId.peek() ?? ''}.`

const store = (message: Outgoing): void => {
  if (!isKeyed.peek()) return
  try {
    localStorage.setItem(prefix() + message.id, JSON.stringify(message))
  } catch {
    // A browser that keeps nothing says it all the same; it is lost only if the page is loaded anew before it is stored.
  }
}

const put = (message: Outgoing): void => {
  const isHere = outbox.peek().some(({ id }) => id === message.id)
  outbox.value = isHere ? outbox.peek().map(each => each.id === message.id ? message : each) : [...outbox.peek(), message]
  store(message)
}

const kept = (): readonly Outgoing[] =>
  Object.keys(localStorage).filter(key => key.startsWith(prefix())).flatMap(key => {
    try {
      return [JSON.parse(localStorage.getItem(key) ?? '') as Outgoing]
    } catch {
      return []
    }
  }).sort((a, b) => a.at - b.at)

/** Says something; what becomes of it is seen in `outbox`. */
export const say = (to: Target, content: string, inReplyTo?: string, files: readonly FileRef[] = []): void => {
  const named = files.length === 0 ? {} : { files }
  const message: Outgoing = { id: `console-${crypto.randomUUID()}`, to, content, inReplyTo, ...named, at: Date.now(), state: 'sending' }
  put(message)
  if (to.startsWith('@')) met(agentId(to))
  send(message)
}

/** Tries again what failed: under the same id, so that it is stored once whatever became of it before. */
export const retry = (id: string): void => {
  const found = outbox.peek().find(each => each.id === id)
  if (found === undefined) return
  const { problem: _, ...rest } = found
  const message = { ...rest, state: 'sending' } as const
  put(message)
  send(message)
}

export const discard = (id: string): void => {
  outbox.value = outbox.peek().filter(each => each.id !== id)
  localStorage.removeItem(prefix() + id)
}

const send = ({ id, to, content, inReplyTo, files }: Outgoing): void => {
  const named = files !== undefined && { files: [...files] }
  here().send(to, content, { id, ...(inReplyTo !== undefined && { inReplyTo }), ...named }).then(({ msgId, seq, ts, to: place }) => {
    const log = logOf(place as Target)
    if (seq !== undefined && typeof log.at(seq) === 'string') {
      log.add({
        ...{ type: 'MSG', ts, seq, from: myId.peek()!, from_name: visitor.peek()?.name ?? '', to: place, content, msg_id: msgId },
        ...(inReplyTo !== undefined && { in_reply_to: inReplyTo }),
        ...named,
      } as LogEvent)
    }
    discard(id)
  }, (error: Error) => {
    const found = outbox.peek().find(each => each.id === id)
    if (found !== undefined) put({ ...found, state: 'failed', problem: reasonOf(error) })
  })
}

// Its echo says that it is stored, before its acknowledgement may.
onMessage((_place, { pub_id }, isMine) => {
  if (isMine && pub_id !== undefined && outbox.peek().some(({ id }) => id === pub_id)) discard(pub_id)
})

// A page that was loaded anew goes on with what its last life had not heard of. What was refused waits for its author.
const resumed = new Set<string>()
onOpened(() => {
  if (!isKeyed.peek() || resumed.has(prefix())) return
  resumed.add(prefix())
  for (const each of kept()) {
    if (outbox.peek().some(({ id }) => id === each.id)) continue
    const isOld = Date.now() - each.at > repeatableMs
    put(each.state === 'sending' && isOld ? { ...each, state: 'failed', problem: 'old' } : each)
    if (each.state === 'sending' && !isOld) send(each)
  }
})
