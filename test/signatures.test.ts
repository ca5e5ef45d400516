// A relay that verifies messages: what is forged is refused, and what waits for its check keeps its place.
import { expect, test } from 'vitest'
import { startTestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key } from './kit/wire.ts'

const signed = (key: Key, content: string, more: object = {}): string => {
  const text = { to: '#general', content, ts: 1_000 }
  return JSON.stringify({ type: 'MSG', ...text, sig: signWith(key, JSON.stringify(text)), ...more })
}

test('signed, unsigned and forged messages of one connection keep their order, and the forged ones are not stored', async () => {
  await using relay = await startTestRelay({ verifyMessages: true })
  const key = newKey()
  const alice = await relay.login('alice', { key })
  const bob = await relay.login('bob')
  const kinds = Array.from({ length: 300 }, (_, i) => i % 3 === 0 ? 'signed' : i % 3 === 1 ? 'unsigned' : 'forged')
  alice.send(...kinds.map((kind, i) =>
    kind === 'unsigned'
      ? JSON.stringify({ type: 'MSG', to: '#general', content: `${i}` })
      : signed(key, `${i}`, kind === 'forged' ? { content: `not ${i}`, id: `${i}` } : {})
  ))
  expect((await bob.take('MSG', 200)).map(({ content }) => content)).toEqual(kinds.flatMap((kind, i) => kind === 'forged' ? [] : [`${i}`]))
  const refused = await alice.take('ERROR', 100)
  expect(refused.map(({ code, re }) => [code, re])).toEqual(
    kinds.flatMap((kind, i) => kind === 'forged' ? [['VERIFICATION_FAILED', `${i}`]] : []),
  )
  expect((await bob.ask({ type: 'HISTORY', channel: '#general', limit: 1 }, 'HISTORY')).events).toMatchObject([{ seq: 200 }])
})

test.each([
  ["another agent's signature", () => signed(newKey(), 'hi', { id: '1' }), /your signature/],
  ['a signature without the time that it covers', (key: Key) => signed(key, 'hi', { ts: undefined, id: '1' }), /ts: missing/],
  ['a signature for another channel', (key: Key) => signed(key, 'hi', { to: '#agents', id: '1' }), /your signature/],
])('%s is refused', async (_, text, message) => {
  await using relay = await startTestRelay({ verifyMessages: true })
  const key = newKey()
  const alice = await relay.login('alice', { key })
  alice.send(text(key))
  expect(await alice.next('ERROR')).toMatchObject({
    code: 'VERIFICATION_FAILED',
    re: '1',
    message: expect.stringMatching(message) as string,
  })
})

test('who has no key cannot sign', async () => {
  await using relay = await startTestRelay({ verifyMessages: true })
  const alice = await relay.login('alice')
  alice.send(signed(newKey(), 'hi', { id: '1' }))
  expect(await alice.next('ERROR')).toMatchObject({
    code: 'VERIFICATION_FAILED',
    message: expect.stringMatching(/you have none/) as string,
  })
})

test('a message sent before the answer to the login is checked against the key that the login proves', async () => {
  await using relay = await startTestRelay({ verifyMessages: true })
  const key = newKey()
  const alice = await relay.connect()
  const challenge = await alice.ask({ type: 'IDENTIFY', name: 'alice', pubkey: key.pem }, 'CHALLENGE')
  const login = `AGENTCHAT_AUTH|${challenge.nonce}|${challenge.challenge_id}|1000`
  alice.send(
    JSON.stringify({ type: 'VERIFY_IDENTITY', challenge_id: challenge.challenge_id, signature: signWith(key, login), timestamp: 1_000 }),
    signed(key, 'early', { id: '1' }),
    signed(key, 'forged', { content: 'other', id: '2' }),
  )
  expect(await alice.next('ACK')).toMatchObject({ re: '1', seq: 1 })
  expect(await alice.next('ERROR')).toMatchObject({ re: '2', code: 'VERIFICATION_FAILED' })
})

test('without the option a signature is passed on as it is', async () => {
  await using relay = await startTestRelay()
  const alice = await relay.login('alice', { key: newKey() })
  alice.send(signed(newKey(), 'hi', { id: '1' }))
  expect(await alice.next('ACK')).toMatchObject({ re: '1' })
})
