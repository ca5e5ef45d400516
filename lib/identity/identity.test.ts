import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as nodeSign,
  verify as nodeVerifyBytes,
} from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  IdentityError,
  agentIdOf,
  canonicalPem,
  chainProblem,
  generateKeyPair,
  identityFrom,
  isSafeNonce,
  loginText,
  loginTextV2,
  makeRevocation,
  makeRotation,
  messageText,
  verify,
  verifyRevocation,
  verifyRotation,
} from './index.ts'
import { publicKeyPem } from './pem.ts'

const nodePair = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

describe('ids', () => {
  test('an id is the hash of the spelling that Node writes', () => {
    for (let i = 0; i < 5; i++) {
      const { publicKey } = nodePair()
      expect(canonicalPem(publicKey)).toBe(publicKey)
      expect(agentIdOf(publicKey)).toBe(`@${createHash('sha256').update(publicKey).digest('hex').slice(0, 16)}`)
    }
  })

  test('every spelling of a key has one id', () => {
    const { publicKey } = nodePair()
    const body = publicKey.split('\n')[1]!
    const spellings = [
      publicKey.trim(),
      `\n\n ${publicKey}\n`,
      publicKey.replaceAll('\n', '\r\n'),
      `-----BEGIN PUBLIC KEY-----\n${body.slice(0, 20)}\n${body.slice(20)}\n-----END PUBLIC KEY-----`,
      `-----BEGIN PUBLIC KEY-----${body}-----END PUBLIC KEY-----`,
    ]
    expect(new Set(spellings.map(agentIdOf))).toEqual(new Set([agentIdOf(publicKey)]))
  })

  test('anything else is refused', () => {
    const { publicKey, privateKey } = nodePair()
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const x25519 = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const zeroPoint = publicKeyPem(Uint8Array.of(1, ...new Uint8Array(31)))
    const noPoint = publicKeyPem(new Uint8Array(32).fill(2))
    const unreduced = publicKeyPem(Uint8Array.of(0xf0, ...new Uint8Array(30).fill(0xff), 0x7f))
    for (
      const pem of [
        zeroPoint,
        noPoint,
        unreduced,
        `hello\n${publicKey}`,
        '',
        'garbage',
        privateKey,
        rsa,
        x25519,
        publicKey.replace(/.{8}=/, '='),
        publicKey.slice(0, 60),
        publicKey + publicKey,
        'A'.repeat(10_000_000),
        publicKey.replace('M', '*'),
      ]
    ) {
      expect(() => canonicalPem(pem)).toThrow(IdentityError)
    }
  })
})

describe('signatures', () => {
  test('Node and this library read and write the same keys and signatures', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => {
      const pair = generateKeyPair()
      const identity = identityFrom(pair.privateKey)
      expect(identity.publicKey).toBe(pair.publicKey)
      expect(createPublicKey(createPrivateKey(pair.privateKey)).export({ type: 'spki', format: 'pem' })).toBe(pair.publicKey)
      const bytes = new TextEncoder().encode(text)
      expect(nodeVerifyBytes(null, bytes, createPublicKey(pair.publicKey), Buffer.from(identity.sign(text), 'base64'))).toBe(true)
      expect(identity.sign(text)).toBe(nodeSign(null, bytes, createPrivateKey(pair.privateKey)).toString('base64'))
      expect(verify(pair.publicKey, text, identity.sign(text))).toBe(true)
    }), { numRuns: 15 })
  })

  test('the first vector of RFC 8032', () => {
    const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
    const pair = generateKeyPair(() => hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'))
    expect(pair.publicKey).toBe(publicKeyPem(hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')))
    const signature = Buffer.from(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      'hex',
    ).toString('base64')
    expect(identityFrom(pair.privateKey).sign('')).toBe(signature)
    expect(verify(pair.publicKey, '', signature)).toBe(true)
  })

  test('a changed text, key or signature does not verify, and nothing throws', () => {
    const pair = generateKeyPair()
    const signature = identityFrom(pair.privateKey).sign('text')
    expect(verify(pair.publicKey, 'text.', signature)).toBe(false)
    expect(verify(generateKeyPair().publicKey, 'text', signature)).toBe(false)
    for (
      const broken of [
        '',
        'x',
        signature.slice(1),
        signature.slice(0, -4),
        `${signature}AAAA`,
        signature.replace(/^./, char => char === 'A' ? 'B' : 'A'),
        ` ${signature}`,
      ]
    ) {
      expect(verify(pair.publicKey, 'text', broken)).toBe(false)
    }
    expect(verify('no key', 'text', signature)).toBe(false)
  })

  test('only 32 hex digits are a nonce', () => {
    expect(isSafeNonce('3f9c0e5a7b1d4826a0c3e5f7091b2d4f')).toBe(true)
    for (const nonce of ['', 'AGENTCHAT_AUTH|x', `${'a'.repeat(31)}|`, 'a'.repeat(33), `${'a'.repeat(32)}\n`, 42, null])
      expect(isSafeNonce(nonce)).toBe(false)
    const fields = { nonce: 'a'.repeat(32), challengeId: 'chal_1', timestamp: 5 }
    expect(loginText(fields)).toBe(`AGENTCHAT_AUTH|${'a'.repeat(32)}|chal_1|5`)
    expect(loginTextV2({ ...fields, serverId: 'ab12' })).toBe(`AGENTCHAT_AUTH_V2|ab12|${'a'.repeat(32)}|chal_1|5`)
    expect(() => loginText({ ...fields, nonce: 'ACCEPT|prop_1||' })).toThrow(IdentityError)
    expect(() => loginText({ ...fields, challengeId: 'a|b' })).toThrow(IdentityError)
    expect(() => loginTextV2({ ...fields, serverId: 'x|y' })).toThrow(IdentityError)
  })

  test('a message text has its keys in the order that existing clients sign', () => {
    expect(messageText({ to: '#a', content: 'é"', ts: 5 })).toBe('{"to":"#a","content":"é\\"","ts":5}')
  })
})

describe('records', () => {
  const first = identityFrom(generateKeyPair().privateKey)
  const second = identityFrom(generateKeyPair().privateKey)
  const third = identityFrom(generateKeyPair().privateKey)

  test('a chain of rotations is checked link by link', () => {
    const chain = [makeRotation(first, second.publicKey, 1), makeRotation(second, third.publicKey, 2)]
    expect(chain.every(verifyRotation)).toBe(true)
    expect(chainProblem(third.publicKey, chain)).toBeUndefined()
    expect(chainProblem(first.publicKey, [])).toBeUndefined()
    expect(chainProblem(second.publicKey, chain)).toMatch(/rotation 2/)
    expect(chainProblem(third.publicKey, [chain[1]!, chain[0]!])).toMatch(/rotation 1/)
    for (const key of ['old_pubkey', 'new_pubkey', 'timestamp', 'signature', 'old_agent_id', 'new_agent_id'] as const) {
      expect(verifyRotation({ ...chain[0]!, [key]: chain[1]![key] })).toBe(false)
    }
  })

  test('a revocation holds only as its key signed it', () => {
    const notice = makeRevocation(first, 'lost', 1)
    expect(verifyRevocation(notice)).toBe(true)
    const other = makeRevocation(second, 'other', 2)
    for (const key of ['pubkey', 'agent_id', 'reason', 'timestamp', 'signature'] as const)
      expect(verifyRevocation({ ...notice, [key]: other[key] })).toBe(false)
  })

  test('a revocation claims no history that is not proved', () => {
    const rotations = [makeRotation(first, second.publicKey, 1)]
    const notice = makeRevocation(second, 'x', 2, rotations)
    expect(notice.original_agent_id).toBe(first.agentId.slice(1))
    expect(verifyRevocation(notice)).toBe(true)
    const { original_agent_id: _, ...without } = notice
    for (
      const forged of [
        without,
        { ...notice, original_agent_id: third.agentId.slice(1) },
        { ...notice, fingerprint: third.agentId.slice(1) },
        { ...notice, rotations: [] },
        { ...notice, rotations: [{ ...rotations[0]!, timestamp: '1970' }] },
        { ...notice, rotations: [makeRotation(first, third.publicKey, 1)] },
        { ...makeRevocation(second, 'x', 2), original_agent_id: first.agentId.slice(1) },
      ]
    ) expect(verifyRevocation(forged)).toBe(false)
    for (const broken of [null, {}, { ...notice, rotations: [null] }, { ...notice, agent_id: 5 }])
      expect(verifyRevocation(broken as never)).toBe(false)
  })
})
