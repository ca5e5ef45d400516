import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { IdentityError, generateKeyPair, identityFrom, verify, verifyRevocation } from '../identity/index.ts'
import { createVerify, nodeIdentity } from './crypto.ts'
import {
  identityFileWarning, identityOf, identityPath, loadIdentityFile, newIdentityFile, revocationOf, rotated, rotationProblem, saveIdentityFile,
} from './identity-file.ts'
import { KnownRelays } from './known-relays.ts'
import { writePrivateFile } from './private-file.ts'

let home: string
beforeEach(() => { home = mkdtempSync(join(tmpdir(), 'agentchat-node-')) })
afterEach(() => rmSync(home, { recursive: true }))

test('Node signs and verifies as the library does, also what is broken', () => {
  const nodeVerify = createVerify({ maxKeys: 2 })
  fc.assert(fc.property(fc.string(), fc.nat(87), fc.string({ minLength: 1, maxLength: 1 }), (text, at, char) => {
    const { privateKey, publicKey } = generateKeyPair()
    const signature = nodeIdentity(privateKey).sign(text)
    expect(signature).toBe(identityFrom(privateKey).sign(text))
    const broken = signature.slice(0, at) + char + signature.slice(at + 1)
    for (const given of [signature, broken, signature.slice(0, at), '']) expect(nodeVerify(publicKey, text, given)).toBe(verify(publicKey, text, given))
    expect(nodeVerify(publicKey, text, signature)).toBe(true)
  }), { numRuns: 25 })
  expect(nodeVerify('no key', 'text', 'AAAA')).toBe(false)
  expect(() => nodeIdentity('no key')).toThrow(IdentityError)
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

test('a write that fails leaves the old file and no litter', () => {
  const file = join(home, 'x.json')
  writePrivateFile(file, 'old', { overwrite: true })
  expect(() => writePrivateFile(file, 'new', { overwrite: false })).toThrow()
  expect(readFileSync(file, 'utf8')).toBe('old')
  expect(readdirSync(home)).toEqual(['x.json'])
})

test('the older spelling is read, and what does not fit together is refused', () => {
  const { publicKey, privateKey } = generateKeyPair()
  const file = join(home, 'id.json')
  const load = (value: unknown) => {
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 })
    return loadIdentityFile(file)
  }
  expect(load({ pubkey: publicKey, privkey: privateKey, name: 'old' }).publicKey).toBe(publicKey)
  expect(() => load('not json')).toThrow(/not an identity file/)
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
