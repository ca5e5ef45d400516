// In which language the page of accounts speaks: what the browser asks for, of those that there are.
import { de } from './de.ts'
import { en, type PageTexts } from './en.ts'

/** What people may choose, in the order in which it is shown; the console speaks the same. */
export const locales = ['en', 'de'] as const

/** `pseudo` is for tests, as in the console: longer words, from right to left, so that what was never in the dictionary is seen. */
export type PageLocale = (typeof locales)[number] | 'pseudo'

const stretched = <T>(texts: T): T =>
  (typeof texts === 'string'
    ? `⟦${texts}${'~'.repeat(Math.ceil(texts.length * 0.3))}⟧`
    : Object.fromEntries(Object.entries(texts as object).map(([key, value]) => [key, stretched(value as unknown)]))) as T

const dictionaries: Readonly<Record<PageLocale, PageTexts>> = { en, de, pseudo: stretched(en) }

const isLocale = (text: string): text is PageLocale => Object.hasOwn(dictionaries, text)

export const textsOf = (locale: PageLocale): PageTexts => dictionaries[locale]

/** Nobody reads more languages, and what else stands there is a stranger's. */
const maxAsked = 20

/** @param chosen by the address, or by the account; the first one that there is @param accepted `Accept-Language`, as in `de-AT,de;q=0.9,en;q=0.8` */
export const localeOf = (chosen: readonly (string | null)[], accepted = ''): PageLocale => {
  const known = chosen.find(each => each !== null && isLocale(each))
  if (known !== undefined) return known as PageLocale
  const wanted = accepted.split(',', maxAsked).map(each => {
    const [range = '', weight = ''] = each.split(';', 2)
    const q = Number(weight.trim().replace(/^q=/, '') || 1)
    return { locale: range.trim().slice(0, 2).toLowerCase(), q: q >= 0 && q <= 1 ? q : 0 }
  })
  // Of equal ones the first.
  const best = wanted.filter(({ locale, q }) => (locales as readonly string[]).includes(locale) && q > 0).sort((a, b) => b.q - a.q)[0]
  return (best?.locale ?? 'en') as PageLocale
}
