// What a JOIN replays, and whether the client may believe that nothing is missing.

export interface ReplayRequest {
  /** Where the channel stands; seq 0: empty. */
  readonly head: { readonly seq: number, readonly oldest: number }
  readonly since: number | undefined
  readonly limit: number | undefined
  /** Whether `since` was counted in this life of the log. */
  readonly sameEpoch: boolean
  /** Events replayed when the client names no position. */
  readonly defaultLimit: number
}

/** The replay is everything with a seq above `after`. */
export interface ReplayPlan {
  readonly after: number
  readonly recovered: boolean
}

export const planReplay = ({ head, since, limit, sameEpoch, defaultLimit }: ReplayRequest): ReplayPlan => {
  // A position of another life, or beyond the end, says nothing about this log.
  if (since === undefined || !sameEpoch || since > head.seq)
    return { after: Math.max(0, head.seq - (limit ?? defaultLimit)), recovered: false }
  const missed = head.seq - since
  const after = head.seq - Math.min(missed, limit ?? missed)
  const nothingErased = missed === 0 || head.oldest <= since + 1
  return { after, recovered: after === since && nothingErased }
}
