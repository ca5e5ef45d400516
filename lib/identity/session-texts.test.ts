// The texts that bind a session and a message: their exact spelling, pinned, and checked with another implementation of Ed25519.
import { createPrivateKey, createPublicKey, sign, verify as verifyBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  IdentityError,
  agentIdOf,
  canonicalJson,
  checkTradeEvent,
  fingerprintOf,
  identityFrom,
  loginTextV3,
  messageTextV2,
  relayProofText,
  serverIdOf,
  signTrade,
  tradeText,
  verify,
} from './index.ts'
import { privateKeyPem } from './pem.ts'
import { originOf } from '../protocol/index.ts'

const seeded = (byte: number) => privateKeyPem(new Uint8Array(32).fill(byte))
const relay = identityFrom(seeded(1))
const alice = identityFrom(seeded(2))
const relayId = serverIdOf(relay.publicKey)
const key = fingerprintOf(alice.publicKey)
const nonce = '000102030405060708090a0b0c0d0e0f'
const relayNonce = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'
const origin = 'wss://chat.example'
const ts = 1_790_000_000_000

/** What Node signs with the same key, and that each takes the other's. */
const crossChecked = (byte: number, text: string): string => {
  const privateKey = createPrivateKey(seeded(byte))
  const theirs = sign(null, Buffer.from(text), privateKey).toString('base64')
  const ours = identityFrom(seeded(byte)).sign(text)
  const pem = identityFrom(seeded(byte)).publicKey
  expect(verifyBytes(null, Buffer.from(text), createPublicKey(pem), Buffer.from(ours, 'base64'))).toBe(true)
  expect(verify(pem, text, theirs)).toBe(true)
  expect(ours).toBe(theirs)
  return ours
}

test('the vector of the second form of a message', () => {
  const text = messageTextV2({
    by: alice.agentId,
    relay: relayId,
    to: '#general',
    content: 'hi',
    id: '7',
    ts,
    nonce,
    seen: { seq: 3, root: 'OxY23GLrtwuz6dCjQkZ8rG71KQ+uqdugGq64dHW9ICA=' },
    in_reply_to: undefined,
  })
  expect(text).toBe(
    'AGENTCHAT_MSG_V2|{"by":"@07097e6443239d36","content":"hi","id":"7","nonce":"000102030405060708090a0b0c0d0e0f",'
      + '"relay":"3d4c030534b1c1c6a5238bf5932d7e4b97aad59b927aa0f504717dcb8e8a785f",'
      + '"seen":{"root":"OxY23GLrtwuz6dCjQkZ8rG71KQ+uqdugGq64dHW9ICA=","seq":3},"to":"#general","ts":1790000000000}',
  )
  expect(crossChecked(2, text)).toBe('v0AVZXeuiEoe6Uqtm2SiJpPx8T5Sy3GvB4hTOkFasDdJ+VWmXCLRuZ0kfwXCzbzPc/5ZreG2PziQyu0mjJ7SBg==')
})

test('the vector of a message that names files', () => {
  const text = messageTextV2({
    ...{ by: alice.agentId, relay: relayId, to: '#general', content: 'see', id: '7', ts, nonce, in_reply_to: undefined },
    files: [{
      ...{ sha256: '64ec88ca00b268e5ba1a35678a1b5316d212f4f366b2477232534a8aeca37f3c', bytes: 11, name: 'hello.txt', mime: 'text/plain' },
    }],
  })
  expect(text).toBe(
    'AGENTCHAT_MSG_V2|{"by":"@07097e6443239d36","content":"see","files":[{"bytes":11,"mime":"text/plain","name":"hello.txt",'
      + '"sha256":"64ec88ca00b268e5ba1a35678a1b5316d212f4f366b2477232534a8aeca37f3c"}],"id":"7","nonce":"000102030405060708090a0b0c0d0e0f",'
      + '"relay":"3d4c030534b1c1c6a5238bf5932d7e4b97aad59b927aa0f504717dcb8e8a785f","to":"#general","ts":1790000000000}',
  )
  expect(crossChecked(2, text)).toBe('4yJ9nXX6jzCt0G2B4pGaHREMH+6Nfjm0LaoTiDBtTfuctbdLiZtqLywuWA2KNIrsnzfGhhHBbHsBtzLI9aT8BA==')
})

test('the second form of a message is the canonical JSON of its fields, whatever they hold', () => {
  const text = fc.string({ unit: 'binary' })
  const optional = fc.option(text, { nil: undefined })
  fc.assert(
    fc.property(
      fc.record({ by: text, relay: text, to: text, content: text, id: optional, ts: fc.double(), nonce: text, in_reply_to: optional }),
      fc.option(fc.jsonValue(), { nil: undefined }),
      (message, seen) => {
        for (const whole of [message, { ...message, seen }]) {
          let canonical: string | undefined
          try {
            canonical = `AGENTCHAT_MSG_V2|${canonicalJson(whole)}`
          } catch {
            expect(() => messageTextV2(whole)).toThrow(IdentityError)
          }
          if (canonical !== undefined) expect(messageTextV2(whole)).toBe(canonical)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('the third form of a login names who, with which key, where, at which relay, in which session and when', () => {
  const text = loginTextV3({ by: alice.agentId, key, origin, relay: relayId, nonce, relayNonce, challengeId: 'chal_1', ts })
  expect(text).toBe(
    `AGENTCHAT_AUTH_V3|{"by":"@07097e6443239d36","challenge_id":"chal_1","key":"${key}","nonce":"${nonce}","origin":"wss://chat.example",`
      + `"relay":"${relayId}","relay_nonce":"${relayNonce}","ts":1790000000000}`,
  )
  crossChecked(2, text)
  const fields = { by: alice.agentId, key, origin, relay: relayId, nonce, relayNonce, challengeId: 'chal_1', ts }
  for (const unsafe of [{ nonce: 'AGENTCHAT_AUTH|x' }, { relayNonce: '' }, { challengeId: 'a|b' }])
    expect(() => loginTextV3({ ...fields, ...unsafe })).toThrow(IdentityError)
})

test("a relay's proof names the address and the client's nonce, and the login that it begins", () => {
  const bare = relayProofText({ origin, relay: relayId, nonce })
  expect(bare).toBe(`AGENTCHAT_RELAY_V3|{"nonce":"${nonce}","origin":"wss://chat.example","relay":"${relayId}"}`)
  const whole = relayProofText({ origin, relay: relayId, nonce, login: { key, relayNonce } })
  expect(whole).toBe(
    `AGENTCHAT_RELAY_V3|{"key":"${key}","nonce":"${nonce}","origin":"wss://chat.example","relay":"${relayId}",`
      + `"relay_nonce":"${relayNonce}"}`,
  )
  crossChecked(1, whole)
})

test('the third form in trade is good in its session alone, and an event says where it was signed', () => {
  const session = { key, origin, relayNonce }
  expect(tradeText('ACCEPT', { proposal_id: 'prop_1' }, { by: alice.agentId, relay: relayId, ts, nonce, session })).toBe(
    `AGENTCHAT_TRADE_V3|["ACCEPT",{"proposal_id":"prop_1"},{"by":"@07097e6443239d36","key":"${key}","nonce":"${nonce}",`
      + `"origin":"wss://chat.example","relay":"${relayId}","relay_nonce":"${relayNonce}","ts":1790000000000}]`,
  )
  const signed = signTrade(alice, 'ACCEPT', { proposal_id: 'prop_1' }, { relay: relayId, ts, nonce, session })
  const event = {
    type: 'ACCEPT',
    by: alice.agentId,
    proposal_id: 'prop_1',
    relay: relayId,
    ...signed,
    sig_origin: origin,
    sig_relay_nonce: relayNonce,
  }
  expect(checkTradeEvent(event, alice.publicKey)).toBe('valid')
  expect(checkTradeEvent(event, alice.publicKey, { relay: relayId })).toBe('valid')
  expect(checkTradeEvent(event, alice.publicKey, { relay: 'f'.repeat(64) })).toBe('foreign')
  for (const change of [{ sig_origin: 'wss://other.example' }, { sig_relay_nonce: nonce }, { sig_v: 2 }, { sig_origin: undefined }])
    expect(checkTradeEvent({ ...event, ...change }, alice.publicKey)).toBe('invalid')
})

test('an id is the first quarter of the fingerprint', () => {
  expect(key).toMatch(/^[0-9a-f]{64}$/)
  expect(agentIdOf(alice.publicKey)).toBe(`@${key.slice(0, 16)}`)
})

test('an origin has one spelling, and only relays have one', () => {
  for (const url of ['wss://chat.example', 'WSS://Chat.Example:443/', 'wss://user@chat.example/path?x#y'])
    expect(originOf(url)).toBe('wss://chat.example')
  expect(originOf('ws://[::0001]:6667/')).toBe('ws://[::1]:6667')
  expect(originOf('ws://127.1:6667')).toBe('ws://127.0.0.1:6667')
  expect(originOf('wss://bücher.example')).toBe('wss://xn--bcher-kva.example')
  for (const url of ['https://chat.example', 'chat.example', '']) expect(() => originOf(url)).toThrow(TypeError)
})
