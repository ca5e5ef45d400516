// Which bid is taken: within the limits, of a provider that is wanted, the cheapest.
import type { Bid, Provider } from './chain.ts'
import { priceProblem, type Limits } from './limits.ts'
import { perMonth } from './money.ts'

export interface Offer {
  readonly bid: Bid
  readonly monthlyUact: bigint
  readonly provider: Provider | undefined
  /** Why it is not taken. */
  readonly problem: string | undefined
}

export interface Wanted {
  readonly limits: Limits
  readonly providers: { readonly only: readonly string[], readonly never: readonly string[] }
}

/** Cheapest first. */
export const offersOf = (bids: readonly Bid[], providers: ReadonlyMap<string, Provider | undefined>, wanted: Wanted): readonly Offer[] =>
  bids
    .filter(({ state }) => state === 'open')
    .map((bid): Offer => {
      const provider = providers.get(bid.id.provider)
      return { bid, provider, monthlyUact: perMonth(bid.price), problem: problemOf(bid, provider, wanted) }
    })
    .sort((a, b) => a.bid.price === b.bid.price ? (a.bid.id.provider < b.bid.id.provider ? -1 : 1) : a.bid.price < b.bid.price ? -1 : 1)

const problemOf = (
  { id, price, denom }: Bid,
  provider: Provider | undefined,
  { limits, providers: { only, never } }: Wanted,
): string | undefined => {
  if (denom !== 'uact') return `asks for ${denom}`
  if (never.includes(id.provider)) return 'denied (--deny-provider)'
  if (only.length > 0 && !only.includes(id.provider)) return 'not among those allowed (--provider)'
  if (provider === undefined) return 'not registered as a provider'
  if (!provider.hostUri.startsWith('https://')) return 'has no https:// address'
  return priceProblem(price, limits)
}
