// Amounts as people type them.
import { digitsOf, minorOf } from '../../lib/protocol/money.ts'

/** With a comma or a point before what is less than one, and with the currency behind it or not. */
const typedAmount = /^(\d{1,16})(?:[.,](\d{1,18}))?(?: ?([A-Za-z][A-Za-z0-9_-]{0,15}))?$/

/**
 * What was typed, as a decimal number with a point; undefined: no amount of the currency, or one that can be read in two ways. "1.000" is
 * a thousand to some and one to others.
 * @example amountIn('12,50', 'USD') // '12.50'
 */
export const amountIn = (text: string, currency: string): string | undefined => {
  const [, whole = '', fraction = '', named = currency] = typedAmount.exec(text.trim()) ?? []
  const digits = digitsOf(currency)
  const isUnclear = fraction.length > digits || digits !== 3 && fraction === '000'
  if (whole === '' || isUnclear || named.toUpperCase() !== currency.toUpperCase()) return undefined
  const amount = fraction === '' ? whole : `${whole}.${fraction}`
  return minorOf(amount, currency) === undefined ? undefined : amount
}

/** The same in minor units. */
export const minorIn = (text: string, currency: string): number | undefined => {
  const amount = amountIn(text, currency)
  return amount === undefined ? undefined : minorOf(amount, currency)
}
