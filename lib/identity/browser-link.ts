// One browser hands a person's key to another, by way of a relay that must not learn it. Both make a key pair for this once; the newcomer
// says first what its half will be (a commitment), so that a relay in between, which would have to show each a half of its own, has one try at
// the six digits that people compare.
import { canonicalJson } from './canonical.ts'
import { fromBase64Url, toBase64Url } from './base64url.ts'
import { IdentityError } from './errors.ts'
import { unwrapKey, wrapKey, type WrapContext } from './vault.ts'

/** What is said through the relay, one after the other. */
export interface LinkTalk {
  /** The newcomer's: SHA-256 of `reveal`. */
  readonly commitment: string
  /** The other one's half. */
  readonly offer: string
  /** The newcomer's half, with what nobody could guess before. */
  readonly reveal: string
}

/** The browser that has no key yet. */
export interface LinkGuest {
  /** Said first. */
  readonly commitment: string
  /** Said once the offer is there. */
  readonly reveal: string
  /** Six digits, to be compared with the other screen. @throws IdentityError BAD_KEY */
  code(offer: string): Promise<string>
  /** The key, as `unwrapKey` gives it. @throws IdentityError BAD_KEY */
  open(offer: string, wrap: string, context: WrapContext): Promise<Uint8Array<ArrayBuffer>>
}

/** The browser that has the key. */
export interface LinkHost {
  /** Said behind the commitment. */
  readonly offer: string
  /** The same six digits. @throws IdentityError BAD_KEY: the reveal is not what the commitment said */
  code(commitment: string, reveal: string): Promise<string>
  /** Closes the key for the newcomer, once the digits were compared and are the same. @throws IdentityError */
  close(commitment: string, reveal: string, pkcs8: Uint8Array, context: WrapContext): Promise<string>
}

const curve = { name: 'ECDH', namedCurve: 'P-256' } as const

/** @example const guest = await newLinkGuest(); await post('/account/links', { commitment: guest.commitment }) */
export const newLinkGuest = async (): Promise<LinkGuest> => {
  const { privateKey, half } = await newHalf()
  const reveal = `${half}.${toBase64Url(crypto.getRandomValues(new Uint8Array(16)))}`
  const commitment = toBase64Url(await sha256(reveal))
  const talk = (offer: string): LinkTalk => ({ commitment, offer, reveal })
  return {
    commitment,
    reveal,
    code: offer => codeOf(talk(offer)),
    open: async (offer, wrap, context) => unwrapKey(wrap, await sharedBy(privateKey, offer, talk(offer)), 'link', context),
  }
}

/** @example const host = await newLinkHost(); await post(`/account/approvals/${id}`, { offer: host.offer }) */
export const newLinkHost = async (): Promise<LinkHost> => {
  const { privateKey, half: offer } = await newHalf()
  const checked = async (commitment: string, reveal: string): Promise<LinkTalk> => {
    if (toBase64Url(await sha256(reveal)) !== commitment)
      throw new IdentityError('BAD_KEY', 'The other browser did not say what it said it would')
    return { commitment, offer, reveal }
  }
  return {
    offer,
    code: async (commitment, reveal) => codeOf(await checked(commitment, reveal)),
    close: async (commitment, reveal, pkcs8, context) => {
      const talk = await checked(commitment, reveal)
      return wrapKey(pkcs8, await sharedBy(privateKey, reveal.slice(0, reveal.indexOf('.')), talk), 'link', context)
    },
  }
}

const newHalf = async () => {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(curve, false, ['deriveBits'])
  return { privateKey, half: toBase64Url(new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))) }
}

/** What both know and nobody between them, of all that was said. */
const sharedBy = async (
  privateKey: Awaited<ReturnType<typeof newHalf>>['privateKey'],
  half: string,
  talk: LinkTalk,
): Promise<Uint8Array> => {
  const bytes = fromBase64Url(half)
  const other = bytes === undefined ? undefined : await crypto.subtle.importKey('raw', bytes, curve, false, []).catch(() => undefined)
  if (other === undefined) throw new IdentityError('BAD_KEY', 'What the other browser said is no key')
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: 'ECDH', public: other }, privateKey, 256))
  const said = await sha256(textOf(talk))
  return Uint8Array.from([...shared, ...said])
}

const codeOf = async (talk: LinkTalk): Promise<string> => {
  const hash = await sha256(`code|${textOf(talk)}`)
  const number = new DataView(hash.buffer).getUint32(0) % 1_000_000
  const digits = String(number).padStart(6, '0')
  return `${digits.slice(0, 3)} ${digits.slice(3)}`
}

const textOf = ({ commitment, offer, reveal }: LinkTalk): string => `AGENTCHAT_LINK_V1|${canonicalJson({ commitment, offer, reveal })}`

const sha256 = async (text: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
