// Webhooks out: an agent with a key has what it is sent, or what is said in a channel of its own, posted to an address.
import { Courier, testOf, webhookErrand, type CourierOptions } from './courier.ts'
import { LookUps } from './look-ups.ts'
import { headOf } from './source.ts'
import { Conditions } from '../../../../lib/rules/index.ts'
import { idOf } from '../../../base/short-id.ts'
import { eventWords } from '../../../domain/event-words.ts'
import { addErrand, errandAbout, removeErrand, waitErrand, type ErrandRow } from '../../../store/errands.ts'
import type { Tx } from '../../../store/store.ts'
import {
  addWebhook,
  findWebhook,
  heldWebhooks,
  ledgerOf,
  removeWebhook,
  setWebhook,
  webhooksOf,
  type LedgerRow,
  type WebhookRow,
} from '../../../store/webhooks.ts'
import { channelOfMember, Fail, reply, type Feature, type ReadCtx, type Shares, type WriteCtx } from '../../../relay/feature.ts'

export interface WebhookOptions extends Omit<CourierOptions, 'conditions'> {
  /** Whether this relay posts at all. */
  readonly webhooks: boolean
  readonly shares: Shares
  readonly maxWebhooksPerAgent: number
  readonly maxPage: number
  readonly randomBytes: (bytes: number) => Buffer
  readonly sealWebhook: (secret: string) => string
}

type Requests =
  | 'WEBHOOK_ADD'
  | 'WEBHOOKS'
  | 'WEBHOOK_TEST'
  | 'WEBHOOK_LOG'
  | 'WEBHOOK_REPLAY'
  | 'WEBHOOK_ROTATE'
  | 'WEBHOOK_REMOVE'

/** How long a former secret signs too. */
const overlapMs = 24 * 60 * 60_000

const own = ({ me }: Pick<ReadCtx | WriteCtx, 'me'>): string => {
  if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have webhooks')
  return me.id
}

const shown = ({ id, url, source, name, thin, condition, off_at: offAt, problem, cursor, created, token }: WebhookRow) => ({
  webhook_id: id,
  url,
  ...(source.startsWith('#') && { channel: source as `#${string}` }),
  ...(name !== null && { name }),
  ...(thin === 1 && { thin: true as const }),
  ...(condition !== null && { when: condition }),
  state: offAt === null ? 'on' as const : 'off' as const,
  ...(problem !== null && { problem }),
  seq: cursor,
  created_at: created,
  ...(token !== null && { token_id: token }),
})

const shownEntry = ({ seq, state, attempts, at, status, problem, next_at }: LedgerRow) => ({
  seq,
  state,
  attempts,
  at,
  ...(status !== null && { status }),
  ...(problem !== null && { problem }),
  ...(next_at !== null && { next_at }),
})

const mine = async (ctx: Pick<WriteCtx, 'me' | 'tx'> | { readonly me: ReadCtx['me'], readonly tx: ReadCtx['db'] }, id: string) => {
  const agent = own(ctx)
  const webhook = await findWebhook(ctx.tx, id)
  // Of somebody else's nothing is told, not even that it is there.
  if (webhook?.agent !== agent) throw new Fail('MESSAGE_NOT_FOUND', 'You have no such webhook; WEBHOOKS lists them')
  return webhook
}

export const webhooks = (options: WebhookOptions): Feature<Requests> => {
  const { shares, maxWebhooksPerAgent, randomBytes, sealWebhook, sender, errandLimits } = options
  const conditions = new Conditions(eventWords)
  const courier = new Courier({ ...options, conditions })
  const lookUps = new LookUps(url => sender.check(url))

  const checkOn = (): void => {
    if (!options.webhooks) throw new Fail('INVALID_MSG', 'This relay posts no webhooks (its setting webhooks is off)')
  }

  /** Puts an errand of a webhook in line now, whatever became of it before; what is under way goes on. */
  const hurry = async (tx: Tx, webhook: WebhookRow, ref: string, now: number): Promise<void> => {
    const errand: ErrandRow | undefined = await errandAbout(tx, webhookErrand, ref)
    if (errand?.state === 'leased') return
    if (errand !== undefined) return waitErrand(tx, errand, { due_at: now, attempts: 0, problem: null })
    const added = await addErrand(tx, { kind: webhookErrand, owner: webhook.agent, ref, due_at: now }, now, errandLimits)
    if (added === 'owner' || added === 'all') throw new Fail('LIMIT_REACHED', 'As many errands wait as this relay keeps (maxErrands)')
  }

  const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

  return {
    scope: 'errands',
    handlers: {
      WEBHOOK_ADD: {
        async study(asked, { url, channel: name, name: label, thin = false, when }) {
          const agent = own(asked)
          checkOn()
          if (name !== undefined) channelOfMember(asked.me, name, asked.roster)
          const wrong = when === undefined ? undefined : (await conditions.compile(when)).problem
          if (wrong !== undefined) throw new Fail('INVALID_MSG', `when: ${wrong}`)
          const problem = await lookUps.of(url, asked.now)
          if (problem !== undefined) throw new Fail('INVALID_MSG', `url: ${problem}`)
          return async ({ me, tx, now, roster, asker: { address } }) => {
            if (name !== undefined && channelOfMember(me, name, roster).info.owner !== agent)
              throw new Fail('NOT_INVITED', `Only the owner of ${name} has what is said there posted`)
            const held = await heldWebhooks(tx, { agent, address })
            if (held.agent >= maxWebhooksPerAgent)
              throw new Fail('LIMIT_REACHED', `An agent has at most ${maxWebhooksPerAgent} webhooks; WEBHOOK_REMOVE ends one`)
            shares.check('webhooks', held)
            const source = name ?? agent
            const secret = newSecret()
            const row: WebhookRow = {
              id: `wh_${idOf(randomBytes(10))}`,
              agent,
              source,
              url,
              name: label ?? null,
              thin: thin ? 1 : 0,
              condition: when ?? null,
              secret: sealWebhook(secret),
              old_secret: null,
              old_until: 0,
              cursor: await headOf(tx, { source }),
              off_at: null,
              problem: null,
              created: now,
              token: null,
              address,
            }
            await addWebhook(tx, row)
            return { reply: reply('WEBHOOK_ADDED', { ...shown(row), secret }) }
          }
        },
      },
      WEBHOOKS: {
        async read(ctx) {
          return reply('WEBHOOKS', { list: (await webhooksOf(ctx.db, own(ctx))).map(shown) })
        },
      },
      WEBHOOK_TEST: {
        async write(ctx, { webhook_id: id }) {
          checkOn()
          await hurry(ctx.tx, await mine(ctx, id), testOf(id), ctx.now)
          return { reply: reply('OK', {}) }
        },
      },
      WEBHOOK_LOG: {
        async read({ me, db }, { webhook_id: id, before = Number.MAX_SAFE_INTEGER, limit = options.maxPage }) {
          await mine({ me, tx: db }, id)
          const rows = await ledgerOf(db, id, before, limit + 1)
          return reply('WEBHOOK_LOG', { webhook_id: id, items: rows.slice(0, limit).map(shownEntry), more: rows.length > limit })
        },
      },
      WEBHOOK_REPLAY: {
        async write(ctx, { webhook_id: id, from_seq: from }) {
          checkOn()
          const { tx, now } = ctx
          const webhook = await mine(ctx, id)
          if (from !== undefined && from > await headOf(tx, webhook) + 1)
            throw new Fail('INVALID_MSG', 'from_seq: it does not reach that far')
          await setWebhook(tx, id, { off_at: null, problem: null, ...(from !== undefined && { cursor: from - 1 }) })
          await hurry(tx, webhook, id, now)
          return { reply: reply('OK', {}) }
        },
      },
      WEBHOOK_ROTATE: {
        async write(ctx, { webhook_id: id }) {
          const { secret: last, old_secret: older, old_until } = await mine(ctx, id)
          // Asked once more in that day, what its receiver has goes on to sign: nobody may have seen the one between.
          const isTwice = older !== null && old_until > ctx.now
          const [old, until] = isTwice ? [older, old_until] : [last, ctx.now + overlapMs]
          const secret = newSecret()
          await setWebhook(ctx.tx, id, { secret: sealWebhook(secret), old_secret: old, old_until: until })
          return { reply: reply('WEBHOOK_ROTATED', { webhook_id: id, secret, until }) }
        },
      },
      WEBHOOK_REMOVE: {
        async write(ctx, { webhook_id: id }) {
          const agent = own(ctx)
          const { tx } = ctx
          if ((await findWebhook(tx, id))?.agent === agent) {
            await removeWebhook(tx, id)
            for (const ref of [id, testOf(id)]) {
              const errand = await errandAbout(tx, webhookErrand, ref)
              if (errand !== undefined) await removeErrand(tx, errand)
            }
          }
          return { reply: reply('OK', {}) }
        },
      },
    },
    ...(options.webhooks && { tick: ctx => courier.turn(ctx) }),
  }
}
