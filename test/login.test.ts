// Logging in by the third form: good at the address that was dialled, at this relay, in this session and now; and the relay shows first
// that it is itself.
import { createHash, createPublicKey, verify as verifyBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { relayProofText } from '../lib/identity/index.ts'
import { limits, type Frame } from '../lib/protocol/index.ts'
import { newTrader } from './kit/trade.ts'
import { startTestRelay } from './kit/relay.ts'
import { bound, newKey, signWith } from './kit/wire.ts'

/** What an observer with nothing but Node finds of a relay's proof. */
const isProved = (
  { server_id, relay_key, relay_sig }: Pick<Frame<'WELCOME'>, 'server_id' | 'relay_key' | 'relay_sig'>,
  text: string,
): boolean =>
  createHash('sha256').update(relay_key!).digest('hex') === server_id
  && verifyBytes(null, Buffer.from(text), createPublicKey(relay_key!), Buffer.from(relay_sig!, 'base64'))

test('the relay signs the nonces, the address and the key of who logs in, before anything is signed for it', async () => {
  await using relay = await startTestRelay()
  const key = newKey()
  await using alice = await relay.connect()
  const { identify, verify } = bound(relay.url, key)
  const challenge = await alice.ask({ ...identify, name: 'alice' }, 'CHALLENGE')
  const { nonce, origin } = identify
  const login = { key: createHash('sha256').update(key.pem).digest('hex'), relayNonce: challenge.nonce }
  expect(isProved(challenge, relayProofText({ origin, relay: relay.serverId, nonce, login }))).toBe(true)
  expect(await alice.ask(verify(challenge), 'WELCOME')).toMatchObject({ agent_id: key.id, features: expect.arrayContaining(['login-v3']) })

  await using bob = await relay.connect()
  const welcome = await bob.ask({ type: 'IDENTIFY', name: 'bob', nonce, origin }, 'WELCOME')
  expect(isProved(welcome, relayProofText({ origin, relay: relay.serverId, nonce }))).toBe(true)
})

test('with a captcha in between the proof and what is bound stay', async () => {
  await using relay = await startTestRelay({ captcha: true })
  const answer = (question: string) => String(question.match(/\d+/g)!.map(Number).reduce((a, b) => a + b))
  const key = newKey()
  await using alice = await relay.connect()
  const { identify, verify } = bound(relay.url, key)
  const challenge = await alice.ask({ ...identify, name: 'alice' }, 'CHALLENGE')
  const captcha = await alice.ask(verify(challenge), 'CAPTCHA_CHALLENGE')
  await alice.ask({ type: 'CAPTCHA_RESPONSE', captcha_id: captcha.captcha_id, answer: answer(captcha.question) }, 'WELCOME')
  await using bob = await relay.connect()
  const { nonce, origin } = identify
  const other = await bob.ask({ type: 'IDENTIFY', name: 'bob', nonce, origin }, 'CAPTCHA_CHALLENGE')
  const welcome = await bob.ask({ type: 'CAPTCHA_RESPONSE', captcha_id: other.captcha_id, answer: answer(other.question) }, 'WELCOME')
  expect(isProved(welcome, relayProofText({ origin, relay: relay.serverId, nonce }))).toBe(true)
})

test('no login that is bound to anything else is taken', async () => {
  await using relay = await startTestRelay()
  const key = newKey()
  const attempts: readonly (readonly [
    what: string,
    forge: (challenge: Frame<'CHALLENGE'>, ours: ReturnType<typeof bound>) => Record<string, unknown> & { readonly type: string },
    code: string,
  ])[] = [
    ['another address', challenge => bound('wss://evil.example', key).verify(challenge), 'VERIFICATION_FAILED'],
    ["another client's nonce", challenge => bound(relay.url, key).verify(challenge), 'VERIFICATION_FAILED'],
    ['another relay', (challenge, ours) => ours.verify({ ...challenge, server_id: 'f'.repeat(64) }), 'VERIFICATION_FAILED'],
    ["another session's nonce", (challenge, ours) => ours.verify({ ...challenge, nonce: '0'.repeat(32) }), 'VERIFICATION_FAILED'],
    ['another key', challenge => bound(relay.url, newKey()).verify(challenge), 'VERIFICATION_FAILED'],
    ['another time', (challenge, ours) => ({ ...ours.verify(challenge), timestamp: Date.now() + 1 }), 'VERIFICATION_FAILED'],
    [
      'a time far off',
      (challenge, ours) => ours.verify(challenge, relay.clock.now() - limits.maxClockSkewMs - 60_000),
      'VERIFICATION_EXPIRED',
    ],
  ]
  for (const [what, forge, code] of attempts) {
    await using alice = await relay.connect()
    const ours = bound(relay.url, key)
    const challenge = await alice.ask({ ...ours.identify, name: 'alice' }, 'CHALLENGE')
    expect((await alice.refusal(forge(challenge, ours))).code, what).toBe(code)
  }
  await using alice = await relay.connect()
  const challenge = await alice.ask({ type: 'IDENTIFY', name: 'alice', pubkey: key.pem }, 'CHALLENGE')
  expect(challenge.relay_sig).toBeUndefined()
  expect(await alice.refusal(bound(relay.url, key).verify(challenge))).toMatchObject({
    code: 'VERIFICATION_FAILED',
    message: expect.stringMatching(/nonce and origin in IDENTIFY/) as string,
  })
})

test('the relay vouches for no address that it does not know, and says which setting names one', async () => {
  await using relay = await startTestRelay()
  const port = new URL(relay.url).port
  for (
    const origin of [
      'wss://evil.example',
      'ws://evil.example',
      `ws://relay:${port}`,
      `wss://localhost:${port}`,
      'ws://localhost:1',
      `WS://LOCALHOST:${port}`,
    ]
  ) {
    await using alice = await relay.connect()
    const { identify } = bound(relay.url, newKey())
    expect(await alice.refusal({ ...identify, origin, name: 'alice' }), origin).toMatchObject({
      code: 'ORIGIN_UNKNOWN',
      message: expect.stringMatching(/publicUrls/) as string,
    })
    // Without a key nothing is at stake, and nothing is proved.
    expect(await alice.ask({ type: 'IDENTIFY', name: 'alice', nonce: identify.nonce, origin }, 'WELCOME')).not.toHaveProperty('relay_sig')
  }
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    await using alice = await relay.connect()
    await alice.ask({ ...bound(relay.url, newKey()).identify, origin: `ws://${host}:${port}`, name: 'alice' }, 'CHALLENGE')
  }
})

test('a deal is signed for the session: what was signed in another one, or for another address, is refused', async () => {
  await using relay = await startTestRelay()
  await using ann = await newTrader(relay, 'ann', {}, newKey(), 3)
  await using bob = await newTrader(relay, 'bob')
  const offer = { to: bob.id, task: 'x' }
  await using elsewhere = await newTrader(relay, 'ann', {}, ann.key, 3)
  const { session } = elsewhere.wire
  const key = createHash('sha256').update(ann.key.pem).digest('hex')
  for (
    const wrong of [
      { ...session!, key, relayNonce: ann.wire.session!.relayNonce },
      { ...session!, key, origin: 'wss://evil.example' },
      { ...session!, key: 'f'.repeat(64) },
    ]
  )
    expect((await elsewhere.wire.refusal(elsewhere.sign('PROPOSAL', offer, { session: wrong }))).code).toBe('VERIFICATION_FAILED')
  // Who logged in by an older text has no session to sign for.
  const signed = bob.sign('PROPOSAL', { to: ann.id, task: 'x' }, { session: { ...session!, key } })
  expect((await bob.wire.refusal(signed)).message).toMatch(/third form of the login text/)
  const { proposal } = await elsewhere.wire.ask(elsewhere.sign('PROPOSAL', offer), 'PROPOSAL_STATE')
  const [event] = (await bob.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id: proposal.proposal_id }, 'PROPOSAL_EVENTS')).events
  expect(event).toMatchObject({ sig_v: 3, sig_origin: relay.url, sig_relay_nonce: session!.relayNonce })
})

test('older texts in trade can be switched off', async () => {
  await using relay = await startTestRelay({ legacyTrade: false })
  await using ann = await newTrader(relay, 'ann', {}, newKey(), 3)
  await using bob = await newTrader(relay, 'bob')
  const offer = { to: bob.id, task: 'x' }
  for (const signed of [ann.signOld('PROPOSAL', offer), bob.sign('PROPOSAL', { to: ann.id, task: 'x' })])
    expect(await (signed['to'] === bob.id ? ann : bob).wire.refusal(signed)).toMatchObject({
      code: 'VERIFICATION_FAILED',
      message: expect.stringMatching(/sig_v: 3/) as string,
    })
  await ann.do('PROPOSAL', offer)
})

test('an older login goes on to work, and signs nothing that names a session', async () => {
  await using relay = await startTestRelay({ publicUrls: ['wss://chat.example'] })
  const key = newKey()
  await using alice = await relay.login('alice', { key })
  expect(alice.id).toBe(key.id)
  const timestamp = Date.now()
  await using again = await relay.connect()
  const { challenge_id, nonce } = await again.ask({ type: 'IDENTIFY', name: 'alice', pubkey: key.pem }, 'CHALLENGE')
  const signature = signWith(key, `AGENTCHAT_AUTH_V2|${relay.serverId}|${nonce}|${challenge_id}|${timestamp}`)
  await again.ask({ type: 'VERIFY_IDENTITY', challenge_id, timestamp, sig_v: 2, signature }, 'WELCOME')
})
