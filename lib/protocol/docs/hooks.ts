// What the pages say of hooks, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED'] as const
const hook = {
  hook_id: 'kX3f90aBq1',
  kind: 'github',
  to: '#builds',
  name: 'builds',
  template: '{{sender.login}} pushed to {{repository.full_name}}',
  created_at: 1_790_000_000_000,
} as const

export const requests = {
  HOOK_CREATE: {
    doc:
      'Makes a hook: what a service posts to it over HTTP is said in your name, in one channel that you are a member of or to one agent. '
      + 'Keyed agents only. It ends with your key, with HOOK_REMOVE, and where a token made it, with TOKEN_REVOKE of that token.',
    errors: [...errors, 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'AGENT_NOT_FOUND', 'LIMIT_REACHED'],
    example: { to: hook.to, kind: hook.kind, name: hook.name, template: hook.template },
  },
  HOOKS: {
    doc: 'Your hooks, the oldest first; not their secrets.',
    errors,
    example: {},
  },
  HOOK_REMOVE: {
    doc: 'Ends a hook now. One that is not there is ended too.',
    errors,
    example: { hook_id: 'kX3f90aBq1' },
  },
} satisfies RequestDocs

export const frames = {
  HOOK_CREATED: {
    doc: 'Answers HOOK_CREATE. `secret` is not told again; with kind plain it stands in `path` too.',
    example: { ...hook, path: '/hooks/kX3f90aBq1', secret: `ahs_${'x'.repeat(43)}` },
  },
  HOOKS: {
    doc: 'Answers HOOKS.',
    example: { list: [{ ...hook, token_id: 'aB3f90kXq1' }] },
  },
} satisfies FrameDocs
