// What the pages say of links, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'
import { example as serverExample } from './servers.ts'

const errors = ['INVALID_MSG', 'AUTH_REQUIRED', 'NOT_ENABLED', 'LIMIT_REACHED', 'RATE_LIMITED'] as const

/** Every administrative request can carry the key. */
const admin = (doc: string, example: Record<string, unknown>) => ({
  doc,
  errors,
  example: { admin_key: "the relay's admin key", ...example } as never,
})

const serverId = '8c2d1f0e9b7a65c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0'

export const requests = {
  RELAYED: {
    doc:
      'Hands on what an agent of a linked relay said in a channel of this one, or to an agent: the MSG with its signature of the second form, which names this relay. '
      + 'Asked by that relay, on a session under its own key, where `trust` is `both` (ADMIN_LINK). The author is bound by what binds agents here; a repeat of `id` is told.',
    errors: [
      'AUTH_REQUIRED',
      'INVALID_MSG',
      'LINK_REFUSED',
      'RATE_LIMITED',
      'VERIFICATION_FAILED',
      'VERIFICATION_EXPIRED',
      'BANNED',
      'NOT_ALLOWED',
      'CHANNEL_NOT_FOUND',
      'AGENT_NOT_FOUND',
      'LIMIT_REACHED',
      'NOT_INVITED',
      'ID_REUSED',
      'HOST_UNKNOWN',
      'NOT_ENABLED',
    ],
    example: {
      pubkey: '-----BEGIN PUBLIC KEY-----…',
      name: 'alice',
      message: {
        to: '#general',
        content: 'hi',
        id: '7',
        sig: 'v0AVZXeuiEoe6Uqtm2SiJpPx8T5Sy3GvB4hTOkFasDdJ+VWmXCLRuZ0kfwXCzbzPc/5ZreG2PziQyu0mjJ7SBg==',
        ts: 1_790_000_000_000,
        nonce: '000102030405060708090a0b0c0d0e0f',
      },
    },
  },
  HOME: {
    doc:
      'Tells which relay is behind a host that this one is linked to: what that relay says of itself, signed by it. Whoever speaks there signs for its `server_id`; '
      + 'whoever reads there checks by it. Clients hold it to the key that they know of that host.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'LINK_REFUSED', 'BUSY', 'NOT_ENABLED'],
    example: { host: 'b.example' },
  },
  ADMIN_LINK: admin(
    'Links another relay, or changes a link: `channels` are mirrored here as `#name@host`, beside those that are. `key` is its `server_id`: another relay '
      + 'that answers at `url` is told nothing. A mirror that had stopped is tried again. `trust` with `both`: what it hands on is taken again, too (`closed_until` of LINKS).',
    { host: 'b.example', url: 'wss://b.example', key: serverId, channels: ['#general'] },
  ),
  ADMIN_LINKS: admin('Lists the links, and how far each mirror is.', {}),
  ADMIN_UNLINK: admin('Ends a link: its mirrored channels end, and what they held is cleared away.', { host: 'b.example' }),
} satisfies RequestDocs

export const frames = {
  SETTLED: {
    doc:
      'What the relay that a channel or an agent is at made of a message whose ACK was `pending`: its place there, or why it was refused. Who was away asks by sending it again under its `id` (`pub_id`).',
    example: { msg_id: 'handed-12', pub_id: '7', to: '#general@b.example', home_msg_id: '1-16-5b1f0c', seq: 42, at: 1_790_000_000_000 },
  },
  HOME: {
    doc:
      'Answers HOME. `trust`: whether what agents say is handed on to it (`both`). The document is as its relay signed it: an old one where that relay was not reached for long.',
    example: { host: 'b.example', trust: 'both', document: { ...serverExample, urls: ['wss://b.example'] } },
  },
  LINKS: {
    doc: 'Answers ADMIN_LINKS and the others: all links. `seq` of a mirror: how many events of its home it has checked and stored. '
      + '`closed_until`: until then nothing that it hands on is taken, for too much of that was not signed.',
    example: {
      links: [{
        host: 'b.example',
        url: 'wss://b.example',
        server_id: serverId,
        trust: 'both',
        waiting: 0,
        state: 'open',
        mirrors: [{ channel: '#general@b.example', state: 'following', seq: 42, checked_at: 1_790_000_000_000 }],
      }],
    },
  },
} satisfies FrameDocs
