// The texts over edits and retractions: their exact spelling, pinned, and checked with another implementation of Ed25519.
import { createHash, createPrivateKey, createPublicKey, sign, verify as verifyBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { changeTextOf, contentHashOf, editText, identityFrom, retractText, serverIdOf } from './index.ts'
import { privateKeyPem } from './pem.ts'

const seeded = (byte: number) => privateKeyPem(new Uint8Array(32).fill(byte))
const relay = serverIdOf(identityFrom(seeded(1)).publicKey)
const alice = identityFrom(seeded(2))
const stamp = { by: alice.agentId, relay, msg_id: '1-16-5b1f0c', ts: 1_790_000_000_000, nonce: '000102030405060708090a0b0c0d0e0f' }
const prev = '8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4'

/** What Node signs with the same key, which has to be what the library signs. */
const crossSigned = (text: string): string => {
  const theirs = sign(null, Buffer.from(text), createPrivateKey(seeded(2)))
  expect(verifyBytes(null, Buffer.from(text), createPublicKey(alice.publicKey), Buffer.from(alice.sign(text), 'base64'))).toBe(true)
  expect(alice.sign(text)).toBe(theirs.toString('base64'))
  return alice.sign(text)
}

test('the vector of an edit, which names the hash of the text it replaces', () => {
  expect(contentHashOf('hi')).toBe(prev)
  expect(contentHashOf('ü\u2028🙂')).toBe(createHash('sha256').update('ü\u2028🙂').digest('hex'))
  const text = editText({ ...stamp, content: 'Hi.', prev })
  expect(text).toBe(
    `AGENTCHAT_EDIT_V2|{"by":"@07097e6443239d36","content":"Hi.","msg_id":"1-16-5b1f0c","nonce":"000102030405060708090a0b0c0d0e0f","prev":"${prev}",`
      + `"relay":"3d4c030534b1c1c6a5238bf5932d7e4b97aad59b927aa0f504717dcb8e8a785f","ts":1790000000000}`,
  )
  expect(crossSigned(text)).toMatchInlineSnapshot(
    `"QMFbCJ2UXr1hiItziPxEEbu9g/SdqWegl66wYhNAkTe7gJJdPscMCndsuJC8zS0tqwjoQXdmtzgojI2lMpB+AQ=="`,
  )
})

test('the vector of a retraction', () => {
  const text = retractText(stamp)
  expect(text).toBe(
    'AGENTCHAT_RETRACT_V2|{"by":"@07097e6443239d36","msg_id":"1-16-5b1f0c","nonce":"000102030405060708090a0b0c0d0e0f",'
      + `"relay":"3d4c030534b1c1c6a5238bf5932d7e4b97aad59b927aa0f504717dcb8e8a785f","ts":1790000000000}`,
  )
  expect(crossSigned(text)).toMatchInlineSnapshot(
    `"Wpma2Sc4Ij1yUytLz8iaB4Bvlmon1RhmEGqWu5d36d+5SrN6V1QJRxM1DbBihf2xHhNcm+DRpJz1JDqfPyvUDg=="`,
  )
})

test('a message tells what its change was signed over, or holds too little for it', () => {
  const { by: from, msg_id: of, ts: sig_ts, nonce } = stamp
  const mark = { of, relay, sig_ts, nonce }
  expect(changeTextOf({ from, content: 'Hi.', edit: { ...mark, prev } })).toBe(editText({ ...stamp, content: 'Hi.', prev }))
  const files = [{ sha256: 'f'.repeat(64), bytes: 1, name: 'a.txt' }]
  const named = editText({ ...stamp, content: 'Hi.', prev, files })
  expect(named).toContain(`"files":[{"bytes":1,"name":"a.txt","sha256":"${'f'.repeat(64)}"}],"msg_id"`)
  expect(changeTextOf({ from, content: 'Hi.', files, edit: { ...mark, prev } })).toBe(named)
  expect(changeTextOf({ from, content: 'Hi.', files, edit: { ...mark, prev, kept: true } })).toBe(
    editText({ ...stamp, content: 'Hi.', prev }),
  )
  expect(changeTextOf({ from, content: '', retract: mark })).toBe(retractText(stamp))
  expect(changeTextOf({ from, content: 'Hi.', edit: mark })).toBeUndefined()
  expect(changeTextOf({ from, content: 'Hi.', edit: { ...mark, prev, nonce: 'x' } })).toBeUndefined()
  expect(changeTextOf({ from, content: 'half \ud800', edit: { ...mark, prev } })).toBeUndefined()
  expect(changeTextOf({ from, content: 'plain' })).toBeUndefined()
})
