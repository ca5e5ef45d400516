// How far an agent has read each stream, and what of it all is unread: counted from places, never from what was said between them.
import { noteRead, readsAfter } from '../../../store/agents.ts'
import { otherIn, pairStream, type Fate } from '../../../store/log.ts'
import {
  Fail,
  noChannel,
  notify,
  reply,
  statusNotices,
  type Outcome,
  type ReadCtx,
  type Reply,
  type WriteCtx,
} from '../../../relay/feature.ts'
import type { RequestBody } from '../../../../lib/protocol/index.ts'

export interface ReadingOptions {
  readonly maxChannelsPage: number
}

type Place = { readonly channel: `#${string}` } | { readonly with: `@${string}` }

/** READ of a stream, and UNREAD. */
export const reading = ({ maxChannelsPage }: ReadingOptions) => {
  /** The stream is read up to `seq`, or to its end. */
  const readIn = async (ctx: WriteCtx, { channel: name, with: other, seq, msg_id }: RequestBody<'READ'>): Promise<Outcome<'OK'>> => {
    if ((name === undefined) === (other === undefined) || msg_id !== undefined)
      throw new Fail('INVALID_MSG', 'Name exactly one of channel and with, and there a seq or nothing')
    return name === undefined ? readFrom(ctx, other!, seq) : readChannel(ctx, name, seq)
  }

  const placeIn = async ({ tx }: WriteCtx, stream: string, seq: number | undefined): Promise<number> => {
    const head = await tx.log.head(stream)
    if (seq !== undefined && seq > head.seq) throw new Fail('INVALID_MSG', `seq: there is nothing beyond ${head.seq}`)
    return seq ?? head.seq
  }

  const readChannel = async (ctx: WriteCtx, name: `#${string}`, seq: number | undefined): Promise<Outcome<'OK'>> => {
    const { me, tx, now, roster } = ctx
    const channel = roster.known(me, name)
    if (channel === undefined) throw noChannel(name)
    if (!roster.isMember(me, channel)) throw new Fail('NOT_INVITED', `You are not a member of ${name}`)
    if (!me.memberships.has(name))
      throw new Fail('SIGNATURE_REQUIRED', `How far you have read ${name} is kept for agents with a key, which can come back`)
    const place = await placeIn(ctx, name, seq)
    const isNew = await noteRead(tx, me.id, name, place)
    // It may have been mentioned before it came.
    const fates = me.pubkey === null ? [] : await tx.log.readIn(me.id, name, place, now)
    return isNew || fates.length > 0 ? told(ctx, { channel: name }, place, fates) : { reply: reply('OK', {}) }
  }

  /** Direct messages have their places in the inbox, each of its own. */
  const readFrom = async (ctx: WriteCtx, other: `@${string}`, seq: number | undefined): Promise<Outcome<'OK'>> => {
    const { me, tx, now } = ctx
    if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an inbox')
    const stream = pairStream(me.id, other)
    const place = await placeIn(ctx, stream, seq)
    return told(ctx, { with: other }, place, place === 0 ? [] : await tx.log.readIn(me.id, stream, place, now))
  }

  const told = ({ me, roster }: WriteCtx, place: Place, seq: number, fates: readonly Fate[]): Outcome<'OK'> => ({
    reply: reply('OK', {}),
    notify: [
      ...roster.sessions(me.id).count > 1
        ? [notify({ kind: 'agents', agents: [me.id], exceptAsker: true }, 'READ', { ...place, seq })]
        : [],
      ...statusNotices(fates),
    ],
  })

  const unread = async (
    { me, db, roster }: ReadCtx,
    { after, limit = maxChannelsPage }: RequestBody<'UNREAD'>,
  ): Promise<Reply<'UNREAD'>> => {
    const rows = await readsAfter(db, me.id, after ?? '', limit + 1)
    const { streams, isPartial } = me.pubkey === null ? { streams: [], isPartial: false } : await db.log.unread(me.id)
    const waiting = new Map(streams.map(each => [each.stream, each]))
    const channels = await Promise.all(
      rows.slice(0, limit).filter(({ channel }) => isOpen(me, roster, channel)).map(async ({ channel, read_to: read }) => {
        const { seq, oldest } = await db.log.head(channel)
        const mentions = waiting.get(channel)?.count
        const unread = Math.max(0, seq - Math.max(read, oldest - 1))
        return { channel: channel as `#${string}`, seq, read: Math.min(read, seq), unread, ...(mentions !== undefined && { mentions }) }
      }),
    )
    const direct = streams.flatMap(({ stream, count, first }) => {
      const other = otherIn(stream, me.id) as `@${string}` | undefined
      return after !== undefined || other === undefined ? [] : [{ with: other, unread: count, first }]
    })
    return reply('UNREAD', {
      channels,
      direct,
      ...(isPartial && { partial: true as const }),
      ...(rows.length > limit && { more: true as const }),
    })
  }

  return { readIn, unread }
}

const isOpen = (me: ReadCtx['me'], roster: ReadCtx['roster'], name: string): boolean => {
  const channel = roster.known(me, name)
  return channel !== undefined && roster.isMember(me, channel)
}
