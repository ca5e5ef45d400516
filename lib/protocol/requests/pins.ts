// What is asked about pinned messages.
import { request } from '../define.ts'
import { ChannelAddress, MsgId } from '../fields.ts'

const Pin = { channel: ChannelAddress, msg_id: MsgId }

export const requests = {
  PIN: request('channel.act', {
    body: Pin,
    cost: { message: true, frames: 3, audience: 'members' },
    reply: 'PINNED',
  }),
  UNPIN: request('channel.act', {
    body: Pin,
    cost: { message: true, needsRoom: false, frames: 3, audience: 'members' },
    reply: 'PINNED',
  }),
  PINS: request('talk.read', {
    body: { channel: ChannelAddress },
    cost: { frames: 4 },
    reply: 'PINS',
  }),
}
