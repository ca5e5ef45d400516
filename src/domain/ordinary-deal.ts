// Payments in many currencies as numbers that can be added: how many ordinary deals each is worth.
import type { Deal } from './standing.ts'

/** Money that went from a client to a provider, in minor units of its currency. */
export interface Payment {
  readonly client: string
  readonly provider: string
  readonly currency: string
  readonly minor: number
  readonly at: number
}

/**
 * An ordinary deal of a currency is the median of what anchors paid in it: others cannot move it, by heaps of tiny deals or a
 * few huge ones.
 * Where anchors paid nothing, the median of all payments has to do.
 */
export const dealsOf = (payments: readonly Payment[], anchors: { has(agent: string): boolean }): readonly Deal[] => {
  const paid = new Map<string, { readonly byAnchors: number[], readonly byAll: number[] }>()
  for (const { client, currency, minor } of payments) {
    let amounts = paid.get(currency)
    if (amounts === undefined) paid.set(currency, amounts = { byAnchors: [], byAll: [] })
    amounts.byAll.push(minor)
    if (anchors.has(client)) amounts.byAnchors.push(minor)
  }
  const ordinary = new Map(
    [...paid].map(([currency, { byAnchors, byAll }]) => [currency, median(byAnchors.length > 0 ? byAnchors : byAll)]),
  )
  return payments.map(({ client, provider, currency, minor, at }) => ({ client, provider, volume: minor / ordinary.get(currency)!, at }))
}

/** Of at least one value: the lower one of two in the middle. */
const median = (values: number[]): number => values.sort((a, b) => a - b)[(values.length - 1) >> 1]!
