import { expect, test } from 'vitest'
import { generateKeyPair, identityFrom } from '../../lib/identity/index.ts'
import { Verifier } from './verifier.ts'

const here = { address: 'here' }
const [alice, bob] = [identityFrom(generateKeyPair().privateKey), identityFrom(generateKeyPair().privateKey)]

test('each of many signatures gets its own answer, whatever thread it went to', async () => {
  const verifier = new Verifier({ maxThreads: 3 })
  const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`)
  const answers = await Promise.all(
    texts.map((text, i) => verifier.verify(here, alice.publicKey, text, alice.sign(i % 3 === 0 ? `not ${text}` : text))),
  )
  expect(answers).toEqual(texts.map((_, i) => i % 3 !== 0))
  await verifier.close()
})

test('whoever asks for one does not wait for the thousand of another address', async () => {
  const verifier = new Verifier({ maxThreads: 1 })
  const signature = alice.sign('a')
  let done = 0
  const crowd = Array.from({ length: 1_000 }, () => verifier.verify(here, alice.publicKey, 'a', signature).then(() => done++))
  // The first of them are under way.
  await crowd[0]
  expect(await verifier.verify({ address: 'elsewhere' }, alice.publicKey, 'a', signature)).toBe(true)
  expect(done).toBeLessThan(100)
  await Promise.all(crowd)
  await verifier.close()
})

test('what cannot be read does not verify', async () => {
  const verifier = new Verifier({ maxThreads: 1 })
  const good = alice.sign('hello')
  const smallOrder = `-----BEGIN PUBLIC KEY-----\n${
    Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from([1]), Buffer.alloc(31)]).toString('base64')
  }\n-----END PUBLIC KEY-----\n`
  for (
    const [key, text, signature] of [
      [bob.publicKey, 'hello', good],
      [alice.publicKey, 'hello ', good],
      [alice.publicKey, 'hello', ''],
      [alice.publicKey, 'hello', `${good}A`],
      [alice.publicKey, 'hello', good.replace('==', '')],
      [
        alice.publicKey,
        'hello',
        `${good.slice(0, -3)}${good.at(-3) === 'A' ? 'B' : String.fromCharCode(good.charCodeAt(good.length - 3) + 1)}==`,
      ],
      ['no key', 'hello', good],
      [smallOrder, 'hello', good],
      [alice.publicKey, 'hello', '\ud800'.repeat(88)],
    ] as const
  ) expect(await verifier.verify(here, key, text, signature), signature).toBe(false)
  expect(await verifier.verify(here, alice.publicKey.replaceAll('\n', '\r\n'), 'hello', good)).toBe(true)
  await verifier.close()
})

test('a thread that ends tells those who wait, and the next check has another', async () => {
  const verifier = new Verifier({ maxThreads: 1 })
  expect(await verifier.verify(here, alice.publicKey, 'a', alice.sign('a'))).toBe(true)
  const waiting = Array.from({ length: 40 }, () => verifier.verify(here, alice.publicKey, 'b', alice.sign('b')))
  const [settled] = await Promise.all([Promise.allSettled(waiting), verifier.close()])
  expect(settled.at(-1)).toMatchObject({ status: 'rejected', reason: { message: 'A thread that checks signatures ended' } })
  expect(await verifier.verify(here, alice.publicKey, 'c', alice.sign('c'))).toBe(true)
  await verifier.close()
})
