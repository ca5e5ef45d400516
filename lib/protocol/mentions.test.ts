import { expect, test } from 'vitest'
import { mentionsIn } from './mentions.ts'

test.each([
  ['@alice can you look?', ['alice']],
  ['ask @8addfe276526c9f6, or @bob_2 and @bob_2 again', ['8addfe276526c9f6', 'bob_2']],
  ['(@carol) "@dave"', ['carol', 'dave']],
  ['mail a@b.example, npm pkg@1.2.3, @@x, a lone @ and @', []],
  ['', []],
])('%s', (text, words) => expect(mentionsIn(text)).toEqual(words))

test('one message mentions a bounded number', () => {
  expect(mentionsIn(Array.from({ length: 500 }, (_, i) => `@a${i}`).join(' '))).toHaveLength(20)
})
