// Identity files: a key pair, its name, and the rotations that led to it, in the format that existing AgentChat clients read and write.
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import * as z from 'zod'
import {
  IdentityError,
  agentIdOf,
  canonicalPem,
  chainProblem,
  generateKeyPair,
  makeRevocation,
  makeRotation,
  type LocalIdentity,
  type Revocation,
  type Rotation,
} from '../identity/index.ts'
import { nodeIdentity } from './crypto.ts'
import { makeFolder } from './folder.ts'
import { writePrivateFile } from './private-file.ts'
import { readTextFile } from './text-file.ts'

/** What a file holds. */
export interface IdentityFile {
  /** PEM, SPKI */
  readonly publicKey: string
  /** PEM, PKCS #8 */
  readonly privateKey: string
  /** 16 hex digits, without "@" */
  readonly agentId: string
  readonly name: string
  /** ISO 8601 */
  readonly created: string
  readonly rotations?: readonly Rotation[]
}

const RotationShape = z.object({
  old_pubkey: z.string(),
  old_agent_id: z.string(),
  new_pubkey: z.string(),
  new_agent_id: z.string(),
  signature: z.string(),
  timestamp: z.string(),
})
const Shape = z.object({
  publicKey: z.string().optional(),
  pubkey: z.string().optional(),
  privateKey: z.string().optional(),
  privkey: z.string().optional(),
  agentId: z.string().optional(),
  name: z.string().optional(),
  created: z.string().optional(),
  rotations: z.array(RotationShape).optional(),
})

/** ~/.agentchat/identity.json, or ~/.agentchat/identities/NAME.json */
export const identityPath = (name?: string, home: string = process.env['HOME'] ?? homedir()): string =>
  name === undefined ? join(home, '.agentchat', 'identity.json') : join(home, '.agentchat', 'identities', `${name}.json`)

/** A new identity, not yet on disk. `now` in ms since 1970. */
export const newIdentityFile = (name: string, now: number): IdentityFile => {
  const { publicKey, privateKey } = generateKeyPair()
  return { publicKey, privateKey, agentId: agentIdOf(publicKey).slice(1), name, created: new Date(now).toISOString() }
}

/**
 * Reads an identity file; older spellings (pubkey, privkey) too.
 * @throws IdentityError NO_FILE, BAD_FILE, FILE_FAILED: what is wrong and what to do
 * @example const me = identityOf(loadIdentityFile(identityPath()))
 */
export const loadIdentityFile = (file: string): IdentityFile => {
  const refuse = (why: string) =>
    new IdentityError(
      'BAD_FILE',
      `${file} is not an identity file: ${why}. Take another file or a copy, or make a new one with: agentchat identity generate`,
    )
  let text: string
  try {
    text = readTextFile(file)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if ((error as NodeJS.ErrnoException).code === undefined) throw refuse((error as Error).message)
    throw new IdentityError(
      missing ? 'NO_FILE' : 'FILE_FAILED',
      missing
        ? `No identity file ${file}; make one with: agentchat identity generate -f ${file}`
        : `Cannot read the identity file ${file}: ${(error as Error).message}`,
    )
  }
  let parsed: z.infer<typeof Shape>
  try {
    parsed = Shape.parse(JSON.parse(text))
  } catch (error) {
    throw refuse(
      error instanceof SyntaxError
        ? `it is not JSON${text.trim() === '' ? ' but empty' : ', or it is cut off'}`
        : 'its fields are of the wrong kind',
    )
  }
  const privateKey = parsed.privateKey ?? parsed.privkey
  const givenKey = parsed.publicKey ?? parsed.pubkey
  if (givenKey === undefined || !privateKey) throw refuse('a key is missing')
  const readKey = <T>(read: () => T): T => {
    try {
      return read()
    } catch (error) {
      throw refuse((error as Error).message)
    }
  }
  const publicKey = readKey(() => canonicalPem(givenKey))
  const agentId = agentIdOf(publicKey).slice(1)
  if (readKey(() => nodeIdentity(privateKey)).publicKey !== publicKey) throw refuse('the private key does not belong to the public key')
  if (parsed.agentId !== undefined && parsed.agentId.replace(/^@/, '') !== agentId)
    throw refuse(`agentId is not the id of its key (${agentId})`)
  return {
    publicKey,
    privateKey,
    agentId,
    name: parsed.name ?? agentId.slice(0, 8),
    created: parsed.created ?? '',
    ...(parsed.rotations !== undefined && { rotations: parsed.rotations }),
  }
}

/** Who else than the owner may read the file: a warning to show, or undefined. */
export const identityFileWarning = (file: string): string | undefined => {
  const mode = statSync(file).mode & 0o777
  return (mode & 0o077) === 0 ? undefined : `${file} can be read by others (mode ${mode.toString(8)}); fix it with: chmod 600 ${file}`
}

/**
 * Writes an identity file with mode 0600.
 * @throws IdentityError FILE_EXISTS when a file is there and `overwrite` is not set; FILE_FAILED when it cannot be written
 * @example saveIdentityFile(identityPath('alice'), newIdentityFile('alice', Date.now()))
 */
export const saveIdentityFile = (
  file: string,
  identity: IdentityFile,
  { overwrite = false }: { readonly overwrite?: boolean } = {},
): void => {
  try {
    keepOutOfGit(file)
    writePrivateFile(file, `${JSON.stringify(identity, null, 2)}\n`, { overwrite })
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    // Any other EEXIST is a file where a folder should be.
    if (code === 'EEXIST' && syscall === 'link')
      throw new IdentityError('FILE_EXISTS', `${file} exists already; its key would be lost (--force overwrites it)`)
    throw new IdentityError('FILE_FAILED', `Cannot write ${file}: ${(error as Error).message}`)
  }
}

/** The identity to log in with. */
export const identityOf = (file: IdentityFile): LocalIdentity => nodeIdentity(file.privateKey, { name: file.name })

/**
 * A new key for the same agent, signed over by the old one. Not yet on disk. `now` in ms since 1970.
 * @example saveIdentityFile(path, rotated(loadIdentityFile(path), Date.now()), { overwrite: true })
 */
export const rotated = (file: IdentityFile, now: number): IdentityFile => {
  const next = newIdentityFile(file.name, now)
  return { ...next, created: file.created, rotations: [...file.rotations ?? [], makeRotation(identityOf(file), next.publicKey, now)] }
}

/** A notice that ends the file's key. */
export const revocationOf = (file: IdentityFile, reason: string, now: number): Revocation =>
  makeRevocation(identityOf(file), reason, now, file.rotations)

/** What is wrong with the file's rotations, or undefined. */
export const rotationProblem = (file: IdentityFile): string | undefined => chainProblem(file.publicKey, file.rotations ?? [])

/** Keys under a .agentchat folder stay out of repositories; said before the key is there. */
const keepOutOfGit = (file: string): void => {
  const parts = resolve(file).split(sep)
  const at = parts.lastIndexOf('.agentchat', -2)
  if (at < 0) return
  const root = parts.slice(0, at + 1).join(sep)
  const ignore = join(root, '.gitignore')
  if (existsSync(ignore)) return
  makeFolder(root, 0o700)
  writeFileSync(ignore, '*\n')
}
