// What may be spent. Each limit is hard: what would exceed it is not signed.
import { AkashError } from './failure.ts'
import { aboutAct, act, akt, perMonth, priceFor, priceText } from './money.ts'

export interface Limits {
  /** Put into escrow at once. */
  readonly maxDepositUact: bigint
  /** Fee of one transaction. */
  readonly maxFeeUakt: bigint
  /** Per block, times 10^18. */
  readonly maxPrice: bigint
  readonly maxMonthlyUact: bigint
  /** Minted from AKT at once. */
  readonly maxMintUact: bigint
  /** Burned for it: the price of AKT is what a node says it is. */
  readonly maxBurnUakt: bigint
}

const refuse = (what: string, limit: string, flag: string): never => {
  throw new AkashError('refused', `${what}, over the limit of ${limit}`, `The limit is yours: ${flag} raises it.`)
}

export const checkDeposit = (uact: bigint, { maxDepositUact }: Limits): void => {
  if (uact > maxDepositUact) refuse(`A deposit of ${act(uact)}`, act(maxDepositUact), '--max-deposit')
}

export const checkFee = (uakt: bigint, { maxFeeUakt }: Limits): void => {
  if (uakt > maxFeeUakt) refuse(`A fee of ${akt(uakt)}`, akt(maxFeeUakt), '--max-fee')
}

export const checkMint = (uact: bigint, uakt: bigint, { maxMintUact, maxBurnUakt }: Limits): void => {
  if (uact > maxMintUact) refuse(`Minting ${act(uact)}`, act(maxMintUact), '--max-mint')
  if (uakt > maxBurnUakt) refuse(`Burning ${akt(uakt)} for ${act(uact)}`, akt(maxBurnUakt), '--max-burn')
}

/** Why a price is too high, in words; undefined when it is not. */
export const priceProblem = (price: bigint, { maxPrice, maxMonthlyUact }: Limits): string | undefined => {
  if (price > maxPrice) return `${priceText(price)} uact per block is over ${priceText(maxPrice)} (--max-price)`
  const month = perMonth(price)
  return month > maxMonthlyUact ? `${aboutAct(month)} a month is over ${aboutAct(maxMonthlyUact)} (--max-monthly)` : undefined
}

/** The most that a bid may ask: what the SDL says. The lower of the two ceilings. */
export const ceilingOf = ({ maxPrice, maxMonthlyUact }: Pick<Limits, 'maxPrice' | 'maxMonthlyUact'>): bigint => {
  const monthly = priceFor(maxMonthlyUact)
  return monthly < maxPrice ? monthly : maxPrice
}
