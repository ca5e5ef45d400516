// What of a seat's inbox is shown to whom. What one call showed counts as received when the next one comes: a host that dies in between is
// shown it again. An answer that a call waited for is shown out of turn, and left out later. Whichever process a call comes in at, what it shows
// is claimed before it is told, in the place of what was read: of two that would show the same, one looks again. What was claimed and not told, as its
// host gave up or its line broke, is shown with the next one.
import type { Shown } from '../../store/by-token.ts'
import { Refusal, type Kept, type Seat } from './seat.ts'
import { ShownHere, type ShownMemory, type Telling } from './shown.ts'

/** An entry of the inbox. */
export interface Entry {
  readonly seq: number
  readonly event: Kept
}

/** What waits, at one look. */
export interface Waiting {
  readonly entries: readonly Entry[]
  /** There is more behind it. */
  readonly more: boolean
  /** What had been shown. */
  readonly before: Shown
}

/** Answers that were shown out of turn and may still wait. */
const maxApart = 200
/** Steps of deals whose codes are remembered: a code is good for minutes. */
const maxSteps = 100

/** After these nobody here knows whether it was done. */
const isUncertain: ReadonlySet<string> = new Set(['LOST', 'UNCERTAIN', 'TIMEOUT', 'CANCELLED'])

export class Reader {
  readonly #memory: ShownMemory
  /** How far the inbox was received, as was heard last. */
  #received = 0
  /** Codes that were used and for which step, and what came of it. */
  readonly #steps = new Map<string, Promise<string>>()
  /** One call after the other: two that read at once would only get in each other's way. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(memory: ShownMemory = new ShownHere()) {
    this.#memory = memory
  }

  /** Runs `work` when no other call reads. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** What waits at the seat of a call and was not shown yet, up to a number of entries. `acknowledge`: what was shown until now has been received. */
  async waiting(
    limit: number,
    { seat, acknowledge, signal }: { readonly seat: Seat, readonly acknowledge: boolean, readonly signal: AbortSignal },
  ): Promise<Waiting> {
    const before = await this.#memory.shown(signal)
    let since = before.upTo > this.#received ? before.upTo : undefined
    /** Up to there everything was shown. */
    let { upTo } = before
    for (;;) {
      const page = await pageOf(seat, limit, since, signal)
      // Another log than the one that was shown: its numbers are over.
      const { items = [], more = false, seq: head = 0, cursor = this.#received } = page ?? {}
      if (page === undefined || cursor < this.#received || head < before.upTo) {
        this.#received = 0
        await this.#memory.forget(before)
        return this.waiting(limit, { seat, acknowledge, signal })
      }
      this.#received = cursor
      const entries = items.filter(({ seq }) => seq > cursor && seq > before.upTo && !before.apart.includes(seq))
      const [first] = entries
      for (const { seq } of items) if (first === undefined || seq < first.seq) upTo = seq
      if (first === undefined && more) {
        since = Math.max(upTo, cursor)
        continue
      }
      if (acknowledge && upTo > cursor) {
        await seat.ask('RECEIVED', { seq: upTo }, signal)
        this.#received = upTo
      }
      return { entries, more, before }
    }
  }

  /** The first ones of what waits are shown. False: another call showed something meanwhile. @throws whoever asked gave up */
  async show({ entries, before }: Waiting, count: number, call: Telling): Promise<boolean> {
    const upTo = entries[count - 1]!.seq
    return this.#claim(before, { upTo, apart: before.apart.filter(seq => seq > upTo) }, call)
  }

  /** That one is shown, and what is before it may wait. False: it was shown before. @throws whoever asked gave up */
  async showApart(seq: number, call: Telling): Promise<boolean> {
    for (;;) {
      const before = await this.#memory.shown(call.signal)
      if (seq <= before.upTo || before.apart.includes(seq)) return false
      const apart = [...before.apart.filter(each => each > this.#received), seq].slice(-maxApart)
      if (await this.#claim(before, { upTo: before.upTo, apart }, call)) return true
    }
  }

  async #claim(before: Shown, now: Shown, { signal, told }: Telling): Promise<boolean> {
    signal.throwIfAborted()
    const isClaimed = await this.#memory.claim(before, now, told)
    signal.throwIfAborted()
    return isClaimed
  }

  /** What comes, or came, of a step that is taken under this code; undefined: it was not used, or for something else. */
  taken(code: string, step: string): Promise<string> | undefined {
    return this.#steps.get(`${code} ${step}`)
  }

  /** Takes a step once under a code, however often and at once it comes; what was refused can be tried again. */
  take(code: string, step: string, work: () => Promise<string>): Promise<string> {
    const key = `${code} ${step}`
    if (this.#steps.size >= maxSteps) this.#steps.delete(this.#steps.keys().next().value!)
    const outcome = work().catch((error: unknown) => {
      if (!(error instanceof Refusal && isUncertain.has(error.code))) this.#steps.delete(key)
      throw error
    })
    this.#steps.set(key, outcome)
    return outcome
  }
}

/** undefined: the inbox does not reach that far. */
const pageOf = (seat: Seat, limit: number, since: number | undefined, signal: AbortSignal) =>
  seat.ask('INBOX', { limit, ...(since !== undefined && { since }) }, signal).catch((error: unknown) => {
    if (since === undefined || !(error instanceof Refusal) || error.code !== 'INVALID_MSG') throw error
    return undefined
  })
