// Operating a relay over the wire. Every request here is allowed by `admin_key`, or without it from a session of an admin agent.
import { z } from 'zod'
import { request, signal } from './define.ts'
import type { ErrorCode } from './errors.ts'
import { AdminKey, AgentId, Fingerprint, PublicKey, Time, optional } from './fields.ts'
import { limits } from './limits.ts'

const AnyAgentId = z.string().regex(/^@?[A-Za-z0-9_-]{1,64}$/, 'an agent id, with or without @')
const Address = z.string().min(1).max(100).describe('an IP address; of IPv6 any of its network')
const Reason = z.string().max(500).describe('told to whom it is about')
const errors = ['INVALID_MSG', 'AUTH_REQUIRED', 'AGENT_NOT_FOUND', 'RATE_LIMITED'] as const
const keyErrors = [...errors, 'NOT_ALLOWED'] as const

const admin = <S extends z.core.$ZodLooseShape>(
  doc: string,
  body: S,
  example: Record<string, unknown>,
  codes: readonly ErrorCode[] = errors,
) =>
  request({
    doc,
    body: { admin_key: optional(AdminKey), ...body },
    cost: { frames: 5 },
    reply: 'ADMIN_RESULT',
    errors: codes,
    example: { admin_key: "the relay's admin key", ...example } as never,
  })

export const requests = {
  ADMIN_KICK: admin("Ends an agent's sessions.", { agent_id: AnyAgentId, reason: optional(Reason) }, {
    agent_id: '@k3x9q2ab',
    reason: 'spam',
  }),
  ADMIN_BAN: admin(
    'Bans an agent, an address, or both, and ends their sessions; lasts until ADMIN_UNBAN. `address` is one as limits count it (of IPv6 its '
      + 'network), or `true`: those that the sessions of the agent come from. Who is banned by address is refused when it connects.',
    { agent_id: optional(AnyAgentId), address: optional(z.union([z.literal(true), Address])), reason: optional(Reason) },
    { agent_id: '@k3x9q2ab' },
  ),
  ADMIN_UNBAN: admin('Lifts the ban of an agent, or of an address.', { agent_id: optional(AnyAgentId), address: optional(Address) }, {
    agent_id: '@k3x9q2ab',
  }),
  ADMIN_BANS: admin('Who is banned: addresses and agents, in order. `after` (the `of` of the last one) pages on.', {
    after: z.string().max(100).optional(),
    limit: z.number().int().min(1).max(limits.maxPage).optional(),
  }, {}),
  ADMIN_APPROVE: admin('Puts a key on the allowlist; its agent is verified from its next session on.', {
    pubkey: PublicKey,
    note: optional(z.string().max(200).describe('whose it is, for the list')),
  }, { pubkey: '-----BEGIN PUBLIC KEY-----\n…' }, keyErrors),
  ADMIN_REVOKE: admin('Takes a key off the allowlist, named by key or by agent id.', {
    pubkey: optional(PublicKey),
    agent_id: optional(AnyAgentId),
  }, { agent_id: '8addfe276526c9f6' }, keyErrors),
  ADMIN_LIST: admin('The allowlist, in order. `after` (the `agentId` of the last one) pages on.', {
    after: AnyAgentId.optional(),
    limit: z.number().int().min(1).max(limits.maxPage).optional(),
  }, {}),
  ADMIN_MOTD: admin('Sets (or with null clears) the message of the day; `kick` closes every other connection, to come back.', {
    motd: z.string().max(2_000).nullable(),
    kick: optional(z.boolean().describe('close every other connection, to come back')),
  }, { motd: 'Maintenance at noon' }),
  ADMIN_VERIFY: admin('Marks an agent as verified or not; lasting for keyed agents.', { agent_id: AnyAgentId, verified: z.boolean() }, {
    agent_id: '@8addfe276526c9f6',
    verified: true,
  }),
  AUDIT: request({
    doc: 'What admins did, whatever the request, the newest first: who, what, of whom, from which address, when. `before` (`n` of the last '
      + 'entry) pages on; `by` and `of` name an agent, `of` also a channel, a proposal and so on. The relay keeps its newest entries '
      + '(`auditCount`).',
    body: {
      admin_key: optional(AdminKey),
      by: AgentId.optional(),
      of: z.string().min(1).max(100).optional(),
      before: z.number().int().min(1).optional(),
      limit: z.number().int().min(1).max(limits.maxPage).optional(),
    },
    cost: { frames: 5 },
    reply: 'AUDIT',
    errors,
    example: { admin_key: "the relay's admin key", of: '@8addfe276526c9f6' },
  }),
}

export const frames = {
  ADMIN_RESULT: signal({
    doc: 'Answers an admin request. ADMIN_VERIFY is also told to its target.',
    body: {
      action: z.string(),
      success: z.boolean(),
      agentId: z.string().optional(),
      verified: z.boolean().optional(),
      addresses: z.array(z.string()).optional(),
      bans: z.array(z.object({ of: z.string(), reason: z.string().optional(), at: Time })).optional(),
      more: z.boolean().optional(),
      entries: z.array(z.object({
        agentId: z.string(),
        pubkeyPrefix: z.string(),
        key: Fingerprint.optional().describe('SHA-256 of the PEM'),
        approvedAt: Time,
        note: z.string().optional(),
      }))
        .optional(),
      enabled: z.boolean().optional(),
      strict: z.boolean().optional(),
      motd: z.string().nullable().optional(),
    },
    example: { action: 'kick', success: true, agentId: '@k3x9q2ab' },
  }),
  AUDIT: signal({
    doc: 'Answers AUDIT. Without `by` it was the admin key alone. `detail` is what was asked beside that, long texts cut.',
    body: {
      entries: z.array(z.object({
        n: z.number().int(),
        at: Time,
        by: AgentId.optional(),
        address: z.string(),
        action: z.string(),
        of: z.string().optional(),
        detail: z.record(z.string(), z.unknown()),
      })),
      more: z.boolean(),
    },
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
  }),
  KICKED: signal({
    doc: 'An admin ended this session; the connection closes with 4501.',
    body: { reason: z.string().optional() },
    example: { reason: 'spam' },
  }),
  BANNED: signal({
    doc: 'This agent, or the address it comes from, is banned; the connection closes with 4502.',
    body: { reason: z.string().optional() },
    example: { reason: 'spam' },
  }),
  MOTD_UPDATE: signal({
    doc: 'The message of the day changed; null: there is none.',
    body: { motd: z.string().nullable() },
    example: { motd: 'Maintenance at noon' },
  }),
}
