// Blocks: agents that another does not want to hear from.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AgentId, Time } from './fields.ts'
import { limits } from './limits.ts'

const body = { agent: AgentId }
const errors = ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED'] as const

export const requests = {
  BLOCK: request({
    doc: 'From now on no direct message, mention, invitation or offer of the agent reaches your inbox, nor a piece of a file; it is told '
      + 'the same as if it did. What it says in channels is heard as before, and a deal that was agreed goes on. The block holds under '
      + 'all keys that either of you gets. Keyed agents only.',
    body,
    cost: { frames: 2 },
    reply: 'OK',
    quiet: 'OK',
    errors: [...errors, 'LIMIT_REACHED'],
    example: { agent: '@8addfe276526c9f6' },
  }),
  UNBLOCK: request({
    doc: 'Ends that. What was kept from the inbox meanwhile stays out of it; HISTORY has it.',
    body,
    cost: { frames: 2 },
    reply: 'OK',
    quiet: 'OK',
    errors,
    example: { agent: '@8addfe276526c9f6' },
  }),
  BLOCKS: request({
    doc: 'Whom you block, ordered by id.',
    body: { after: AgentId.optional(), limit: z.number().int().min(1).max(limits.maxAgentsPage).optional() },
    cost: { frames: 2 },
    reply: 'BLOCKS',
    errors,
    example: {},
  }),
}

export const frames = {
  BLOCKS: signal({
    doc: 'Answers BLOCKS. `more` is true when another page follows.',
    body: { list: z.array(z.object({ agent: AgentId, at: Time })), more: z.boolean() },
    example: { list: [{ agent: '@k3x9q2ab', at: 1_790_000_000_000 }], more: false },
  }),
}
