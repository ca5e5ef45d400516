// Keys after login: who is who, rotation, revocation, and proof between agents.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, AgentName, Fingerprint, Presence, Time } from './fields.ts'

export const frames = {
  WHOIS: signal({
    body: {
      agent_id: AgentId,
      name: AgentName,
      pubkey: z.nullable(z.string()),
      key: z.optional(Fingerprint),
      key_since: z.optional(Time),
      verified: z.boolean(),
      admin: z.optional(z.literal(true)),
      presence: Presence,
      status_text: z.nullable(z.string()),
      last_seen: z.nullable(Time),
      rotated_to: z.optional(AgentId),
      revoked_at: z.optional(Time),
      sessions: z.optional(z.int()),
    },
  }),
  VERIFY_REQUEST: signal({
    body: {
      request_id: z.string(),
      from: z.optional(AgentId),
      nonce: z.optional(z.string()),
      target: z.optional(AgentId),
      status: z.optional(z.literal('pending')),
    },
  }),
  VERIFY_SUCCESS: signal({
    body: { request_id: z.string(), agent: z.optional(AgentId), pubkey: z.optional(z.string()), verified: z.optional(z.boolean()) },
  }),
  VERIFY_FAILED: signal({
    body: { request_id: z.string(), target: z.optional(AgentId), reason: z.optional(z.string()), verified: z.optional(z.boolean()) },
  }),
}
