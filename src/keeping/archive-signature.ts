// Whose an archive is: its end is signed with the relay's own key.
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { serverIdOf } from '../../lib/identity/index.ts'

export interface ArchiveSignature {
  readonly pubkey: string
  /** base64 */
  readonly sig: string
}

const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

/** What is signed. The SHA-256 is of every line before the end, the header with the relay's id among them. */
const textOf = (serverId: string, sha256: string): Buffer => Buffer.from(`AGENTCHAT_EXPORT_V1|${serverId}|${sha256}`)

/** @param privatePem the relay's key */
export const signArchive = (privatePem: string, sha256: string): ArchiveSignature => {
  const key = createPrivateKey(privatePem)
  const pubkey = pemOf(createPublicKey(key))
  return { pubkey, sig: sign(null, textOf(serverIdOf(pubkey), sha256), key).toString('base64') }
}

/** Whether the relay of this id signed the archive of this hash. */
export const isArchiveOf = (serverId: string | null, sha256: string, { pubkey, sig }: ArchiveSignature): boolean => {
  try {
    const key = createPublicKey(pubkey)
    const bytes = Buffer.from(sig, 'base64')
    // One spelling each: what was changed is not what was written.
    if (pemOf(key) !== pubkey || bytes.toString('base64') !== sig) return false
    return serverIdOf(pubkey) === serverId && verify(null, textOf(serverId, sha256), key, bytes)
  } catch {
    return false
  }
}
