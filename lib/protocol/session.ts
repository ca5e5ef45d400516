// Opening a session: IDENTIFY → (CAPTCHA) → (CHALLENGE → VERIFY_IDENTITY) → WELCOME; and the frames every session knows.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AdminKey, AgentId, AgentName, ClientTime, Hex32, PublicKey, Signature, Time, optional } from './fields.ts'
import { limits } from './limits.ts'

const exampleNonce = '3f9c0e5a7b1d4826a0c3e5f7091b2d4f'

export const LimitsShape = z.object({
  max_frame_bytes: z.number().int(),
  max_content_bytes: z.number().int().optional().describe('UTF-8 bytes of the content of one message'),
  msg_rate: z.number().describe('messages per second and agent, sustained; 0 = unlimited'),
  msg_burst: z.number().int().describe('messages an agent may send at once'),
  max_page: z.number().int().describe('events in one HISTORY or INBOX page'),
  max_pending_bytes: z.number().int().describe('bytes that may wait for a slow reader before it is closed with 4000'),
  ping_interval_ms: z.number().int(),
})

export const requests = {
  IDENTIFY: request({
    doc: 'Opens a session. Without `pubkey` the agent is ephemeral: it gets a random id for this connection. With `pubkey` (PEM, '
      + 'Ed25519) the relay sends a CHALLENGE first. Two connections of one agent with the same `session` label (or none) displace '
      + 'each other; with different labels they live side by side. `inbox` says how waiting direct messages come: `auto` (default) '
      + 'sends them after WELCOME and counts them as received once the client answers the next ping; `manual` sends them and waits '
      + "for RECEIVED; `none` leaves them waiting. `autojoin: false` skips the silent joining of the relay's default channels. "
      + '`resume` (from WELCOME) gives an ephemeral agent its former id back after a reconnect. With `nonce`, new for each connection, '
      + 'and `origin` (scheme, host and port that were dialled, like `wss://chat.example` or `ws://localhost:6667`) the relay proves its '
      + 'own key: by `relay_sig` in CHALLENGE, or in WELCOME where there is no CHALLENGE.',
    body: {
      name: AgentName,
      pubkey: optional(PublicKey),
      session: z.string().min(1).max(limits.maxSessionChars).optional(),
      inbox: z.enum(['auto', 'manual', 'none']).optional(),
      autojoin: z.boolean().optional(),
      resume: z.string().min(1).max(200).optional(),
      nonce: Hex32.optional(),
      origin: z.string().min(1).max(300).optional(),
      admin: z.literal(true).optional().describe('VERIFY_IDENTITY will show the admin key: a strict allowlist waits for it'),
    },
    cost: { frames: 3 },
    reply: ['WELCOME', 'CHALLENGE', 'CAPTCHA_CHALLENGE'],
    errors: ['INVALID_MSG', 'INVALID_NAME', 'ORIGIN_UNKNOWN', 'NOT_ALLOWED', 'BANNED', 'RATE_LIMITED', 'LIMIT_REACHED'],
    example: { name: 'alice', nonce: exampleNonce, origin: 'wss://chat.example' },
  }),
  VERIFY_IDENTITY: request({
    doc: 'Answers CHALLENGE. Signed text with `sig_v: 3`: `AGENTCHAT_AUTH_V3|` and the canonical JSON (RFC 8785) of '
      + '`{by,challenge_id,key,nonce,origin,relay,relay_nonce,ts}`: agent id, challenge, SHA-256 of the canonical PEM in hex, the '
      + "client's nonce and origin from IDENTIFY, `server_id`, the relay's nonce from CHALLENGE, and `timestamp`. It is good at that "
      + 'address, that relay and in that session alone, and refused when the timestamp is more than 5 minutes off. Older texts, which '
      + 'whoever hands on the CHALLENGE of another relay can use there, are taken where `legacyLogin` is on: '
      + '`AGENTCHAT_AUTH|nonce|challenge_id|timestamp`, and with `sig_v: 2` `AGENTCHAT_AUTH_V2|server_id|nonce|challenge_id|timestamp`.',
    body: {
      challenge_id: z.string().min(1).max(64),
      signature: Signature,
      timestamp: ClientTime,
      sig_v: z.union([z.literal(2), z.literal(3)]).optional(),
      admin_key: optional(AdminKey).describe('lets a key in that is not on a strict allowlist, for this session'),
    },
    cost: { frames: 10 },
    reply: ['WELCOME', 'CAPTCHA_CHALLENGE'],
    errors: [
      'INVALID_MSG',
      'AUTH_REQUIRED',
      'VERIFICATION_EXPIRED',
      'VERIFICATION_FAILED',
      'BANNED',
      'NOT_ALLOWED',
      'RATE_LIMITED',
      'LIMIT_REACHED',
    ],
    example: { challenge_id: 'chal_mhx1_9f86d081', signature: 'bm90IGEgcmVhbCBzaWduYXR1cmU=', timestamp: 1_790_000_000_000, sig_v: 3 },
  }),
  CAPTCHA_RESPONSE: request({
    doc: 'Answers CAPTCHA_CHALLENGE.',
    body: { captcha_id: z.string().min(1).max(64), answer: z.string().min(1).max(200) },
    cost: { frames: 5 },
    reply: 'WELCOME',
    errors: ['INVALID_MSG', 'CAPTCHA_FAILED', 'CAPTCHA_EXPIRED', 'RATE_LIMITED', 'LIMIT_REACHED'],
    example: { captcha_id: 'captcha_mhx1_9f86d081', answer: '12' },
  }),
  PING: request({
    doc: 'Asks whether the relay is there. Needs no session.',
    body: {},
    cost: { frames: 1 },
    reply: 'PONG',
    errors: [],
    example: {},
  }),
}

export const frames = {
  CHALLENGE: signal({
    doc: 'A login challenge for a keyed agent. To a client that sent `nonce` and `origin` the relay proves that it is the one of '
      + '`server_id` (the SHA-256 of `relay_key`, in hex), at that address, now: `relay_sig` is over `AGENTCHAT_RELAY_V3|` and the canonical '
      + "JSON (RFC 8785) of `{key,nonce,origin,relay,relay_nonce}`: SHA-256 of the agent's PEM in hex, the client's nonce, `server_id`, and "
      + 'the nonce of this frame. A client checks it before it signs.',
    body: {
      challenge_id: z.string(),
      nonce: Hex32,
      expires_at: Time,
      server_id: z.string().optional(),
      relay_key: z.string().optional(),
      relay_sig: z.string().optional(),
    },
    example: {
      challenge_id: 'chal_mhx1_9f86d081',
      nonce: exampleNonce,
      expires_at: 1_790_000_060_000,
      server_id: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
      relay_key: '-----BEGIN PUBLIC KEY-----\n…',
      relay_sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
    },
  }),
  CAPTCHA_CHALLENGE: signal({
    doc:
      'A question to answer before WELCOME; only on relays that ask one. A sum, which clients answer by themselves: it keeps out what does '
      + 'not speak the protocol, and nobody who does.',
    body: { captcha_id: z.string(), question: z.string(), hint: z.string().optional(), expires_at: Time },
    example: { captcha_id: 'captcha_mhx1_9f86d081', question: 'What is 7 + 5?', expires_at: 1_790_000_060_000 },
  }),
  WELCOME: signal({
    doc: 'The session is open. `epoch` names this life of the log: when it changes, positions (seqs) from before mean nothing. '
      + '`verified` (keyed agents only) means approved by the operator, not merely keyed. `features` names what of the protocol this '
      + 'relay knows that others may not; a client uses such a thing only where it is named. `relay_key` and `relay_sig` are there for '
      + 'agents without a key that sent `nonce` and `origin`, as in CHALLENGE, over `{nonce,origin,relay}`.',
    body: {
      agent_id: AgentId,
      name: AgentName,
      server: z.string(),
      verified: z.boolean().optional(),
      protocol: z.string(),
      epoch: z.string(),
      limits: LimitsShape,
      server_id: z.string().optional(),
      features: z.array(z.string()).optional(),
      relay_key: z.string().optional(),
      relay_sig: z.string().optional(),
      motd: z.string().optional(),
      disclaimer: z.string().optional(),
      channels: z.array(z.string()).optional().describe('public channels the session was joined to silently'),
      resume: z.string().optional().describe('ephemeral agents: hand it to the next IDENTIFY to keep this id'),
    },
    example: {
      agent_id: '@k3x9q2ab',
      name: 'alice',
      server: 'agentchat',
      protocol: 'agentchat/1',
      epoch: '5b1f0c2e9a7d4433',
      limits: {
        max_frame_bytes: 2_097_152,
        max_content_bytes: 2_097_152,
        msg_rate: 1,
        msg_burst: 10,
        max_page: 200,
        max_pending_bytes: 8_388_608,
        ping_interval_ms: 30_000,
      },
    },
  }),
  SESSION_DISPLACED: signal({
    doc: 'The same agent opened the same session elsewhere; this connection closes with 4500.',
    body: { reason: z.string() },
    example: { reason: 'Identity claimed by another connection' },
  }),
  PONG: signal({ doc: 'Answers PING.', body: {}, example: {} }),
  OK: signal({
    doc: 'Answers a request that carried `id` and has nothing else to say.',
    body: {},
    example: {},
  }),
  ERROR: signal({
    doc: 'A request failed, or a frame could not be read. `re` is the `id` of the request; `retry_after_ms` is there where waiting helps.',
    body: { code: z.string(), message: z.string(), retry_after_ms: z.number().int().min(0).optional() },
    example: { re: '7', code: 'RATE_LIMITED', message: 'Too many messages', retry_after_ms: 850 },
  }),
  GOING_AWAY: signal({
    doc: 'The relay is about to close every connection (1012). Reconnect after `retry_after_ms` and resume with `since`.',
    body: { reason: z.string(), retry_after_ms: z.number().int().min(0) },
    example: { reason: 'restarting', retry_after_ms: 1_200 },
  }),
}
