// Money on the wire: currencies, and amounts in whole minor units. No arithmetic in fractions anywhere.
import * as z from 'zod/mini'
import { maxMinor } from './fields.ts'

export { maxMinor }

const none = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF SAT SATS ELO'
const three = 'BHD IQD JOD KWD LYD OMR TND'
const each = (codes: string, digits: number) => codes.split(' ').map((code): [string, number] => [code, digits])

/**
 * Digits behind the point of the currencies that are not written with two. States' money: the minor units of ISO 4217. Coins: their
 * smallest unit, or where an amount of a few would not be a safe integer any more, 9 digits (ETH: gwei).
 */
const digits: ReadonlyMap<string, number> = new Map([
  ...each(none, 0),
  ...each(three, 3),
  ...each('CLF UYW', 4),
  ...each('AKT ATOM DAI USDC USDT XRP', 6),
  ...each('BCH BTC DOGE LTC XBT', 8),
  ...each('ETH SOL', 9),
])

export const Currency = z.string().check(z.regex(/^[A-Za-z][A-Za-z0-9_-]{0,15}$/, 'a currency: a letter, then up to 15 of A–Z a–z 0–9 _ -'))

/** Minor units in one unit are ten to the power of this: 2 unless the currency is known to be written otherwise. */
export const digitsOf = (currency: string): number => digits.get(currencyCode(currency)) ?? 2

/** The one spelling of a currency: usd and USD are the same money. */
export const currencyCode = (currency: string): string => currency.toUpperCase()

/** A number of units as people write it, without an exponent: 1e-8 is 0.00000001. */
export const plainNumber = (value: number): string => {
  const text = String(value)
  const [, sign, digits, exponent] = /^(-?)([\d.]+)e([+-]\d+)$/.exec(text) ?? []
  if (digits === undefined) return text
  const [whole = '', fraction = ''] = digits.split('.')
  const point = whole.length + Number(exponent)
  const all = `${whole}${fraction}`
  return sign + (point <= 0 ? `0.${'0'.repeat(-point)}${all}` : `${all.padEnd(point, '0')}`)
}

/**
 * An amount in minor units; undefined where it is no amount, or finer than the currency goes.
 * @example minorOf('12.5', 'USD') // 1250
 */
export const minorOf = (amount: string | number, currency: string): number | undefined => {
  const match = /^(\d{1,16})(?:\.(\d{1,18}))?$/.exec(typeof amount === 'number' ? plainNumber(amount) : amount)
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
