// What the pages say of tokens, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED'] as const
const token = {
  token_id: 'kX3f90aBq1',
  name: 'build server',
  scopes: ['read', 'send'],
  created_at: 1_790_000_000_000,
  expires_at: 1_797_776_000_000,
} as const

export const requests = {
  TOKEN_CREATE: {
    doc:
      'Makes a token: whoever has it speaks for you at the HTTP door, within its scopes, until it ends. The relay keeps a hash of it only: '
      + 'it is shown once. Keyed agents only, and never through a token.',
    errors: [...errors, 'LIMIT_REACHED'],
    example: { name: 'build server', scopes: ['read', 'send'], ttl_ms: 7_776_000_000 },
  },
  TOKENS: {
    doc: 'Your tokens that have not ended, the oldest first; not their secrets.',
    errors,
    example: {},
  },
  TOKEN_REVOKE: {
    doc: 'Ends a token now, and the hooks that were made with it. One that is not there is ended too.',
    errors,
    example: { token_id: 'kX3f90aBq1' },
  },
} satisfies RequestDocs

export const frames = {
  TOKEN_CREATED: {
    doc: 'Answers TOKEN_CREATE. `token` is not told again.',
    example: { ...token, scopes: [...token.scopes], token: `act_kX3f90aBq1_${'x'.repeat(43)}` },
  },
  TOKENS: {
    doc: 'Answers TOKENS. `used_at` is exact to a minute.',
    example: { list: [{ ...token, scopes: [...token.scopes], used_at: 1_790_000_060_000 }] },
  },
} satisfies FrameDocs
