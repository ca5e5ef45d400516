// What counts for budgets: around the handlers of what agents say and claim, which know nothing of it.
import type { Awaitable } from '../../../store/log.ts'
import { pageReply, type Feature, type Handler, type Outcome, type WriteCtx } from '../../../relay/feature.ts'
import type { RequestType } from '../../../../lib/protocol/index.ts'
import { checkBudgets, type Budgets } from './budgets.ts'

/** What is said, in one of these ways. */
interface Said {
  readonly id?: string
  readonly to?: string
  readonly msg_id?: string
  readonly content?: string
  readonly text?: string
}

type Write = (ctx: WriteCtx, body: Said) => Awaitable<Outcome>

/** A channel counts what its members say. Whoever is none is refused without a word of it. */
const channelOf = ({ roster, me }: WriteCtx, to: string): string | undefined => {
  if (!to.startsWith('#')) return undefined
  const channel = roster.channel(to)
  return channel !== undefined && roster.isMember(me, channel) ? to : undefined
}

const counted = (write: Write, budgets: Budgets, isMessage: boolean): Write => {
  const spend = async (ctx: WriteCtx, body: Said, subjects: readonly string[]): Promise<Outcome> => {
    const { tx, me, now } = ctx
    // A repeat of what is stored counted when it was said.
    if (isMessage && body.id !== undefined && await tx.log.isPublished({ agent: me.id, id: body.id })) return write(ctx, body)
    const found = await budgets.of(tx, subjects, now)
    const use = { messages: 1, bytes: Buffer.byteLength(body.content ?? body.text ?? ''), wakes: 0 }
    checkBudgets(found, use, now)
    const outcome = await write(ctx, body)
    // Pieces are no messages, and nobody sends them where no message is left.
    const notices = await budgets.count(ctx, found, isMessage ? use : { ...use, messages: 0 })
    return notices.length === 0 ? outcome : { ...outcome, notify: [...(outcome.notify ?? []), ...notices] }
  }
  const of = (ctx: WriteCtx, body: Said, to: string): Awaitable<Outcome> => {
    const go = (subjects: readonly string[]) => subjects.length === 0 ? write(ctx, body) : spend(ctx, body, subjects)
    const subjects = budgets.subjects(ctx.tx, ctx.me.id, channelOf(ctx, to))
    return subjects instanceof Promise ? subjects.then(go) : go(subjects)
  }
  const changing = async (ctx: WriteCtx, body: Said, msgId: string): Promise<Outcome> =>
    of(ctx, body, (await ctx.tx.links.find(msgId))?.stream ?? '')
  return (ctx, body) => {
    if (!budgets.isUsed) return write(ctx, body)
    if (body.to !== undefined) return of(ctx, body, body.to)
    return changing(ctx, body, body.msg_id ?? '')
  }
}

type Written = Extract<Handler<RequestType>, { write: unknown }>

/** The feature, with these of its writes counted. */
const around = <T extends RequestType>(feature: Feature<T>, types: readonly T[], by: (write: Write, type: T) => Write): Feature<T> => ({
  ...feature,
  handlers: {
    ...feature.handlers,
    ...Object.fromEntries(types.map(type => {
      const handler = feature.handlers[type] as unknown as Written
      return [type, { ...handler, write: by(handler.write as unknown as Write, type) }]
    })),
  },
})

const pieces: ReadonlySet<RequestType> = new Set(['DELTA', 'FILE_CHUNK'])

/** Messages, and what is like them, count for their author and for the channel that they are in. */
export const countingSaid = <T extends RequestType>(budgets: Budgets, feature: Feature<T>, ...types: readonly NoInfer<T>[]): Feature<T> =>
  around(feature, types, (write, type) => counted(write, budgets, !pieces.has(type)))

/** Entries that are claimed wake their agent: no more of them are given out than it has left. */
export const countingClaims = <T extends RequestType>(budgets: Budgets, feature: Feature<T>): Feature<T> =>
  around(feature, ['CLAIM' as T], write => (ctx, body) => {
    if (!budgets.isUsed || ctx.me.pubkey === null) return write(ctx, body)
    return (async () => {
      const wakes = await budgets.wakes(ctx, ctx.me.id)
      if (wakes === undefined) return write(ctx, body)
      const { left, resetsAt, note } = wakes
      if (left === 0) return { reply: pageReply('CLAIMED', { more: false, next_at: resetsAt }, 'items', []) }
      const { limit = 1 } = body as { readonly limit?: number }
      const outcome = await write(ctx, { ...body, limit: Math.min(limit, left) } as Said)
      const given = typeof outcome.reply === 'object' ? outcome.reply.list?.items.length ?? 0 : 0
      if (given === 0) return outcome
      return { ...outcome, notify: [...(outcome.notify ?? []), ...await note(given)] }
    })()
  })
