// Which of two descriptions of a relay holds, and until when. Signatures are checked before; these rules need only what was signed.
import type { ServerDocument } from '../../../lib/protocol/index.ts'

/** What orders descriptions of one relay. */
export type Dated = Pick<ServerDocument, 'issued_at' | 'expires_at' | 'sig'>

/** A relay that says it will be here for a year is believed for a week. */
export const maxLifetimeMs = 7 * 24 * 60 * 60_000

export const endOf = ({ issued_at, expires_at }: Dated): number => Math.min(expires_at, issued_at + maxLifetimeMs)

export const isLive = (document: Dated, now: number): boolean => now < endOf(document)

/** Whether `a` holds rather than `b`: the later one; of one moment always the same one, whatever came first. */
export const isNewer = (a: Dated, b: Dated): boolean => a.issued_at === b.issued_at ? a.sig > b.sig : a.issued_at > b.issued_at

export const newest = <T extends Dated>(a: T, b: T): T => isNewer(a, b) ? a : b
