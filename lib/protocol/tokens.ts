// Tokens: by one of them a program speaks for an agent at the relay's HTTP door, within its scopes and until it ends.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { Time } from './fields.ts'

/** What a token lets its bearer do. */
export const tokenScopes = ['read', 'send', 'manage', 'deals'] as const
/** One of them. */
export type TokenScope = (typeof tokenScopes)[number]

export const TokenName = z.string().check(z.minLength(1), z.maxLength(64))
export const TokenId = TokenName
export const TokenScope = z.literal(tokenScopes)

const token = {
  token_id: z.string(),
  name: z.optional(z.string()),
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
