// Opening a session: IDENTIFY → (CAPTCHA) → (CHALLENGE → VERIFY_IDENTITY) → WELCOME; and the frames every session knows.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, AgentName, Hex32, Time } from './fields.ts'

export const LimitsShape = z.object({
  max_frame_bytes: z.int(),
  max_content_bytes: z.optional(z.int()),
  msg_rate: z.number(),
  msg_burst: z.int(),
  max_page: z.int(),
  max_pending_bytes: z.int(),
  ping_interval_ms: z.int(),
})

export const frames = {
  CHALLENGE: signal({
    body: {
      challenge_id: z.string(),
      nonce: Hex32,
      expires_at: Time,
      server_id: z.optional(z.string()),
      relay_key: z.optional(z.string()),
      relay_sig: z.optional(z.string()),
    },
  }),
  CAPTCHA_CHALLENGE: signal({
    body: { captcha_id: z.string(), question: z.string(), hint: z.optional(z.string()), expires_at: Time },
  }),
  WELCOME: signal({
    body: {
      agent_id: AgentId,
      name: AgentName,
      server: z.string(),
      verified: z.optional(z.boolean()),
      protocol: z.string(),
      epoch: z.string(),
      limits: LimitsShape,
      server_id: z.optional(z.string()),
      features: z.optional(z.array(z.string())),
      relay_key: z.optional(z.string()),
      relay_sig: z.optional(z.string()),
      motd: z.optional(z.string()),
      disclaimer: z.optional(z.string()),
      channels: z.optional(z.array(z.string())),
      resume: z.optional(z.string()),
    },
  }),
  SESSION_DISPLACED: signal({
    body: { reason: z.string() },
  }),
  PONG: signal({ body: {} }),
  OK: signal({
    body: {},
  }),
  ERROR: signal({
    body: { code: z.string(), message: z.string(), retry_after_ms: z.optional(z.int().check(z.gte(0))) },
  }),
  GOING_AWAY: signal({
    body: { reason: z.string(), retry_after_ms: z.int().check(z.gte(0)) },
  }),
}
