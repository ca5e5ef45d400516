// What stored events tell of the signature of who acted.
import * as z from 'zod/mini'

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
