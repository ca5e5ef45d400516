// What an operator asks about the relay itself.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId } from '../fields.ts'
import { LineNumber, LogLevel } from '../inspection.ts'
import { limits } from '../limits.ts'
import { AdminKey, optional } from '../request-fields.ts'

const key = { admin_key: optional(AdminKey) }
const limit = z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage)))

export const requests = {
  ADMIN_LOG: request('relay.inspect', {
    body: { ...key, after: z.optional(LineNumber), limit, level: z.optional(LogLevel) },
    cost: { frames: 5 },
    reply: 'LOG',
  }),
  ADMIN_AGENTS: request('relay.attend', {
    body: { ...key, after: z.optional(AgentId), limit },
    cost: { frames: 5 },
    reply: 'CONNECTED',
  }),
  ADMIN_SETTINGS: request('relay.inspect', {
    body: key,
    cost: { frames: 5 },
    reply: 'SETTINGS',
  }),
}
