// Searching what was said where the asker may read: the same question that history asks of each place, asked of what is found.
import type { FrameBody, RequestBody } from '../../../../lib/protocol/index.ts'
import {
  channelToRead,
  Fail,
  mayReadStream,
  reply,
  type Agent,
  type Feature,
  type Outcome,
  type RosterView,
} from '../../../relay/feature.ts'
import { forgetGone } from '../../../store/search.ts'
import { marks, maxSearchedChars, type FoundMessage, type Sought } from '../../../store/search-index.ts'
import type { Tx } from '../../../store/store.ts'
import { matchIn, snippetOf } from './match.ts'
import { parseQuery } from './query.ts'
import { inTurns, look } from './walk.ts'

export interface SearchOptions {
  /** ms, only ever growing: how long a search has taken */
  readonly elapsed: () => number
  /** Lets the event loop turn. */
  readonly pause: () => Promise<void>
}

type Query = RequestBody<'SEARCH'>
type Result = FrameBody<'FOUND'>['results'][number]

const defaultLimit = 20
/** Of what was found newest, the best are given of so many. */
const ranked = 200
/** Channels that are named one by one to the index; of more than these it gives all, and what may not be read is left out here. */
const maxNamed = 8
const passesPerSweep = 20
/** A sweep does not last into the next one. */
const sweepMs = 500

export const search = ({ elapsed, pause }: SearchOptions): Feature<'SEARCH'> => searching(elapsed, inTurns(pause))

const searching = (elapsed: () => number, turn: () => Promise<void>): Feature<'SEARCH'> => ({
  handlers: {
    SEARCH: {
      async read({ me, aside, roster }, query) {
        if (aside.search === undefined) throw new Fail('INVALID_MSG', 'This relay does not search messages (its setting search is off)')
        const { channel: name, with: other, before = Infinity, after = 0, limit = defaultLimit, cursor, sort = 'newest' } = query
        if (name !== undefined && other !== undefined) throw new Fail('INVALID_MSG', 'Name at most one of channel and with')
        const words = parseQuery(query.text)
        const isReadable = readableBy(me, roster)
        if (name !== undefined) channelToRead(me, name, roster)
        const { hits, next, behind } = await look(aside.search, {
          sought: { words, marks: marksOf(me, query, roster, isReadable) },
          before: cursor === undefined ? Number.MAX_SAFE_INTEGER : Number.parseInt(cursor, 36),
          since: after,
          until: before,
          wanted: sort === 'best' ? ranked : limit,
          elapsed,
          turn,
          accept: found => {
            if (found.ts <= after || found.ts >= before) return undefined
            const place = placeOf(me, query, found.stream, isReadable)
            const said = place && saidIn(found, query)
            const match = said && matchIn(said.content, words)
            return match && { score: match.score, result: { ...place, ...said.told, ...snippetOf(said.content, match.ranges) } }
          },
        })
        const best = sort === 'best' ? hits.toSorted((a, b) => b.score - a.score).slice(0, limit) : hits
        return reply('FOUND', {
          results: best.map(({ result }) => result),
          ...(next !== undefined && { next: next.toString(36) }),
          ...(behind > 0 && { behind }),
        })
      },
    },
  },
  async sweep({ tx, now }) {
    if (tx.search !== undefined) return pass(now, passesPerSweep)(tx, now)
    await forgetGone(tx)
    return undefined
  },
})

/** A piece of the index, and the next one while this sweep has time, with the writes of others between. */
const pass = (startedAt: number, left: number) => async (tx: Tx, now: number): Promise<Outcome> =>
  await tx.search!.advance() && left > 1 && now - startedAt < sweepMs ? { again: pass(startedAt, left - 1) } : {}

/** Whether the asker may read a stream, asked once of each. */
const readableBy = (me: Agent, roster: RosterView): (stream: string) => boolean => {
  const asked = new Map<string, boolean>()
  return stream => {
    const known = asked.get(stream) ?? mayReadStream(me, stream, roster)
    asked.set(stream, known)
    return known
  }
}

/** What narrows the search in the index. */
const marksOf = (
  me: Agent,
  { channel, with: other, from, has }: Query,
  roster: RosterView,
  isReadable: (name: string) => boolean,
): Sought['marks'] => {
  const named = roster.channelCount <= maxNamed
    ? Array.from(roster.channels(), ({ info }) => info.name).filter(isReadable).map(marks.channel)
    : [marks.channels]
  const where = channel !== undefined
    ? [[marks.channel(channel)]]
    : other !== undefined
    ? [[marks.direct(me.id)], [marks.direct(other)]]
    : [[marks.direct(me.id), ...named]]
  return [...where, ...(from === undefined ? [] : [[marks.author(from)]]), ...(has === undefined ? [] : [[marks.has[has]]])]
}

/** The place as it is told; undefined: it is not the asker's to read, or not where it looks. */
const placeOf = (
  me: Agent,
  { channel, with: wanted }: Query,
  stream: string,
  isReadable: (name: string) => boolean,
): Pick<Result, 'channel' | 'with'> | undefined => {
  if (!isReadable(stream)) return undefined
  if (stream.startsWith('#'))
    return wanted === undefined && (channel ?? stream) === stream
      ? { channel: stream as `#${string}` }
      : undefined
  if (channel !== undefined) return undefined
  const [a, b] = stream.split('|')
  const other = (a === me.id ? b : a) as `@${string}`
  return (wanted ?? other) === other ? { with: other } : undefined
}

/** What a stored message says; undefined: it is none, or not by whom or with what is sought. */
const saidIn = ({ author, seq, ts, text }: FoundMessage, { from, has }: Query) => {
  if ((from ?? author) !== author) return undefined
  const { type, content, from: by, from_name, msg_id, in_reply_to, files = [], edit } = JSON.parse(text!) as FrameBody<'MSG'> & {
    readonly type: string
  }
  if (type !== 'MSG' || msg_id === undefined) return undefined
  if (has === 'reply' && in_reply_to === undefined) return undefined
  if (has === 'file' && files.length === 0) return undefined
  if (has === 'link' && !/https?:\/\//.test(content.slice(0, maxSearchedChars))) return undefined
  return {
    content,
    told: {
      msg_id,
      seq,
      ts,
      from: by,
      from_name,
      ...(in_reply_to !== undefined && { in_reply_to }),
      ...(edit !== undefined && { edit_of: edit.of }),
    },
  }
}
