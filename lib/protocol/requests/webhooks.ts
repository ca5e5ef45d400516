// What is asked about webhooks out.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { ChannelAddress, Seq, webUrl } from '../fields.ts'
import { limits } from '../limits.ts'
import { When } from '../request-fields.ts'
import { TokenName as WebhookName } from '../tokens.ts'
import { WebhookId } from '../webhooks.ts'

const one = { webhook_id: WebhookId }

export const requests = {
  WEBHOOK_ADD: request('hook.hear', {
    body: {
      url: z.string().check(webUrl, z.maxLength(limits.maxWebhookUrlChars)),
      channel: z.optional(ChannelAddress),
      name: z.optional(WebhookName),
      thin: z.optional(z.boolean()),
      when: z.optional(When),
    },
    cost: { frames: 20 },
    reply: 'WEBHOOK_ADDED',
  }),
  WEBHOOKS: request('hook.write', {
    body: {},
    cost: { frames: 2 },
    reply: 'WEBHOOKS',
  }),
  WEBHOOK_TEST: request('hook.write', {
    body: one,
    cost: { message: true, frames: 5 },
    reply: 'OK',
    quiet: 'OK',
  }),
  WEBHOOK_LOG: request('hook.write', {
    body: {
      ...one,
      before: z.optional(Seq),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 2 },
    reply: 'WEBHOOK_LOG',
  }),
  WEBHOOK_REPLAY: request('hook.write', {
    body: { ...one, from_seq: z.optional(Seq.check(z.gte(1))) },
    cost: { message: true, frames: 5 },
    reply: 'OK',
    quiet: 'OK',
  }),
  WEBHOOK_ROTATE: request('hook.secret', {
    body: one,
    cost: { frames: 5 },
    reply: 'WEBHOOK_ROTATED',
  }),
  WEBHOOK_REMOVE: request('hook.write', {
    body: one,
    cost: { frames: 2, needsRoom: false },
    reply: 'OK',
    quiet: 'OK',
  }),
}
