// Waiting by a clock that may be put back: then it is over, for nobody knows how long it would be.

export interface Wait {
  /** ms since 1970 */
  readonly since: number
  readonly ms: number
}

/** It is over. */
export const none: Wait = { since: 0, ms: 0 }

export const waitOf = (ms: number, now: number): Wait => ({ since: now, ms })

export const isOver = ({ since, ms }: Wait, now: number): boolean => now < since || now - since >= ms
