// What an operator looks at: the relay's log, who is connected, and by which settings it runs.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, AgentName, Presence, Time } from './fields.ts'

/** From the least important one. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export const LogLevel = z.literal(logLevels)
export const LineNumber = z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER))

export const frames = {
  LOG: signal({
    body: {
      lines: z.array(z.object({ n: LineNumber, at: Time, level: LogLevel, text: z.string(), facts: z.looseObject({}) })),
      more: z.boolean(),
      oldest: LineNumber,
    },
  }),
  CONNECTED: signal({
    body: {
      agents: z.array(z.object({
        agent: AgentId,
        name: AgentName,
        verified: z.boolean(),
        keyed: z.boolean(),
        admin: z.boolean(),
        presence: Presence,
        sessions: z.int(),
        channels: z.int(),
        addresses: z.array(z.string()),
      })),
      more: z.boolean(),
      count: z.int(),
    },
  }),
  SETTINGS: signal({
    body: {
      settings: z.array(z.object({
        name: z.string(),
        value: z.optional(z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
        default: z.boolean(),
        secret: z.optional(z.literal(true)),
        doc: z.string(),
      })),
    },
  }),
}
