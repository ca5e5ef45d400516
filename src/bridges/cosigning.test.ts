import { expect, test } from 'vitest'
import { Cosigning } from './cosigning.ts'

test('what the other relay has of a channel is looked for once in a session, and anew where the channel begins anew', () => {
  const cosigning = new Cosigning({ hand: () => Promise.resolve(), now: () => 0 })
  cosigning.opened()
  expect([cosigning.looks('#a'), cosigning.looks('#a'), cosigning.looks('#b')]).toEqual([true, false, true])
  cosigning.forget('#a')
  expect([cosigning.looks('#a'), cosigning.looks('#b')]).toEqual([true, false])
  cosigning.opened()
  expect(cosigning.looks('#b')).toBe(true)
})
