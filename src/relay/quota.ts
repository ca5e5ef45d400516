// The quota of the data, and what is left of the disk: what is still stored when little is left, how much has to go, and who is told.
import type { Logger } from '../base/log.ts'
import type { Counts } from '../base/metrics.ts'
import { prices, type Cost } from '../../lib/protocol/index.ts'
import type { Space, Store } from '../store/store.ts'
import { Fail } from './fail.ts'

/** For the sweep that lets go of messages. */
export interface QuotaView {
  /** Bytes of messages that have to go. */
  readonly excessBytes: number
  /** So much went; `isAll`: there is nothing that could go next. */
  trimmed(gone: { readonly events: number, readonly bytes: number }, isAll: boolean): void
}

/** What is left, as parts of the quota, or of 1 GiB where that is less: from there on … */
const levels = [
  /** … it is told; */
  { name: 'near', part: 0.2 },
  /** … only small frames are stored; */
  { name: 'short', part: 0.05 },
  /** … nothing is stored any more that needs a message. */
  { name: 'full', part: 0.025 },
] as const
/** Messages go from the first on, oldest first, down to the second. */
const trimming = { from: 0.1, to: 0.15 } as const
const maxReferenceBytes = 1024 ** 3
/** A level is left when so much more than it asks for is left: it is not entered and left all the time. */
const leaveFactor = 1.25
/** A page that is written is in the write-ahead log and then in the database. */
const writtenTwice = 2
/** When to try again: what makes room works every second. */
const retryMs = 5_000

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`

export class Quota implements QuotaView {
  readonly #deps: { readonly store: Store, readonly log: Logger, readonly counts: Counts }
  #space: Space = { usedBytes: 0, reservedBytes: 0, quotaBytes: Infinity, freeBytes: Infinity }
  /** What levels are parts of. */
  #referenceBytes = 0
  /** What is left, less what was stored since that was measured. */
  #leftBytes = Infinity
  /** How many of the levels are reached. */
  #level = 0
  #trim: { readonly goalBytes: number, events: number, bytes: number, isAll: boolean } | undefined
  /** Bytes that went since the last measurement. */
  #freedBytes = 0
  #isMeasuring = false
  #isBlind = false

  constructor(deps: { readonly store: Store, readonly log: Logger, readonly counts: Counts }) {
    this.#deps = deps
  }

  get usedBytes(): number {
    return this.#space.usedBytes
  }

  /** 0: there is none. */
  get quotaBytes(): number {
    const { quotaBytes } = this.#space
    return quotaBytes === Infinity ? 0 : quotaBytes
  }

  /** What /health says when there is little left. */
  get problem(): string | undefined {
    if (this.#level === 0) return undefined
    const { usedBytes, reservedBytes, quotaBytes, freeBytes } = this.#space
    const where = quotaBytes - usedBytes <= freeBytes
      ? `${mebibytes(usedBytes)} of data and ${mebibytes(reservedBytes)} for its write-ahead log, of ${
        mebibytes(quotaBytes)
      } that there may be (maxDataBytes)`
      : `${mebibytes(freeBytes)} left on the disk of the data`
    const then = [
      ...(this.#trim === undefined ? [] : [this.#trim.isAll ? 'no message is left that could go' : 'the oldest messages go']),
      ...(this.#level === 1 ? [] : [this.#level === 2 ? 'large messages are refused' : 'messages are refused']),
    ]
    return [where, ...then].join('; ')
  }

  get excessBytes(): number {
    if (this.#trim === undefined) return 0
    const { usedBytes, reservedBytes } = this.#space
    return Math.max(0, usedBytes + reservedBytes - this.#freedBytes - this.#trim.goalBytes)
  }

  trimmed({ events, bytes }: { readonly events: number, readonly bytes: number }, isAll: boolean): void {
    this.#freedBytes += bytes
    this.#deps.counts.messagesTrimmed += events
    if (this.#trim === undefined) return
    this.#trim.events += events
    this.#trim.bytes += bytes
    if (isAll && !this.#trim.isAll) this.#deps.log.warn(this.#facts(), 'the data is at its quota, and no message is left that could go')
    this.#trim.isAll = isAll
    if (this.excessBytes === 0) this.#endTrim(this.#trim)
  }

  /** Why a request of so many bytes is not stored, if so; otherwise they count as stored. */
  refusal({ message, needsRoom }: Cost, bytes: number): Fail | undefined {
    if (this.#level >= 2 && needsRoom !== false) {
      const isLarge = bytes > prices.freeBytes
      if (isLarge)
        return new Fail('STORAGE_UNAVAILABLE',
          `Little room is left for data (maxDataBytes, or the disk): nothing of more than ${prices.freeBytes} bytes is stored now`, retryMs)
      if (this.#level >= 3 && message === true)
        return new Fail('STORAGE_UNAVAILABLE', 'No room is left for data (maxDataBytes, or the disk); nothing was stored', retryMs)
    }
    this.#leftBytes -= bytes * writtenTwice
    if (this.#level < levels.length && this.#leftBytes < this.#referenceBytes * levels[this.#level]!.part) this.#enter()
    return undefined
  }

  /** What is used now. Failing that, what was. */
  async measure(): Promise<void> {
    if (this.#isMeasuring) return
    this.#isMeasuring = true
    try {
      this.#space = await this.#deps.store.space()
      this.#isBlind = false
    } catch (error) {
      if (!this.#isBlind) this.#deps.log.warn({ err: error }, 'what the data takes of its disk could not be measured')
      this.#isBlind = true
      return
    } finally {
      this.#isMeasuring = false
    }
    const { usedBytes, reservedBytes, quotaBytes, freeBytes } = this.#space
    this.#referenceBytes = Math.min(quotaBytes, maxReferenceBytes)
    this.#leftBytes = Math.min(quotaBytes - usedBytes, freeBytes) - reservedBytes
    this.#freedBytes = 0
    this.#enter()
    this.#leave()
    this.#checkTrim()
  }

  #enter(): void {
    const before = this.#level
    while (this.#level < levels.length && this.#leftBytes < this.#referenceBytes * levels[this.#level]!.part) this.#level++
    if (this.#level > before)
      this.#deps.log.warn({ reached: levels[this.#level - 1]!.name, ...this.#facts() }, 'little room is left for data')
  }

  #leave(): void {
    const before = this.#level
    while (this.#level > 0 && this.#leftBytes > this.#referenceBytes * levels[this.#level - 1]!.part * leaveFactor) this.#level--
    if (this.#level < before)
      this.#deps.log.info({ reached: levels[this.#level - 1]?.name, ...this.#facts() }, 'there is more room for data')
  }

  /** Only what the directory takes is answered by letting go of messages: what others put on its disk never is. */
  #checkTrim(): void {
    const { usedBytes, reservedBytes, quotaBytes } = this.#space
    const taken = usedBytes + reservedBytes
    const goalBytes = quotaBytes - this.#referenceBytes * trimming.to
    if (this.#trim !== undefined && taken <= goalBytes) this.#endTrim(this.#trim)
    else if (this.#trim === undefined && taken > quotaBytes - this.#referenceBytes * trimming.from) {
      this.#trim = { goalBytes, events: 0, bytes: 0, isAll: false }
      this.#deps.log.warn(this.#facts(), 'the data nears its quota: the oldest messages go')
    }
  }

  #endTrim({ events, bytes }: { readonly events: number, readonly bytes: number }): void {
    this.#trim = undefined
    this.#deps.log.warn({ messages: events, bytes, ...this.#facts() }, 'the oldest messages went')
  }

  #facts() {
    const { usedBytes, quotaBytes, freeBytes } = this.#space
    return { usedBytes, ...(quotaBytes !== Infinity && { quotaBytes }), ...(freeBytes !== Infinity && { freeBytes }) }
  }
}
