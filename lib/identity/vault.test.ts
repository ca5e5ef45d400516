// Keys that are closed for the vault, recovery codes, and a key that goes from one browser to another, by the WebCrypto of this machine.
import { describe, expect, test } from 'vitest'
import {
  generateKeyPair,
  newLinkGuest,
  newLinkHost,
  newRecoveryCode,
  prfInput,
  readRecoveryCode,
  recoveryProof,
  recoverySecret,
  unwrapKey,
  wrapKey,
  type WrapContext,
} from './index.ts'

const context: WrapContext = { relay: 'f'.repeat(64), account: '~0123456789abcdef', agent: '@8addfe276526c9f6' }
const der = (pem: string) => Uint8Array.from(Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64'))
const key = der(generateKeyPair().privateKey)
const secret = Uint8Array.from({ length: 32 }, (_, i) => i)
const refused = { code: 'BAD_KEY' }

describe('a key that is closed', () => {
  test('opens by the same secret, for the same account, as the key that signs', async () => {
    const wrap = await wrapKey(key, secret, 'prf', context)
    expect(wrap.length).toBeLessThan(400)
    expect(wrap).not.toContain(Buffer.from(key).toString('base64url').slice(-20))
    const opened = await unwrapKey(wrap, secret, 'prf', context)
    expect(opened).toEqual(key)
    const signer = await crypto.subtle.importKey('pkcs8', opened, 'Ed25519', false, ['sign'])
    expect((await crypto.subtle.sign('Ed25519', signer, Buffer.from('hi'))).byteLength).toBe(64)
    await expect(crypto.subtle.exportKey('pkcs8', signer)).rejects.toThrow()
    // Each is another one, so that two of a key say nothing of it together.
    expect(await wrapKey(key, secret, 'prf', context)).not.toBe(wrap)
  })

  test('does not open by another secret, as another kind, for another account, agent or relay, or changed', async () => {
    const wrap = await wrapKey(key, secret, 'prf', context)
    await expect(unwrapKey(wrap, secret.map(byte => byte ^ 1), 'prf', context)).rejects.toMatchObject(refused)
    await expect(unwrapKey(wrap, secret, 'recovery', context)).rejects.toMatchObject(refused)
    const disguised = wrap.replace('"prf"', '"recovery"')
    await expect(unwrapKey(disguised, secret, 'recovery', context)).rejects.toMatchObject(refused)
    for (const other of [{ account: '~fedcba9876543210' }, { agent: '@0000000000000000' }, { relay: '0'.repeat(64) }])
      await expect(unwrapKey(wrap, secret, 'prf', { ...context, ...other })).rejects.toMatchObject(refused)
    for (const text of ['', '{}', 'null', '[1]', wrap.slice(1), wrap.replace(/"data":"../, '"data":"AA'), `${wrap}${' '.repeat(3_000)}`])
      await expect(unwrapKey(text, secret, 'prf', context)).rejects.toMatchObject(refused)
  })

  test('is closed by nothing that can be guessed', async () => {
    await expect(wrapKey(key, secret.slice(0, 15), 'prf', context)).rejects.toMatchObject({ code: 'UNSAFE' })
    expect(prfInput('a')).not.toEqual(prfInput('b'))
  })
})

describe('a recovery code', () => {
  test('is read as it was made, however it is typed; a wrong sign is told', () => {
    for (let i = 0; i < 200; i++) {
      const code = newRecoveryCode()
      expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]$/)
      const bytes = readRecoveryCode(code)
      expect(readRecoveryCode(` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')}`)).toEqual(bytes)
      expect(newRecoveryCode(() => bytes)).toBe(code)
    }
    const code = newRecoveryCode(() => new Uint8Array(20).fill(7))
    for (
      const wrong of [
        '',
        'x',
        code.slice(1),
        `${code}0`,
        code.replace(/^./, sign => sign === '0' ? '1' : '0'),
        code.replace(/^./, 'U'),
        '-'.repeat(200),
      ]
    )
      expect(() => readRecoveryCode(wrong), wrong).toThrow(expect.objectContaining(refused))
  })

  test('closes the key by something else than it signs in by', async () => {
    const bytes = readRecoveryCode(newRecoveryCode())
    const wrap = await wrapKey(key, recoverySecret(bytes), 'recovery', context)
    expect(await unwrapKey(wrap, recoverySecret(bytes), 'recovery', context)).toEqual(key)
    const proof = recoveryProof(bytes)
    expect(proof).toMatch(/^[\w-]{43}$/)
    await expect(unwrapKey(wrap, Buffer.from(proof, 'base64url'), 'recovery', context)).rejects.toMatchObject(refused)
  })
})

describe('a key that goes to another browser', () => {
  test('arrives where both show the same digits', async () => {
    const [guest, host] = [await newLinkGuest(), await newLinkHost()]
    const code = await guest.code(host.offer)
    expect(code).toMatch(/^\d{3} \d{3}$/)
    expect(await host.code(guest.commitment, guest.reveal)).toBe(code)
    const wrap = await host.close(guest.commitment, guest.reveal, key, context)
    expect(await guest.open(host.offer, wrap, context)).toEqual(key)
    await expect(guest.open(host.offer, wrap, { ...context, account: '~fedcba9876543210' })).rejects.toMatchObject(refused)
    await expect((await newLinkGuest()).open(host.offer, wrap, context)).rejects.toMatchObject(refused)
  })

  test('does not to a relay that shows each a half of its own: the digits differ, and it has to say first what its half will be', async () => {
    const [guest, host, relayHost, relayGuest] = [await newLinkGuest(), await newLinkHost(), await newLinkHost(), await newLinkGuest()]
    expect(await guest.code(relayHost.offer)).not.toBe(await host.code(relayGuest.commitment, relayGuest.reveal))
    await expect(host.code(relayGuest.commitment, guest.reveal)).rejects.toMatchObject(refused)
    await expect(host.close(relayGuest.commitment, guest.reveal, key, context)).rejects.toMatchObject(refused)
    await expect(guest.open('no key', '{}', context)).rejects.toMatchObject(refused)
  })
})
