// What requests in trade carry as their signature, and what stored events tell of it.
import * as z from 'zod/mini'
import { Hex32, Signature } from './fields.ts'
import { ClientTime } from './request-fields.ts'

/**
 * 2: every field, the signer, the relay, `sig_ts` and `sig_nonce` are covered. 3: the signer's whole key, the address that was
 * dialled and the relay's nonce of this session too.
 */
const Version = z.literal([2, 3])

export const signed = { sig: Signature, sig_v: Version, sig_ts: ClientTime, sig_nonce: Hex32 }

/** Where the text of older clients is taken too: that of a request without `sig_v`. */
export const oldSigned = { sig: Signature, sig_v: z.optional(Version), sig_ts: z.optional(ClientTime), sig_nonce: z.optional(Hex32) }

export const exampleSigned = {
  sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
  sig_v: 3 as const,
  sig_ts: 1_790_000_000_000,
  sig_nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f',
}

const EventVersion = z.literal([1, 2, 3])

/** An act of one agent, with what its signature was made with: enough to check it without the relay. */
export const signedBy = {
  relay: z.string(),
  sig: z.string(),
  sig_v: EventVersion,
  sig_ts: z.optional(z.number()),
  sig_nonce: z.optional(z.string()),
  sig_origin: z.optional(z.string()),
  sig_relay_nonce: z.optional(z.string()),
}

/** The same where the relay itself may have acted, and nobody signed. */
export const maybeSigned = { ...signedBy, sig: z.optional(signedBy.sig), sig_v: z.optional(EventVersion) }

export const exampleSignedBy = {
  relay: '9f86d081…',
  ...exampleSigned,
  sig_origin: 'wss://chat.example',
  sig_relay_nonce: 'a0c3e5f7091b2d4f3f9c0e5a7b1d4826',
}
