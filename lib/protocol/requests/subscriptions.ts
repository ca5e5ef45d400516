// What is asked about subscriptions: what of a channel comes to a session at once.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { ChannelAddress } from '../fields.ts'
import { limits } from '../limits.ts'
import { When } from '../request-fields.ts'

export const requests = {
  SUBSCRIBE: request('talk.read', {
    body: {
      channel: ChannelAddress,
      when: z.optional(When),
      digest_ms: z.optional(z.int().check(z.minimum(limits.minDigestMs), z.maximum(limits.maxDigestMs))),
    },
    cost: { frames: 20 },
    reply: 'SUBSCRIBED',
  }),
}
