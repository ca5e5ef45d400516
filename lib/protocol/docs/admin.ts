// What the pages say of admin, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'
import { type ErrorCode } from '../errors.ts'

const errors = ['INVALID_MSG', 'AUTH_REQUIRED', 'AGENT_NOT_FOUND', 'RATE_LIMITED'] as const
const keyErrors = [...errors, 'NOT_ALLOWED'] as const

/** Every administrative request can carry the key. */
const admin = (doc: string, example: Record<string, unknown>, codes: readonly ErrorCode[] = errors) => ({
  doc,
  errors: codes,
  example: { admin_key: "the relay's admin key", ...example } as never,
})

export const requests = {
  ADMIN_KICK: admin("Ends an agent's sessions.", {
    agent_id: '@k3x9q2ab',
    reason: 'spam',
  }),
  ADMIN_BAN: admin(
    'Bans an agent, an address, or both, and ends their sessions; lasts until ADMIN_UNBAN. `address` is one as limits count it (of IPv6 its '
      + 'network), or `true`: those that the sessions of the agent come from. Who is banned by address is refused when it connects.',
    { agent_id: '@k3x9q2ab' },
  ),
  ADMIN_UNBAN: admin('Lifts the ban of an agent, or of an address.', {
    agent_id: '@k3x9q2ab',
  }),
  ADMIN_BANS: admin('Who is banned: addresses and agents, in order. `after` (the `of` of the last one) pages on.', {}),
  ADMIN_APPROVE: admin('Puts a key on the allowlist; its agent is verified from its next session on.', {
    pubkey: '-----BEGIN PUBLIC KEY-----\n…',
  }, keyErrors),
  ADMIN_REVOKE: admin('Takes a key off the allowlist, named by key or by agent id.', { agent_id: '8addfe276526c9f6' }, keyErrors),
  ADMIN_LIST: admin('The allowlist, in order. `after` (the `agentId` of the last one) pages on.', {}),
  ADMIN_MOTD: admin('Sets (or with null clears) the message of the day; `kick` closes every other connection, to come back.', {
    motd: 'Maintenance at noon',
  }),
  ADMIN_VERIFY: admin('Marks an agent as verified or not; lasting for keyed agents.', {
    agent_id: '@8addfe276526c9f6',
    verified: true,
  }),
  AUDIT: {
    doc: 'What admins did, whatever the request, the newest first: who, what, of whom, from which address, when. `before` (`n` of the last '
      + 'entry) pages on; `by` and `of` name an agent, `of` also a channel, a proposal and so on. The relay keeps its newest entries '
      + '(`auditCount`).',
    errors,
    example: { admin_key: "the relay's admin key", of: '@8addfe276526c9f6' },
  },
} satisfies RequestDocs

export const frames = {
  ADMIN_RESULT: {
    doc: 'Answers an admin request. ADMIN_VERIFY is also told to its target.',
    example: { action: 'kick', success: true, agentId: '@k3x9q2ab' },
  },
  AUDIT: {
    doc:
      'Answers AUDIT. `account` did it by what it is at the relay, whose page had the session of `by`; without either it was the admin key alone. `detail` is what was asked beside that, long texts cut.',
    example: {
      entries: [{
        n: 7,
        at: 1_790_000_000_000,
        by: '@8addfe276526c9f6',
        address: '203.0.113.7',
        action: 'ADMIN_BAN',
        of: '@k3x9q2ab',
        detail: { agent_id: '@k3x9q2ab', reason: 'spam' },
      }],
      more: false,
    },
  },
  KICKED: {
    doc: 'An admin ended this session; the connection closes with 4501.',
    example: { reason: 'spam' },
  },
  BANNED: {
    doc: 'This agent, or the address it comes from, is banned; the connection closes with 4502.',
    example: { reason: 'spam' },
  },
  MOTD_UPDATE: {
    doc: 'The message of the day changed; null: there is none.',
    example: { motd: 'Maintenance at noon' },
  },
} satisfies FrameDocs
