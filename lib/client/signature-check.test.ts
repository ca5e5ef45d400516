// What the check of signatures remembers, and what it asks: both bounded.
import { expect, test } from 'vitest'
import { generateKeyPair, identityFrom, messageText, messageTextV2, verify } from '../identity/index.ts'
import { SignatureCheck, type CheckedMessage } from './signature-check.ts'

const identity = identityFrom(generateKeyPair().privateKey)
const other = identityFrom(generateKeyPair().privateKey)
const ts = 1_790_000_000_000
const relay = 'f'.repeat(64)

const message = (n: number, seq = n, from: string = identity.agentId): CheckedMessage => ({
  ...{ from: from as `@${string}`, to: '#general', content: 'hi', ts, seq, replay: true },
  ...{ sig: 'c2ln', sig_v: 2, sig_ts: ts, relay, nonce: n.toString(16).padStart(32, '0') },
})

const checkOf = (options: Partial<ConstructorParameters<typeof SignatureCheck>[0]> = {}) =>
  new SignatureCheck({
    identity,
    verify: () => true,
    keyOf: () => Promise.resolve(undefined),
    relay: () => relay,
    now: () => ts,
    ...options,
  })

test('signatures are remembered until 20,000 others came', () => {
  const check = checkOf()
  for (let n = 1; n <= 20_000; n++) expect(check.of(message(n))).toBe('valid')
  expect(check.of(message(1, 30_000))).toBe('duplicated')
  // The same message, read again.
  expect(check.of(message(1))).toBe('valid')
  check.of(message(20_001))
  expect(check.of(message(2, 30_001))).toBe('duplicated')
  expect(check.of(message(1, 30_002))).toBe('valid')
})

test('what does not hold is not remembered: it takes no place from what does', () => {
  let holds = false
  const check = checkOf({ verify: () => holds })
  expect(check.of(message(1, 7))).toBe('invalid')
  holds = true
  expect(check.of(message(1))).toBe('valid')
})

test('a verifier that fails, at once or later, has not verified', async () => {
  const failing = () => {
    throw new Error('no')
  }
  expect(checkOf({ verify: failing }).of(message(1))).toBe('invalid')
  expect(await checkOf({ verify: async () => failing() }).of(message(1))).toBe('invalid')
})

test('a nonce belongs to who signed it: another agent takes none away', async () => {
  const check = checkOf({ keyOf: () => Promise.resolve(other.publicKey) })
  expect(await check.of(message(1, 1, other.agentId))).toBe('valid')
  expect(check.of(message(1, 2))).toBe('valid')
})

test('a relay that proved nothing is nowhere', () => {
  expect(checkOf({ relay: () => undefined }).of(message(1))).toBe('foreign')
})

test('in a channel of another relay a signature was made for that one: it holds, and is foreign, whatever relay it names', () => {
  const check = checkOf({ verify })
  const signedFor = (relay: string, n: number): CheckedMessage => {
    const { from, content, nonce } = message(n)
    const sig = identity.sign(messageTextV2({ by: from, relay, to: '#general', content, id: `${n}`, ts, nonce: nonce! }))
    return { ...message(n), to: '#general@b.example', sig, relay, pub_id: `${n}` }
  }
  const elsewhere = 'e'.repeat(64)
  expect(check.of(signedFor(elsewhere, 1))).toBe('foreign')
  expect(check.of({ ...signedFor(elsewhere, 1), content: 'never said' })).toBe('invalid')
  // Said here, and taken there: it is no word of its author's in that channel.
  expect(check.of(signedFor(relay, 2))).toBe('foreign')
  const { from, content, seq } = message(3)
  const older = { sig: identity.sign(messageText({ to: '#general', content, ts })), sig_ts: ts }
  expect(check.of({ from, content, seq, ts, replay: true, to: '#general@b.example', ...older })).toBe('foreign')
  expect(check.of({ from, content, seq, ts, replay: true, to: '#general', ...older })).toBe('weak')
})

test('in a channel whose home is known it is good when it was made for that one, or for a key that it had before', async () => {
  const [home, before] = ['e'.repeat(64), 'd'.repeat(64)]
  const known = { serverId: home, key: '', former: [before] }
  const check = checkOf({
    verify,
    homes: { known: host => host === 'b.example' ? known : undefined, of: () => Promise.reject(new Error('no')) },
  })
  const signedFor = (signed: string, n: number, to: `#${string}` = '#general@b.example'): CheckedMessage => {
    const { from, content, nonce } = message(n)
    const sig = identity.sign(messageTextV2({ by: from, relay: signed, to: '#general', content, id: `${n}`, ts, nonce: nonce! }))
    return { ...message(n), to, sig, relay: signed, pub_id: `${n}` }
  }
  expect(check.of(signedFor(home, 1))).toBe('valid')
  expect(check.of(signedFor(before, 2))).toBe('valid')
  expect(check.of(signedFor(relay, 3))).toBe('foreign')
  expect(check.of({ ...signedFor(home, 4), content: 'never said' })).toBe('invalid')
  // It says that it was signed for the home, and was not.
  expect(check.of({ ...signedFor(relay, 5), relay: home })).toBe('invalid')
  expect(check.of({ ...signedFor(home, 1), seq: 7 })).toBe('duplicated')
  // Of a host that nobody could tell of.
  expect(await check.of(signedFor(home, 6, '#general@c.example'))).toBe('foreign')
})

test('a key that the relay does not show is asked for once on a connection, a key that is not of the id neither', async () => {
  const asked: string[] = []
  const check = checkOf({
    keyOf: agent => {
      asked.push(agent)
      return Promise.resolve(agent === other.agentId ? identity.publicKey : undefined)
    },
  })
  for (let n = 1; n <= 3; n++) {
    expect(await check.of(message(n, n, other.agentId))).toBe('unknown-key')
    expect(await check.of(message(n, n, '@nobody12'))).toBe('unknown-key')
  }
  expect(asked).toEqual([other.agentId, '@nobody12'])
  check.lost()
  expect(await check.of(message(4, 4, '@nobody12'))).toBe('unknown-key')
  expect(asked).toHaveLength(3)
})
