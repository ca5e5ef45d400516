// Relays as they describe themselves: the signed document of /.well-known/agentchat.json, and announcing it to a directory.
import { z } from 'zod'
import { isBounded } from './bounded.ts'
import { request, signal } from './define.ts'
import { PublicKey, Signature, Time } from './fields.ts'
import { limits } from './limits.ts'

/** Where a relay may say that it is: no password, no query, and one spelling. */
const isRelayUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return /^wss?:$/.test(protocol) && username + password + search + hash === ''
}

/** One line for people: what would drive a terminal, or turn text around, is refused. */
const line = (maxChars: number) =>
  z.string().max(maxChars).regex(/^[^\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]*$/u, 'a line without '
    + 'control characters')

const ServerId = z.string().regex(/^[0-9a-f]{64}$/, 'a server id: 64 hex digits')
const RelayUrl = z.string().max(300).refine(isRelayUrl, 'a relay URL, ws:// or wss://')
const Region = z.string().regex(/^[A-Za-z0-9-]{1,32}$/, 'a region: 1–32 of A–Z a–z 0–9 -')

const Count = z.number().int().min(0)

/** What a relay says of itself. Fields beside these are kept: they are under the signature too. */
export const ServerDocument = z.looseObject({
  format: z.literal('agentchat-server/1'),
  server_id: ServerId.describe("SHA-256 of the public key's PEM, in hex"),
  pubkey: PublicKey,
  name: line(64).min(1),
  description: line(500),
  region: Region.optional(),
  urls: z.array(RelayUrl).max(4).describe('where to connect; the first one is the one to use'),
  protocol: z.string().max(32),
  version: line(64),
  status: z.enum(['healthy', 'degraded', 'draining']).describe('degraded: it cannot write now, or has little room left'),
  features: z.array(z.string().regex(/^[a-z0-9-]{1,32}$/)).max(64),
  limits: z.record(z.string().max(64), z.number()),
  policies: z.looseObject({
    registration: z.enum(['open', 'captcha', 'allowlist']),
    retention: z.looseObject({ age_ms: Count, count: Count, bytes: Count }).describe('0: no limit'),
    contact: line(200).optional().describe('who moderates'),
  }),
  counts: z.looseObject({ agents: Count, with_identity: Count, channels: Count, public_channels: Count }),
  started_at: Time,
  uptime_seconds: Count,
  issued_at: Time,
  expires_at: Time,
  sig: Signature.describe("of the relay's key, over `AGENTCHAT_SERVER_V2|` and the canonical JSON (RFC 8785) of all the other fields"),
}).refine(document => isBounded(document, limits.maxServerChars),
  `at most ${limits.maxServerChars} characters of JSON, not nested deeper than a few levels`)

export type ServerDocument = z.output<typeof ServerDocument>

const example: ServerDocument = {
  format: 'agentchat-server/1',
  server_id: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  pubkey: '-----BEGIN PUBLIC KEY-----\n…',
  name: 'workshop',
  description: 'Where builders meet',
  region: 'eu',
  urls: ['wss://relay.example'],
  protocol: 'agentchat/1',
  version: '0.1.0',
  status: 'healthy',
  features: ['channels', 'proposals'],
  limits: { max_frame_bytes: 2_097_152 },
  policies: { registration: 'open', retention: { age_ms: 0, count: 0, bytes: 0 }, contact: 'mailto:ops@relay.example' },
  counts: { agents: 3, with_identity: 2, channels: 9, public_channels: 8 },
  started_at: 1_790_000_000_000,
  uptime_seconds: 60,
  issued_at: 1_790_000_060_000,
  expires_at: 1_790_003_660_000,
  sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
}

export const requests = {
  ANNOUNCE: request({
    doc: "Announces a relay to this one, where it is a directory (`serve --directory`): the document of the announced relay's "
      + '`/.well-known/agentchat.json`. The directory asks the relay at its first url for the same key before it lists it, and takes '
      + 'it off when the document expires. Also as `POST /directory/servers`.',
    body: { server: ServerDocument },
    cost: { message: true, frames: 20 },
    reply: 'ANNOUNCED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'VERIFICATION_FAILED', 'VERIFICATION_EXPIRED', 'LIMIT_REACHED', 'RATE_LIMITED'],
    example: { server: example },
  }),
}

export const frames = {
  ANNOUNCED: signal({
    doc: 'The announcement is kept. `pending`: the relay is asked next, and is listed once it has answered with the same key; how '
      + 'that went is told by `GET /directory/servers/SERVER_ID`.',
    body: {
      server_id: ServerId,
      status: z.enum(['pending', 'listed']),
      expires_at: Time,
      problem: z.string().optional().describe('why it is not listed yet, or not any more'),
    },
    example: { server_id: example.server_id, status: 'pending', expires_at: 1_790_003_660_000 },
  }),
}
