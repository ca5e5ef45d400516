// A language for tests, made of English: longer words with marks, so that what is cut off, or was never in the dictionary, is seen.
const marks: Readonly<Record<string, string>> = { a: 'á', e: 'é', i: 'í', o: 'ö', u: 'ü', c: 'ç', n: 'ñ' }

const stretched = (text: string): string =>
  `⟦${text.replace(/[aeiocnu]/g, sign => marks[sign]!)}${'~'.repeat(Math.ceil(text.length * 0.3))}⟧`

/** The same dictionary, every text of it stretched. */
export const pseudo = <T>(texts: T): T => {
  if (typeof texts === 'string') return stretched(texts) as T
  if (typeof texts === 'function')
    return ((...args: unknown[]) => stretched(String((texts as (...args: unknown[]) => unknown)(...args)))) as T
  if (typeof texts !== 'object' || texts === null) return texts
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, pseudo(value)])) as T
}
