// Tokens: by one of them a program speaks for an agent at the relay's HTTP door, within its scopes and until it ends.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { Time } from './fields.ts'

/** What a token lets its bearer do. */
export const tokenScopes = ['read', 'send', 'manage', 'deals'] as const
/** One of them. */
export type TokenScope = (typeof tokenScopes)[number]

export const TokenId = z.string().check(z.regex(/^[A-Za-z0-9]{10}$/, 'the id of a token: 10 letters and digits'))
export const TokenName = z.string().check(z.minLength(1), z.maxLength(64))
export const TokenScope = z.literal(tokenScopes)

const token = {
  token_id: TokenId,
  name: z.optional(TokenName),
  scopes: z.array(TokenScope),
  created_at: Time,
  expires_at: Time,
}

export const frames = {
  TOKEN_CREATED: signal({ body: { ...token, token: z.string() } }),
  TOKENS: signal({
    body: { list: z.array(z.object({ ...token, used_at: z.optional(Time) })) },
  }),
}
