// What an operator asks about policies.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { limits } from '../limits.ts'
import { PolicyName } from '../policies.ts'
import { AdminKey, optional } from '../request-fields.ts'

export const requests = {
  ADMIN_POLICY: request('relay.config', {
    body: {
      admin_key: optional(AdminKey),
      policy: PolicyName,
      when: z.optional(z.string().check(z.minLength(1), z.maxLength(limits.maxPolicyChars))),
    },
    cost: { frames: 5 },
    reply: 'POLICY',
  }),
}
