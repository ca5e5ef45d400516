// What a log lets go of: the oldest events of a stream, or one agent's. Written once; an engine says in words of its own where an event stands,
// and how its text is measured and stored.
import { sql, type RawBuilder } from 'kysely'
import type { Dialect } from './dialect.ts'
import { forgetBlanked, noteBlanked } from './blanked.ts'
import { isMirror, linkKinds } from './links.ts'
import {
  hanging,
  type AgentUse,
  type Awaitable,
  type ErasureStep,
  type Fate,
  type Gone,
  type Kept,
  type LogKeeper,
  type LogWriter,
  type Trimmed,
} from './log.ts'
import { blankText, type Stub } from '../../lib/identity/transcripts/index.ts'
import type { WriteTables } from './tables.ts'
import { keepTree, sha256, type Events } from './transcripts.ts'

interface Tables extends Readonly<Record<(typeof hanging)[number], { stream: number, seq: number }>> {
  /** The bytes of a stream's events up to a seq; counted only where a limit asks for it. */
  stream_sizes: { stream: number, upto: number, bytes: number }
  /** Erasures under way: the events between two ids are still to be looked at. */
  erasures: { agent: string, after: number, upto: number, events: number }
  streams: { id: number, name: string, base: number }
  events: { id: number, stream: number, seq: number, ts: number, author: string, text: Text }
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

/** As an engine gives it. */
type Text = Buffer | string
type Event = Tables['events']
type Named = Pick<Tables['streams'], 'id' | 'name'>

/** Events whose ids share what is above these bits are a block: that is how an author's are found. */
const blockBits = 12

/** A step of an erasure takes less than the 20 ms for which nobody may have to wait. */
const scannedAtOnce = 500
const blankedBytesAtOnce = 4 * 1024 * 1024
/** Of many streams, each with its own statements; where what goes is overwritten, that comes on top. */
const trimmedAtOnce = { events: 100, bytes: 1024 * 1024 } as const
const deletedAtOnce = { events: 250, bytes: 4 * 1024 * 1024 } as const

const nothing: readonly Gone[] = []

/** What engines say differently of a log. */
export interface LogWords {
  /** All events, each with its stream and its number there. */
  readonly placed: RawBuilder<Event>
  /** How many bytes an event's text has. */
  readonly textBytes: RawBuilder<number>
  /** A text, as it is stored. */
  stored(column: string): RawBuilder<Text>
  /** Deletes the events of a stream up to a seq, and where they stand. */
  drop(tables: WriteTables<unknown>, stream: number, last: number): Promise<void>
}

/** A log, as its keeper needs it. */
export interface KeptLog extends Pick<LogWriter, 'expire' | 'head'> {
  /** What others of the transaction said before is stored. */
  settled(): Awaitable<void>
  /** And found by statements. */
  index(): Awaitable<void>
  /** Has what waits for agents to itself. Absent where nobody waits. */
  readonly takeRows: ((agents: readonly string[]) => Awaitable<void>) | undefined
  /** Up to which event all are there that there will ever be. Absent where nobody else stores any. */
  readonly wholeTo: (() => Promise<number>) | undefined
}

interface Said extends Stub {
  readonly erased?: true
}

const saidBy = ({ text }: Event): Said => JSON.parse(String(text)) as Said

/** As it is at its home: what is mirrored is stored with the name that its channel has here, and its home's tree is over the bare one. */
const atHome = (said: Said, text: Text): Text => {
  const { to = '' } = said
  return isMirror(to) ? JSON.stringify({ ...said, to: to.slice(0, to.indexOf('@')) }) : text
}

/** What is left of an event: that it was, when, from whom and to whom, which message it changed, and the hash of what it was. */
const blankOf = (event: Event): string => {
  const said = saidBy(event)
  return blankText(said, Buffer.from(sha256(Buffer.from(atHome(said, event.text) as string))).toString('base64'))
}

export class TablesKeeper implements LogKeeper {
  readonly #log: KeptLog
  readonly #tables: WriteTables<Tables>
  readonly #dialect: Dialect
  readonly #words: LogWords
  readonly #gone: Gone[] = []

  /** `tables` are those of the log's own connection. */
  constructor(log: KeptLog, tables: WriteTables<unknown>, dialect: Dialect, words: LogWords) {
    this.#log = log
    this.#tables = tables as unknown as WriteTables<Tables>
    this.#dialect = dialect
    this.#words = words
  }

  async talksAfter(after: string, limit: number): Promise<readonly string[]> {
    await this.#log.settled()
    const rows = await this.#tables.selectFrom('streams').select('name').where('name', '>', after).where('name', '<', 'A')
      .where(sql<boolean>`substr(name, 1, 1) IN ('#', '@')`).orderBy('name').limit(limit).execute()
    return rows.map(({ name }) => name)
  }

  async oldest(stream: string, limit: number): Promise<readonly Kept[]> {
    await this.#log.index()
    return this.#oldest((await this.#stream(stream)).id, limit)
  }

  async measure(stream: string, limit: number): Promise<{ readonly bytes: number, readonly counted: number }> {
    await this.#log.index()
    const { id } = await this.#stream(stream)
    const known = await this.#tables.selectFrom('stream_sizes').select(['upto', 'bytes']).where('stream', '=', id).executeTakeFirst()
      ?? { upto: 0, bytes: 0 }
    const next = this.#placed(id).select(['seq', this.#words.textBytes.as('size')]).where('seq', '>', known.upto).orderBy('seq').limit(
      limit,
    )
    const { upto, size, counted } = await this.#tables.selectFrom(next.as('next')).select((
      { fn },
    ) => [fn.max<number | null>('seq').as('upto'), fn.sum<number>('size').as('size'), fn.countAll<number>().as('counted')])
      .executeTakeFirstOrThrow()
    if (upto === null) return { bytes: known.bytes, counted }
    const row = { stream: id, upto, bytes: known.bytes + size }
    await this.#tables.insertInto('stream_sizes').values(row).onConflict(conflict => conflict.column('stream').doUpdateSet(row)).execute()
    return { bytes: row.bytes, counted }
  }

  async deleteThrough(stream: string, last: number, now: number): Promise<readonly Fate[]> {
    await this.#log.index()
    return this.#deleteThrough({ id: (await this.#stream(stream)).id, name: stream }, last, now)
  }

  async clearEnded(stream: string, now: number): Promise<{ readonly deleted: number, readonly fates: readonly Fate[] }> {
    await this.#log.index()
    const { id, base } = await this.#stream(stream)
    const oldest = (await this.#oldest(id, deletedAtOnce.events)).filter(({ seq }) => seq <= base)
    const last = oldest.at(-1)
    if (last !== undefined) return { deleted: oldest.length, fates: await this.#deleteThrough({ id, name: stream }, last.seq, now) }
    await this.#forgetSizes([id])
    await forgetBlanked(this.#tables as unknown as WriteTables<unknown>, id, base, true)
    return { deleted: 0, fates: [] }
  }

  async blank(stream: string, seq: number, now: number): Promise<readonly Fate[] | undefined> {
    await this.#log.index()
    return this.#blank((await this.#stream(stream)).id, seq, now)
  }

  async trim(after: number, wantedBytes: number, now: number): Promise<Trimmed> {
    await this.#log.index()
    const found = await this.#tables.selectFrom('events').innerJoin('streams', 'streams.id', 'events.stream')
      .select(['events.id', 'stream', 'name', 'events.seq', this.#words.textBytes.as('bytes')]).where('events.id', '>', after)
      .orderBy('events.id').limit(trimmedAtOnce.events).execute()
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
      const newest = (await this.#log.head(name)).seq
      const blanked = seq >= newest ? await this.#blank(stream, seq, now) : []
      if (blanked === undefined) events--
      else fates.push(...blanked)
      fates.push(...await this.#deleteThrough({ id: stream, name }, Math.min(seq, newest - 1), now))
    }
    return { last, events, bytes, fates }
  }

  takeGone(): readonly Gone[] {
    return this.#gone.length === 0 ? nothing : this.#gone.splice(0)
  }

  async withdraw(agent: string, streams: readonly string[], now: number): Promise<readonly Fate[]> {
    if (streams.length === 0) return []
    await this.#log.settled()
    return this.#endEntries(now,
      sql`agent = ${agent} AND stream IN (SELECT id FROM streams WHERE ${this.#dialect.isAmong('name', streams)})`)
  }

  async beginErasure(agent: string): Promise<void> {
    await this.#log.settled()
    const end = async (order: 'asc' | 'desc') =>
      (await this.#tables.selectFrom('events').select('id').orderBy('id', order).limit(1).executeTakeFirst())?.id ?? 0
    const upto = await end('desc')
    await this.#tables.insertInto('erasures').values({ agent, after: await end('asc') - 1, upto, events: 0 }).onConflict(conflict =>
      conflict.column('agent').doUpdateSet({ upto })
    ).execute()
  }

  /** Of the blocks of events in which the agent spoke, a part of one. */
  async eraseSome(agent: string, keys: readonly string[], now: number): Promise<ErasureStep> {
    await this.#log.index()
    const tables = this.#tables
    const erasure = await tables.selectFrom('erasures').selectAll().where('agent', '=', agent).executeTakeFirst()
    if (erasure === undefined) return { done: true, events: 0, fates: [] }
    const { events, upto } = erasure
    const authors = new Set(keys)
    const isTheirs = this.#dialect.isAmong('author', [...authors])
    const block = await this.#nextBlock(Math.floor((erasure.after + 1) / 2 ** blockBits), isTheirs)
    if (block === undefined || block.first > upto || erasure.after >= upto) {
      await tables.deleteFrom('erasures').where('agent', '=', agent).execute()
      return { done: true, events, fates: [] }
    }
    const after = Math.max(erasure.after, block.first - 1)
    const last = Math.min(upto, block.last)
    const found = await tables.selectFrom('events').select(['id', 'author', this.#words.textBytes.as('bytes')])
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
    const said = await tables.selectFrom('events').selectAll().where('id', '>', after).where('id', '<=', end).where(isTheirs).execute()
    const theirs = said.filter(event => saidBy(event).type === 'MSG')
    const places = this.#dialect.rowsOf<{ stream: number, event: number }>({ stream: 'number', event: 'number' },
      theirs.map(({ stream, seq }) => ({ stream, event: seq })))
    const fates = theirs.length === 0
      ? []
      : await this.#endEntries(now, sql`(stream, event) IN (SELECT stream, event FROM ${places} AS said)`)
    if (theirs.length > 0) await this.#forgetHanging(sql`(stream, seq) IN (SELECT stream, event FROM ${places} AS said)`)
    const blanked = theirs.filter(event => saidBy(event).erased === undefined)
    await this.#overwrite(blanked)
    const erased = events + blanked.length
    await tables.updateTable('erasures').set({ after: end, events: erased }).where('agent', '=', agent).execute()
    return { done: false, events: erased, fates }
  }

  async erasureUnderWay(): Promise<string | undefined> {
    return (await this.#tables.selectFrom('erasures').select('agent').limit(1).executeTakeFirst())?.agent
  }

  /** Looks at the events of one block: at the next in which somebody spoke. */
  async forgetSilent(from: number): Promise<number | undefined> {
    await this.#log.settled()
    const block = await this.#nextBlock(from)
    if (block === undefined) return undefined
    // Of one to which somebody else's transaction may add it is not known who is silent: it is looked at in a later round.
    if (this.#log.wholeTo !== undefined && await this.#log.wholeTo() < block.last) return block.number + 1
    const there = this.#tables.selectFrom('events').select('author').where('id', '>=', block.first).where('id', '<=', block.last)
    await this.#tables.deleteFrom('spoken').where('block', '=', block.number).where('author', 'not in', there).execute()
    return block.number + 1
  }

  async agentUses(): Promise<readonly AgentUse[]> {
    // What was said last is not noted yet.
    await this.#log.index()
    return [['inbox', 'agent'], ['spoken', 'author']]
  }

  /** 0: there is no such stream, and no event that could be in it. */
  async #stream(name: string): Promise<{ readonly id: number, readonly base: number }> {
    return await this.#tables.selectFrom('streams').select(['id', 'base']).where('name', '=', name).executeTakeFirst() ?? { id: 0, base: 0 }
  }

  #placed(stream: number) {
    return this.#tables.selectFrom(this.#words.placed.as('placed')).where('stream', '=', stream)
  }

  #eventsOf(stream: number): Events {
    return async (after, limit, maxBytes) => {
      const next = await this.#placed(stream).select(['seq', this.#words.textBytes.as('bytes')]).where('seq', '>', after).orderBy('seq')
        .limit(limit).execute()
      let bytes = 0
      const tooMany = next.findIndex(event => (bytes += event.bytes) > maxBytes)
      const last = next[tooMany === -1 ? next.length - 1 : Math.max(tooMany - 1, 0)]
      if (last === undefined) return []
      const rows = await this.#placed(stream).select(['seq', 'text']).where('seq', '>', after).where('seq', '<=', last.seq).orderBy('seq')
        .execute()
      return rows.map(({ seq, text }) => ({ seq, text: Buffer.from(text as string) }))
    }
  }

  /** As many as may go at once: where what goes is overwritten, many bytes take as long as many events. */
  async #oldest(stream: number, limit: number): Promise<readonly Kept[]> {
    const events = await this.#placed(stream).select(['seq', 'ts', this.#words.textBytes.as('bytes')]).orderBy('seq').limit(limit).execute()
    let bytes = 0
    const tooMany = events.findIndex(event => (bytes += event.bytes) > deletedAtOnce.bytes)
    return tooMany === -1 ? events : events.slice(0, Math.max(tooMany, 1))
  }

  async #deleteThrough({ id: stream, name }: Named, last: number, now: number): Promise<readonly Fate[]> {
    const tables = this.#tables
    if (name.startsWith('#')) this.#gone.push({ kind: 'gone', channel: name, upTo: last, seqs: [] })
    const fates = await this.#endEntries(now, sql`stream = ${stream} AND event <= ${last}`)
    // An agent's newest entry stays, though its event goes: where numbers come from the entries, the next one comes from it.
    await tables.deleteFrom('inbox').where('stream', '=', stream).where('event', '<=', last)
      .where('seq', '<', sql<number>`(SELECT max(own.seq) FROM inbox AS own WHERE own.agent = inbox.agent)`).execute()
    const { placed, textBytes } = this.#words
    // Of a mirror the tree is with how far it is, and its home says how far apart its numbers are.
    if (!isMirror(name)) await keepTree({ tables: <T>() => tables as unknown as WriteTables<T> }, stream, this.#eventsOf(stream), last)
    await tables.updateTable('stream_sizes').where('stream', '=', stream).set({
      bytes: sql`bytes - (SELECT coalesce(sum(${textBytes}), 0) FROM ${placed} AS p WHERE p.stream = ${stream} AND p.seq <= ${last}
        AND p.seq <= stream_sizes.upto)`,
      upto: this.#dialect.greatest(sql.ref<number>('upto'), last),
    }).execute()
    await this.#forgetHanging(sql`stream = ${stream} AND seq <= ${last}`)
    await forgetBlanked(tables as unknown as WriteTables<unknown>, stream, last)
    await this.#words.drop(tables as unknown as WriteTables<unknown>, stream, last)
    // What names an event comes after it.
    await tables.deleteFrom('links').where('stream', '=', stream).where('kind', 'in', Object.values(linkKinds)).where('target', '<=', last)
      .execute()
    return fates
  }

  async #blank(stream: number, seq: number, now: number): Promise<readonly Fate[] | undefined> {
    const event = await this.#placed(stream).selectAll().where('seq', '=', seq).executeTakeFirst()
    if (event === undefined || saidBy(event).erased !== undefined) return undefined
    const fates = await this.#endEntries(now, sql`stream = ${stream} AND event = ${seq}`)
    await this.#forgetHanging(sql`stream = ${stream} AND seq = ${seq}`)
    await this.#overwrite([event])
    return fates
  }

  /** Written anew here and not by a database, which does not read every text that JSON can say. */
  async #overwrite(events: readonly Event[]): Promise<void> {
    if (events.length === 0) return
    const blanks = this.#dialect.rowsOf<{ id: number, blank: string }>({ id: 'number', blank: 'text' },
      events.map(event => ({ id: event.id, blank: blankOf(event) })))
    await this.#tables.updateTable('events').from(blanks.as('blanks')).set({ text: this.#words.stored('blank') })
      .whereRef('events.id', '=', 'blanks.id').execute()
    await this.#note(events)
    await this.#forgetSizes([...new Set(events.map(({ stream }) => stream))])
  }

  /** Who mirrors a channel is told which of its events were blanked. */
  async #note(events: readonly Event[]): Promise<void> {
    const ids = [...new Set(events.map(({ stream }) => stream))]
    const streams = await this.#tables.selectFrom('streams').select(['id', 'name']).where('id', 'in', ids).where('name', 'like', '#%')
      .execute()
    for (const { id, name } of streams) {
      const seqs = events.filter(({ stream }) => stream === id).map(({ seq }) => seq)
      this.#gone.push({ kind: 'gone', channel: name, upTo: 0, seqs })
      if (!isMirror(name)) await noteBlanked(this.#tables as unknown as WriteTables<unknown>, id, seqs)
    }
  }

  /** The next block, from one on, in which somebody spoke: its first and last id. */
  async #nextBlock(from: number, who?: RawBuilder<boolean>): Promise<{ number: number, first: number, last: number } | undefined> {
    const spoken = this.#tables.selectFrom('spoken').select(({ fn }) => fn.min<number | null>('block').as('block')).where('block', '>=',
      from)
    const { block } = await (who === undefined ? spoken : spoken.where(who)).executeTakeFirstOrThrow()
    return block === null ? undefined : { number: block, first: block * 2 ** blockBits, last: (block + 1) * 2 ** blockBits - 1 }
  }

  async #forgetHanging(which: RawBuilder<unknown>): Promise<void> {
    for (const table of hanging) await this.#tables.deleteFrom(table).where(sql<boolean>`${which}`).execute()
  }

  /** They are counted anew when a limit asks for it. */
  async #forgetSizes(streams: readonly number[]): Promise<void> {
    await this.#tables.deleteFrom('stream_sizes').where('stream', 'in', streams).execute()
  }

  /** Inbox entries of events that go: what was not received ends as expired. */
  async #endEntries(now: number, which: RawBuilder<unknown>): Promise<readonly Fate[]> {
    if (this.#log.takeRows !== undefined) {
      const whose = await this.#tables.selectFrom('inbox').select('agent').distinct().where(sql<boolean>`${which}`).execute()
      await this.#log.takeRows(whose.map(({ agent }) => agent))
    }
    const waiting = sql<boolean>`received_at IS NULL AND expired_at IS NULL AND ${which}`
    const { numUpdatedRows } = await this.#tables.updateTable('inbox').set({ expires_at: now }).where(waiting).executeTakeFirst()
    if (numUpdatedRows === 0n) return []
    const fates: Fate[] = []
    // Some of them may be left behind others that were due before.
    do fates.push(...await this.#log.expire(now))
    while (await this.#tables.selectFrom('inbox').select('agent').where(waiting).limit(1).executeTakeFirst() !== undefined)
    return fates
  }
}
