// Secrets that have to be read again are kept sealed: whoever finds a copy of a table without the relay's own secret reads nothing.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export interface Seal {
  /** AES-256-GCM, in base64url; each time another. */
  close(text: string): string
  /** What was sealed under the same secret for the same use. @throws Error it was not */
  open(sealed: string): string
}

const cipher = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

/** @param use what it seals: a seal of one use opens nothing of another */
export const sealOf = (secret: string, use: string): Seal => {
  const key = Buffer.from(hkdfSync('sha256', secret, '', `agentchat ${use}`, 32))
  return {
    close(text) {
      const iv = randomBytes(ivBytes)
      const closing = createCipheriv(cipher, key, iv)
      return Buffer.concat([iv, closing.update(text, 'utf8'), closing.final(), closing.getAuthTag()]).toString('base64url')
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      const opening = createDecipheriv(cipher, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
      opening.setAuthTag(bytes.subarray(-tagBytes))
      return Buffer.concat([opening.update(bytes.subarray(ivBytes, -tagBytes)), opening.final()]).toString()
    },
  }
}
