// Money on Akash: whole micro-units and 18-digit decimals as bigint, never a float.

/** 10^18: prices have that many decimals. */
const one = 10n ** 18n
/** A month as Akash's own console counts it: 30.437 days of blocks of 6.098 s. */
const blocksPerMonth = 431_249n
const blocksPerDay = 14_169n

/** `2.5` → 2500000n for 6 decimals; more digits than there are decimals is an error. */
export const toUnits = (text: string, decimals: number): bigint => {
  const match = /^(\d{1,30})(?:\.(\d+))?$/.exec(text)
  const fraction = (match?.[2] ?? '').replace(/0+$/, '')
  if (match === null || fraction.length > decimals)
    throw new RangeError(`${JSON.stringify(text)} is not an amount with up to ${decimals} decimals`)
  return BigInt(match[1]!) * 10n ** BigInt(decimals) + BigInt(fraction.padEnd(decimals, '0') || 0)
}

/** 2500000n → `2.5` for 6 decimals */
export const fromUnits = (units: bigint, decimals: number): string => {
  const scale = 10n ** BigInt(decimals)
  const fraction = (units % scale).toString().padStart(decimals, '0').replace(/0+$/, '')
  return `${units / scale}${fraction === '' ? '' : `.${fraction}`}`
}

/** uact per block, times 10^18 */
export const toPrice = (text: string): bigint => toUnits(text, 18)
export const priceText = (price: bigint): string => fromUnits(price, 18)

const roundedUp = (amount: bigint): bigint => (amount + one - 1n) / one

/** uact for a month at this price, rounded up */
export const perMonth = (price: bigint): bigint => roundedUp(price * blocksPerMonth)
/** The highest price that comes to no more than `uact` a month. */
export const priceFor = (uact: bigint): bigint => uact * one / blocksPerMonth
/** Days that `uact` last at this price. */
export const daysLeft = (uact: bigint, price: bigint): number =>
  price === 0n ? Infinity : Number(uact * one * 10n / (price * blocksPerDay)) / 10

/** `2.5 ACT` */
export const act = (uact: bigint): string => `${fromUnits(uact, 6)} ACT`
/** `0.01 AKT` */
export const akt = (uakt: bigint): string => `${fromUnits(uakt, 6)} AKT`
/** Two decimals, rounded up: for eyes. */
export const aboutAct = (uact: bigint): string => {
  const cents = (uact + 9_999n) / 10_000n
  return `${cents / 100n}.${(cents % 100n).toString().padStart(2, '0')} ACT`
}

/**
 * uakt to burn for `uact`, at a price in dollars with 18 decimals: the engine keeps 25 basis points, and 2 % more make up for a
 * price that moves
 * until its next epoch.
 */
export const aktToBurn = (uact: bigint, aktPrice: bigint): bigint => (uact * one * 10_225n + aktPrice * 10_000n - 1n) / (aktPrice * 10_000n)
