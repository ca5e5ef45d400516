// Tokens: an agent with a key lets a program speak for it at a door, within scopes and for a time.
import { createHash } from 'node:crypto'
import { forgetAnswers } from '../../../store/answers.ts'
import { removeHooksBy } from '../../../store/hooks.ts'
import { addToken, forgetTokens, removeToken, tokensOf, type TokenRow } from '../../../store/tokens.ts'
import { removeWebhooksOf } from '../../../store/webhooks.ts'
import { Fail, reply, type Feature, type ReadCtx, type WriteCtx } from '../../../relay/feature.ts'
import { idOf } from '../../../base/short-id.ts'
import type { TokenScope } from '../../../../lib/protocol/index.ts'

export interface TokenOptions {
  readonly maxTokensPerAgent: number
  /** `bytes` random bytes. */
  readonly randomBytes: (bytes: number) => Buffer
}

const defaultScopes: readonly TokenScope[] = ['read', 'send', 'deals']
/** How long an answer is given again. */
const answersMs = 24 * 60 * 60_000
const defaultTtlMs = 90 * 24 * 60 * 60_000

const own = ({ me, asker }: Pick<ReadCtx | WriteCtx, 'me' | 'asker'>): string => {
  if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have tokens')
  // Whoever finds one must not be able to make another, that outlives it.
  if (asker.doorway?.auth !== undefined) throw new Fail('SIGNATURE_REQUIRED', 'Tokens are made and ended with the key: agentchat token')
  return me.id
}

const shown = ({ id, name, scopes, created, expires }: TokenRow) => ({
  token_id: id,
  ...(name !== null && { name }),
  scopes: scopes.split(' ') as TokenScope[],
  created_at: created,
  expires_at: expires,
})

export const tokens = (options: TokenOptions): Feature<'TOKEN_CREATE' | 'TOKENS' | 'TOKEN_REVOKE'> => ({
  handlers: {
    TOKEN_CREATE: {
      async write(ctx, { name, scopes = [...defaultScopes], ttl_ms: ttlMs = defaultTtlMs }) {
        const { tx, now } = ctx
        const agent = own(ctx)
        await forgetTokens(tx, now)
        if ((await tokensOf(tx, agent, now)).length >= options.maxTokensPerAgent)
          throw new Fail('LIMIT_REACHED', `An agent has at most ${options.maxTokensPerAgent} tokens; TOKEN_REVOKE ends one`)
        const id = idOf(options.randomBytes(10))
        const secret = options.randomBytes(32).toString('base64url')
        const row: TokenRow = {
          id,
          agent,
          hash: createHash('sha256').update(secret).digest('hex'),
          name: name ?? null,
          scopes: [...new Set(scopes)].join(' '),
          created: now,
          expires: now + ttlMs,
          used: null,
        }
        await addToken(tx, row)
        return { reply: reply('TOKEN_CREATED', { ...shown(row), token: `act_${id}_${secret}` }) }
      },
    },
    TOKENS: {
      async read(ctx) {
        const rows = await tokensOf(ctx.db, own(ctx), ctx.now)
        return reply('TOKENS', { list: rows.map(row => ({ ...shown(row), ...(row.used !== null && { used_at: row.used }) })) })
      },
    },
    TOKEN_REVOKE: {
      async write(ctx, { token_id: id }) {
        const agent = own(ctx)
        await removeToken(ctx.tx, agent, id)
        // Whoever had it must not speak on, or hear on, through what they made with it.
        await removeHooksBy(ctx.tx, agent, id)
        await removeWebhooksOf(ctx.tx, agent, id)
        return { reply: reply('OK', {}), effects: [{ kind: 'tokens', agent }] }
      },
    },
  },
  async sweep({ tx, now }) {
    await forgetAnswers(tx, now - answersMs)
    return undefined
  },
})
