// The wallet on disk: a mnemonic under a password, in a file that only its owner may read. The address is in clear, for display.
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import * as z from 'zod'
import { writePrivateFile } from '../../../lib/node/private-file.ts'
import { AkashError } from './failure.ts'
import { Wallet } from './wallet.ts'

/** 128 MiB and about a quarter of a second for each guess. */
const cost = { N: 2 ** 17, r: 8, p: 1 } as const
export const minPasswordLength = 10

const base64 = (bytes: number) => z.base64().refine(text => Buffer.from(text, 'base64').length === bytes)

const keystoreSchema = z.strictObject({
  version: z.literal(1),
  address: z.string().regex(/^akash1[02-9ac-hj-np-z]{38}$/),
  created: z.string(),
  kdf: z.strictObject({ name: z.literal('scrypt'), N: z.literal(cost.N), r: z.literal(cost.r), p: z.literal(cost.p), salt: base64(16) }),
  cipher: z.strictObject({ name: z.literal('aes-256-gcm'), iv: base64(12), tag: base64(16), text: z.base64().max(1_024) }),
})
type Keystore = z.infer<typeof keystoreSchema>

export interface KeystoreCard {
  readonly address: string
  readonly created: string
  readonly file: string
}

const keyOf = (password: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(password.normalize('NFKC'), salt, 32, { ...cost, maxmem: 256 * 1_024 ** 2 }, (error, key) =>
      error === null ? resolve(key) : reject(error))
  )

/** What the cipher vouches for beside the words. */
const clearPart = ({ version, address, created, kdf }: Omit<Keystore, 'cipher'>): Buffer =>
  Buffer.from(JSON.stringify([version, address, created, kdf]))

/** @throws AkashError when there is a wallet already: it is never replaced */
export const saveKeystore = async (file: string, phrase: string, password: string, nowMs: number): Promise<KeystoreCard> => {
  if (password.length < minPasswordLength) throw new AkashError('refused', `The password must have ${minPasswordLength} characters or more`)
  const taken = (cause?: unknown) =>
    new AkashError('refused', `There is a wallet in ${file} already`, 'It is never replaced. Name another file with --wallet.', cause)
  if (existsSync(file)) throw taken()
  const { address } = await Wallet.fromPhrase(phrase)
  const [salt, iv] = [randomBytes(16), randomBytes(12)]
  const clear = {
    version: 1,
    address,
    created: new Date(nowMs).toISOString(),
    kdf: { name: 'scrypt', ...cost, salt: salt.toString('base64') },
  } as const
  const cipher = createCipheriv('aes-256-gcm', await keyOf(password, salt), iv).setAAD(clearPart(clear))
  const text = Buffer.concat([cipher.update(phrase, 'utf8'), cipher.final()]).toString('base64')
  const keystore: Keystore = {
    ...clear,
    cipher: { name: 'aes-256-gcm', iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64'), text },
  }
  try {
    writePrivateFile(file, `${JSON.stringify(keystore, null, 2)}\n`, { overwrite: false })
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? taken(error) : error
  }
  return { address, created: clear.created, file }
}

/** Who the wallet is; needs no password. */
export const readKeystoreCard = (file: string): KeystoreCard => {
  const { address, created } = readKeystore(file)
  return { address, created, file }
}

/** The words. */
export const openPhrase = async (file: string, password: string): Promise<string> => {
  const { cipher, ...clear } = readKeystore(file)
  const decipher = createDecipheriv('aes-256-gcm', await keyOf(password, Buffer.from(clear.kdf.salt, 'base64')),
    Buffer.from(cipher.iv, 'base64'))
    .setAAD(clearPart(clear)).setAuthTag(Buffer.from(cipher.tag, 'base64'))
  try {
    return Buffer.concat([decipher.update(Buffer.from(cipher.text, 'base64')), decipher.final()]).toString('utf8')
  } catch {
    throw new AkashError('auth', `The password does not open ${file}`,
      'Or the file was changed: then the words are the only way back, agentchat deploy wallet import.')
  }
}

export const openWallet = async (file: string, password: string): Promise<Wallet> => {
  const { address } = readKeystore(file)
  const wallet = await Wallet.fromPhrase(await openPhrase(file, password))
  if (wallet.address !== address) throw new AkashError('error', `${file} says ${address}, and holds the key of ${wallet.address}`)
  return wallet
}

const readKeystore = (file: string): Keystore => {
  let text: string
  try {
    const { mode } = statSync(file)
    if ((mode & 0o077) !== 0)
      throw new AkashError('refused', `${file} can be read by others (mode ${(mode & 0o777).toString(8)})`,
        `Take their right away: chmod 600 ${file}`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new AkashError('notFound', `There is no wallet in ${file}`, 'Make one: agentchat deploy wallet create')
  }
  try {
    return keystoreSchema.parse(JSON.parse(text))
  } catch {
    throw new AkashError('refused', `${file} is not a wallet of this version`)
  }
}
