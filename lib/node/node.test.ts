import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Point, etc, hash } from '@noble/ed25519'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { IdentityError, generateKeyPair, identityFrom, verify, verifyRevocation } from '../identity/index.ts'
import { publicKeyPem } from '../identity/pem.ts'
import { createVerify, nodeIdentity } from './crypto.ts'
import {
  identityFileWarning,
  identityOf,
  identityPath,
  loadIdentityFile,
  newIdentityFile,
  revocationOf,
  rotated,
  rotationProblem,
  saveIdentityFile,
} from './identity-file.ts'
import { KnownRelays } from './known-relays.ts'
import { writePrivateFile } from './private-file.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'agentchat-node-'))
})
afterEach(() => rmSync(home, { recursive: true }))

test('Node signs and verifies as the library does, also what is broken', () => {
  const nodeVerify = createVerify({ maxKeys: 2 })
  fc.assert(fc.property(fc.string(), fc.nat(87), fc.string({ minLength: 1, maxLength: 1 }), (text, at, char) => {
    const { privateKey, publicKey } = generateKeyPair()
    const signature = nodeIdentity(privateKey).sign(text)
    expect(signature).toBe(identityFrom(privateKey).sign(text))
    const broken = signature.slice(0, at) + char + signature.slice(at + 1)
    for (const given of [signature, broken, signature.slice(0, at), ''])
      expect(nodeVerify(publicKey, text, given)).toBe(verify(publicKey, text, given))
    expect(nodeVerify(publicKey, text, signature)).toBe(true)
  }), { numRuns: 25 })
  expect(nodeVerify('no key', 'text', 'AAAA')).toBe(false)
  expect(() => nodeIdentity('no key')).toThrow(IdentityError)
})

test('Node and the library agree on crafted keys and signatures too', () => {
  const nodeVerify = createVerify()
  const both = (pem: string, text: string, signature: Uint8Array): readonly boolean[] =>
    [verify, nodeVerify].map(check => check(pem, text, Buffer.from(signature).toString('base64')))
  const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
  const scalar = (n: bigint) => Uint8Array.from(Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse())
  const order = Point.CURVE().n
  const [secret, random] = [123_456_789n, 987_654_321n]
  const key = Point.BASE.multiply(secret)
  const commitment = Point.BASE.multiply(random)
  const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  const crafted = (a: Point, r: Point, text: string) => {
    const k = etc.mod(number(hash(etc.concatBytes(r.toBytes(), a.toBytes(), Buffer.from(text)))), order)
    return { pem: publicKeyPem(a.toBytes()), text, signature: etc.concatBytes(r.toBytes(), scalar(etc.mod(random + k * secret, order))), k }
  }

  const { pem, signature } = crafted(key, commitment, 'text')
  expect(both(pem, 'text', signature)).toEqual([true, true])
  // The same S, a second time around the group.
  expect(both(pem, 'text', etc.concatBytes(signature.slice(0, 32), scalar(number(signature.slice(32)) + order)))).toEqual([false, false])
  for (let i = 0; i < 16; i++) {
    const byR = crafted(key, commitment.add(torsion), `text ${i}`)
    expect(both(byR.pem, byR.text, byR.signature)).toEqual([false, false])
    const byKey = crafted(key.add(torsion), commitment, `text ${i}`)
    expect(both(byKey.pem, byKey.text, byKey.signature)).toEqual(byKey.k % 8n === 0n ? [true, true] : [false, false])
  }
  // Keys of small order, under which signatures need no secret.
  for (let i = 0, point = torsion; i < 8; i++, point = point.add(torsion)) {
    expect(both(publicKeyPem(point.toBytes()), 'text', etc.concatBytes(Point.ZERO.toBytes(), new Uint8Array(32)))).toEqual([false, false])
  }
})

test('only a public key verifies: no private key, no text around it', () => {
  const { privateKey, publicKey } = generateKeyPair()
  const signature = identityFrom(privateKey).sign('text')
  for (const check of [verify, createVerify()]) {
    expect(check(publicKey.replaceAll('\n', '\r\n'), 'text', signature)).toBe(true)
    for (const pem of [privateKey, `hello\n${publicKey}`, publicKey + publicKey, 'A'.repeat(10_000_000)])
      expect(check(pem, 'text', signature)).toBe(false)
    for (const given of ['A'.repeat(10_000_000), `${signature.slice(0, -2)}AA`, undefined as never])
      expect(check(publicKey, 'text', given)).toBe(false)
  }
})

test('an identity file is private, whole, and not overwritten by accident', () => {
  const file = identityPath('alice', home)
  const identity = newIdentityFile('alice', 0)
  saveIdentityFile(file, identity)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
  expect(loadIdentityFile(file)).toEqual(identity)
  expect(() => saveIdentityFile(file, newIdentityFile('bob', 0))).toThrow(/exists already/)
  expect(loadIdentityFile(file)).toEqual(identity)
  saveIdentityFile(file, newIdentityFile('bob', 0), { overwrite: true })
  expect(loadIdentityFile(file).name).toBe('bob')
  expect(readdirSync(dirname(file))).toEqual(['alice.json'])
  expect(readFileSync(join(home, '.agentchat', '.gitignore'), 'utf8')).toBe('*\n')
  expect(JSON.parse(readFileSync(file, 'utf8')).agentId).toMatch(/^[0-9a-f]{16}$/)
})

test.each([['.', '.agentchat/identities/alice.json'], ['.agentchat', 'alice.json']])('from %s, the keys of %s stay out of a repository',
  (folder, file) => {
    const before = process.cwd()
    mkdirSync(join(home, '.agentchat'))
    process.chdir(join(home, folder))
    try {
      saveIdentityFile(file, newIdentityFile('alice', 0))
    } finally {
      process.chdir(before)
    }
    expect(readFileSync(join(home, '.agentchat', '.gitignore'), 'utf8')).toBe('*\n')
  })

test('a write that fails leaves the old file and no litter', () => {
  const file = join(home, 'x.json')
  writePrivateFile(file, 'old', { overwrite: true })
  expect(() => writePrivateFile(file, 'new', { overwrite: false })).toThrow()
  expect(readFileSync(file, 'utf8')).toBe('old')
  // A rename cannot replace a folder: the last step fails, after the new text was written.
  mkdirSync(join(home, 'folder', 'full'), { recursive: true })
  expect(() => saveIdentityFile(join(home, 'folder'), newIdentityFile('alice', 0), { overwrite: true })).toThrow(/^Cannot write/)
  expect(() => saveIdentityFile(join(file, 'below.json'), newIdentityFile('alice', 0))).toThrow(/^Cannot write/)
  expect(readdirSync(home).sort()).toEqual(['folder', 'x.json'])
})

test('the old file is replaced, never written to: a crash leaves one or the other, whole', () => {
  const file = join(home, 'identity.json')
  const old = newIdentityFile('alice', 0)
  saveIdentityFile(file, old)
  // A second name of the old file shows what happens to it.
  linkSync(file, join(home, 'witness.json'))
  // What a writer that was killed before its rename leaves behind.
  writeFileSync(`${file}.abc.tmp`, '{"half')
  const next = rotated(old, 1)
  saveIdentityFile(file, next, { overwrite: true })
  expect(loadIdentityFile(join(home, 'witness.json'))).toEqual(old)
  expect(loadIdentityFile(file)).toEqual(next)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('the older spelling is read, and what does not fit together is refused', () => {
  const { publicKey, privateKey } = generateKeyPair()
  const file = join(home, 'id.json')
  const load = (value: unknown) => {
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 })
    return loadIdentityFile(file)
  }
  expect(load({ pubkey: publicKey, privkey: privateKey, name: 'old' }).publicKey).toBe(publicKey)
  expect(() => load('not json')).toThrow(/not an identity file: it is not JSON.*agentchat identity generate/)
  expect(() => load({ publicKey: 5, privateKey })).toThrow(/wrong kind/)
  expect(() => load({ publicKey, privateKey: '' })).toThrow(/a key is missing/)
  expect(() => load({ publicKey: 'x', privateKey })).toThrow(/id\.json is not an identity file: Not an Ed25519 public key/)
  expect(() => load({ publicKey, privateKey: publicKey })).toThrow(/id\.json is not an identity file: Not an Ed25519 private key/)
  expect(() => loadIdentityFile(home)).toThrow(IdentityError)
  expect(() => load({ publicKey })).toThrow(/a key is missing/)
  expect(() => load({ publicKey, privateKey: generateKeyPair().privateKey })).toThrow(/does not belong/)
  expect(() => load({ publicKey, privateKey, agentId: '0'.repeat(16) })).toThrow(/not the id of its key/)
  expect(() => loadIdentityFile(join(home, 'none.json'))).toThrow(/agentchat identity generate/)
  expect(identityFileWarning(file)).toBeUndefined()
  chmodSync(file, 0o644)
  expect(identityFileWarning(file)).toContain('chmod 600')
})

test('a rotated identity carries its chain, and a revocation verifies', () => {
  const twice = rotated(rotated(newIdentityFile('alice', 0), 1), 2)
  expect(twice.rotations).toHaveLength(2)
  expect(rotationProblem(twice)).toBeUndefined()
  expect(rotationProblem({ ...twice, rotations: [...twice.rotations!].reverse() })).toBeDefined()
  const notice = revocationOf(twice, 'lost', 3)
  expect(verifyRevocation(notice)).toBe(true)
  expect(notice.original_agent_id).toBe(twice.rotations![0]!.old_agent_id)
  expect(identityOf(twice).agentId).toBe(`@${twice.agentId}`)
})

test('a relay is trusted on first use and noticed when it changes', () => {
  const file = join(home, '.agentchat', 'known-relays.json')
  const relays = new KnownRelays(file)
  expect(relays.check('ws://localhost:6667', 'aa')).toBe('new')
  relays.remember('ws://localhost:6667/', 'aa')
  expect(new KnownRelays(file).check('ws://localhost:6667', 'aa')).toBe('same')
  expect(relays.check('ws://localhost:6667/path', 'bb')).toBe('changed')
  expect(relays.check('ws://localhost:6668', 'bb')).toBe('new')
  writeFileSync(file, 'broken')
  expect(relays.get('ws://localhost:6667')).toBeUndefined()
  expect(existsSync(file)).toBe(true)
})
