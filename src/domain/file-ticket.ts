// Tickets for files: what somebody may bring or fetch over HTTP, until when. The relay signs them, and keeps nothing of them.
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** What a ticket allows. */
export interface FileTicket {
  /** put: to bring the bytes of an upload; get: to fetch a file. */
  readonly use: 'put' | 'get'
  /** of put: the upload's id; of get: the file's SHA-256 */
  readonly of: string
  /** of the file */
  readonly bytes: number
  /** ms since 1970 */
  readonly until: number
}

const form = /^(put|get)\.([0-9a-f]{1,64})\.([0-9]{1,16})\.([0-9]{1,16})\.([0-9a-f]{64})$/

const macOf = (secret: string, text: string): string =>
  bytesToHex(hmac(sha256, utf8ToBytes(`agentchat files|${secret}`), utf8ToBytes(text)))

export const ticketOf = (secret: string, { use, of, bytes, until }: FileTicket): string => {
  const text = `${use}.${of}.${bytes}.${until}`
  return `${text}.${macOf(secret, text)}`
}

/** What a text allows; undefined: it is no ticket of ours, or its time is over. */
export const readTicket = (secret: string, text: string, now: number): FileTicket | undefined => {
  const match = form.exec(text)
  if (match === null) return undefined
  const [, use, of, bytes, until, mac] = match as unknown as [string, FileTicket['use'], string, string, string, string]
  if (!isSame(mac, macOf(secret, text.slice(0, -mac.length - 1)))) return undefined
  return Number(until) > now ? { use, of, bytes: Number(bytes), until: Number(until) } : undefined
}

/** Takes as long whatever differs. */
const isSame = (a: string, b: string): boolean => {
  let differs = a.length ^ b.length
  for (let i = 0; i < a.length; i++) differs |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return differs === 0
}
