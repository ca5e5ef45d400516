// What is asked about tokens.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { limits } from '../limits.ts'
import { TokenId, TokenName, TokenScope, tokenScopes } from '../tokens.ts'

export const requests = {
  TOKEN_CREATE: request('token.write', {
    body: {
      name: z.optional(TokenName),
      scopes: z.optional(z.array(TokenScope).check(z.minLength(1), z.maxLength(tokenScopes.length))),
      ttl_ms: z.optional(z.int().check(z.gte(60_000), z.lte(limits.maxTokenMs))),
    },
    cost: { frames: 5 },
    reply: 'TOKEN_CREATED',
  }),
  TOKENS: request('token.write', {
    body: {},
    cost: { frames: 2 },
    reply: 'TOKENS',
  }),
  TOKEN_REVOKE: request('token.write', {
    body: { token_id: TokenId },
    cost: { frames: 2, needsRoom: false },
    reply: 'OK',
    quiet: 'OK',
  }),
}
