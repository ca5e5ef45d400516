// What is asked about hooks.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { TargetAddress } from '../fields.ts'
import { HookKind } from '../hooks.ts'
import { limits } from '../limits.ts'
import { TokenName as HookName } from '../tokens.ts'

export const requests = {
  HOOK_CREATE: request('hook.write', {
    body: {
      to: TargetAddress,
      kind: HookKind,
      name: z.optional(HookName),
      template: z.optional(z.string().check(z.minLength(1), z.maxLength(limits.maxHookTemplateChars))),
      secret: z.optional(z.string().check(z.regex(/^[!-~]{16,128}$/, 'a secret: 16 to 128 printable characters'))),
    },
    cost: { frames: 5 },
    reply: 'HOOK_CREATED',
  }),
  HOOKS: request('hook.write', {
    body: {},
    cost: { frames: 2 },
    reply: 'HOOKS',
  }),
  HOOK_REMOVE: request('hook.write', {
    body: { hook_id: HookName },
    cost: { frames: 2, needsRoom: false },
    reply: 'OK',
    quiet: 'OK',
  }),
}
