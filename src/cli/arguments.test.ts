import { expect, test } from 'vitest'
import { brokenArgument } from './arguments.ts'

const line = (...words: readonly (string | Uint8Array)[]) =>
  Buffer.concat(words.flatMap(word => [Buffer.from(word as string), Buffer.of(0)]))

test('a word that is no text is found by its bytes; the sign that stands for one is text like any', () => {
  const program = ['/usr/bin/node', '--flag', 'agentchat.js']
  expect(brokenArgument(['send', '#general', 'hi'], undefined)).toBeUndefined()
  expect(brokenArgument(['send', '#general', 'a\ufffdb'], line(...program, 'send', '#general', Buffer.from([0x61, 0xff, 0x62])))).toBe(3)
  expect(brokenArgument(['send', '#general', 'a\ufffdb'], line(...program, 'send', '#general', 'a\ufffdb'))).toBeUndefined()
  expect(brokenArgument(['send', '\ufffd'], undefined)).toBe(2)
})
