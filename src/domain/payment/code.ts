// Payment codes: which kind one is, and whether it could be one at all. A typing error in it would send money to nobody.
import { sha256 } from '@noble/hashes/sha2.js'
import { base58, bech32, createBase58check } from '@scure/base'

export type PaymentKind = 'bip47' | 'lightning' | 'lnurl' | 'cosmos' | 'solana' | 'other'

export type PaymentCode =
  | { readonly ok: true, readonly kind: PaymentKind, /** cosmos: the chain's prefix */ readonly network?: string }
  | { readonly ok: false, readonly kind: PaymentKind, readonly problem: string }

const base58check = createBase58check(sha256)
/** Decoding base58 costs the square of its length: longer ones are not of a known kind, and are not decoded. */
const base58Text = /^[1-9A-HJ-NP-Za-km-z]{1,128}$/
/** 32 bytes in base58. */
const solanaText = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/
const bip47Text = /^PM8T[1-9A-HJ-NP-Za-km-z]*$/
/** A human-readable part, 1, and at least the data of 20 bytes with its checksum. */
const bech32Text = /^([a-z]{2,20})1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{36,}$/
const invoiceText = /^ln(bc|tb|tbs|bcrt|sb)(\d+[munp]?)?1/
const longest = 7_089

const attempt = <T>(decode: () => T): T | undefined => {
  try {
    return decode()
  } catch {
    return undefined
  }
}

const good = (kind: PaymentKind): PaymentCode => ({ ok: true, kind })
const bad = (kind: PaymentKind, problem: string): PaymentCode => ({ ok: false, kind, problem })

/** bech32 is written in one case; a QR code has it in capitals. */
const lowered = (code: string): string => code === code.toUpperCase() ? code.toLowerCase() : code

const invoice = (code: string): PaymentCode => {
  const decoded = attempt(() => bech32.decode(code as `${string}1${string}`, longest))
  // Seven words of time, and 104 of signature behind the fields.
  if (decoded === undefined || decoded.words.length < 7 + 104)
    return bad('lightning', 'not a Lightning invoice: its checksum is wrong, or it was cut')
  return good('lightning')
}

const lnurl = (code: string): PaymentCode => {
  const url = attempt(() =>
    new TextDecoder('utf-8', { fatal: true }).decode(bech32.fromWords(bech32.decode(code as `${string}1${string}`, longest).words))
  )
  return url !== undefined && /^https?:\/\/\S+$/.test(url)
    ? good('lnurl')
    : bad('lnurl', 'not an LNURL: its checksum is wrong, or it is no address')
}

const paymentCode = (code: string): PaymentCode => {
  const bytes = base58Text.test(code) ? attempt(() => base58check.decode(code)) : undefined
  // Prefix 0x47, version 1, 80 bytes of payload; the key in it is compressed.
  const isOne = bytes?.length === 81 && bytes[0] === 0x47 && bytes[1] === 1 && (bytes[3] === 2 || bytes[3] === 3)
  return isOne ? good('bip47') : bad('bip47', 'not a BIP 47 payment code: its checksum or its length is wrong')
}

const cosmos = (code: string, network: string): PaymentCode => {
  const bytes = attempt(() => bech32.fromWords(bech32.decode(code as `${string}1${string}`, 120).words))
  return bytes?.length === 20 || bytes?.length === 32
    ? { ok: true, kind: 'cosmos', network }
    : bad('cosmos', `not an address of ${network}: its checksum or its length is wrong`)
}

/**
 * What a payment code is. Codes of a known form have to be right in every character; any other text is of kind `other`, and
 * nobody vouches for it.
 * A scheme in front (`lightning:`, `solana:`, `bip47:`, `cosmos:`) says which kind it must be.
 */
export const readPaymentCode = (text: string): PaymentCode => {
  const [, scheme, rest] = /^(lightning|solana|bip47|cosmos):(.*)$/is.exec(text) ?? []
  const wanted = scheme?.toLowerCase()
  const found = kindOf(rest ?? text, wanted)
  const isWanted = wanted === undefined || found.kind === wanted || (wanted === 'lightning' && found.kind === 'lnurl')
  return isWanted ? found : bad(wanted as PaymentKind, `not a code of ${wanted}`)
}

const kindOf = (code: string, wanted: string | undefined): PaymentCode => {
  const lower = lowered(code)
  if (invoiceText.test(lower)) return invoice(lower)
  if (lower.startsWith('lnurl1')) return lnurl(lower)
  if (bip47Text.test(code) || (wanted === 'bip47' && base58Text.test(code))) return paymentCode(code)
  const network = bech32Text.exec(lower)?.[1]
  // A Bitcoin address in bech32 has its version in front of the data: another form, and not checked here.
  if (network !== undefined && !['bc', 'tb', 'bcrt'].includes(network)) return cosmos(lower, network)
  if (wanted === 'solana' || solanaText.test(code))
    return solanaText.test(code) && attempt(() => base58.decode(code))?.length === 32
      ? good('solana')
      : bad('solana', 'not a Solana address: 32 bytes in base58')
  return good('other')
}
