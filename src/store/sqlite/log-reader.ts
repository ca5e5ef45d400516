// The log on SQLite, as it is read. What is not in its indexes yet, the tail knows.
import type { Database, Statement } from 'better-sqlite3'
import { entry, fateOf, headOf, type Entry } from '../log-rows.ts'
import {
  inboxWindow,
  parseMsgId,
  type Fate,
  type Head,
  type InboxRow,
  type LogReader,
  type PageQuery,
  type Row,
  type UnreadEntries,
} from '../log.ts'
import { Page } from './page.ts'
import type { StreamIds } from './stream-ids.ts'
import type { Tail, TailEvent } from './tail.ts'

/** The id that an event itself says it has. */
export const textMsgId = "json_extract(CAST(e.text AS TEXT), '$.msg_id')"

export class SqliteLogReader implements LogReader {
  protected readonly epoch: string
  protected readonly tail: Tail
  protected readonly ids: StreamIds
  readonly #head: Statement<[number], { seq: number, ts: number }>
  readonly #start: Statement<[number], { base: number, oldest: number | null }>
  readonly #after: Statement<[number, number, number], Row>
  readonly #before: Statement<[number, number, number], Row>
  readonly #text: Statement<[number], { text: Buffer }>
  readonly #inboxHead: Statement<[string, string], { seq: number | null, cursor: number | null }>
  readonly #inbox: Statement<
    [string, number, number],
    { seq: number, id: number, event: number, stream: string, text: Buffer | null }
  >
  readonly #unread: Statement<[string, number], UnreadEntries>
  protected readonly cursors: Statement<[string], { seq: number, offered: number, read: number }>
  readonly #event: Statement<[number], { author: string, ts: number, name: string, msg_id: string }>
  readonly #place: Statement<[number, number], { event: number }>
  readonly #entries: Statement<[number, number], Entry>

  constructor(db: Database, epoch: string, tail: Tail, ids: StreamIds) {
    this.epoch = epoch
    this.tail = tail
    this.ids = ids
    this.#head = db.prepare(`SELECT p.seq, e.ts
      FROM places p JOIN events e ON e.id = p.event WHERE p.stream = ? ORDER BY p.seq DESC LIMIT 1`)
    this.#start = db.prepare('SELECT s.base, (SELECT min(seq) FROM places WHERE stream = s.id) AS oldest FROM streams s WHERE s.id = ?')
    const pageOf = (comparison: string, order: string) =>
      `SELECT p.seq, e.text FROM places p JOIN events e ON e.id = p.event
        WHERE p.stream = ? AND p.seq ${comparison} ? ORDER BY p.seq ${order} LIMIT ?`
    this.#after = db.prepare(pageOf('>', 'ASC'))
    this.#before = db.prepare(pageOf('<', 'DESC'))
    this.#text = db.prepare('SELECT text FROM events WHERE id = ?')
    this.#inboxHead = db.prepare('SELECT (SELECT max(seq) FROM inbox WHERE agent = ?) AS seq, (SELECT seq FROM inbox_cursors WHERE '
      + 'agent = ?) AS cursor')
    this.#inbox = db.prepare(
      `SELECT i.seq, i.stream AS id, i.event, s.name AS stream, e.text FROM inbox i CROSS JOIN streams s ON s.id = i.stream
      LEFT JOIN places p ON p.stream = i.stream AND p.seq = i.event LEFT JOIN events e ON e.id = p.event
      WHERE i.agent = ? AND i.seq > ? AND i.muted = 0 AND i.expired_at IS NULL AND coalesce(i.expires_at, 9e15) > ? ORDER BY i.seq`,
    )
    this.#unread = db.prepare(
      `SELECT s.name AS stream, count(*) AS count, min(i.event) AS first FROM inbox i JOIN streams s ON s.id = i.stream
      WHERE i.agent = ? AND i.seq > ? AND i.read_at IS NULL AND i.expired_at IS NULL AND i.muted = 0 AND i.event > s.base
      GROUP BY s.id ORDER BY s.name`,
    )
    this.cursors = db.prepare('SELECT seq, offered, read FROM inbox_cursors WHERE agent = ?')
    this.#event = db.prepare(
      `SELECT e.author, e.ts, s.name, ${textMsgId} AS msg_id FROM events e JOIN streams s ON s.id = e.stream WHERE e.id = ?`,
    )
    this.#place = db.prepare('SELECT event FROM places WHERE stream = ? AND seq = ?')
    this.#entries = db.prepare(`SELECT ${entry} FROM inbox WHERE stream = ? AND event = ? ORDER BY agent`)
  }

  head(stream: string): Head {
    const id = this.ids.of(stream)
    const start = id === undefined ? undefined : this.#start.get(id)
    if (id === undefined || start === undefined) return { seq: 0, oldest: 0, ts: 0 }
    const recent = this.tail.of(id)
    const { seq, ts } = recent.at(-1)?.stamp ?? this.#head.get(id) ?? { seq: 0, ts: 0 }
    return headOf(start.base, seq, ts, start.oldest ?? recent[0]?.stamp.seq ?? seq)
  }

  newestOf(streams: readonly string[]): ReadonlyMap<string, number> {
    return new Map(streams.map(stream => [stream, this.head(stream).seq] as const).filter(([, seq]) => seq > 0))
  }

  newestInboxes(agents: readonly string[]): ReadonlyMap<string, number> {
    return new Map(agents.map(agent => [agent, this.inboxHead(agent).seq] as const).filter(([, seq]) => seq > 0))
  }

  page(stream: string, { after, before = Number.MAX_SAFE_INTEGER, limit, maxBytes }: PageQuery): readonly Row[] {
    const id = this.ids.of(stream)
    if (id === undefined) return []
    const recent = this.tail.of(id)
    const page = new Page<Row>(limit, maxBytes)
    if (after !== undefined) {
      if (!page.fill(this.#after.iterate(id, after, limit))) return page.rows
      // What is in memory has one connection: it sees what an open transaction has indexed, which the tail still knows.
      const from = page.rows.at(-1)?.seq ?? after
      page.fill(this.#texts(recent, seq => seq > from))
      return page.rows
    }
    if (page.fill(this.#texts(recent.toReversed(), seq => seq < before)))
      page.fill(this.#before.iterate(id, Math.min(before, recent[0]?.stamp.seq ?? before), limit))
    return page.rows.reverse()
  }

  inboxHead(agent: string): { readonly seq: number, readonly cursor: number } {
    const row = this.#inboxHead.get(agent, agent)
    return { seq: row?.seq ?? 0, cursor: row?.cursor ?? 0 }
  }

  inbox(
    agent: string,
    { after, limit, maxBytes, now }: { readonly after: number, readonly limit: number, readonly maxBytes: number, readonly now: number },
  ): readonly InboxRow[] {
    const page = new Page<InboxRow>(limit, maxBytes)
    page.fill(this.#inboxRows(agent, after, now))
    return page.rows
  }

  unread(agent: string): { readonly streams: readonly UnreadEntries[], readonly isPartial: boolean } {
    const { after, isPartial } = this.unreadAfter(agent)
    return { streams: this.#unread.all(agent, after), isPartial }
  }

  /** Behind which number of an inbox it is looked for what was not read. */
  protected unreadAfter(agent: string): { readonly after: number, readonly isPartial: boolean } {
    const read = this.cursors.get(agent)?.read ?? 0
    const window = this.inboxHead(agent).seq - inboxWindow
    return { after: Math.max(read, window), isPartial: window > read }
  }

  streamId(name: string): number | undefined {
    return this.ids.of(name)
  }

  fate(msgId: string): Fate | undefined {
    const place = this.placeOf(msgId)
    return place === undefined ? undefined : this.fateAt(place.streamId, place.seq, this.#entries.all(place.streamId, place.seq))
  }

  /** Where a message stands that has this id; one that was restored or imported keeps the id of its former life. */
  protected placeOf(msgId: string): { readonly streamId: number, readonly seq: number } | undefined {
    const place = parseMsgId(msgId, this.epoch)
    if (place === undefined || place.isOfThisLife) return place
    return this.#event.get(this.#idAt(place.streamId, place.seq))?.msg_id === msgId ? place : undefined
  }

  /** The row of an event; 0 when there is none. */
  #idAt(streamId: number, seq: number): number {
    return this.tail.at(streamId, seq)?.id ?? this.#place.get(streamId, seq)?.event ?? 0
  }

  protected fateAt(streamId: number, seq: number, entries: readonly Entry[]): Fate | undefined {
    const event = this.#event.get(this.#idAt(streamId, seq))
    if (event === undefined) return undefined
    return fateOf({ msgId: event.msg_id, author: event.author, stream: event.name, ts: event.ts }, entries)
  }

  protected textOf(id: number): Buffer | undefined {
    return this.#text.get(id)?.text
  }

  #recentText(event: TailEvent): Buffer | undefined {
    return this.tail.textOf(event) ?? this.textOf(event.id)
  }

  /** As long as somebody reads on: an entry whose event is gone is none, and takes nobody's place. */
  *#inboxRows(agent: string, after: number, now: number): Iterable<InboxRow> {
    for (const { seq, id, event, stream, text } of this.#inbox.iterate(agent, after, now)) {
      const recent = text === null ? this.tail.at(id, event) : undefined
      const found = text ?? (recent && this.#recentText(recent))
      if (found !== undefined) yield { seq, stream, text: found }
    }
  }

  /** Of events in the tail; those of an open transaction are not there for whoever reads outside it. */
  *#texts(recent: readonly TailEvent[], isWanted: (seq: number) => boolean): Iterable<Row> {
    for (const event of recent) {
      const { seq } = event.stamp
      const text = isWanted(seq) ? this.#recentText(event) : undefined
      if (text !== undefined) yield { seq, text }
    }
  }
}
