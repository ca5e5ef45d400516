// Field types of requests alone: a client does not check what it sends.
import * as z from 'zod/mini'
import { Hex32, Signature, word } from './fields.ts'
import { limits } from './limits.ts'

export const Nick = z.string().check(z.regex(new RegExp(`^${word}{1,${limits.maxNickChars}}$`), 'a nick: 1–24 of A–Z a–z 0–9 _ -'))
export const Content = z.string().check(z.maxLength(limits.maxContentChars))
export const Topic = z.string().check(z.maxLength(limits.maxTopicChars))
export const Description = z.string().check(z.maxLength(limits.maxDescriptionChars))
export const Nonce = z.string().check(z.regex(/^[0-9a-fA-F]{32}$/, '32 hex digits'))
/** A condition in CEL. */
export const When = z.string().check(z.minLength(1), z.maxLength(limits.maxWhenChars))
export const ClientTime = z.number().check(z.refine(n => n !== 0 && Number.isFinite(n), 'a time in ms'))
export const AdminKey = z.string().check(z.minLength(1), z.maxLength(512))

/** An optional field where existing clients may also send null; null reads as absent. */
export const optional = <T extends z.ZodMiniType>(field: T) => z.pipe(z.nullish(field), z.transform(v => v ?? undefined))

/**
 * 2: every field, the signer, the relay, `sig_ts` and `sig_nonce` are covered. 3: the signer's whole key, the address that was
 * dialled and the relay's nonce of this session too.
 */
const Version = z.literal([2, 3])

/** What requests in trade carry as their signature. */
export const signed = { sig: Signature, sig_v: Version, sig_ts: ClientTime, sig_nonce: Hex32 }

/** Where the text of older clients is taken too: that of a request without `sig_v`. */
export const oldSigned = { sig: Signature, sig_v: z.optional(Version), sig_ts: z.optional(ClientTime), sig_nonce: z.optional(Hex32) }
