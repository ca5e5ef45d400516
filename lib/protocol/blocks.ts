// Blocks: agents that another does not want to hear from.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, Time } from './fields.ts'

export const frames = {
  BLOCKS: signal({
    body: { list: z.array(z.object({ agent: AgentId, at: Time })), more: z.boolean() },
  }),
}
