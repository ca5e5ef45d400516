// What the log on SQLite lets go of: the oldest events of a stream, or one agent's.
import { sql, type RawBuilder } from 'kysely'
import type { Database } from './driver.ts'
import type { AgentUse, ErasureStep, Fate, Kept, LogWriter, Trimmed } from '../log.ts'
import { linkKinds } from '../links.ts'
import { SqliteLog } from './log.ts'
import { sqliteDialect } from './dialect.ts'
import type { SqliteLinks } from './links.ts'
import type { Tail } from './tail.ts'
import type { WriteTables } from '../tables.ts'

interface Tables {
  /** The bytes of a stream's events up to a seq; counted only where a limit asks for it. */
  stream_sizes: { stream: number, upto: number, bytes: number }
  /** Erasures under way: the events between two ids are still to be looked at. */
  erasures: { agent: string, after: number, upto: number, events: number }
  streams: { id: number, name: string }
  events: { id: number, stream: number, seq: number, ts: number, author: string, text: Buffer }
  places: { stream: number, seq: number, event: number }
  links: { stream: number, kind: number, target: number, seq: number }
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

/** Events whose ids share what is above these bits are a block: that is how an author's are found. */
const blockBits = 12

const scannedAtOnce = 2_000
const blankedBytesAtOnce = 4 * 1024 * 1024
/** Of many streams, each with its own statements; what goes is overwritten, and so in the write-ahead log first. */
const trimmedAtOnce = { events: 100, bytes: 1024 * 1024 } as const
const deletedAtOnce = { events: 250, bytes: 4 * 1024 * 1024 } as const

const textBytes = sql<number>`length(text)`
const fieldOfText = (path: string) => sql`json_extract(CAST(text AS TEXT), ${sql.lit(path)})`
const markOf = (field: string) =>
  sql`CASE WHEN ${fieldOfText(`$.${field}.of`)} IS NULL THEN NULL
  ELSE json_object('of', ${fieldOfText(`$.${field}.of`)}) END`
/** What is left of an event: that it was, when, from whom and to whom, and which message it changed. What is null a patch leaves out. */
const blankText = sql<Buffer>`CAST(json_patch(json_object('type', ${
  fieldOfText('$.type')
}, 'ts', ts, 'from', author, 'from_name', '', 'to', ${fieldOfText('$.to')},
  'content', '', 'msg_id', ${fieldOfText('$.msg_id')}, 'seq', seq, 'erased', json('true')),
  json_object('edit', json(${markOf('edit')}), 'retract', json(${markOf('retract')}))) AS BLOB)`
const isBlank = sql<number | null>`${fieldOfText('$.erased')}`

const isAmong = sqliteDialect.isAmong

export class SqliteKeptLog extends SqliteLog implements LogWriter {
  readonly #tables: WriteTables<Tables>

  /** `tables` are those of the same connection. */
  constructor(db: Database, epoch: string, tail: Tail, links: SqliteLinks, wrote: () => void, tables: WriteTables<unknown>) {
    super(db, epoch, tail, links, wrote)
    this.#tables = tables as unknown as WriteTables<Tables>
  }

  async talksAfter(after: string, limit: number): Promise<readonly string[]> {
    const rows = await this.#tables.selectFrom('streams').select('name').where('name', '>', after).where('name', '<', 'A')
      .where(sql<boolean>`substr(name, 1, 1) IN ('#', '@')`).orderBy('name').limit(limit).execute()
    return rows.map(({ name }) => name)
  }

  oldest(stream: string, limit: number): Promise<readonly Kept[]> {
    this.index()
    return this.#oldest(this.#idOf(stream), limit)
  }

  async measure(stream: string, limit: number): Promise<{ readonly bytes: number, readonly counted: number }> {
    this.index()
    const id = this.#idOf(stream)
    const known = await this.#tables.selectFrom('stream_sizes').select(['upto', 'bytes']).where('stream', '=', id).executeTakeFirst()
      ?? { upto: 0, bytes: 0 }
    const next = this.#tables.selectFrom('places').innerJoin('events', 'events.id', 'places.event')
      .select(['places.seq', textBytes.as('size')]).where('places.stream', '=', id).where('places.seq', '>', known.upto)
      .orderBy('places.seq').limit(limit)
    const { upto, size, counted } = await this.#tables.selectFrom(next.as('next')).select((
      { fn },
    ) => [fn.max('seq').as('upto'), fn.sum<number>('size').as('size'), fn.countAll<number>().as('counted')]).executeTakeFirstOrThrow()
    if (upto === null) return { bytes: known.bytes, counted }
    const row = { stream: id, upto, bytes: known.bytes + size }
    await this.#tables.insertInto('stream_sizes').values(row).onConflict(conflict => conflict.column('stream').doUpdateSet(row)).execute()
    return { bytes: row.bytes, counted }
  }

  deleteThrough(stream: string, last: number, now: number): Promise<readonly Fate[]> {
    this.index()
    return this.#deleteThrough(this.#idOf(stream), last, now)
  }

  async clearEnded(stream: string, now: number): Promise<{ readonly deleted: number, readonly fates: readonly Fate[] }> {
    const { id, base } = this.stream.get(stream) ?? { id: 0, base: 0 }
    this.index()
    const oldest = (await this.#oldest(id, deletedAtOnce.events)).filter(({ seq }) => seq <= base)
    const last = oldest.at(-1)
    if (last !== undefined) return { deleted: oldest.length, fates: await this.#deleteThrough(id, last.seq, now) }
    await this.#forgetSizes([id])
    return { deleted: 0, fates: [] }
  }

  blank(stream: string, seq: number, now: number): Promise<readonly Fate[] | undefined> {
    this.index()
    return this.#blank(this.#idOf(stream), seq, now)
  }

  async trim(after: number, wantedBytes: number, now: number): Promise<Trimmed> {
    this.index()
    const found = await this.#tables.selectFrom('events').innerJoin('streams', 'streams.id', 'events.stream')
      .select(['events.id', 'stream', 'name', 'seq', textBytes.as('bytes')]).where('events.id', '>', after).orderBy('events.id')
      .limit(trimmedAtOnce.events).execute()
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
      const newest = this.head(name).seq
      const blanked = seq >= newest ? await this.#blank(stream, seq, now) : []
      if (blanked === undefined) events--
      else fates.push(...blanked)
      fates.push(...await this.#deleteThrough(stream, Math.min(seq, newest - 1), now))
    }
    return { last, events, bytes, fates }
  }

  withdraw(agent: string, streams: readonly string[], now: number): Promise<readonly Fate[]> {
    return streams.length === 0
      ? Promise.resolve([])
      : this.#endEntries(now, sql`agent = ${agent} AND stream IN (SELECT id FROM streams WHERE ${isAmong('name', streams)})`)
  }

  async beginErasure(agent: string): Promise<void> {
    const end = async (order: 'asc' | 'desc') =>
      (await this.#tables.selectFrom('events').select('id').orderBy('id', order).limit(1).executeTakeFirst())?.id ?? 0
    const upto = await end('desc')
    await this.#tables.insertInto('erasures').values({ agent, after: await end('asc') - 1, upto, events: 0 }).onConflict(conflict =>
      conflict.column('agent').doUpdateSet({ upto })
    ).execute()
  }

  /** Of the blocks of events in which the agent spoke, a part of one. */
  async eraseSome(agent: string, keys: readonly string[], now: number): Promise<ErasureStep> {
    this.index()
    const tables = this.#tables
    const erasure = await tables.selectFrom('erasures').selectAll().where('agent', '=', agent).executeTakeFirst()
    if (erasure === undefined) return { done: true, events: 0, fates: [] }
    const { events, upto } = erasure
    const authors = new Set(keys)
    const isTheirs = isAmong('author', [...authors])
    const block = await this.#nextBlock(isTheirs, erasure.after)
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
    const theirs = sql<boolean>`id > ${after} AND id <= ${end} AND ${isTheirs} AND ${fieldOfText('$.type')} = 'MSG'`
    const fates = await this.#endEntries(now, sql`(stream, event) IN (SELECT stream, seq FROM events WHERE ${theirs})`)
    const blanked = await tables.updateTable('events').set({ text: blankText }).where(theirs).where(isBlank, 'is', null)
      .returning('stream').execute()
    await this.#forgetSizes([...new Set(blanked.map(row => row.stream))])
    const erased = events + blanked.length
    await tables.updateTable('erasures').set({ after: end, events: erased }).where('agent', '=', agent).execute()
    return { done: false, events: erased, fates }
  }

  async erasureUnderWay(): Promise<string | undefined> {
    return (await this.#tables.selectFrom('erasures').select('agent').limit(1).executeTakeFirst())?.agent
  }

  /** Looks at the events of one block: at the next in which somebody spoke. */
  async forgetSilent(from: number): Promise<number | undefined> {
    const tables = this.#tables
    const { block } = await tables.selectFrom('spoken').select(({ fn }) => fn.min<number | null>('block').as('block'))
      .where('block', '>=', from).executeTakeFirstOrThrow()
    if (block === null) return undefined
    const there = await tables.selectFrom('events').select('author').distinct().where('id', '>=', block * 2 ** blockBits)
      .where('id', '<', (block + 1) * 2 ** blockBits).execute()
    const noted = await tables.selectFrom('spoken').select('author').where('block', '=', block).execute()
    const left = new Set(there.map(({ author }) => author))
    const gone = noted.map(({ author }) => author).filter(author => !left.has(author))
    if (gone.length > 0) await tables.deleteFrom('spoken').where('block', '=', block).where(isAmong('author', gone)).execute()
    return block + 1
  }

  agentUses(): readonly AgentUse[] {
    // What was said last is not noted yet.
    this.index()
    return [['inbox', 'agent'], ['spoken', 'author']]
  }

  /** 0: there is no such stream, and no event that could be in it. */
  #idOf(stream: string): number {
    return this.stream.get(stream)?.id ?? 0
  }

  /** Freed pages are overwritten, so that many bytes take as long as many events. */
  async #oldest(stream: number, limit: number): Promise<readonly Kept[]> {
    const events = await this.#tables.selectFrom('places').innerJoin('events', 'events.id', 'places.event')
      .select(['places.seq', 'ts', textBytes.as('bytes')]).where('places.stream', '=', stream).orderBy('places.seq').limit(limit).execute()
    let bytes = 0
    const tooMany = events.findIndex(event => (bytes += event.bytes) > deletedAtOnce.bytes)
    return tooMany === -1 ? events : events.slice(0, Math.max(tooMany, 1))
  }

  async #deleteThrough(stream: number, last: number, now: number): Promise<readonly Fate[]> {
    const tables = this.#tables
    const fates = await this.#endEntries(now, sql`stream = ${stream} AND event <= ${last}`)
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
    // What names an event comes after it.
    await tables.deleteFrom('links').where('stream', '=', stream).where('kind', 'in', Object.values(linkKinds)).where('target', '<=', last)
      .execute()
    return fates
  }

  async #blank(stream: number, seq: number, now: number): Promise<readonly Fate[] | undefined> {
    const event = await this.#tables.selectFrom('places').innerJoin('events', 'events.id', 'places.event').select('id')
      .where('places.stream', '=', stream).where('places.seq', '=', seq).where(isBlank, 'is', null).executeTakeFirst()
    if (event === undefined) return undefined
    const fates = await this.#endEntries(now, sql`stream = ${stream} AND event = ${seq}`)
    await this.#tables.updateTable('events').set({ text: blankText }).where('id', '=', event.id).execute()
    await this.#forgetSizes([stream])
    return fates
  }

  /** The next block after an event in which one of the authors spoke: its first and last id. */
  async #nextBlock(isTheirs: RawBuilder<boolean>, after: number): Promise<{ first: number, last: number } | undefined> {
    const { block } = await this.#tables.selectFrom('spoken').select(({ fn }) => fn.min<number | null>('block').as('block'))
      .where(isTheirs).where('block', '>=', Math.floor((after + 1) / 2 ** blockBits)).executeTakeFirstOrThrow()
    return block === null ? undefined : { first: block * 2 ** blockBits, last: (block + 1) * 2 ** blockBits - 1 }
  }

  /** They are counted anew when a limit asks for it. */
  async #forgetSizes(streams: readonly number[]): Promise<void> {
    if (streams.length > 0) await this.#tables.deleteFrom('stream_sizes').where('stream', 'in', streams).execute()
  }

  /** Inbox entries of events that go: what was not received ends as expired. */
  async #endEntries(now: number, which: RawBuilder<unknown>): Promise<readonly Fate[]> {
    const waiting = sql<boolean>`received_at IS NULL AND expired_at IS NULL AND ${which}`
    const { numUpdatedRows } = await this.#tables.updateTable('inbox').set({ expires_at: now }).where(waiting).executeTakeFirst()
    if (numUpdatedRows === 0n) return []
    const fates: Fate[] = []
    do fates.push(...this.expire(now))
    while (await this.#tables.selectFrom('inbox').select('agent').where(waiting).limit(1).executeTakeFirst() !== undefined)
    return fates
  }
}
