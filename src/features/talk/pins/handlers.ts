// Pinned messages: a bounded list of a channel. Who was away asks for all of it.
import { parseMsgId } from '../../../store/log.ts'
import { addPin, pinsIn, removePin } from './store.ts'
import {
  checkOpen,
  checkRight,
  Fail,
  mayRead,
  noChannel,
  notify,
  pageReply,
  reply,
  type Feature,
  type Outcome,
  type WriteCtx,
} from '../../../relay/feature.ts'

export interface PinOptions {
  readonly maxPinsPerChannel: number
  readonly maxPageBytes: number
}

/** Of what is erased only its place is left, and the end of its text says so. */
const isErased = (text: Buffer): boolean => text.subarray(-200).includes('"erased":true')

export const pins = ({ maxPinsPerChannel, maxPageBytes }: PinOptions): Feature<'PIN' | 'UNPIN' | 'PINS'> => {
  const placeOf = async ({ tx, channel, epoch }: WriteCtx, msgId: string) => {
    const said = await tx.links.find(msgId)
    if (said === undefined || said.stream !== channel.info.name || isErased(said.text))
      throw new Fail('MESSAGE_NOT_FOUND', `No such message is in ${channel.info.name}`)
    return { seq: said.seq, stream: parseMsgId(msgId, epoch)!.streamId }
  }

  const told = ({ me, channel }: WriteCtx, msgId: string, seq: number, isNews: boolean, isRemoval: boolean): Outcome<'PINNED'> => {
    const { name } = channel.info
    const frame = {
      channel: name as `#${string}`,
      msg_id: msgId,
      seq,
      by: me.id as `@${string}`,
      ...(isRemoval && { removed: true as const }),
    }
    return {
      reply: reply('PINNED', frame),
      ...(isNews && { notify: [notify({ kind: 'channel', channel: name, exceptAsker: true }, 'PINNED', frame)] }),
    }
  }

  return {
    handlers: {
      PIN: {
        scope: 'talk',
        async write(ctx, { msg_id }) {
          const { me, channel, tx, now, isAdmin } = ctx
          checkOpen(channel)
          checkRight('pinBy', me, channel, isAdmin)
          const { seq, stream } = await placeOf(ctx, msg_id)
          const there = await pinsIn(tx, stream)
          if (there.some(pin => pin.seq === seq)) return told(ctx, msg_id, seq, false, false)
          if (there.length >= maxPinsPerChannel)
            throw new Fail('LIMIT_REACHED',
              `${channel.info.name} has ${maxPinsPerChannel} pins, as many as it may (maxPinsPerChannel); UNPIN makes room`)
          await addPin(tx, stream, { seq, msg_id, by: me.id, at: now })
          return told(ctx, msg_id, seq, true, false)
        },
      },
      UNPIN: {
        scope: 'talk',
        async write(ctx, { msg_id }) {
          const { me, channel, tx, isAdmin } = ctx
          checkOpen(channel)
          checkRight('pinBy', me, channel, isAdmin)
          const { seq, stream } = await placeOf(ctx, msg_id)
          return told(ctx, msg_id, seq, await removePin(tx, stream, seq), true)
        },
      },
      PINS: {
        async read({ me, db, roster }, { channel: name }) {
          const channel = roster.known(me, name)
          if (channel === undefined) throw noChannel(name)
          if (!mayRead(me, channel, roster)) throw new Fail('NOT_INVITED', `You are not a member of ${name}`)
          const stream = await db.log.streamId(name)
          const list = stream === undefined ? [] : await pinsIn(db, stream)
          const rows = list.length === 0 ? [] : await db.links.texts(name, list.map(({ seq }) => seq), maxPageBytes)
          return pageReply('PINS', { channel: name, list: list.map(pin => ({ ...pin, by: pin.by as `@${string}` })) }, 'events',
            rows.map(row => row.text))
        },
      },
    },
  }
}
