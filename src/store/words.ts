// Words as messages are found by them: small letters, without accents, whatever engine keeps the index; and where each stands in its text.

/** A word of a text. `at` and `end` are UTF-16 positions there. */
export interface Word {
  /** as it is compared */
  readonly word: string
  /** as it was written */
  readonly raw: string
  readonly at: number
  readonly end: number
}

/** No index holds a longer one. */
export const maxWordChars = 200

/** Marks go before they are taken apart, too: many in a row would cost the square of how many they are. */
const withoutMarks = (text: string): string => text.replace(/\p{M}+/gu, '')

const folded = (text: string): string => withoutMarks(withoutMarks(text).normalize('NFKD')).toLowerCase()

/** Then nothing in it has to be folded but its case. */
export const isPlain = (text: string): boolean => /^[\0-\x7f]*$/.test(text)

/** The words of a text, one after the other: runs of letters and digits of any script. */
export function* wordsIn(text: string): Generator<Word> {
  if (isPlain(text)) {
    for (const { 0: raw, index: at } of text.matchAll(/[a-z0-9]+/gi))
      yield { word: raw.toLowerCase().slice(0, maxWordChars), raw, at, end: at + raw.length }
    return
  }
  for (const { 0: raw, index: at } of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    const word = (folded(raw).match(/[\p{L}\p{N}]+/gu) ?? []).join('').slice(0, maxWordChars)
    if (word !== '') yield { word, raw, at, end: at + raw.length }
  }
}
