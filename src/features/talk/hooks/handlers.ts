// Hooks: an agent with a key lets a service say something in its name, in one place.
import { findAgent } from '../../../store/agents.ts'
import { addHook, hooksOf, removeHook, type HookRow } from '../../../store/hooks.ts'
import { channelOfMember, Fail, reply, type Feature, type ReadCtx, type WriteCtx } from '../../../relay/feature.ts'
import { idOf } from '../../../base/short-id.ts'
import type { HookKind, RequestBody, Target } from '../../../../lib/protocol/index.ts'

export interface HookOptions {
  readonly maxHooksPerAgent: number
  /** `bytes` random bytes. */
  readonly randomBytes: (bytes: number) => Buffer
  readonly sealHook: (secret: string) => string
}

/** What Standard Webhooks asks of a secret. */
const minSecretBytes = 24
const maxSecretBytes = 64

const own = ({ me }: Pick<ReadCtx | WriteCtx, 'me'>): string => {
  if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have hooks')
  return me.id
}

/** Only where its agent could say it itself. @throws Fail */
const checkTarget = async ({ me, roster, tx }: WriteCtx, target: Target): Promise<void> => {
  if (target.startsWith('@')) {
    if (await findAgent(tx, target) === undefined) throw new Fail('AGENT_NOT_FOUND', `There is no agent ${target} with a key here`)
    return
  }
  channelOfMember(me, target, roster)
}

/** A given one as its kind wants it, or one that is made. @throws Fail */
const secretOf = ({ kind, secret }: RequestBody<'HOOK_CREATE'>, random: HookOptions['randomBytes']): string => {
  if (kind === 'plain' && secret !== undefined)
    throw new Fail('INVALID_MSG', 'secret: that of a plain hook is made here, and stands in its path')
  if (secret === undefined)
    return kind === 'standard'
      ? `whsec_${random(32).toString('base64')}`
      : `ahs_${random(32).toString('base64url')}`
  if (kind !== 'standard') return secret
  const { length } = Buffer.from(secret.slice('whsec_'.length), 'base64')
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret) || length < minSecretBytes || length > maxSecretBytes)
    throw new Fail('INVALID_MSG',
      `secret: whsec_ and ${minSecretBytes} to ${maxSecretBytes} bytes in base64, as Standard Webhooks writes it`)
  return secret
}

const shown = ({ id, kind, target, name, template, created, token }: HookRow) => ({
  hook_id: id,
  kind: kind as HookKind,
  to: target as Target,
  ...(name !== null && { name }),
  ...(template !== null && { template }),
  created_at: created,
  ...(token !== null && { token_id: token }),
})

export const hooks = (options: HookOptions): Feature<'HOOK_CREATE' | 'HOOKS' | 'HOOK_REMOVE'> => ({
  handlers: {
    HOOK_CREATE: {
      async write(ctx, request) {
        const { tx, now } = ctx
        const { to, kind, name, template } = request
        const agent = own(ctx)
        await checkTarget(ctx, to)
        if ((await hooksOf(tx, agent)).length >= options.maxHooksPerAgent)
          throw new Fail('LIMIT_REACHED', `An agent has at most ${options.maxHooksPerAgent} hooks; HOOK_REMOVE ends one`)
        const id = idOf(options.randomBytes(10))
        const secret = secretOf(request, options.randomBytes)
        const row: HookRow = {
          id,
          agent,
          target: to,
          kind,
          secret: options.sealHook(secret),
          name: name ?? null,
          template: template ?? null,
          created: now,
          // A door that let a token make it notes so.
          token: null,
        }
        await addHook(tx, row)
        const path = kind === 'plain' ? `/hooks/${id}/${secret}` : `/hooks/${id}`
        return { reply: reply('HOOK_CREATED', { ...shown(row), path, secret }) }
      },
    },
    HOOKS: {
      async read(ctx) {
        return reply('HOOKS', { list: (await hooksOf(ctx.db, own(ctx))).map(shown) })
      },
    },
    HOOK_REMOVE: {
      async write(ctx, { hook_id: id }) {
        await removeHook(ctx.tx, own(ctx), id)
        return { reply: reply('OK', {}) }
      },
    },
  },
})
