// What becomes of a message, as its author is told.
import type { FrameBody } from '../../lib/protocol/index.ts'
import type { Fate, Receipt } from '../store/log.ts'

/** The furthest of stored, offered, received, read and expired, with the times of all it reached. */
const recipient = ({ agent, offeredAt, receivedAt, readAt, expiredAt }: Receipt): FrameBody<'STATUS'>['recipients'][number] => ({
  agent,
  state: expiredAt !== null ? 'expired' : readAt !== null ? 'read' : receivedAt !== null ? 'received' : offeredAt !== null ? 'offered' : 'stored',
  ...(offeredAt !== null && { offered_at: offeredAt }),
  ...(receivedAt !== null && { received_at: receivedAt }),
  ...(readAt !== null && { read_at: readAt }),
  ...(expiredAt !== null && { expired_at: expiredAt }),
})

export const statusOf = ({ msgId, author, stream, storedAt, expiresAt, receipts }: Fate): Omit<FrameBody<'STATUS'>, 'ts'> => ({
  msg_id: msgId,
  to: stream.startsWith('#') ? stream : stream.split('|').find(agent => agent !== author) ?? author,
  stored_at: storedAt,
  ...(expiresAt !== null && { expires_at: expiresAt }),
  recipients: receipts.map(recipient),
})
