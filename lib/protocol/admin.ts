// Operating a relay over the wire. Every request here is allowed by `admin_key`, or without it from a session of an admin agent, or from
// a page of the relay's own that is signed in to an account which may.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AccountId, AgentId, Fingerprint, Time } from './fields.ts'

export const frames = {
  ADMIN_RESULT: signal({
    body: {
      action: z.string(),
      success: z.boolean(),
      agentId: z.optional(z.string()),
      verified: z.optional(z.boolean()),
      addresses: z.optional(z.array(z.string())),
      bans: z.optional(z.array(z.object({ of: z.string(), reason: z.optional(z.string()), at: Time }))),
      more: z.optional(z.boolean()),
      entries: z.optional(z.array(z.object({
        agentId: z.string(),
        pubkeyPrefix: z.string(),
        key: z.optional(Fingerprint),
        approvedAt: Time,
        note: z.optional(z.string()),
      }))),
      enabled: z.optional(z.boolean()),
      strict: z.optional(z.boolean()),
      motd: z.optional(z.nullable(z.string())),
    },
  }),
  AUDIT: signal({
    body: {
      entries: z.array(z.object({
        n: z.int(),
        at: Time,
        by: z.optional(AgentId),
        account: z.optional(AccountId),
        address: z.string(),
        action: z.string(),
        of: z.optional(z.string()),
        detail: z.looseObject({}),
      })),
      more: z.boolean(),
    },
  }),
  KICKED: signal({
    body: { reason: z.optional(z.string()) },
  }),
  BANNED: signal({
    body: { reason: z.optional(z.string()) },
  }),
  MOTD_UPDATE: signal({
    body: { motd: z.nullable(z.string()) },
  }),
}
