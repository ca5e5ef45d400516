// Pages of what was said.
import { changesOf, isMirror } from '../../../store/links.ts'
import { pairStream, type Row } from '../../../store/log.ts'
import { reactedBetween, withMine } from '../../../store/reactions.ts'
import type { Db } from '../../../store/store.ts'
import { channelToRead, Fail, pageReply, type Feature } from '../../../relay/feature.ts'

export interface HistoryOptions {
  readonly maxPage: number
  readonly maxPageBytes: number
  readonly defaultLimit: number
}

export const history = ({ maxPage, maxPageBytes, defaultLimit }: HistoryOptions): Feature<'HISTORY'> => ({
  handlers: {
    HISTORY: {
      async read({ me, db, roster, epoch }, { channel: name, with: other, before, after, limit = defaultLimit, reactions }) {
        if ((name === undefined) === (other === undefined)) throw new Fail('INVALID_MSG', 'Name exactly one of channel and with')
        if (before !== undefined && after !== undefined) throw new Fail('INVALID_MSG', 'Name at most one of before and after')
        if (name !== undefined) channelToRead(me, name, roster)
        const stream = name ?? pairStream(me.id, other!)
        const { seq, oldest } = await db.log.head(stream)
        const rows = await db.log.page(stream, {
          ...(after !== undefined && { after }),
          ...(before !== undefined && { before }),
          limit: Math.min(limit, maxPage),
          maxBytes: maxPageBytes,
        })
        const more = rows.length > 0 && (after === undefined ? rows[0]!.seq > oldest : rows.at(-1)!.seq < seq)
        const where = name === undefined ? { with: other! } : { channel: name }
        const named = rows.length === 0 ? {} : await namedIn(db, stream, rows, maxPageBytes)
        return pageReply('HISTORY', {
          ...where,
          more,
          seq,
          oldest,
          epoch,
          ...named,
          ...(reactions === true && !isMirror(stream) && { reactions: await reactionsTo(db, me.id, stream, rows) }),
        }, 'events', rows.map(row => row.text))
      },
    },
  },
})

/** What became of the events of a page, and how much answers them: a look-up for each kind where that is nothing. */
const namedIn = async ({ links }: Db, stream: string, rows: readonly Row[], maxBytes: number) => {
  const between = { from: rows[0]!.seq, to: rows.at(-1)!.seq }
  const [changed, answered] = [await links.newest(stream, 'change', between), await links.newest(stream, 'reply', between)]
  return {
    ...changed.length > 0 && await changesOf(links, stream, changed, { rows, maxBytes }),
    ...answered.length > 0 && {
      threads: answered.map(({ target, count, seq, ts }) => ({ seq: target, replies: count, last_seq: seq, last_ts: ts })),
    },
  }
}

/** What was reacted to of a page. */
const reactionsTo = async (db: Db, agent: string, stream: string, rows: readonly Row[]) => {
  const [first, last] = [rows[0], rows.at(-1)]
  const streamId = first && await db.log.streamId(stream)
  return streamId === undefined ? [] : withMine(db, agent, streamId, await reactedBetween(db, streamId, first!.seq, last!.seq))
}
