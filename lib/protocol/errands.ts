// Errands: what the relay's own workers have to do outside of it, as its operator sees it.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, Time } from './fields.ts'

/** waiting: to be taken. leased: a worker holds it. dead: given up. */
export const errandStates = ['waiting', 'leased', 'dead'] as const

export const ErrandState = z.literal(errandStates)
export const ErrandNumber = z.int().check(z.gte(1), z.lte(Number.MAX_SAFE_INTEGER))

export const frames = {
  ERRANDS: signal({
    body: {
      items: z.array(z.object({
        errand: ErrandNumber,
        kind: z.string(),
        owner: AgentId,
        ref: z.string(),
        state: ErrandState,
        attempts: z.int(),
        at: Time,
        made_at: Time,
        worker: z.optional(z.string()),
        problem: z.optional(z.string()),
        payload: z.optional(z.string()),
      })),
      more: z.boolean(),
      waiting: z.int(),
      leased: z.int(),
      dead: z.int(),
    },
  }),
}
