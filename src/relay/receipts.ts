// What becomes of a message, as its author is told.
import type { FrameBody } from '../../lib/protocol/index.ts'
import type { Fate, Receipt } from '../store/log.ts'

/** The furthest of stored, offered, received, read and expired, with the times of all it reached. */
const recipient = ({ agent, offeredAt, receivedAt, readAt, expiredAt }: Receipt): FrameBody<'STATUS'>['recipients'][number] => ({
  agent,
  state: expiredAt !== null
    ? 'expired'
    : readAt !== null
    ? 'read'
    : receivedAt !== null
    ? 'received'
    : offeredAt !== null
    ? 'offered'
    : 'stored',
  ...(offeredAt !== null && { offered_at: offeredAt }),
  ...(receivedAt !== null && { received_at: receivedAt }),
  ...(readAt !== null && { read_at: readAt }),
  ...(expiredAt !== null && { expired_at: expiredAt }),
})

/** The channel, or the other agent of a pair; a stream of another kind has none of its own. */
const targetOf = (stream: string, author: string): string | undefined =>
  stream.startsWith('#') ? stream : stream.startsWith('@') ? stream.split('|').find(agent => agent !== author) : undefined

export const statusOf = ({ msgId, author, stream, storedAt, expiresAt, receipts }: Fate): Omit<FrameBody<'STATUS'>, 'ts'> => ({
  msg_id: msgId,
  to: targetOf(stream, author) ?? receipts[0]?.agent ?? author,
  stored_at: storedAt,
  ...(expiresAt !== null && { expires_at: expiresAt }),
  recipients: receipts.map(recipient),
})
