// What the rows of a log say, whichever engine gives them.
import type { Fate, Head, ReceiptState } from './log.ts'

/** Publish keys that are forgotten, and inbox entries that are ended, by one statement. */
export const keysForgottenAtOnce = 5_000
export const entriesExpiredAtOnce = 1_000

/** Of an entry's text; a larger one counts for several in the share of its sender. */
const bytesPerUnit = 5 * 1024
export const unitsOf = (text: Buffer): number => Math.ceil(text.length / bytesPerUnit)

/** The cursor that each kind of progress moves. */
export const cursorOf = { offered: 'offered', received: 'seq', read: 'read' } as const satisfies Partial<Record<ReceiptState, string>>

/** An inbox entry. */
export interface Entry {
  readonly agent: string
  readonly stream: number
  readonly event: number
  readonly receipts: number
  readonly expires_at: number | null
  readonly offered_at: number | null
  readonly received_at: number | null
  readonly read_at: number | null
  readonly expired_at: number | null
}
export const entry = 'agent, stream, event, receipts, expires_at, offered_at, received_at, read_at, expired_at'

export const fateOf = (
  event: { readonly msgId: string, readonly author: string, readonly stream: string, readonly ts: number },
  entries: readonly Entry[],
): Fate => ({
  msgId: event.msgId,
  author: event.author,
  stream: event.stream,
  storedAt: event.ts,
  expiresAt: entries[0]?.expires_at ?? null,
  receipts: entries.map(row => ({
    agent: row.agent,
    offeredAt: row.offered_at,
    receivedAt: row.received_at,
    readAt: row.read_at,
    expiredAt: row.expired_at,
  })),
})

/** What ended below the base is not there any more, though it may still have to be cleared away. */
export const headOf = (base: number, seq: number, ts: number, oldest: number): Head =>
  seq <= base ? { seq: base, ts, oldest: base === 0 ? 0 : base + 1 } : { seq, ts, oldest: Math.max(oldest, base + 1) }
