// What of a stranger's text is written out: what nobody sees, and nothing of what words and emoji are made of.
import { expect, test } from 'vitest'
import { visible } from './index.ts'

test('joiners and selectors stay where they belong to a word or an emoji, and carry nothing besides', () => {
  for (
    const text of ['\u2764\ufe0f', '\u{1f3f3}\ufe0f\u200d\u{1f308}', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645', '1\ufe0f\u20e3']
  ) expect(visible(text)).toBe(text)
  // Two behind each letter are a byte that nobody sees.
  expect(visible('a\ufe00\ufe01b\ufe0f\ufe02c')).toBe('a\\ufe00\\ufe01b\\ufe0f\\ufe02c')
  expect(visible('a\u200c\u200db\u200d\u200d')).toBe('a\\u200c\\u200db\\u200d\\u200d')
  expect(visible('a\ufe0f\u200d\ufe0f')).toBe('a\\ufe0f\\u200d\\ufe0f')
})
