// Files that the visitor delivers: each with its hash, and its content where all of them together are small.
import type { Deliverable } from '../../lib/index.ts'
import { fieldLimits } from '../../lib/protocol/field-limits.ts'
import { t } from '../text/index.ts'

export interface DeliveredFiles {
  readonly list: NonNullable<Deliverable['files']>
  /** Why they cannot be sent. */
  readonly problem?: string
}

/** Base64 has four signs for three bytes. */
const maxBytes = Math.floor(fieldLimits.maxInlineFileChars * 0.75)

const hex = (bytes: ArrayBuffer): string => [...new Uint8Array(bytes)].map(byte => byte.toString(16).padStart(2, '0')).join('')

const base64 = (bytes: Uint8Array): string => {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192))
  return btoa(text)
}

/** SHA-256 in lower-case hex. */
export const sha256Of = async (bytes: BufferSource): Promise<string> => hex(await crypto.subtle.digest('SHA-256', bytes))

export const filesIn = async (chosen: readonly File[]): Promise<DeliveredFiles> => {
  const size = chosen.reduce((sum, each) => sum + each.size, 0)
  if (chosen.length > fieldLimits.maxDeliverableFiles || size > maxBytes)
    return { list: [], problem: t.peek().acts.tooLarge(`${Math.floor(maxBytes / 1_000)} kB, ${fieldLimits.maxDeliverableFiles}`) }
  return {
    list: await Promise.all(chosen.map(async file => {
      const bytes = new Uint8Array(await file.arrayBuffer())
      return { name: file.name.slice(0, 255), bytes: bytes.length, sha256: await sha256Of(bytes), content: base64(bytes) }
    })),
  }
}
