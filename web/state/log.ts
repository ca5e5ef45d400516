// What was said in one place, as far as it was read: numbers 1 to the newest, in pieces that are asked of the relay when they are looked at and
// let go when they are not.
import { signal } from '@preact/signals'
import { RelayError, type AgentChatClient, type Frame, type Target, type Told } from '../../lib/index.ts'
import { timerMs } from '../../lib/protocol/timer.ts'

/** An event of a place, as the relay stored it. */
export type LogEvent = Frame<'HISTORY'>['events'][number]
/** How a message stands: what others think of it, and by what of that the visitor thinks so too. */
export type Reacted = Pick<NonNullable<Frame<'HISTORY'>['reactions']>[number], 'changed' | 'sums' | 'mine'>
/** What stands at a number: an event; nothing any more; or nobody has looked yet. */
export type At = LogEvent | 'gone' | 'unread'

/** What a number shows: the event; what it says now, where it was changed; what others think of it; and what it answers, if that is here. */
export interface Row {
  readonly event: At
  readonly change: Frame<'MSG'> | undefined
  readonly reacted: Reacted | undefined
  readonly answered: LogEvent | undefined
}

interface Piece {
  readonly events: Map<number, LogEvent>
  /** Everything up to this number was asked for: what is not there is gone. */
  upTo: number
  isAsked: boolean
  lookedAt: number
}

/** Events of a piece, and pieces that are kept. */
const pieceSize = 100
const maxPieces = 40
/** Edits and retractions that are kept; each comes again with the page of what it changes. */
const maxChanges = 2_000
/** Messages whose reactions are kept; they come again with the page of the message. */
const maxReacted = 5_000

export class PlaceLog {
  readonly place: Target
  /** Changes whenever something of it does. */
  readonly version = signal(0)
  /** Why it could not be read. */
  readonly problem = signal<Error | undefined>(undefined)
  /** The first number that there is, and the newest; `newest` is 0 where nothing was said. */
  oldest = 1
  newest = 0
  isKnown = false
  readonly #client: AgentChatClient
  readonly #pieces = new Map<number, Piece>()
  /** The newest edit or retraction of a message, by its id. */
  readonly #changes = new Map<string, Frame<'MSG'>>()
  /** Where a message of an id stands. */
  readonly #seqs = new Map<string, number>()
  readonly #reacted = new Map<string, Reacted>()
  #epoch: string | undefined
  #looks = 0

  constructor(client: AgentChatClient, place: Target) {
    this.#client = client
    this.place = place
  }

  at(seq: number): At {
    if (seq < this.oldest) return 'gone'
    const piece = this.#pieces.get(pieceOf(seq))
    return piece?.events.get(seq) ?? (piece !== undefined && seq <= piece.upTo ? 'gone' : 'unread')
  }

  row(seq: number): Row {
    const event = this.at(seq)
    const { msg_id: id, in_reply_to: answers } = (typeof event === 'string' ? {} : event) as Partial<Frame<'MSG'>>
    return {
      event,
      change: id === undefined ? undefined : this.#changes.get(id),
      reacted: id === undefined ? undefined : this.#reacted.get(id),
      answered: answers === undefined ? undefined : this.find(answers),
    }
  }

  /** Somebody reacted, or took it back: how the message stands since. `isMine`: that was the visitor. */
  hearReacted({ msgId: id, changed, sums, kind, removed }: Told<'REACTED'>, isMine: boolean): void {
    const mine = (this.#reacted.get(id)?.mine ?? []).filter(each => !isMine || each !== kind)
    this.#keepReacted(id, { changed, sums, mine: isMine && removed !== true ? [...mine, kind] : mine })
    this.#changed()
  }

  /** Finds a message of an id among those that are here. */
  find(msgId: string): LogEvent | undefined {
    const at = this.at(this.#seqs.get(msgId) ?? 0)
    return typeof at === 'string' ? undefined : at
  }

  /** These are looked at: what of them was not read is asked for. */
  look(from: number, to: number): void {
    for (let index = pieceOf(Math.max(this.oldest, from)); index <= pieceOf(Math.min(this.newest, to)); index++) this.#need(index)
  }

  /** Asks what there is, and for the newest of it. */
  async refresh(): Promise<void> {
    await this.#ask(undefined)
  }

  /** An event that was heard or sent. */
  add(event: LogEvent): void {
    const { seq } = event
    if (seq === undefined) return
    const piece = this.#pieceOf(seq)
    this.#set(piece, seq, event)
    if (seq === Math.max(piece.upTo, firstOf(pieceOf(seq)) - 1) + 1) piece.upTo = seq
    if (seq > this.newest) this.newest = seq
    this.#keepChange(event)
    this.#letGo()
    this.#changed()
  }

  /** The connection was lost: what was changed meanwhile is read anew where somebody looks. */
  forget(): void {
    this.#pieces.clear()
    this.#seqs.clear()
    this.#reacted.clear()
  }

  #need(index: number): void {
    const piece = this.#pieces.get(index)
    if (piece !== undefined) piece.lookedAt = ++this.#looks
    if (piece?.isAsked === true || (piece !== undefined && piece.upTo >= Math.min(this.newest, lastOf(index)))) return
    void this.#ask(index)
  }

  async #ask(index: number | undefined): Promise<void> {
    const piece = index === undefined ? undefined : this.#piece(index)
    if (piece !== undefined) piece.isAsked = true
    try {
      const page = await this.#client.request('HISTORY', {
        ...(this.place.startsWith('#') ? { channel: this.place } : { with: this.place }),
        ...(index !== undefined && { after: Math.max(firstOf(index) - 1, piece!.upTo) }),
        limit: pieceSize,
        reactions: true,
      })
      const before = piece?.upTo
      this.#take(page, index)
      this.problem.value = undefined
      // The rest of a piece that was cut.
      if (piece !== undefined && piece.upTo > before! && piece.upTo < Math.min(this.newest, lastOf(index!)))
        queueMicrotask(() => this.#need(index!))
    } catch (error) {
      this.problem.value = error as Error
      // What is refused for now is asked for again; the rest when somebody comes back to it.
      const waitMs = error instanceof RelayError ? error.retryAfterMs : undefined
      if (waitMs !== undefined) setTimeout(() => void this.#ask(index), timerMs(waitMs))
    } finally {
      if (piece !== undefined) piece.isAsked = false
      this.#changed()
    }
  }

  #take(page: Frame<'HISTORY'>, index: number | undefined): void {
    if (this.#epoch !== undefined && this.#epoch !== page.epoch) {
      this.#pieces.clear()
      this.newest = 0
    }
    this.#epoch = page.epoch
    this.isKnown = true
    this.oldest = Math.max(1, page.oldest)
    this.newest = Math.max(this.newest, page.seq)
    for (const event of page.events) {
      if (event.seq === undefined) continue
      this.#set(this.#pieceOf(event.seq), event.seq, event)
      this.#keepChange(event)
    }
    for (const event of page.changes ?? []) this.#keepChange(event)
    for (const each of page.reactions ?? []) this.#keepReacted(each.msg_id, each)
    const newest = page.events.at(-1)?.seq
    if (index !== undefined) {
      // A page may be cut by its size: what is behind its last event was not read.
      const end = page.more && newest !== undefined ? Math.min(newest, lastOf(index)) : lastOf(index)
      this.#piece(index).upTo = Math.max(this.#piece(index).upTo, Math.min(page.seq, end))
    } else {
      // The newest ones: all there is from the first of them on.
      const first = page.events[0]?.seq ?? page.seq + 1
      for (let each = pieceOf(first); each <= pieceOf(page.seq); each++)
        if (firstOf(each) >= first || !page.more) this.#piece(each).upTo = Math.min(newest ?? page.seq, lastOf(each))
    }
    this.#letGo()
  }

  #keepChange(event: LogEvent): void {
    if (event.type !== 'MSG') return
    const frame = event as unknown as Frame<'MSG'>
    const of = (frame.edit ?? frame.retract)?.of
    if (of === undefined || frame.erased === true) return
    const known = this.#changes.get(of)
    if (known !== undefined && (frame.seq ?? 0) <= (known.seq ?? 0)) return
    if (this.#changes.size >= maxChanges) this.#changes.delete(this.#changes.keys().next().value!)
    this.#changes.set(of, frame)
  }

  /** The one that changed last is right, in whatever order they come. */
  #keepReacted(id: string, reacted: Reacted): void {
    const known = this.#reacted.get(id)
    if (known !== undefined && known.changed > reacted.changed) return
    this.#reacted.delete(id)
    if (this.#reacted.size >= maxReacted) this.#reacted.delete(this.#reacted.keys().next().value!)
    this.#reacted.set(id, reacted)
  }

  #set(piece: Piece, seq: number, event: LogEvent): void {
    piece.events.set(seq, event)
    if (typeof event['msg_id'] === 'string') this.#seqs.set(event['msg_id'], seq)
  }

  #pieceOf(seq: number): Piece {
    return this.#piece(pieceOf(seq))
  }

  #piece(index: number): Piece {
    let piece = this.#pieces.get(index)
    if (piece === undefined) this.#pieces.set(index, piece = { events: new Map(), upTo: 0, isAsked: false, lookedAt: ++this.#looks })
    return piece
  }

  /** What was looked at longest ago goes; the relay has it. */
  #letGo(): void {
    if (this.#pieces.size <= maxPieces) return
    const oldest = [...this.#pieces].filter(([, piece]) => !piece.isAsked).sort(([, a], [, b]) => a.lookedAt - b.lookedAt)
    for (const [index, { events }] of oldest.slice(0, this.#pieces.size - maxPieces)) {
      for (const event of events.values()) this.#seqs.delete(String(event['msg_id']))
      this.#pieces.delete(index)
    }
  }

  #changed(): void {
    this.version.value++
  }
}

const pieceOf = (seq: number): number => Math.floor((seq - 1) / pieceSize)
const firstOf = (index: number): number => index * pieceSize + 1
const lastOf = (index: number): number => (index + 1) * pieceSize
