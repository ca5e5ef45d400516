// What the messages of a channel, or of two agents, say now: edits in the places of what they replace, and what was taken back gone.
import type { AgentId, Frame, Target } from '../protocol/index.ts'

/** A message as it reads now. */
export interface SaidMessage {
  /** the id of the message itself, whatever became of it */
  readonly id: string
  /** its own place; that of what changed it, where the message itself is not known */
  readonly seq: number
  readonly from: AgentId
  readonly fromName: string
  readonly to: Target
  /** '' where it was taken back or erased */
  readonly content: string
  readonly isEdited: boolean
  readonly isGone: boolean
  /** the frame that says it: the message, its newest edit, or its retraction */
  readonly frame: Frame<'MSG'>
}

interface Entry {
  first: Frame<'MSG'> | undefined
  newest: Frame<'MSG'> | undefined
}

/** Messages that are kept; beyond, the oldest go. */
const defaultMax = 10_000

/**
 * Takes messages of one stream as they come, in any order and however often, and tells what they say now.
 * @example const said = new Said(); client.on('message', ({ frame }) => said.add(frame)); said.messages()
 */
export class Said {
  readonly #entries = new Map<string, Entry>()
  readonly #max: number

  constructor({ maxMessages = defaultMax }: { readonly maxMessages?: number } = {}) {
    this.#max = maxMessages
  }

  /** A message of the stream, an edit, or a retraction; what has no number says nothing that lasts. */
  add(frame: Frame<'MSG'>): void {
    const { msg_id, seq, edit, retract } = frame
    if (msg_id === undefined || seq === undefined) return
    const change = edit ?? retract
    // Of an edit that is gone only the place is left, and nothing of it in that of the message.
    if (change !== undefined && frame.erased) return
    const id = change?.of ?? msg_id
    const entry = this.#entries.get(id) ?? { first: undefined, newest: undefined }
    this.#entries.set(id, entry)
    if (change === undefined) entry.first = frame
    else if (entry.newest === undefined || seq > entry.newest.seq!) entry.newest = frame
    if (this.#entries.size > this.#max) this.#dropOldest()
  }

  /** The message of an id, as it reads now. */
  get(id: string): SaidMessage | undefined {
    const entry = this.#entries.get(id)
    return entry && shown(id, entry)
  }

  /** All of them, in their order. */
  messages(): readonly SaidMessage[] {
    return [...this.#entries].map(([id, entry]) => shown(id, entry)).sort((a, b) => a.seq - b.seq)
  }

  #dropOldest(): void {
    const ids = [...this.#entries].sort(([, a], [, b]) => placeOf(a) - placeOf(b)).slice(0, Math.ceil(this.#max / 10)).map(([id]) => id)
    for (const id of ids) this.#entries.delete(id)
  }
}

const placeOf = ({ first, newest }: Entry): number => (first ?? newest)!.seq!

const shown = (id: string, entry: Entry): SaidMessage => {
  const { first, newest } = entry
  const frame = newest ?? first!
  const { from, from_name: fromName, to } = first ?? frame
  const isGone = frame.retract !== undefined || first?.erased === true
  return {
    ...{ id, seq: placeOf(entry), from, fromName, to, frame },
    content: isGone ? '' : frame.content,
    isEdited: newest?.edit !== undefined,
    isGone,
  }
}
