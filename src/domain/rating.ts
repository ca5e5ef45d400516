// The rating that existing clients show: Elo turned to work done together. Easy to move by dealing with oneself; standing.ts is
// the honest one.

/** What is known of an agent. */
export interface Rating {
  readonly rating: number
  readonly transactions: number
}

/** One row of the wire's `rating_changes`. */
export interface RatingChange {
  readonly oldRating: number
  readonly newRating: number
  readonly change: number
  readonly transactions: number
}

/** One of two that deal with each other, and what he staked. */
export interface Stakeholder extends Rating {
  readonly stake?: number
}

export const newcomer: Rating = { rating: 1_200, transactions: 0 }
const floor = 100
const pairCooldownMs = 60 * 60_000
const verdictK = 16

/** How likely the first is to do better than the second. */
const expected = (self: Rating, other: Rating): number => 1 / (1 + 10 ** ((other.rating - self.rating) / 400))

const kFactor = ({ transactions }: Rating): number => transactions < 30 ? 32 : transactions < 100 ? 24 : 16

/** Larger work weighs more, three times as much at most. */
const weight = (amount: number): number => amount > 0 ? Math.min(1 + Math.log10(amount + 1), 3) : 1

const atLeastOne = (points: number): number => Math.max(1, Math.round(points))

const moved = ({ rating, transactions }: Rating, change: number): RatingChange => ({
  oldRating: rating,
  newRating: Math.max(floor, rating + change),
  change,
  transactions: transactions + 1,
})

export interface Completion {
  readonly amount: number
  /** Completions of this pair that were rated before. */
  readonly before: number
  /** ms since the last of them; undefined: there is none */
  readonly sinceLastMs: number | undefined
}

/**
 * Both gain, the less the more often they met. undefined: the pair was rated within the hour, and this time is not.
 * That is about the rating alone: stakes and funds of the proposal are settled all the same.
 */
export const completionChanges = (
  one: Rating,
  other: Rating,
  { amount, before, sinceLastMs }: Completion,
): readonly [RatingChange, RatingChange] | undefined => {
  if (sinceLastMs !== undefined && sinceLastMs < pairCooldownMs) return undefined
  const gain = (self: Rating, opponent: Rating) => {
    const full = atLeastOne(kFactor(self) * weight(amount) * (1 - expected(self, opponent)))
    return moved(self, atLeastOne(full / 2 / (before + 1)))
  }
  return [gain(one, other), gain(other, one)]
}

const disputeLoss = (loser: Rating, other: Rating, amount: number): number =>
  atLeastOne(kFactor(loser) * weight(amount) * expected(loser, other))

/** A dispute that one of the two won: the loser's stake goes to the winner. */
export const disputeChanges = (
  winner: Rating,
  loser: Stakeholder,
  amount: number,
): readonly [winner: RatingChange, loser: RatingChange] => {
  const loss = disputeLoss(loser, winner, amount)
  const { stake = 0 } = loser
  return [moved(winner, Math.round(loss / 2) + stake), moved(loser, -loss - stake)]
}

/** A dispute in which both were at fault: both stakes are burned. */
export const mutualFaultChanges = (one: Stakeholder, other: Stakeholder, amount: number): readonly [RatingChange, RatingChange] => {
  const loss = (self: Stakeholder, opponent: Rating) => moved(self, -disputeLoss(self, opponent, amount) - (self.stake ?? 0))
  return [loss(one, other), loss(other, one)]
}

/** What a court's verdict does to the loser. */
const verdictLoss = (loser: Rating, other: Rating): number => atLeastOne(verdictK * expected(loser, other))

/** A panel found for one of the two. Stakes are settled elsewhere. */
export const verdictChanges = (winner: Rating, loser: Rating): readonly [winner: RatingChange, loser: RatingChange] => {
  const loss = verdictLoss(loser, winner)
  return [moved(winner, atLeastOne(loss / 2)), moved(loser, -loss)]
}

/** A panel found both at fault. */
export const mutualVerdictChanges = (
  one: Rating,
  other: Rating,
): readonly [RatingChange, RatingChange] => [moved(one, -verdictLoss(one, other)), moved(other, -verdictLoss(other, one))]

export const arbiterPoints = { majority: 5, dissent: 0, absent: -25 } as const

/** What sitting on a panel does to an arbiter. */
export const arbiterChange = (arbiter: Rating, part: keyof typeof arbiterPoints): RatingChange => moved(arbiter, arbiterPoints[part])

/** Points that were at stake are gone; that is no transaction. */
export const forfeitChange = (agent: Rating, points: number): RatingChange => ({
  ...moved(agent, -points),
  transactions: agent.transactions,
})

/** Points an agent can stake, with `staked` in open proposals. */
export const availableStake = ({ rating }: Rating, staked: number): number => Math.max(0, rating - staked - floor)
