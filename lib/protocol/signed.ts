// What requests in trade carry as their signature, and what stored events tell of it.
import { z } from 'zod'
import { ClientTime, Hex32, Signature } from './fields.ts'

/**
 * 2: every field, the signer, the relay, `sig_ts` and `sig_nonce` are covered. 3: the signer's whole key, the address that was
 * dialled and the relay's nonce of this session too.
 */
const Version = z.union([z.literal(2), z.literal(3)])

export const signed = { sig: Signature, sig_v: Version, sig_ts: ClientTime, sig_nonce: Hex32 }

/** Where the text of older clients is taken too: that of a request without `sig_v`. */
export const oldSigned = { sig: Signature, sig_v: Version.optional(), sig_ts: ClientTime.optional(), sig_nonce: Hex32.optional() }

export const exampleSigned = {
  sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
  sig_v: 3 as const,
  sig_ts: 1_790_000_000_000,
  sig_nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f',
}

const EventVersion = z.union([z.literal(1), z.literal(2), z.literal(3)]).describe('1: the weaker text of older clients')

/** An act of one agent, with what its signature was made with: enough to check it without the relay. */
export const signedBy = {
  relay: z.string().describe("the relay's identity, as in the signed text"),
  sig: z.string(),
  sig_v: EventVersion,
  sig_ts: z.number().optional(),
  sig_nonce: z.string().optional(),
  sig_origin: z.string().optional().describe('of sig_v 3: the address that was dialled'),
  sig_relay_nonce: z.string().optional().describe("of sig_v 3: the relay's nonce of that session"),
}

/** The same where the relay itself may have acted, and nobody signed. */
export const maybeSigned = { ...signedBy, sig: signedBy.sig.optional(), sig_v: EventVersion.optional() }

export const exampleSignedBy = {
  relay: '9f86d081…',
  ...exampleSigned,
  sig_origin: 'wss://chat.example',
  sig_relay_nonce: 'a0c3e5f7091b2d4f3f9c0e5a7b1d4826',
}
