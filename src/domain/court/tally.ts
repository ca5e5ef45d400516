// What the votes of a panel come to: the verdict, what it gives the provider, and how each arbiter stood to it.

export type Verdict = 'disputant' | 'respondent' | 'mutual'

export interface Vote {
  readonly verdict: Verdict
  /** mutual: what goes to the provider, in minor units; null: half */
  readonly captureMinor: number | null
}

/** As many of three as decide. */
export const majority = 2

const countOf = (votes: readonly Vote[], verdict: Verdict): number => votes.filter(vote => vote.verdict === verdict).length

/** The verdict that enough agree on. */
export const agreedOn = (votes: readonly Vote[]): Verdict | undefined =>
  (['disputant', 'respondent', 'mutual'] as const).find(verdict => countOf(votes, verdict) >= majority)

/** Where no two agree, both are at fault. */
export const verdictOf = (votes: readonly Vote[]): Verdict => agreedOn(votes) ?? 'mutual'

export interface Held {
  readonly heldMinor: number
  /** which of the two works, and would be paid */
  readonly provider: 'disputant' | 'respondent'
}

/**
 * What of the held money goes to the provider; the rest goes back. Of those who share it out, the lower median: no one vote
 * moves it further than its neighbours.
 */
export const captureOf = (votes: readonly Vote[], { heldMinor, provider }: Held): number => {
  const verdict = verdictOf(votes)
  if (verdict !== 'mutual') return verdict === provider ? heldMinor : 0
  const half = Math.floor(heldMinor / 2)
  const shares = votes.filter(vote => vote.verdict === 'mutual').map(({ captureMinor }) => Math.min(captureMinor ?? half, heldMinor)).sort((
    a,
    b,
  ) => a - b)
  return agreedOn(votes) === undefined ? half : shares[Math.floor((shares.length - 1) / 2)]!
}

/** How a vote stood to the verdict. Where no two agreed nobody was in the majority. */
export const partOf = (votes: readonly Vote[], vote: Vote): 'majority' | 'dissent' =>
  vote.verdict === agreedOn(votes) ? 'majority' : 'dissent'
