// Budgets: an end to what an hour may cost. An agent sets its own, which holds its program too; so does the owner of a channel; and what an
// admin sets holds beside it.
import { findAgent } from '../../../store/agents.ts'
import { forgetHours, putBudget, removeBudget, type SetBy } from '../../../store/budgets.ts'
import type { Db } from '../../../store/store.ts'
import { channelOfInsider, Fail, reply, type Feature, type ReadCtx, type Reply, type WriteCtx } from '../../../relay/feature.ts'
import { countedKinds, hourMs, set, used, type Budgets, type CountedKind } from './budgets.ts'

export interface BudgetPorts {
  readonly budgets: Budgets
}

/** Whose budget is meant, and as whom the asker sets it. */
interface Meant {
  readonly subject: string
  readonly kind: SetBy
  readonly byRight?: true
}

type Of = { readonly agent?: string | undefined, readonly channel?: string | undefined }

/** @throws Fail */
const meant = (
  ctx: Pick<ReadCtx | WriteCtx, 'me' | 'roster' | 'isAdmin' | 'passkeyAsked'>,
  { agent, channel }: Of,
): Meant & { readonly isRuler: boolean } => {
  if (channel === undefined)
    return { subject: agent ?? ctx.me.id, kind: agent !== undefined && ctx.isAdmin ? 'relay' : 'own', isRuler: true }
  if (agent !== undefined) throw new Fail('INVALID_MSG', 'agent, channel: one of them')
  const { channel: found, isRuler } = channelOfInsider(ctx, channel)
  const isOwner = found.info.owner === ctx.me.id
  return { subject: found.info.name, isRuler, ...(isOwner || !isRuler ? { kind: 'own' } : { kind: 'relay', byRight: true }) }
}

export const budgets = ({ budgets: all }: BudgetPorts): Feature<'SET_BUDGET' | 'BUDGET'> => {
  const answer = async (db: Db, subject: string, now: number): Promise<Reply<'BUDGET'>> => {
    const [budget] = await all.of(db, [subject], now)
    const { limits, hour } = budget!
    return reply('BUDGET', {
      ...(subject.startsWith('#') ? { channel: subject as `#${string}` } : { agent: subject as `@${string}` }),
      limits,
      used: Object.fromEntries(countedKinds.map(kind => [kind, used(hour, kind)])) as Record<CountedKind, number>,
      ...(hour !== undefined && { resets_at: hour.since + hourMs }),
    })
  }

  return {
    handlers: {
      SET_BUDGET: {
        async write(ctx, { agent, channel, messages, bytes, tokens, wakes }) {
          const { me, tx, now } = ctx
          const { subject, kind, isRuler, byRight } = meant(ctx, { agent, channel })
          if (!isRuler) throw ctx.passkeyAsked ?? new Fail('AUTH_REQUIRED', `Only the owner of ${subject} and admins may do this`)
          if (channel !== undefined && wakes !== undefined) throw new Fail('INVALID_MSG', 'wakes: of agents only')
          if (channel === undefined && kind === 'own' && me.pubkey === null)
            throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have a budget of their own')
          if (channel === undefined && kind === 'relay' && await findAgent(tx, subject) === undefined)
            throw new Fail('AGENT_NOT_FOUND', `No agent ${subject} with a key is known here`)
          const limits = set({ messages, bytes, tokens, wakes })
          if (Object.keys(limits).length === 0) await removeBudget(tx, { subject, kind })
          else {
            const columns = { messages: messages ?? null, bytes: bytes ?? null, tokens: tokens ?? null, wakes: wakes ?? null }
            // Whoever has the admin key need not be an agent.
            const by = (me as WriteCtx['me'] | undefined)?.id ?? '@server'
            await putBudget(tx, { subject, kind, ...columns, set_by: by, set_at: now })
          }
          return {
            reply: await answer(tx, subject, now),
            // What others decide in the same batch would not know of it.
            effects: [{ kind: 'news', of: 'budgets', news: { subject } }],
            ...(byRight && { byRight }),
          }
        },
      },
      BUDGET: {
        read: (ctx, of) => answer(ctx.db, meant(ctx, of).subject, ctx.now),
      },
    },
    heard: news => all.changed((news as { readonly subject: string }).subject),
    async sweep({ tx, now }) {
      if (await all.isAny(tx)) await forgetHours(tx, now - hourMs)
      return undefined
    },
    ...(all.isShared && {
      tick: () => {
        all.forget()
        return undefined
      },
    }),
  }
}
