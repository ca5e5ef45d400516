// What is asked of a search, taken apart: words, phrases in quotation marks, and words that may go on (*).
import { limits } from '../../../../lib/protocol/index.ts'
import { Fail } from '../../../relay/feature.ts'
import type { SoughtWords } from '../../../store/search-index.ts'
import { wordsIn } from '../../../store/words.ts'

/** Of a word that goes on: fewer letters stand for too many words. */
const minPrefixChars = 2

/** @throws Fail that says what is wrong with it */
export const parseQuery = (text: string): readonly SoughtWords[] => {
  const parts = text.split('"')
  // Every other part stands between marks.
  if (parts.length % 2 === 0) throw new Fail('INVALID_MSG', 'text: a quotation mark is not closed')
  const sought: SoughtWords[] = []
  let count = 0
  for (const [n, part] of parts.entries()) {
    for (const piece of n % 2 === 1 ? [part] : part.split(/\s+/)) {
      const words: { raw: string, word: string }[] = []
      for (const { raw, word } of wordsIn(piece)) {
        // Of what is too long no more is taken apart.
        if (++count > limits.maxSearchWords) throw new Fail('INVALID_MSG', `text: at most ${limits.maxSearchWords} words`)
        words.push({ raw, word })
      }
      if (words.length > 0) sought.push({ words, isPrefix: piece.trimEnd().endsWith('*') })
    }
  }
  if (count === 0) throw new Fail('INVALID_MSG', 'text: name a word to look for: letters or digits')
  for (const { words, isPrefix } of sought) {
    const last = words.at(-1)!.word
    if (isPrefix && last.length < minPrefixChars)
      throw new Fail('INVALID_MSG', `text: ${last}* stands for too many words; name at least ${minPrefixChars} letters of it`)
  }
  return sought
}
