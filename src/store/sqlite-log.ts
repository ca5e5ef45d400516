// The log on SQLite: statements prepared once, heads of streams cached, everything synchronous inside the writer's transaction.
import type { Database, Statement } from 'better-sqlite3'
import { msgIdOf, parseMsgId, type Appended, type Fate, type Head, type InboxRow, type LogReader, type LogWriter, type NewEvent, type PageQuery, type PublishKey, type Row, type Stamp } from './log.ts'

export const logSchema = [`
  CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE events (stream INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL, author TEXT NOT NULL, text BLOB NOT NULL, UNIQUE (stream, seq));
  CREATE TABLE publish_keys (agent TEXT NOT NULL, id TEXT NOT NULL, stream INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL, UNIQUE (agent, id));
  CREATE TABLE inbox (agent TEXT NOT NULL, seq INTEGER NOT NULL, stream INTEGER NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (agent, seq)) WITHOUT ROWID;
  CREATE UNIQUE INDEX inbox_event ON inbox (agent, stream, event);
  CREATE TABLE inbox_cursors (agent TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
`, `
  ALTER TABLE inbox ADD COLUMN receipts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE inbox ADD COLUMN expires_at INTEGER;
  ALTER TABLE inbox ADD COLUMN offered_at INTEGER;
  ALTER TABLE inbox ADD COLUMN received_at INTEGER;
  ALTER TABLE inbox ADD COLUMN read_at INTEGER;
  ALTER TABLE inbox ADD COLUMN expired_at INTEGER;
  DROP INDEX inbox_event;
  CREATE UNIQUE INDEX inbox_event ON inbox (stream, event, agent);
  CREATE INDEX inbox_expiry ON inbox (expires_at) WHERE expires_at IS NOT NULL AND received_at IS NULL AND expired_at IS NULL;
  ALTER TABLE inbox_cursors ADD COLUMN offered INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE inbox_cursors ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
`]

/** Heads kept in memory; past this the ones used longest ago are read again when needed. */
const maxCachedHeads = 100_000
const keysForgottenAtOnce = 5_000
const entriesExpiredAtOnce = 1_000

/** The cursor that each kind of progress moves. */
const cursorOf = { offered: 'offered', received: 'seq', read: 'read' } as const

/** An inbox entry as the statements give it. */
interface Entry {
  readonly agent: string, readonly stream: number, readonly event: number, readonly receipts: number, readonly expires_at: number | null
  readonly offered_at: number | null, readonly received_at: number | null, readonly read_at: number | null, readonly expired_at: number | null
}
const entry = 'agent, stream, event, receipts, expires_at, offered_at, received_at, read_at, expired_at'

interface CachedHead { id: number, seq: number, ts: number }

export class SqliteLogReader implements LogReader {
  protected readonly epoch: string
  readonly #head: Statement<[string], { id: number, seq: number | null, ts: number | null, oldest: number | null }>
  readonly #after: Statement<[string, number, number], Row>
  readonly #before: Statement<[string, number, number], Row>
  readonly #inboxHead: Statement<[string, string], { seq: number | null, cursor: number | null }>
  readonly #inbox: Statement<[string, number, number, number], InboxRow>
  readonly #event: Statement<[number, number], { author: string, ts: number, name: string }>
  readonly #entries: Statement<[number, number], Entry>

  constructor(db: Database, epoch: string) {
    this.epoch = epoch
    this.#head = db.prepare(`SELECT s.id, max(e.seq) AS seq, min(e.seq) AS oldest,
      (SELECT ts FROM events WHERE stream = s.id ORDER BY seq DESC LIMIT 1) AS ts
      FROM streams s LEFT JOIN events e ON e.stream = s.id WHERE s.name = ? GROUP BY s.id`)
    const pageOf = (comparison: string, order: string) =>
      `SELECT seq, text FROM events WHERE stream = (SELECT id FROM streams WHERE name = ?) AND seq ${comparison} ? ORDER BY seq ${order} LIMIT ?`
    this.#after = db.prepare(pageOf('>', 'ASC'))
    this.#before = db.prepare(pageOf('<', 'DESC'))
    this.#inboxHead = db.prepare('SELECT (SELECT max(seq) FROM inbox WHERE agent = ?) AS seq, (SELECT seq FROM inbox_cursors WHERE agent = ?) AS cursor')
    this.#inbox = db.prepare(`SELECT i.seq, s.name AS stream, e.text FROM inbox i
      JOIN events e ON e.stream = i.stream AND e.seq = i.event JOIN streams s ON s.id = i.stream
      WHERE i.agent = ? AND i.seq > ? AND i.expired_at IS NULL AND coalesce(i.expires_at, 9e15) > ? ORDER BY i.seq LIMIT ?`)
    this.#event = db.prepare('SELECT e.author, e.ts, s.name FROM events e JOIN streams s ON s.id = e.stream WHERE e.stream = ? AND e.seq = ?')
    this.#entries = db.prepare(`SELECT ${entry} FROM inbox WHERE stream = ? AND event = ? ORDER BY agent`)
  }

  head(stream: string): Head {
    const row = this.#head.get(stream)
    return { seq: row?.seq ?? 0, oldest: row?.oldest ?? 0, ts: row?.ts ?? 0 }
  }

  page(stream: string, { after, before, limit, maxBytes }: PageQuery): readonly Row[] {
    if (after !== undefined) return take(this.#after.iterate(stream, after, limit), maxBytes)
    return take(this.#before.iterate(stream, before ?? Number.MAX_SAFE_INTEGER, limit), maxBytes).reverse()
  }

  inboxHead(agent: string): { readonly seq: number, readonly cursor: number } {
    const row = this.#inboxHead.get(agent, agent)
    return { seq: row?.seq ?? 0, cursor: row?.cursor ?? 0 }
  }

  inbox(agent: string, { after, limit, maxBytes, now }: { readonly after: number, readonly limit: number, readonly maxBytes: number, readonly now: number }): readonly InboxRow[] {
    return take(this.#inbox.iterate(agent, after, now, limit), maxBytes)
  }

  fate(msgId: string): Fate | undefined {
    const place = parseMsgId(msgId, this.epoch)
    return place === undefined ? undefined : this.fateAt(place.streamId, place.seq, this.#entries.all(place.streamId, place.seq))
  }

  protected fateAt(streamId: number, seq: number, entries: readonly Entry[]): Fate | undefined {
    const event = this.#event.get(streamId, seq)
    if (event === undefined) return undefined
    return {
      msgId: msgIdOf(streamId, seq, this.epoch), author: event.author, stream: event.name, storedAt: event.ts, expiresAt: entries[0]?.expires_at ?? null,
      receipts: entries.map(row => ({ agent: row.agent, offeredAt: row.offered_at, receivedAt: row.received_at, readAt: row.read_at, expiredAt: row.expired_at })),
    }
  }
}

/** Rows until their text passes `maxBytes`; the first one always. */
const take = <R extends Row>(rows: Iterable<R>, maxBytes: number): R[] => {
  const page: R[] = []
  let bytes = 0
  for (const row of rows) {
    bytes += row.text.length
    if (page.length > 0 && bytes > maxBytes) break
    page.push(row)
  }
  return page
}

export class SqliteLog extends SqliteLogReader implements LogWriter {
  readonly #wrote: () => void
  readonly #heads = new Map<string, CachedHead>()
  readonly #touched = new Set<string>()
  readonly #findHead: Statement<[string], { id: number, seq: number | null, ts: number | null }>
  readonly #addStream: Statement<[string]>
  readonly #addEvent: Statement<[number, number, number, string, Buffer]>
  readonly #addKey: Statement<[string, string, number, number, number]>
  readonly #findKey: Statement<[string, string], { stream: number, seq: number, ts: number, text: Buffer | null }>
  readonly #addInbox: Statement<{ agent: string, stream: number, event: number, receipts: number, expiresAt: number | null }, { seq: number }>
  readonly #cursors: Statement<[string], { seq: number, offered: number, read: number }>
  readonly #setCursor: Record<keyof typeof cursorOf, Statement<{ agent: string, upTo: number }>>
  readonly #progress: Record<keyof typeof cursorOf, Statement<{ agent: string, after: number, upTo: number, now: number }, Entry>>
  readonly #due: Statement<[number]>
  readonly #expire: Statement<{ now: number, limit: number }, Entry>
  readonly #findInbox: Statement<[string, number, number], { seq: number }>
  readonly #copyInbox: Statement<{ from: string, to: string }>
  readonly #clearInbox: Statement<[string]>
  readonly #forgetKeys: Statement<{ before: number, limit: number }>

  /** `wrote` is called before each write statement, so that the transaction begins with the first of them. */
  constructor(db: Database, epoch: string, wrote: () => void) {
    super(db, epoch)
    this.#wrote = wrote
    this.#findHead = db.prepare(`SELECT s.id, e.seq, e.ts FROM streams s LEFT JOIN events e ON e.stream = s.id
      AND e.seq = (SELECT max(seq) FROM events WHERE stream = s.id) WHERE s.name = ?`)
    this.#addStream = db.prepare('INSERT INTO streams (name) VALUES (?)')
    this.#addEvent = db.prepare('INSERT INTO events (stream, seq, ts, author, text) VALUES (?, ?, ?, ?, ?)')
    this.#addKey = db.prepare('INSERT INTO publish_keys (agent, id, stream, seq, ts) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
    this.#findKey = db.prepare(`SELECT k.stream, k.seq, k.ts, e.text FROM publish_keys k LEFT JOIN events e ON e.stream = k.stream AND e.seq = k.seq
      WHERE k.agent = ? AND k.id = ?`)
    this.#addInbox = db.prepare(`INSERT INTO inbox (agent, seq, stream, event, receipts, expires_at)
      SELECT @agent, coalesce(max(seq), 0) + 1, @stream, @event, @receipts, @expiresAt FROM inbox WHERE agent = @agent RETURNING seq`)
    this.#cursors = db.prepare('SELECT seq, offered, read FROM inbox_cursors WHERE agent = ?')
    const setCursor = (column: string) => db.prepare<{ agent: string, upTo: number }>(
      `INSERT INTO inbox_cursors (agent, ${column === 'seq' ? 'seq' : `seq, ${column}`}) VALUES (@agent, ${column === 'seq' ? '@upTo' : '0, @upTo'})
      ON CONFLICT (agent) DO UPDATE SET ${column} = max(${column}, @upTo)`)
    this.#setCursor = { offered: setCursor('offered'), received: setCursor('seq'), read: setCursor('read') }
    const progress = (set: string, column: string) => db.prepare<{ agent: string, after: number, upTo: number, now: number }, Entry>(
      `UPDATE inbox SET ${set} WHERE agent = @agent AND seq > @after AND seq <= @upTo AND ${column} IS NULL AND expired_at IS NULL RETURNING ${entry}`)
    const offered = 'offered_at = coalesce(offered_at, @now)'
    const received = `${offered}, received_at = coalesce(received_at, @now)`
    this.#progress = { offered: progress(offered, 'offered_at'), received: progress(received, 'received_at'), read: progress(`${received}, read_at = @now`, 'read_at') }
    const due = (now: string) => `FROM inbox WHERE expires_at <= ${now} AND received_at IS NULL AND expired_at IS NULL`
    this.#due = db.prepare(`SELECT 1 ${due('?')} LIMIT 1`)
    this.#expire = db.prepare(`UPDATE inbox SET expired_at = @now WHERE (agent, seq) IN (SELECT agent, seq ${due('@now')} LIMIT @limit) RETURNING ${entry}`)
    this.#findInbox = db.prepare('SELECT seq FROM inbox WHERE agent = ? AND stream = ? AND event = ?')
    this.#copyInbox = db.prepare(`INSERT INTO inbox (agent, seq, stream, event, receipts, expires_at, offered_at)
      SELECT @to, (SELECT coalesce(max(seq), 0) FROM inbox WHERE agent = @to) + row_number() OVER (ORDER BY seq), stream, event, receipts, expires_at, offered_at
      FROM inbox WHERE agent = @from AND seq > coalesce((SELECT seq FROM inbox_cursors WHERE agent = @from), 0)`)
    this.#clearInbox = db.prepare('DELETE FROM inbox WHERE agent = ?')
    this.#forgetKeys = db.prepare('DELETE FROM publish_keys WHERE rowid IN (SELECT rowid FROM publish_keys ORDER BY rowid LIMIT @limit) AND ts < @before')
  }

  append(event: NewEvent, now: number, encode: (stamp: Stamp) => Buffer): Appended {
    this.#wrote()
    const head = this.#cachedHead(event.stream)
    const seq = head.seq + 1
    const ts = Math.max(now, head.ts + 1)
    if (event.key !== undefined && this.#addKey.run(event.key.agent, event.key.id, head.id, seq, ts).changes === 0) {
      const first = this.#findKey.get(event.key.agent, event.key.id)!
      const stamp = { seq: first.seq, ts: first.ts, msgId: msgIdOf(first.stream, first.seq, this.epoch) }
      return first.text === null ? { kind: 'duplicate', stamp } : { kind: 'duplicate', stamp, text: first.text }
    }
    const stamp = { seq, ts, msgId: msgIdOf(head.id, seq, this.epoch) }
    this.#addEvent.run(head.id, seq, ts, event.author, encode(stamp))
    head.seq = seq
    head.ts = ts
    const expiresAt = event.ttlMs === undefined ? null : ts + event.ttlMs
    const receipts = event.receipts === true ? 1 : 0
    const inboxSeqs = (event.inbox ?? []).map(agent => this.#addInbox.get({ agent, stream: head.id, event: seq, receipts, expiresAt })!.seq)
    return { kind: 'stored', stamp, inboxSeqs }
  }

  isPublished({ agent, id }: PublishKey): boolean {
    return this.#findKey.get(agent, id) !== undefined
  }

  progress(agent: string, state: 'offered' | 'received' | 'read', upTo: number, now: number): readonly Fate[] {
    const end = Math.min(upTo, this.inboxHead(agent).seq)
    const after = this.#cursors.get(agent)?.[cursorOf[state]] ?? 0
    if (end <= after) return []
    this.#wrote()
    const changed = this.#progress[state].all({ agent, after, upTo: end, now })
    this.#setCursor[state].run({ agent, upTo: end })
    // What was read was received.
    if (state === 'read') this.#setCursor.received.run({ agent, upTo: end })
    return this.#toTell(changed)
  }

  expire(now: number): readonly Fate[] {
    if (this.#due.get(now) === undefined) return []
    this.#wrote()
    return this.#toTell(this.#expire.all({ now, limit: entriesExpiredAtOnce }))
  }

  #toTell(changed: readonly Entry[]): readonly Fate[] {
    return changed.filter(row => row.receipts === 1).flatMap(row => this.fateAt(row.stream, row.event, [row]) ?? [])
  }

  inboxSeqOf(agent: string, msgId: string): number | undefined {
    const place = parseMsgId(msgId, this.epoch)
    return place === undefined ? undefined : this.#findInbox.get(agent, place.streamId, place.seq)?.seq
  }

  moveInbox(from: string, to: string): void {
    this.#wrote()
    this.#copyInbox.run({ from, to })
    this.#clearInbox.run(from)
  }

  forgetKeys(before: number): number {
    this.#wrote()
    return this.#forgetKeys.run({ before, limit: keysForgottenAtOnce }).changes
  }

  /** The transaction is in: its numbers stand. */
  committed(): void {
    this.#touched.clear()
  }

  /** The transaction is gone, and with it every number it gave. */
  rolledBack(): void {
    for (const stream of this.#touched) this.#heads.delete(stream)
    this.#touched.clear()
  }

  #cachedHead(stream: string): CachedHead {
    this.#touched.add(stream)
    const cached = this.#heads.get(stream)
    if (cached !== undefined) return cached
    const found = this.#findHead.get(stream)
    const head = found === undefined
      ? { id: Number(this.#addStream.run(stream).lastInsertRowid), seq: 0, ts: 0 }
      : { id: found.id, seq: found.seq ?? 0, ts: found.ts ?? 0 }
    if (this.#heads.size >= maxCachedHeads) {
      for (const [name] of this.#heads) {
        if (this.#touched.has(name)) continue
        this.#heads.delete(name)
        break
      }
    }
    this.#heads.set(stream, head)
    return head
  }
}
