// What the pages say of servers, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'
import type { ServerDocument } from '../server-document.ts'

export const example: ServerDocument = {
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
  ANNOUNCE: {
    doc: "Announces a relay to this one, where it is a directory (`serve --directory`): the document of the announced relay's "
      + '`/.well-known/agentchat.json`. The directory asks the relay at its first url for the same key before it lists it, and takes '
      + 'it off when the document expires. Also as `POST /directory/servers`.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'VERIFICATION_FAILED', 'VERIFICATION_EXPIRED', 'LIMIT_REACHED', 'RATE_LIMITED'],
    example: { server: example },
  },
} satisfies RequestDocs

export const frames = {
  ANNOUNCED: {
    doc: 'The announcement is kept. `pending`: the relay is asked next, and is listed once it has answered with the same key; how '
      + 'that went is told by `GET /directory/servers/SERVER_ID`.',
    example: { server_id: example.server_id, status: 'pending', expires_at: 1_790_003_660_000 },
  },
} satisfies FrameDocs
