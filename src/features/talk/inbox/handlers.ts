// The inbox of agents with a key: what waits for them, how far they have come, and what their messages' senders are told of it.
import { withLeases } from '../../../store/leases.ts'
import { reading, type ReadingOptions } from './reading.ts'
import { Fail, inboxItem, pageReply, reply, statusNotices, statusOf, type Feature, type WriteCtx } from '../../../relay/feature.ts'

export interface InboxOptions extends ReadingOptions {
  readonly maxPage: number
  readonly maxPageBytes: number
}

export const inbox = (options: InboxOptions): Feature<'INBOX' | 'RECEIVED' | 'READ' | 'UNREAD' | 'STATUS'> => {
  const advance = async (
    { me, tx, now }: WriteCtx,
    state: 'received' | 'read',
    { seq, msg_id }: { readonly seq?: number | undefined, readonly msg_id?: string | undefined },
  ) => {
    if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an inbox')
    if ((seq === undefined) === (msg_id === undefined)) throw new Fail('INVALID_MSG', 'Name exactly one of seq and msg_id')
    const upTo = seq ?? await tx.log.inboxSeqOf(me.id, msg_id!)
    if (upTo === undefined) throw new Fail('INVALID_MSG', 'No such message is in your inbox')
    if (upTo > (await tx.log.inboxHead(me.id)).seq) throw new Fail('INVALID_MSG', 'Your inbox does not reach that far')
    return { reply: reply('OK', {}), notify: statusNotices(await tx.log.progress(me.id, state, upTo, now)) }
  }

  const { readIn, unread } = reading(options)

  return {
    handlers: {
      INBOX: {
        async read({ me, db, now }, { since, limit = options.maxPage }) {
          if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an inbox')
          const head = await db.log.inboxHead(me.id)
          if (since !== undefined && since > head.seq) throw new Fail('INVALID_MSG', 'Your inbox does not reach that far')
          const rows = await db.log.inbox(me.id, { after: since ?? head.cursor, limit, maxBytes: options.maxPageBytes, now })
          const last = rows.at(-1)?.seq ?? head.seq
          return pageReply('INBOX', { more: last < head.seq, seq: head.seq, cursor: head.cursor }, 'items',
            rows.map(row => inboxItem(row.seq, row.text)))
        },
      },
      RECEIVED: { write: (ctx, body) => advance(ctx, 'received', body) },
      READ: {
        write: (ctx, body) => body.channel === undefined && body.with === undefined ? advance(ctx, 'read', body) : readIn(ctx, body),
      },
      UNREAD: { read: unread },
      STATUS: {
        async read({ me, db }, { msg_id }) {
          const fate = await db.log.fate(msg_id)
          // Whose message it is not learns nothing of it, not even that it is there.
          if (fate === undefined || fate.author !== me.id) throw new Fail('MESSAGE_NOT_FOUND', 'You sent no such message')
          return reply('STATUS', statusOf(await withLeases(db, fate)))
        },
      },
    },
    async sweep({ tx, now }) {
      return { notify: statusNotices(await tx.log.expire(now)) }
    },
  }
}
