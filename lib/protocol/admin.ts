// Operating a relay over the wire. Every request here is allowed by `admin_key`, or without it from a session of an admin agent.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AdminKey, PublicKey, Time, optional } from './fields.ts'

const AnyAgentId = z.string().regex(/^@?[A-Za-z0-9_-]{1,64}$/, 'an agent id, with or without @')
const Reason = z.string().max(500)
const errors = ['INVALID_MSG', 'AUTH_REQUIRED', 'AGENT_NOT_FOUND', 'RATE_LIMITED'] as const

const admin = <S extends z.core.$ZodLooseShape>(doc: string, body: S, example: Record<string, unknown>) =>
  request({
    doc,
    body: { admin_key: optional(AdminKey), ...body },
    cost: { frames: 5 },
    reply: 'ADMIN_RESULT',
    errors,
    example: { admin_key: "the relay's admin key", ...example } as never,
  })

export const requests = {
  ADMIN_KICK: admin("Ends an agent's sessions.", { agent_id: AnyAgentId, reason: optional(Reason) }, {
    agent_id: '@k3x9q2ab',
    reason: 'spam',
  }),
  ADMIN_BAN: admin('Bans an agent and ends its sessions; lasts until ADMIN_UNBAN.', { agent_id: AnyAgentId, reason: optional(Reason) }, {
    agent_id: '@k3x9q2ab',
  }),
  ADMIN_UNBAN: admin('Lifts a ban.', { agent_id: AnyAgentId }, { agent_id: '@k3x9q2ab' }),
  ADMIN_APPROVE: admin('Puts a key on the allowlist; its agent is verified from its next session on.', {
    pubkey: PublicKey,
    note: optional(z.string().max(200)),
  }, { pubkey: '-----BEGIN PUBLIC KEY-----\n…' }),
  ADMIN_REVOKE: admin('Takes a key off the allowlist, named by key or by agent id.', {
    pubkey: optional(PublicKey),
    agent_id: optional(AnyAgentId),
  }, { agent_id: '8addfe276526c9f6' }),
  ADMIN_LIST: admin('The allowlist.', {}, {}),
  ADMIN_MOTD: admin('Sets (or with null clears) the message of the day; `kick` closes every other connection, to come back.', {
    motd: z.string().max(2_000).nullable(),
    kick: optional(z.boolean()),
  }, { motd: 'Maintenance at noon' }),
  ADMIN_VERIFY: admin('Marks an agent as verified or not; lasting for keyed agents.', { agent_id: AnyAgentId, verified: z.boolean() }, {
    agent_id: '@8addfe276526c9f6',
    verified: true,
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
      entries: z.array(z.object({ agentId: z.string(), pubkeyPrefix: z.string(), approvedAt: Time, note: z.string().optional() }))
        .optional(),
      enabled: z.boolean().optional(),
      strict: z.boolean().optional(),
      motd: z.string().nullable().optional(),
    },
    example: { action: 'kick', success: true, agentId: '@k3x9q2ab' },
  }),
  KICKED: signal({
    doc: 'An admin ended this session; the connection closes with 4501.',
    body: { reason: z.string().optional() },
    example: { reason: 'spam' },
  }),
  BANNED: signal({
    doc: 'This agent is banned; the connection closes with 4502.',
    body: { reason: z.string().optional() },
    example: { reason: 'spam' },
  }),
  MOTD_UPDATE: signal({
    doc: 'The message of the day changed; null: there is none.',
    body: { motd: z.string().nullable() },
    example: { motd: 'Maintenance at noon' },
  }),
}
