// Wallets: their address and signature, the file they are kept in, and that nothing shows the words.
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Secp256k1, Secp256k1Signature } from '@cosmjs/crypto'
import { expect, test } from 'vitest'
import { newFolder } from '../../../test/kit/folder.ts'
import { openPhrase, openWallet, readKeystoreCard, saveKeystore } from './keystore.ts'
import { newPhrase, Wallet } from './wallet.ts'

const phrase = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'
const password = 'correct horse battery'

test('the address is the one that every Cosmos wallet derives', async () => {
  expect((await Wallet.fromPhrase(phrase)).address).toBe('akash19rl4cm2hmr8afy4kldpxz3fka4jguq0a3mq6x0')
  expect((await Wallet.fromPhrase(`  ${phrase.toUpperCase()}\n`)).address).toBe('akash19rl4cm2hmr8afy4kldpxz3fka4jguq0a3mq6x0')
  expect((await newPhrase(randomBytes)).split(' ')).toHaveLength(24)
})

test('words that are no mnemonic are refused without being repeated', async () => {
  await expect(Wallet.fromPhrase('secret secret secret')).rejects.toThrow(
    expect.objectContaining({ problem: 'refused', message: expect.not.stringContaining('secret') }),
  )
})

test("the signature is low-s and verifies under the account's key", async () => {
  const wallet = await Wallet.fromPhrase(phrase)
  const pubkey = (await wallet.signer.getAccounts())[0]!.pubkey
  for (const text of ['a', 'b', 'c', 'd']) {
    const signature = await wallet.sign(Buffer.from(text))
    expect(signature).toHaveLength(64)
    expect(BigInt(`0x${Buffer.from(signature.slice(32)).toString('hex')}`)).toBeLessThanOrEqual(
      0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n,
    )
    expect(
      await Secp256k1.verifySignature(Secp256k1Signature.fromFixedLength(signature), createHash('sha256').update(text).digest(), pubkey),
    ).toBe(true)
  }
})

test('a wallet that is printed, in whatever way, is an address', async () => {
  const wallet = await Wallet.fromPhrase(phrase)
  const printed = [
    JSON.stringify({ wallet }),
    inspect(wallet, { depth: 9, showHidden: true, getters: true }),
    inspect({ wallet, signer: wallet.signer }, { depth: 9, showHidden: true, getters: true }),
    String(wallet),
    JSON.stringify(wallet.signer),
  ].join('\n')
  expect(printed).toContain(wallet.address)
  expect(printed).not.toMatch(/abandon|privkey|Uint8Array/)
})

test('a keystore opens by its password only, and tells the address without', async () => {
  using folder = newFolder()
  const file = folder.at('akash/wallet.json')
  const card = await saveKeystore(file, phrase, password, 0)
  expect(readKeystoreCard(file)).toEqual({
    address: 'akash19rl4cm2hmr8afy4kldpxz3fka4jguq0a3mq6x0',
    created: '1970-01-01T00:00:00.000Z',
    file,
  })
  expect([statSync(file).mode & 0o777, statSync(folder.at('akash')).mode & 0o777]).toEqual([0o600, 0o700])
  expect(readdirSync(folder.at('akash'))).toEqual(['wallet.json'])
  expect(readFileSync(file, 'utf8')).not.toContain('abandon')
  expect(await openPhrase(file, password)).toBe(phrase)
  expect((await openWallet(file, password)).address).toBe(card.address)
  await expect(openWallet(file, `${password}!`)).rejects.toThrow(expect.objectContaining({ problem: 'auth' }))
})

test('a keystore is never replaced, and not opened once it was changed or others may read it', async () => {
  using folder = newFolder()
  const file = folder.at('wallet.json')
  await saveKeystore(file, phrase, password, 0)
  const before = readFileSync(file, 'utf8')
  await expect(saveKeystore(file, await newPhrase(randomBytes), password, 0)).rejects.toThrow('already')
  expect(readFileSync(file, 'utf8')).toBe(before)

  writeFileSync(file, before.replace('akash19rl4', 'akash19rl5'))
  await expect(openPhrase(file, password)).rejects.toThrow('does not open')
  writeFileSync(file, before.replace('131072', '2'))
  expect(() => readKeystoreCard(file)).toThrow('not a wallet')
  writeFileSync(file, before)
  chmodSync(file, 0o640)
  await expect(openWallet(file, password)).rejects.toThrow(/read by others.*640/)
  expect(() => readKeystoreCard(folder.at('none.json'))).toThrow(expect.objectContaining({ problem: 'notFound' }))
  await expect(saveKeystore(folder.at('other.json'), phrase, 'short', 0)).rejects.toThrow('10 characters')
})
