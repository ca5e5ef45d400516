// Hooks: a service that posts webhooks says something in an agent's name, in one channel or to one agent.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { Target, Time } from './fields.ts'

/** How a service proves itself: Standard Webhooks, GitHub's signature, or a secret in the path. */
export const hookKinds = ['standard', 'github', 'plain'] as const
/** One of them. */
export type HookKind = (typeof hookKinds)[number]

export const HookKind = z.literal(hookKinds)

const hook = {
  hook_id: z.string(),
  kind: HookKind,
  to: Target,
  name: z.optional(z.string()),
  template: z.optional(z.string()),
  created_at: Time,
  token_id: z.optional(z.string()),
}

export const frames = {
  HOOK_CREATED: signal({ body: { ...hook, path: z.string(), secret: z.string() } }),
  HOOKS: signal({ body: { list: z.array(z.object(hook)) } }),
}
