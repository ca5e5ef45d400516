// Threads: a message and all that answers it, page by page; and those that an agent does not want to be told of.
import { changesOf } from '../../../store/links.ts'
import { muteThread, mutersAmong, unmuteThread } from '../../../store/threads.ts'
import type { Db } from '../../../store/store.ts'
import { Fail, mayReadStream, noMessage, pageReply, reply, type Agent, type Feature, type RosterView } from '../../../relay/feature.ts'

export interface ThreadOptions {
  readonly maxPage: number
  readonly maxPageBytes: number
}

/** Where a message is, and what its thread begins with. @throws Fail MESSAGE_NOT_FOUND, of what is not to be read too */
const threadOf = async ({ links }: Db, me: Agent, roster: RosterView, msgId: string) => {
  const named = await links.find(msgId)
  const root = named && mayReadStream(me, named.stream, roster) ? await links.rootOf(named.stream, msgId) : undefined
  if (named === undefined || root === undefined) throw noMessage(msgId)
  return { stream: named.stream, root }
}

export const threads = (options: ThreadOptions): Feature<'THREAD' | 'MUTE_THREAD'> => ({
  handlers: {
    THREAD: {
      async read({ me, db, roster }, { msg_id, after, limit = options.maxPage }) {
        const { stream, root } = await threadOf(db, me, roster, msg_id)
        const [newest] = await db.links.newest(stream, 'reply', { from: root.seq, to: root.seq })
        const first = after === undefined ? await db.links.texts(stream, [root.seq], 1) : []
        const taken = first.reduce((sum, { text }) => sum + text.length, 0)
        const replies = newest === undefined || limit === first.length ? [] : await db.links.page(stream, 'reply', root.seq, {
          after: after ?? root.seq,
          limit: Math.min(limit, options.maxPage) - first.length,
          maxBytes: Math.max(1, options.maxPageBytes - taken),
        })
        const rows = [...first, ...replies]
        const changes = await changesOf(db.links, stream, await db.links.newestOf(stream, 'change', rows.map(({ seq }) => seq)), {
          rows,
          maxBytes: options.maxPageBytes,
        })
        const isMuted = (await mutersAmong(db, [me.id], { stream, root: root.seq })).has(me.id)
        const last = replies.at(-1)?.seq ?? after ?? root.seq
        return pageReply('THREAD', {
          msg_id: root.msgId,
          replies: newest?.count ?? 0,
          ...(newest !== undefined && { last_seq: newest.seq, last_ts: newest.ts }),
          ...(isMuted && { muted: true as const }),
          ...changes,
          more: newest !== undefined && newest.seq > last,
        }, 'events', rows.map(({ text }) => text))
      },
    },
    MUTE_THREAD: {
      async write({ me, tx, roster, now }, { msg_id, muted = true }) {
        if (me.pubkey === null)
          throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an inbox, from which a thread can be kept')
        const { stream, root } = await threadOf(tx, me, roster, msg_id)
        const thread = { stream, root: root.seq }
        await (muted ? muteThread(tx, me.id, thread, now) : unmuteThread(tx, me.id, thread))
        return { reply: reply('OK', {}) }
      },
    },
  },
})
