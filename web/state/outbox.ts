// What the visitor says, until the relay has stored it: kept in this browser under its id, so that a page that is loaded anew in the middle of it
// says it once.
import { signal } from '@preact/signals'
import { agentId, type Target } from '../../lib/index.ts'
import { met } from './channels.ts'
import { logOf } from './logs.ts'
import type { LogEvent } from './log.ts'
import { here, isKeyed, myId, onOpened, visitor } from './session.ts'

/** A message on its way. */
export interface Outgoing {
  readonly id: string
  readonly to: Target
  readonly content: string
  readonly inReplyTo: string | undefined
  /** ms since 1970 */
  readonly at: number
  readonly state: 'sending' | 'failed'
  /** why it failed */
  readonly problem?: string
}

/** For how long the relay knows an id again, less an hour. */
const repeatableMs = 23 * 60 * 60_000

export const outbox = signal<readonly Outgoing[]>([])

const key = (): string => `agentchat.outbox.${myId.peek() ?? ''}`

const keep = (next: readonly Outgoing[]): void => {
  outbox.value = next
  if (!isKeyed.peek()) return
  if (next.length === 0) localStorage.removeItem(key())
  else localStorage.setItem(key(), JSON.stringify(next))
}

const kept = (): readonly Outgoing[] => {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key()) ?? '[]')
    return Array.isArray(found) ? found as readonly Outgoing[] : []
  } catch {
    return []
  }
}

/** Says something; what becomes of it is seen in `outbox`. */
export const say = (to: Target, content: string, inReplyTo?: string): void => {
  const message: Outgoing = { id: `console-${crypto.randomUUID()}`, to, content, inReplyTo, at: Date.now(), state: 'sending' }
  keep([...outbox.peek(), message])
  if (to.startsWith('@')) met(agentId(to))
  send(message)
}

/** Tries again what failed: under the same id, so that it is stored once whatever became of it before. */
export const retry = (id: string): void => {
  const found = outbox.peek().find(each => each.id === id)
  if (found === undefined) return
  const { problem: _, ...rest } = found
  const message = { ...rest, state: 'sending' } as const
  keep(outbox.peek().map(each => each.id === id ? message : each))
  send(message)
}

export const discard = (id: string): void => keep(outbox.peek().filter(each => each.id !== id))

const send = ({ id, to, content, inReplyTo }: Outgoing): void => {
  here().send(to, content, { id, ...(inReplyTo !== undefined && { inReplyTo }) }).then(({ msgId, seq, ts, to: place }) => {
    const log = logOf(place as Target)
    if (seq !== undefined && typeof log.at(seq) === 'string') {
      log.add({
        ...{ type: 'MSG', ts, seq, from: myId.peek()!, from_name: visitor.peek()?.name ?? '', to: place, content, msg_id: msgId },
        ...(inReplyTo !== undefined && { in_reply_to: inReplyTo }),
      } as LogEvent)
    }
    discard(id)
  }, (error: Error) => {
    keep(outbox.peek().map(each => each.id === id ? { ...each, state: 'failed', problem: error.message } : each))
  })
}

// A page that was loaded anew goes on with what its last life had not heard of.
const resumed = new Set<string>()
onOpened(() => {
  if (!isKeyed.peek() || resumed.has(key())) return
  resumed.add(key())
  const waiting = kept().filter(each => !outbox.peek().some(({ id }) => id === each.id)).map(({ problem: _, ...each }) => {
    const isOld = Date.now() - each.at > repeatableMs
    return isOld ? { ...each, state: 'failed' as const, problem: 'old' } : { ...each, state: 'sending' as const }
  })
  keep([...waiting, ...outbox.peek()])
  for (const each of waiting) if (each.state === 'sending') send(each)
})
