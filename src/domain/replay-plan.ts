// What a JOIN replays, and whether the client may believe that nothing is missing.

export interface ReplayRequest {
  /** Where the channel stands; seq 0, or an oldest beyond it: empty. */
  readonly head: { readonly seq: number, readonly oldest: number }
  /** Counted in this life of the log. */
  readonly since: number | undefined
  readonly limit: number | undefined
  /** Events replayed when the client names no position. */
  readonly defaultLimit: number
}

/** The replay is everything with a seq above `after`. */
export interface ReplayPlan {
  readonly after: number
  readonly recovered: boolean
}

export const planReplay = ({ head, since, limit, defaultLimit }: ReplayRequest): ReplayPlan => {
  // Empty, and its numbers go on where a channel of its name was deleted: there is nothing to replay, from wherever.
  const first = head.oldest > head.seq ? head.seq : 0
  // A position beyond the end says nothing about this log.
  if (since === undefined || since > head.seq)
    return { after: Math.max(first, head.seq - (limit ?? defaultLimit)), recovered: false }
  const missed = head.seq - since
  const after = head.seq - Math.min(missed, limit ?? missed)
  const nothingErased = missed === 0 || head.oldest <= since + 1
  return { after: Math.max(first, after), recovered: after === since && nothingErased }
}
