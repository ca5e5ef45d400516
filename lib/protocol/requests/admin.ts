// What is asked about admin.
import * as z from 'zod/mini'
import type { Right } from '../../access/table.ts'
import { request } from '../define.ts'
import { AgentId, PublicKey } from '../fields.ts'
import { AdminKey, optional } from '../request-fields.ts'
import { limits } from '../limits.ts'

const AnyAgentId = z.string().check(z.regex(/^@?[A-Za-z0-9_-]{1,64}$/, 'an agent id, with or without @'))

const Address = z.string().check(z.minLength(1), z.maxLength(100))

const Reason = z.string().check(z.maxLength(500))

const admin = <S extends z.core.$ZodLooseShape>(
  may: Right,
  body: S,
) =>
  request(may, {
    body: { admin_key: optional(AdminKey), ...body },
    cost: { frames: 5 },
    reply: 'ADMIN_RESULT',
  })

export const requests = {
  ADMIN_KICK: admin('relay.moderate', { agent_id: AnyAgentId, reason: optional(Reason) }),
  ADMIN_BAN: admin('relay.moderate', {
    agent_id: optional(AnyAgentId),
    address: optional(z.union([z.literal(true), Address])),
    reason: optional(Reason),
  }),
  ADMIN_UNBAN: admin('relay.moderate', { agent_id: optional(AnyAgentId), address: optional(Address) }),
  ADMIN_BANS: admin('relay.moderate', {
    after: z.optional(z.string().check(z.maxLength(100))),
    limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
  }),
  ADMIN_APPROVE: admin('relay.admit', {
    pubkey: PublicKey,
    note: optional(z.string().check(z.maxLength(200))),
  }),
  ADMIN_REVOKE: admin('relay.admit', {
    pubkey: optional(PublicKey),
    agent_id: optional(AnyAgentId),
  }),
  ADMIN_LIST: admin('relay.admit', {
    after: z.optional(AnyAgentId),
    limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
  }),
  ADMIN_MOTD: admin('relay.config', {
    motd: z.nullable(z.string().check(z.maxLength(2_000))),
    kick: optional(z.boolean()),
  }),
  ADMIN_VERIFY: admin('relay.admit', { agent_id: AnyAgentId, verified: z.boolean() }),
  AUDIT: request('audit.read', {
    body: {
      admin_key: optional(AdminKey),
      by: z.optional(AgentId),
      of: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
      before: z.optional(z.int().check(z.gte(1))),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 5 },
    reply: 'AUDIT',
  }),
}
