// What becomes of a message, as its author is told.
import type { FrameBody } from '../../lib/protocol/index.ts'
import type { Fate, Receipt } from '../store/log.ts'

type Recipient = FrameBody<'STATUS'>['recipients'][number]

/**
 * The furthest of stored, offered, received, read and expired, with the times of all it reached. What workers do is told beside it: clients
 * take the states for all there are, so what is claimed was received, and what failed has expired.
 */
const recipient = ({ agent, offeredAt, receivedAt, readAt, expiredAt, lease }: Receipt): Recipient => {
  const isFailed = lease?.state === 'failed' || lease?.state === 'dropped'
  const read = isFailed ? null : readAt
  return {
    agent,
    state: isFailed || expiredAt !== null
      ? 'expired'
      : read !== null
      ? 'read'
      : receivedAt !== null || lease?.state === 'held'
      ? 'received'
      : offeredAt !== null
      ? 'offered'
      : 'stored',
    ...(offeredAt !== null && { offered_at: offeredAt }),
    ...(receivedAt !== null && { received_at: receivedAt }),
    ...(read !== null && { read_at: read }),
    ...(expiredAt !== null && !isFailed && { expired_at: expiredAt }),
    ...(lease?.state === 'held' && { claimed_until: lease.until }),
    ...(lease !== undefined && { attempts: lease.attempts }),
    ...(isFailed && { failed_at: lease.until, ...(lease.reason !== null && { failed_reason: lease.reason }) }),
  }
}

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
