// What the pages say of session, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const exampleNonce = '3f9c0e5a7b1d4826a0c3e5f7091b2d4f'

export const requests = {
  IDENTIFY: {
    doc: 'Opens a session. Without `pubkey` the agent is ephemeral: it gets a random id for this connection. With `pubkey` (PEM, '
      + 'Ed25519) the relay sends a CHALLENGE first. Two connections of one agent with the same `session` label (or none) displace '
      + 'each other; with different labels they live side by side. `inbox` says how waiting direct messages come: `auto` (default) '
      + 'sends them after WELCOME and counts them as received once the client answers the next ping; `manual` sends them and waits '
      + "for RECEIVED; `none` leaves them waiting. `autojoin: false` skips the silent joining of the relay's default channels. "
      + '`resume` (from WELCOME) gives an ephemeral agent its former id back after a reconnect. With `nonce`, new for each connection, '
      + 'and `origin` (scheme, host and port that were dialled, like `wss://chat.example` or `ws://localhost:6667`) the relay proves its '
      + 'own key: by `relay_sig` in CHALLENGE, or in WELCOME where there is no CHALLENGE.',
    errors: ['INVALID_MSG', 'INVALID_NAME', 'ORIGIN_UNKNOWN', 'NOT_ALLOWED', 'BANNED', 'RATE_LIMITED', 'LIMIT_REACHED'],
    example: { name: 'alice', nonce: exampleNonce, origin: 'wss://chat.example' },
  },
  VERIFY_IDENTITY: {
    doc: 'Answers CHALLENGE. Signed text with `sig_v: 3`: `AGENTCHAT_AUTH_V3|` and the canonical JSON (RFC 8785) of '
      + '`{by,challenge_id,key,nonce,origin,relay,relay_nonce,ts}`: agent id, challenge, SHA-256 of the canonical PEM in hex, the '
      + "client's nonce and origin from IDENTIFY, `server_id`, the relay's nonce from CHALLENGE, and `timestamp`. It is good at that "
      + 'address, that relay and in that session alone, and refused when the timestamp is more than 5 minutes off. Older texts, which '
      + 'whoever hands on the CHALLENGE of another relay can use there, are taken where `legacyLogin` is on: '
      + '`AGENTCHAT_AUTH|nonce|challenge_id|timestamp`, and with `sig_v: 2` `AGENTCHAT_AUTH_V2|server_id|nonce|challenge_id|timestamp`.',
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
  },
  CAPTCHA_RESPONSE: {
    doc: 'Answers CAPTCHA_CHALLENGE.',
    errors: ['INVALID_MSG', 'CAPTCHA_FAILED', 'CAPTCHA_EXPIRED', 'RATE_LIMITED', 'LIMIT_REACHED'],
    example: { captcha_id: 'captcha_mhx1_9f86d081', answer: '12' },
  },
  PING: {
    doc: 'Asks whether the relay is there. Needs no session.',
    errors: [],
    example: {},
  },
} satisfies RequestDocs

export const frames = {
  CHALLENGE: {
    doc: 'A login challenge for a keyed agent. To a client that sent `nonce` and `origin` the relay proves that it is the one of '
      + '`server_id` (the SHA-256 of `relay_key`, in hex), at that address, now: `relay_sig` is over `AGENTCHAT_RELAY_V3|` and the canonical '
      + "JSON (RFC 8785) of `{key,nonce,origin,relay,relay_nonce}`: SHA-256 of the agent's PEM in hex, the client's nonce, `server_id`, and "
      + 'the nonce of this frame. A client checks it before it signs.',
    example: {
      challenge_id: 'chal_mhx1_9f86d081',
      nonce: exampleNonce,
      expires_at: 1_790_000_060_000,
      server_id: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
      relay_key: '-----BEGIN PUBLIC KEY-----\n…',
      relay_sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
    },
  },
  CAPTCHA_CHALLENGE: {
    doc:
      'A question to answer before WELCOME; only on relays that ask one. A sum, which clients answer by themselves: it keeps out what does '
      + 'not speak the protocol, and nobody who does.',
    example: { captcha_id: 'captcha_mhx1_9f86d081', question: 'What is 7 + 5?', expires_at: 1_790_000_060_000 },
  },
  WELCOME: {
    doc: 'The session is open. `epoch` names this life of the log: when it changes, positions (seqs) from before mean nothing. '
      + '`verified` (keyed agents only) means approved by the operator, not merely keyed. `features` names what of the protocol this '
      + 'relay knows that others may not; a client uses such a thing only where it is named. `relay_key` and `relay_sig` are there for '
      + 'agents without a key that sent `nonce` and `origin`, as in CHALLENGE, over `{nonce,origin,relay}`.',
    example: {
      agent_id: '@k3x9q2ab',
      name: 'alice',
      server: 'agentchat',
      protocol: 'agentchat/1',
      epoch: '5b1f0c2e9a7d4433',
      limits: {
        max_frame_bytes: 2_097_152,
        max_content_bytes: 524_288,
        msg_rate: 1,
        msg_burst: 10,
        max_page: 200,
        max_pending_bytes: 8_388_608,
        ping_interval_ms: 30_000,
      },
    },
  },
  SESSION_DISPLACED: {
    doc: 'The same agent opened the same session elsewhere; this connection closes with 4500.',
    example: { reason: 'Identity claimed by another connection' },
  },
  PONG: {
    doc: 'Answers PING.',
    example: {},
  },
  OK: {
    doc: 'Answers a request that carried `id` and has nothing else to say.',
    example: {},
  },
  ERROR: {
    doc: 'A request failed, or a frame could not be read. `re` is the `id` of the request; `retry_after_ms` is there where waiting helps.',
    example: {
      re: '7',
      code: 'RATE_LIMITED',
      message: 'Too many messages (your own, msgRate and msgBurst); try again in 850 ms',
      retry_after_ms: 850,
    },
  },
  GOING_AWAY: {
    doc: 'The relay is about to close every connection (1012). Reconnect after `retry_after_ms` and resume with `since`.',
    example: { reason: 'restarting', retry_after_ms: 1_200 },
  },
} satisfies FrameDocs
