// Money on the wire: currencies, and amounts in whole minor units. No arithmetic in fractions anywhere.
import { z } from 'zod'

/** Digits behind the point of the currencies that are not written with two. */
const digits: Readonly<Record<string, number>> = {
  JPY: 0,
  KRW: 0,
  BTC: 8,
  SAT: 0,
  SATS: 0,
  SOL: 9,
  AKT: 6,
  ATOM: 6,
  USDC: 6,
  USDT: 6,
  ELO: 0,
}

/** The most that one amount may be, in minor units: sums of them stay exact. */
export const maxMinor = 2 ** 43 - 1

export const Currency = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,15}$/, 'a currency: a letter, then up to 15 of A–Z a–z 0–9 _ -')
export const Minor = z.number().int().min(0).max(maxMinor).describe('minor units of the currency: cents, satoshi, …')

/** Minor units in one unit are ten to the power of this: 2 unless the currency is known to be written otherwise. */
export const digitsOf = (currency: string): number => digits[currency.toUpperCase()] ?? 2

/**
 * An amount in minor units; undefined where it is no amount, or finer than the currency goes.
 * @example minorOf('12.5', 'USD') // 1250
 */
export const minorOf = (amount: string | number, currency: string): number | undefined => {
  const match = /^(\d{1,16})(?:\.(\d{1,12}))?$/.exec(String(amount))
  if (match === null) return undefined
  const scale = digitsOf(currency)
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) return undefined
  const minor = Number(match[1]! + fraction.padEnd(scale, '0'))
  return minor <= maxMinor ? minor : undefined
}

/** @example formatMinor(1250, 'USD') // '12.50 USD' */
export const formatMinor = (minor: number, currency: string): string => {
  const scale = digitsOf(currency)
  const text = String(Math.abs(minor)).padStart(scale + 1, '0')
  const point = text.length - scale
  return `${minor < 0 ? '-' : ''}${text.slice(0, point)}${scale > 0 ? `.${text.slice(point)}` : ''} ${currency}`
}
