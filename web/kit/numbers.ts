// Numbers as the visitor's language writes them.
import { language } from '../text/index.ts'

/** @example count(12_000) // '12,000' */
export const count = (value: number): string => new Intl.NumberFormat(language.value).format(value)

/** With one digit behind the point at most. */
export const short = (value: number): string => new Intl.NumberFormat(language.value, { maximumFractionDigits: 1 }).format(value)

/** @example percent(0.5) // '50%' */
export const percent = (share: number): string =>
  new Intl.NumberFormat(language.value, { style: 'percent', maximumFractionDigits: 0 }).format(share)
