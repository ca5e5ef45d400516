// Reactions: one of an agent and kind to a message, summed for whoever comes later. Who is there is told by a signal that says how the
// message stands now, so that a lost or a doubled one does no harm; who was away asks what changed since.
import {
  addReaction,
  kindsOf,
  reactedAt,
  reactedSince,
  reactorsAfter,
  removeReaction,
  withMine,
  type At,
  type Reacted,
} from '../../../store/reactions.ts'
import { isBlocked } from '../../../store/blocks.ts'
import { otherIn, pairStream, parseMsgId } from '../../../store/log.ts'
import type { Db } from '../../../store/store.ts'
import {
  checkOpen,
  Fail,
  goBy,
  mayRead,
  noChannel,
  noMessage,
  notify,
  reply,
  type Feature,
  type Outcome,
  type ReadCtx,
  type Reply,
  type WriteCtx,
} from '../../../relay/feature.ts'
import type { Frame, RequestBody } from '../../../../lib/protocol/index.ts'

export interface ReactionOptions {
  readonly maxReactionKinds: number
  readonly maxReactions: number
  readonly maxPage: number
  readonly maxAgentsPage: number
}

/** The channel, or the other one of two agents, where a message stands. */
type Place = { readonly channel: `#${string}` } | { readonly with: `@${string}` }

interface Found extends At {
  /** Of the message itself, also where an edit of it was named. */
  readonly msgId: string
  readonly place: Place
}

/** @throws Fail unless the message is one that the agent may hear of */
const found = async (ctx: WriteCtx | ReadCtx, named: string): Promise<Found> => {
  const { me, roster, epoch } = ctx
  const { links }: Pick<Db, 'links'> = 'tx' in ctx ? ctx.tx : ctx.db
  const first = await links.find(named)
  const msgId = (first && editedBy(first.text)) ?? named
  const said = msgId === named ? first : await links.find(msgId)
  if (said === undefined || isGone(said.text)) throw noMessage(named)
  const at = { streamId: parseMsgId(msgId, epoch)!.streamId, seq: said.seq, msgId }
  if (!said.stream.startsWith('#')) {
    const other = otherIn(said.stream, me.id) as `@${string}` | undefined
    if (other === undefined) throw noMessage(named)
    return { ...at, place: { with: other } }
  }
  if ('tx' in ctx) goBy(ctx, said.stream)
  const channel = roster.known(me, said.stream)
  if (channel === undefined || !mayRead(me, channel, roster)) throw noMessage(named)
  return { ...at, place: { channel: said.stream as `#${string}` } }
}

/** Of a larger text it is not looked whether it is an edit; what is erased or taken back is small. */
const maxParsedBytes = 64 * 1024

const parsed = (text: Buffer): Partial<Frame<'MSG'>> =>
  text.length > maxParsedBytes ? { type: 'MSG' } : JSON.parse(text.toString()) as Frame<'MSG'>

/** Of an edit, the message that it changes. */
const editedBy = (text: Buffer): string | undefined => parsed(text).edit?.of

/** Whether it is no message, or only its place is left. */
const isGone = (text: Buffer): boolean => {
  const { type, retract, erased } = parsed(text)
  return type !== 'MSG' || retract !== undefined || erased === true
}

export const reactions = (options: ReactionOptions): Feature<'REACT' | 'UNREACT' | 'REACTIONS'> => {
  const { maxReactionKinds, maxReactions, maxPage, maxAgentsPage } = options

  /** @throws Fail LIMIT_REACHED */
  const checkRoom = (kind: string, sums: Reacted['sums']): void => {
    if (sums.length >= maxReactionKinds && sums.every(sum => sum.kind !== kind))
      throw new Fail('LIMIT_REACHED', `A message takes ${maxReactionKinds} kinds of reactions (maxReactionKinds); use one of those it has`)
    if (sums.reduce((count, sum) => count + sum.count, 0) >= maxReactions)
      throw new Fail('LIMIT_REACHED', `This message has ${maxReactions} reactions, as many as one takes (maxReactions)`)
  }

  const react = async (
    ctx: WriteCtx,
    { msg_id: named, kind: given }: RequestBody<'REACT'>,
    isRemoval: boolean,
  ): Promise<Outcome<'REACTED'>> => {
    const { me, tx, roster, now } = ctx
    const { place, ...said } = await found(ctx, named)
    if ('channel' in place && !roster.isMember(me, roster.channel(place.channel)!))
      throw new Fail('NOT_INVITED', `You are not a member of ${place.channel}; JOIN it first`)
    if ('channel' in place) checkOpen(roster.channel(place.channel)!)
    // Two spellings of one sign are one kind.
    const kind = given.normalize('NFC')
    const before = await reactedAt(tx, said) ?? { msg_id: said.msgId, seq: said.seq, changed: 0, sums: [] }
    const answer = (after: Reacted) => ({
      ...place,
      ...after,
      sums: [...after.sums],
      by: me.id as `@${string}`,
      kind,
      ...(isRemoval && { removed: true as const }),
    })
    const has = (await kindsOf(tx, me.id, said)).includes(kind)
    if (has !== isRemoval) return { reply: reply('REACTED', answer(before)) }
    if (!isRemoval) checkRoom(kind, before.sums)
    const by = { agent: me.id, kind }
    const after = isRemoval ? await removeReaction(tx, said, by, now) : await addReaction(tx, said, by, now)
    const frame = answer(after ?? before)
    if ('channel' in place)
      return {
        reply: reply('REACTED', frame),
        hints: [{ agent: me.id, about: said.msgId, to: { kind: 'channel', channel: place.channel }, type: 'REACTED', body: frame }],
      }
    const isKept = await tx.log.hasBlocks(place.with) && await isBlocked(tx, me.id, place.with)
    return {
      reply: reply('REACTED', frame),
      notify: [
        ...(isKept || place.with === me.id
          ? []
          : [notify({ kind: 'agents', agents: [place.with] }, 'REACTED', { ...frame, with: me.id as `@${string}` })]),
        notify({ kind: 'agents', agents: [me.id], exceptAsker: true }, 'REACTED', frame),
      ],
    }
  }

  /** How one message stands; and who reacted in one way. */
  const ofMessage = async (
    ctx: ReadCtx,
    msgId: string,
    { kind, after, limit = maxAgentsPage }: RequestBody<'REACTIONS'>,
  ): Promise<Reply<'REACTIONS'>> => {
    const { place, ...said } = await found(ctx, msgId)
    const reacted = await reactedAt(ctx.db, said)
    const list = await withMine(ctx.db, ctx.me.id, said.streamId, reacted === undefined ? [] : [reacted])
    if (kind === undefined) return reply('REACTIONS', { ...place, list, more: false })
    const agents = await reactorsAfter(ctx.db, said, kind.normalize('NFC'), after ?? '', limit + 1)
    return reply('REACTIONS', { ...place, list, agents: agents.slice(0, limit) as `@${string}`[], more: agents.length > limit })
  }

  /** What changed in a stream after a time. */
  const inStream = async (
    ctx: ReadCtx,
    { channel: name, with: other, since = 0, limit = maxPage }: RequestBody<'REACTIONS'>,
  ): Promise<Reply<'REACTIONS'>> => {
    const { db, me, roster } = ctx
    if (name !== undefined) {
      const channel = roster.known(me, name)
      if (channel === undefined) throw noChannel(name)
      if (!mayRead(me, channel, roster)) throw new Fail('NOT_INVITED', `You are not a member of ${name}`)
    }
    const streamId = await db.log.streamId(name ?? pairStream(me.id, other!))
    const most = Math.min(limit, maxPage)
    const rows = streamId === undefined ? [] : await reactedSince(db, streamId, since, most + 1)
    const list = await withMine(db, me.id, streamId ?? 0, rows.slice(0, most))
    return reply('REACTIONS', { ...(name === undefined ? { with: other! } : { channel: name }), list, more: rows.length > most })
  }

  return {
    handlers: {
      REACT: { scope: 'talk', write: (ctx, body) => react(ctx, body, false) },
      UNREACT: { scope: 'talk', write: (ctx, body) => react(ctx, body, true) },
      REACTIONS: {
        read(ctx, body) {
          const { msg_id, channel, with: other } = body
          if ([msg_id, channel, other].filter(field => field !== undefined).length !== 1)
            throw new Fail('INVALID_MSG', 'Name exactly one of msg_id, channel and with')
          return msg_id === undefined ? inStream(ctx, body) : ofMessage(ctx, msg_id, body)
        },
      },
    },
  }
}
