// How long to wait before the next attempt to connect: exponential, with full jitter, so that a crowd does not come back at once.

/** How long to wait between two attempts to connect: at random, longer each time. */
export interface BackoffPolicy {
  /** Longest first wait, in ms. */
  readonly minMs: number
  /** Longest wait, in ms. */
  readonly maxMs: number
  /** Give up after this long without a connection, in ms. */
  readonly maxElapsedMs: number
}

export const defaultBackoff: BackoffPolicy = { minMs: 500, maxMs: 30_000, maxElapsedMs: Number.POSITIVE_INFINITY }

/** The wait before attempt `attempt` (0, 1, 2 …), in ms; `random` is 0 ≤ r < 1. */
export const backoffMs = ({ minMs, maxMs }: BackoffPolicy, attempt: number, random: number): number =>
  Math.floor(random * Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30)))
