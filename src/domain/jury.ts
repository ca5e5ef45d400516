// Who may judge by what it earned: standing that money of others gave it, others that are strangers to each other. Keys that deal
// among themselves have neither, however many they are.
import type { Standings } from './standing.ts'

/**
 * What an arbiter has to have: experience by the rating, which friends can make; standing, 0 to 100, and counterparties of that standing
 * no two of which dealt with each other, which they cannot.
 */
export const jurorTerms = { rating: 1_200, transactions: 10, standing: 25, counterparties: 3 } as const

/** Agents of which it is found out, those first that may stand highest: each costs a fixpoint. */
const maxSolves = 64

/** Those of some agents that may judge. Gives way before each that costs something, so that others get their turn. */
export function* jurorsAmong(agents: readonly string[], standings: Standings): Generator<undefined, readonly string[]> {
  const able = agents.map(agent => ({ agent, most: standings.atMost(agent) }))
    .filter(({ most }) => most >= jurorTerms.standing)
    .sort((a, b) => b.most - a.most || (a.agent < b.agent ? -1 : 1))
    .slice(0, maxSolves)
  const jurors: string[] = []
  for (const { agent } of able) {
    yield
    if (standings.of(agent).standing >= jurorTerms.standing && standings.isVouchedApart(agent, jurorTerms)) jurors.push(agent)
  }
  return jurors
}
