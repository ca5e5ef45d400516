// Relays as they describe themselves: the signed document of /.well-known/agentchat.json.
import * as z from 'zod/mini'
import { isBounded } from './bounded.ts'
import { PublicKey, ServerId, Signature, Time } from './fields.ts'
import { limits } from './limits.ts'

/** Where a relay may say that it is: no password, no query, and one spelling. */
const isRelayUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return /^wss?:$/.test(protocol) && username + password + search + hash === ''
}

/** One line for people: what would drive a terminal, or turn text around, is refused. */
const line = (maxChars: number) =>
  z.string().check(z.maxLength(maxChars), z.regex(/^[^\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]*$/u, 'a line without '
    + 'control characters'))

export const RelayUrl = z.string().check(z.maxLength(300), z.refine(isRelayUrl, 'a relay URL, ws:// or wss://'))
const Region = z.string().check(z.regex(/^[A-Za-z0-9-]{1,32}$/, 'a region: 1–32 of A–Z a–z 0–9 -'))

/** One key of a relay hands over to the next. */
const Handover = z.looseObject({
  old_pubkey: PublicKey,
  new_pubkey: PublicKey,
  timestamp: z.string().check(z.maxLength(40)),
  signature: Signature,
})

const Count = z.int().check(z.gte(0))

/** What a relay says of itself. Fields beside these are kept: they are under the signature too. */
export const ServerDocument = z.looseObject({
  format: z.literal('agentchat-server/1'),
  server_id: ServerId,
  pubkey: PublicKey,
  name: line(64).check(z.minLength(1)),
  description: line(500),
  region: z.optional(Region),
  urls: z.array(RelayUrl).check(z.maxLength(4)),
  protocol: z.string().check(z.maxLength(32)),
  version: line(64),
  status: z.literal(['healthy', 'degraded', 'draining']),
  features: z.array(z.string().check(z.regex(/^[a-z0-9-]{1,32}$/))).check(z.maxLength(64)),
  limits: z.catchall(z.object({}), z.number()).check(
    z.refine(limits => Object.keys(limits).every(name => name.length <= 64), 'names of at most 64 characters'),
  ),
  policies: z.looseObject({
    registration: z.literal(['open', 'captcha', 'allowlist']),
    retention: z.looseObject({ age_ms: Count, count: Count, bytes: Count }),
    contact: z.optional(line(200)),
  }),
  counts: z.looseObject({ agents: Count, with_identity: Count, channels: Count, public_channels: Count }),
  /** the relay's former keys, each signed over to the next, the last to `pubkey` */
  rotations: z.optional(z.array(Handover).check(z.maxLength(limits.maxServerRotations))),
  started_at: Time,
  uptime_seconds: Count,
  issued_at: Time,
  expires_at: Time,
  sig: z.clone(Signature),
}).check(
  z.refine(document => isBounded(document, limits.maxServerChars),
    `at most ${limits.maxServerChars} characters of JSON, not nested deeper than a few levels`),
)

export type ServerDocument = z.output<typeof ServerDocument>
