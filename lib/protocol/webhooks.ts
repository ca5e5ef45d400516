// Webhooks out: what an agent is sent, or what is said in a channel of its own, is posted to an address that it names, signed and in order.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { ChannelName, Seq, Time } from './fields.ts'

export const WebhookId = z.string().check(z.regex(/^wh_[A-Za-z0-9]{10}$/, "a webhook's id, wh_…"))

const webhook = {
  webhook_id: z.string(),
  url: z.string(),
  channel: z.optional(ChannelName),
  name: z.optional(z.string()),
  when: z.optional(z.string()),
  thin: z.optional(z.literal(true)),
  state: z.literal(['on', 'off']),
  problem: z.optional(z.string()),
  seq: Seq,
  created_at: Time,
  token_id: z.optional(z.string()),
}

export const frames = {
  WEBHOOK_ADDED: signal({ body: { ...webhook, secret: z.string() } }),
  WEBHOOKS: signal({ body: { list: z.array(z.object(webhook)) } }),
  WEBHOOK_LOG: signal({
    body: {
      webhook_id: z.string(),
      items: z.array(z.object({
        seq: Seq,
        state: z.literal(['delivered', 'waiting', 'failed', 'skipped']),
        attempts: z.int(),
        at: Time,
        status: z.optional(z.int()),
        problem: z.optional(z.string()),
        next_at: z.optional(Time),
      })),
      more: z.boolean(),
    },
  }),
  WEBHOOK_ROTATED: signal({ body: { webhook_id: z.string(), secret: z.string(), until: Time } }),
}
