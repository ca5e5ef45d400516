// Policies: what the operator's conditions say of who may write, join, create and sign up, and of what a message counts for.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, MsgId, TargetAddress, Time } from './fields.ts'

export const PolicyName = z.literal(['write', 'price', 'join', 'create', 'sign_up'])

export const frames = {
  POLICY: signal({
    body: {
      policy: PolicyName,
      when: z.optional(z.string()),
      messages: z.optional(z.int()),
      refused: z.optional(z.int()),
      cost: z.optional(z.int()),
      items: z.optional(z.array(z.object({
        msg_id: z.optional(MsgId),
        from: AgentId,
        to: TargetAddress,
        ts: Time,
        cost: z.optional(z.int()),
      }))),
    },
  }),
}
