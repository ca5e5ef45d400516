// What an operator asks about errands.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { ErrandNumber, ErrandState } from '../errands.ts'
import { AgentId } from '../fields.ts'
import { limits } from '../limits.ts'
import { AdminKey, optional } from '../request-fields.ts'

const admin = <S extends z.core.$ZodLooseShape>(body: S) =>
  request('errand.steer', {
    body: { admin_key: optional(AdminKey), ...body },
    cost: { frames: 5 },
    reply: 'ERRANDS',
  })

export const requests = {
  ADMIN_ERRANDS: admin({
    state: z.optional(ErrandState),
    kind: z.optional(z.string().check(z.minLength(1), z.maxLength(32))),
    owner: z.optional(AgentId),
    after: z.optional(z.int().check(z.gte(0))),
    limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
  }),
  ADMIN_ERRAND: admin({ errand: ErrandNumber }),
  ADMIN_ERRAND_RETRY: admin({ errand: ErrandNumber }),
  ADMIN_ERRAND_DROP: admin({ errand: ErrandNumber }),
}
