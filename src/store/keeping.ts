// Letting go of what was said: the oldest events of a stream, or one agent's. In chunks, so that no transaction is long; the newest
// event of a stream is blanked instead of deleted, because the next number comes from it.
import { sql, type RawBuilder } from 'kysely'
import { predecessors } from './agents.ts'
import type { Fate } from './log.ts'
import { blockBits } from './spoken.ts'
import type { Db, Migration, Tx } from './store.ts'

/** A limit that is null is the relay's default; 0 is none. */
export interface RetentionRow {
  readonly channel: string
  readonly age_ms: number | null
  readonly count: number | null
  readonly bytes: number | null
}

interface Tables {
  retention: RetentionRow
  /** The bytes of a stream's events up to a seq; counted only where a limit asks for it. */
  stream_sizes: { stream: number, upto: number, bytes: number }
  /** Erasures under way: the events between two ids are still to be looked at. */
  erasures: { agent: string, after: number, upto: number, events: number }
  streams: { id: number, name: string }
  events: { id: number, stream: number, seq: number, ts: number, author: string, text: Buffer }
  places: { stream: number, seq: number, event: number }
  /** Which blocks of events hold some of an author. */
  spoken: { author: string, block: number }
  inbox: {
    agent: string
    seq: number
    stream: number
    event: number
    expires_at: number | null
    received_at: number | null
    expired_at: number | null
  }
}

export const keepingMigrations: Migration = {
  feature: 'keeping',
  steps: [`
    CREATE TABLE retention (channel TEXT PRIMARY KEY, age_ms INTEGER, count INTEGER, bytes INTEGER) WITHOUT ROWID;
    CREATE TABLE stream_sizes (stream INTEGER PRIMARY KEY, upto INTEGER NOT NULL, bytes INTEGER NOT NULL);
    CREATE TABLE erasures (agent TEXT PRIMARY KEY, after INTEGER NOT NULL, upto INTEGER NOT NULL, events INTEGER NOT NULL) WITHOUT ROWID;
  `],
}

const scannedAtOnce = 2_000
const blankedBytesAtOnce = 4 * 1024 * 1024
/** Of many streams, each with its own statements; what goes is overwritten, and so in the write-ahead log first. */
const trimmedAtOnce = { events: 100, bytes: 1024 * 1024 } as const
const deletedAtOnce = { events: 250, bytes: 4 * 1024 * 1024 } as const

const textBytes = sql<number>`length(text)`
const fieldOfText = (path: string) => sql`json_extract(CAST(text AS TEXT), ${sql.lit(path)})`
/** What is left of an event: that it was, when, from whom and to whom. */
const blankText = sql<Buffer>`CAST(json_object('type', ${fieldOfText('$.type')}, 'ts', ts, 'from', author, 'from_name', '', 'to', ${
  fieldOfText('$.to')
},
  'content', '', 'msg_id', ${fieldOfText('$.msg_id')}, 'seq', seq, 'erased', json('true')) AS BLOB)`
const isBlank = sql<number | null>`${fieldOfText('$.erased')}`

export interface KeptStream extends Omit<RetentionRow, 'channel'> {
  readonly id: number
  readonly name: string
}

export const setRetention = async (tx: Tx, row: RetentionRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('retention').values(row).onConflict(conflict => conflict.column('channel').doUpdateSet(row))
    .execute()
}

/** The next streams, each with the limits that are its own; only those that have some, if `onlyOwn`. */
export const streamsAfter = (db: Db, after: number, limit: number, onlyOwn: boolean): Promise<readonly KeptStream[]> => {
  const streams = db.tables<Tables>().selectFrom('streams')
  const joined = onlyOwn ? streams.innerJoin('retention', 'channel', 'name') : streams.leftJoin('retention', 'channel', 'name')
  // What agents agreed and paid is not talk: it is kept.
  return joined.select(['id', 'name', 'age_ms', 'count', 'bytes']).where('id', '>', after).where(
    sql<boolean>`substr(name, 1, 1) IN ('#', '@')`,
  ).orderBy('id').limit(limit).execute()
}

/** The oldest events, as many as are deleted at once: freed pages are overwritten, so that many bytes take as long as many events. */
export const oldestEvents = async (tx: Tx, stream: number, limit: number) => {
  await tx.log.index()
  const events = await tx.tables<Tables>().selectFrom('places').innerJoin('events', 'events.id', 'places.event').select([
    'places.seq',
    'ts',
    textBytes.as('bytes'),
  ])
    .where('places.stream', '=', stream).orderBy('places.seq').limit(limit).execute()
  let bytes = 0
  const tooMany = events.findIndex(event => (bytes += event.bytes) > deletedAtOnce.bytes)
  return tooMany === -1 ? events : events.slice(0, Math.max(tooMany, 1))
}

/** What a stream holds in bytes, counting on from where it was counted to last, `limit` events at once; and how many that were. */
export const measureStream = async (
  tx: Tx,
  stream: number,
  limit: number,
): Promise<{ readonly bytes: number, readonly counted: number }> => {
  await tx.log.index()
  const tables = tx.tables<Tables>()
  const known = await tables.selectFrom('stream_sizes').select(['upto', 'bytes']).where('stream', '=', stream).executeTakeFirst()
    ?? { upto: 0, bytes: 0 }
  const next = tables.selectFrom('places').innerJoin('events', 'events.id', 'places.event').select(['places.seq', textBytes.as('size')])
    .where('places.stream', '=', stream).where('places.seq', '>', known.upto).orderBy('places.seq').limit(limit)
  const { upto, size, counted } = await tables.selectFrom(next.as('next')).select((
    { fn },
  ) => [fn.max('seq').as('upto'), fn.sum<number>('size').as('size'), fn.countAll<number>().as('counted')]).executeTakeFirstOrThrow()
  if (upto === null) return { bytes: known.bytes, counted }
  const row = { stream, upto, bytes: known.bytes + size }
  await tables.insertInto('stream_sizes').values(row).onConflict(conflict => conflict.column('stream').doUpdateSet(row)).execute()
  return { bytes: row.bytes, counted }
}

/** Deletes a stream's events up to a seq, and what of them waits in inboxes; gives the fates to tell. */
export const deleteThrough = async (tx: Tx, stream: number, last: number, now: number): Promise<readonly Fate[]> => {
  await tx.log.index()
  const tables = tx.tables<Tables>()
  const fates = await endEntries(tx, now, sql`stream = ${stream} AND event <= ${last}`)
  // An agent's newest entry stays, expired: its next number comes from it.
  await tables.deleteFrom('inbox').where('stream', '=', stream).where('event', '<=', last)
    .where('seq', '<', sql<number>`(SELECT max(seq) FROM inbox AS own WHERE own.agent = inbox.agent)`).execute()
  await tables.updateTable('stream_sizes').where('stream', '=', stream).set({
    bytes: sql`bytes - (SELECT coalesce(sum(length(text)), 0) FROM places p JOIN events e ON e.id = p.event
        WHERE p.stream = ${stream} AND p.seq <= min(${last}, upto))`,
    upto: sql`max(upto, ${last})`,
  }).execute()
  const gone = tables.selectFrom('places').select('event').where('stream', '=', stream).where('seq', '<=', last)
  await tables.deleteFrom('events').where('id', 'in', gone).execute()
  await tables.deleteFrom('places').where('stream', '=', stream).where('seq', '<=', last).execute()
  return fates
}

export interface Trimmed {
  /** The last event that was looked at; undefined: there was none behind the one it began at. */
  readonly last: number | undefined
  readonly events: number
  readonly bytes: number
  readonly fates: readonly Fate[]
}

/**
 * Deletes the oldest messages of all streams that come after an event: about so many bytes, and no more than are deleted at once.
 * The newest of a stream is blanked, and what agents agreed is kept.
 */
export const trimOldest = async (tx: Tx, after: number, wantedBytes: number, now: number): Promise<Trimmed> => {
  await tx.log.index()
  const found = await tx.tables<Tables>().selectFrom('events').innerJoin('streams', 'streams.id', 'events.stream').select([
    'events.id',
    'stream',
    'name',
    'seq',
    textBytes.as('bytes'),
  ]).where('events.id', '>', after).orderBy('events.id').limit(trimmedAtOnce.events).execute()
  const lastSeqs = new Map<number, { readonly name: string, readonly seq: number }>()
  let [last, events, bytes] = [found.at(-1)?.id, 0, 0]
  for (const { id, stream, name, seq, bytes: own } of found) {
    if (!name.startsWith('#') && !name.startsWith('@')) continue
    lastSeqs.set(stream, { name, seq })
    events++
    bytes += own
    if (bytes < Math.min(wantedBytes, trimmedAtOnce.bytes)) continue
    last = id
    break
  }
  const fates: Fate[] = []
  for (const [stream, { name, seq }] of lastSeqs) {
    const newest = (await tx.log.head(name)).seq
    const blanked = seq >= newest ? await blankEvent(tx, stream, seq, now) : []
    if (blanked === undefined) events--
    else fates.push(...blanked)
    fates.push(...await deleteThrough(tx, stream, Math.min(seq, newest - 1), now))
  }
  return { last, events, bytes, fates }
}

/** Deletes the oldest events of a stream up to a seq, as many as are deleted at once. */
export const deleteSome = async (
  tx: Tx,
  stream: number,
  upto: number,
  now: number,
): Promise<{ readonly deleted: number, readonly fates: readonly Fate[] }> => {
  const oldest = (await oldestEvents(tx, stream, deletedAtOnce.events)).filter(({ seq }) => seq <= upto)
  const last = oldest.at(-1)
  return { deleted: oldest.length, fates: last === undefined ? [] : await deleteThrough(tx, stream, last.seq, now) }
}

/** Blanks one event; undefined: it is blank already. */
export const blankEvent = async (tx: Tx, stream: number, seq: number, now: number): Promise<readonly Fate[] | undefined> => {
  await tx.log.index()
  const event = await tx.tables<Tables>().selectFrom('places').innerJoin('events', 'events.id', 'places.event').select('id')
    .where('places.stream', '=', stream).where('places.seq', '=', seq).where(isBlank, 'is', null).executeTakeFirst()
  if (event === undefined) return undefined
  const fates = await endEntries(tx, now, sql`stream = ${stream} AND event = ${seq}`)
  await tx.tables<Tables>().updateTable('events').set({ text: blankText }).where('id', '=', event.id).execute()
  await forgetSizes(tx, [stream])
  return fates
}

/** What an agent was told of in channels that it is not let into any more, and has not received, ends as expired; gives the fates to tell. */
export const withdrawMentions = (tx: Tx, agent: string, channels: readonly string[], now: number): Promise<readonly Fate[]> =>
  channels.length === 0
    ? Promise.resolve([])
    : endEntries(tx, now, sql`agent = ${agent} AND stream IN (SELECT id FROM streams WHERE name IN (${sql.join([...channels])}))`)

/** Notes that everything an agent has said until now is to be erased. */
export const beginErasure = async (tx: Tx, agent: string): Promise<void> => {
  const tables = tx.tables<Tables>()
  const end = async (order: 'asc' | 'desc') =>
    (await tables.selectFrom('events').select('id').orderBy('id', order).limit(1).executeTakeFirst())?.id ?? 0
  const upto = await end('desc')
  await tables.insertInto('erasures').values({ agent, after: await end('asc') - 1, upto, events: 0 }).onConflict(conflict =>
    conflict.column('agent').doUpdateSet({ upto })
  ).execute()
}

export interface ErasureStep {
  readonly done: boolean /** erased so far */
  readonly events: number
  readonly fates: readonly Fate[]
}

/** The next block after an event in which one of the authors spoke: its first and last id. */
const nextBlock = async (tx: Tx, authors: RawBuilder<string>, after: number): Promise<{ first: number, last: number } | undefined> => {
  const { block } = await tx.tables<Tables>().selectFrom('spoken').select(({ fn }) => fn.min('block').as('block'))
    .where('author', 'in', authors).where('block', '>=', Math.floor((after + 1) / 2 ** blockBits)).executeTakeFirstOrThrow() as {
      block: number | null
    }
  return block === null ? undefined : { first: block * 2 ** blockBits, last: (block + 1) * 2 ** blockBits - 1 }
}

/** Erases the next chunk: of the blocks of events in which the agent spoke, a part of one. */
export const eraseSome = async (tx: Tx, agent: string, now: number): Promise<ErasureStep> => {
  await tx.log.index()
  const tables = tx.tables<Tables>()
  const erasure = await tables.selectFrom('erasures').selectAll().where('agent', '=', agent).executeTakeFirst()
  if (erasure === undefined) return { done: true, events: 0, fates: [] }
  const { events, upto } = erasure
  const authors = new Set([agent, ...await predecessors(tx, agent)])
  const theirNames = sql<string>`(SELECT value FROM json_each(${JSON.stringify([...authors])}))`
  const block = await nextBlock(tx, theirNames, erasure.after)
  if (block === undefined || block.first > upto || erasure.after >= upto) {
    await tables.deleteFrom('erasures').where('agent', '=', agent).execute()
    return { done: true, events, fates: [] }
  }
  const after = Math.max(erasure.after, block.first - 1)
  const last = Math.min(upto, block.last)
  const found = await tables.selectFrom('events').select(['id', 'author', textBytes.as('bytes')])
    .where('id', '>', after).where('id', '<=', last).orderBy('id').limit(scannedAtOnce).execute()
  let end = after
  let bytes = 0
  for (const row of found) {
    end = row.id
    if (authors.has(row.author)) bytes += row.bytes
    if (bytes > blankedBytesAtOnce) break
  }
  // What is left of the block is not there any more.
  if (found.length < scannedAtOnce && end === (found.at(-1)?.id ?? after)) end = last
  const theirs = sql<boolean>`id > ${after} AND id <= ${end} AND author IN ${theirNames} AND ${fieldOfText('$.type')} = 'MSG'`
  const fates = await endEntries(tx, now, sql`(stream, event) IN (SELECT stream, seq FROM events WHERE ${theirs})`)
  const blanked = await tables.updateTable('events').set({ text: blankText }).where(theirs).where(isBlank, 'is', null).returning('stream')
    .execute()
  await forgetSizes(tx, [...new Set(blanked.map(row => row.stream))])
  const erased = events + blanked.length
  await tables.updateTable('erasures').set({ after: end, events: erased }).where('agent', '=', agent).execute()
  return { done: false, events: erased, fates }
}

/** An agent whose erasure is under way: one that a restart interrupted, or whose asker has gone. */
export const erasureUnderWay = async (db: Db): Promise<string | undefined> =>
  (await db.tables<Tables>().selectFrom('erasures').select('agent').limit(1).executeTakeFirst())?.agent

/** They are counted anew when a limit asks for it. */
const forgetSizes = async (tx: Tx, streams: readonly number[]): Promise<void> => {
  if (streams.length > 0) await tx.tables<Tables>().deleteFrom('stream_sizes').where('stream', 'in', streams).execute()
}

/** Inbox entries of events that go: what was not received ends as expired. */
const endEntries = async (tx: Tx, now: number, which: RawBuilder<unknown>): Promise<readonly Fate[]> => {
  const waiting = sql<boolean>`received_at IS NULL AND expired_at IS NULL AND ${which}`
  const { numUpdatedRows } = await tx.tables<Tables>().updateTable('inbox').set({ expires_at: now }).where(waiting).executeTakeFirst()
  if (numUpdatedRows === 0n) return []
  const fates: Fate[] = []
  do fates.push(...await tx.log.expire(now))
  while (await tx.tables<Tables>().selectFrom('inbox').select('agent').where(waiting).limit(1).executeTakeFirst() !== undefined)
  return fates
}

export { SilentRound } from './spoken.ts'
