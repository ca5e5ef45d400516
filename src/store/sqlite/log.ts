// The log on SQLite: statements prepared once, heads of streams cached, everything synchronous inside the writer's transaction.
// An event is written to the end of its table and nowhere else. The indexes over it are brought up to date in bulk, every
// thousand events: that touches a page per stream, where one by one it is two pages per message. Until then the tail knows.
import type { Database, Statement } from 'better-sqlite3'
import { SqliteLogReader, textMsgId } from './log-reader.ts'
import { indexing } from './log-schema.ts'
import { cursorOf, entriesExpiredAtOnce, entry, keysForgottenAtOnce, unitsOf, type Entry } from '../log-rows.ts'
import type { SqliteLinks } from './links.ts'
import type { StreamIds } from './stream-ids.ts'
import { maxKeptBytes, nameOf, type Tail, type TailEvent } from './tail.ts'
import { checkFollows, msgIdOf, type Appended, type Fate, type LogWriter, type NewEvent, type PublishKey, type Stamp } from '../log.ts'

/** Events that may wait for their indexes: few enough that the batch which writes those holds nobody up for long. */
const maxTail = 1_024

/** Heads kept in memory; past this the ones used longest ago are read again when needed. */
const maxCachedHeads = 100_000

interface CachedHead {
  readonly stream: string
  readonly id: number
  seq: number
  ts: number
  /** The open transaction asked for it. */
  isTouched: boolean
}

/** All that a log does but let go of what was said. */
export class SqliteLog extends SqliteLogReader {
  readonly #wrote: () => void
  readonly #links: SqliteLinks
  readonly #heads = new Map<string, CachedHead>()
  #touched: CachedHead[] = []
  readonly #addStream: Statement<[string]>
  readonly #addEvent: Statement<[number, number, number, number, string, string | null, Buffer]>
  readonly #findKey: Statement<[string, string], { stream: number, seq: number, ts: number }>
  readonly #keyEvent: Statement<[number, number], { event: number, msg_id: string | null }>
  readonly #index: readonly Statement[]
  readonly #addInbox: Statement<
    {
      agent: string
      stream: number
      event: number
      receipts: number
      expiresAt: number | null
      sender: string
      address: string
      units: number
      muted: 0 | 1
    },
    { seq: number }
  >
  readonly #hasBlocks: Statement<[string]>
  readonly #waiting: Statement<{ agent: string, sender: string, address: string }, { total: number, own: number, near: number }>
  readonly #muted: Statement<[string, number], { upTo: number | null }>
  readonly #setCursor: Record<keyof typeof cursorOf, Statement<{ agent: string, upTo: number }>>
  readonly #progress: Record<keyof typeof cursorOf, Statement<{ agent: string, after: number, upTo: number, now: number }, Entry>>
  readonly #endOne: Readonly<Record<'read' | 'given up', Statement<{ agent: string, seq: number, now: number }, Entry>>>
  readonly #reopen: Statement<{ agent: string, seq: number, until: number }>
  readonly #readIn: Statement<{ agent: string, after: number, stream: number, upTo: number, now: number }, Entry>
  readonly #due: Statement<[number]>
  readonly #expire: Statement<{ now: number, limit: number }, Entry>
  readonly #findInbox: Statement<[string, number, number], { seq: number }>
  readonly #copyInbox: Statement<{ from: string, to: string }>
  readonly #clearInbox: Statement<[string]>
  readonly #forgetKeys: Statement<{ before: number, limit: number }>
  readonly #endStream: Statement<[number, number]>
  /** The row of the newest event that was ever written. */
  #newestId: number

  /** `wrote` is called before each write statement, so that the transaction begins with the first of them. */
  constructor(db: Database, epoch: string, tail: Tail, ids: StreamIds, links: SqliteLinks, wrote: () => void) {
    super(db, epoch, tail, ids)
    this.#links = links
    this.#wrote = wrote
    this.#addStream = db.prepare('INSERT INTO streams (name) VALUES (?)')
    this.#addEvent = db.prepare('INSERT INTO events (id, stream, seq, ts, author, key, text) VALUES (?, ?, ?, ?, ?, ?, ?)')
    // By itself: nearly every key is new, and each table more makes looking for it dearer.
    this.#findKey = db.prepare('SELECT k.stream, k.seq, k.ts FROM publish_keys k WHERE k.agent = ? AND k.id = ?')
    this.#keyEvent = db.prepare(`SELECT p.event, ${textMsgId} AS msg_id FROM places p JOIN events e ON e.id = p.event
      WHERE p.stream = ? AND p.seq = ?`)
    this.#index = indexing.map(statement => db.prepare(statement))
    this.#addInbox = db.prepare(`INSERT INTO inbox (agent, seq, stream, event, receipts, expires_at, sender, address, units, muted)
      SELECT @agent, coalesce(max(seq), 0) + 1, @stream, @event, @receipts, @expiresAt, @sender, @address, @units, @muted
      FROM inbox WHERE agent = @agent RETURNING seq`)
    this.#hasBlocks = db.prepare('SELECT 1 FROM blocks WHERE agent = ? LIMIT 1')
    this.#waiting = db.prepare(`SELECT coalesce(sum(units), 0) AS total, coalesce(sum(units) FILTER (WHERE sender = @sender), 0) AS own,
      coalesce(sum(units) FILTER (WHERE address = @address AND address <> ''), 0) AS near
      FROM inbox WHERE agent = @agent AND seq > coalesce((SELECT seq FROM inbox_cursors WHERE agent = @agent), 0)`)
    this.#muted = db.prepare(`SELECT coalesce(min(seq) FILTER (WHERE muted = 0) - 1, max(seq)) AS upTo FROM (SELECT seq, muted FROM inbox
      WHERE agent = ? AND seq > ? ORDER BY seq LIMIT 1000)`)
    const setCursor = (column: string) =>
      db.prepare<{ agent: string, upTo: number }>(
        `INSERT INTO inbox_cursors (agent, ${column === 'seq' ? 'seq' : `seq, ${column}`}) VALUES (@agent, ${
          column === 'seq' ? '@upTo' : '0, @upTo'
        })
      ON CONFLICT (agent) DO UPDATE SET ${column} = max(${column}, @upTo)`,
      )
    this.#setCursor = { offered: setCursor('offered'), received: setCursor('seq'), read: setCursor('read') }
    const progress = (set: string, column: string) =>
      db.prepare<{ agent: string, after: number, upTo: number, now: number }, Entry>(
        `UPDATE inbox SET ${set} WHERE agent = @agent AND seq > @after AND seq <= @upTo AND ${column} IS NULL AND expired_at IS NULL RETURNING ${entry}`,
      )
    const offered = 'offered_at = coalesce(offered_at, @now)'
    const received = `${offered}, received_at = coalesce(received_at, @now), address = ''`
    this.#progress = {
      offered: progress(offered, 'offered_at'),
      received: progress(received, 'received_at'),
      read: progress(`${received}, read_at = @now`, 'read_at'),
    }
    this.#readIn = db.prepare(`UPDATE inbox SET ${received}, read_at = @now WHERE agent = @agent AND seq > @after AND stream = @stream
      AND event <= @upTo AND read_at IS NULL AND expired_at IS NULL RETURNING ${entry}`)
    const endOne = (set: string) =>
      db.prepare<{ agent: string, seq: number, now: number }, Entry>(
        `UPDATE inbox SET ${set} WHERE agent = @agent AND seq = @seq AND expired_at IS NULL RETURNING ${entry}`,
      )
    this.#endOne = {
      'read': endOne(`${received}, read_at = coalesce(read_at, @now)`),
      'given up': endOne(`expired_at = @now, address = ''`),
    }
    this.#reopen = db.prepare('UPDATE inbox SET expired_at = NULL, expires_at = @until WHERE agent = @agent AND seq = @seq')
    const due = (now: string) => `FROM inbox WHERE expires_at <= ${now} AND received_at IS NULL AND expired_at IS NULL`
    this.#due = db.prepare(`SELECT 1 ${due('?')} LIMIT 1`)
    this.#expire = db.prepare(
      `UPDATE inbox SET expired_at = @now, address = '' WHERE (agent, seq) IN (SELECT agent, seq ${
        due('@now')
      } LIMIT @limit) RETURNING ${entry}`,
    )
    this.#findInbox = db.prepare('SELECT seq FROM inbox WHERE agent = ? AND stream = ? AND event = ?')
    this.#copyInbox = db.prepare(
      `INSERT INTO inbox (agent, seq, stream, event, receipts, expires_at, offered_at, expired_at, sender, address, units, muted)
      SELECT @to, (SELECT coalesce(max(seq), 0) FROM inbox WHERE agent = @to) + row_number() OVER (ORDER BY seq), stream, event,
        receipts, expires_at, offered_at, expired_at, sender, address, units, muted
      FROM inbox WHERE agent = @from AND seq > coalesce((SELECT seq FROM inbox_cursors WHERE agent = @from), 0)
        AND NOT EXISTS (SELECT 1 FROM inbox AS had WHERE had.agent = @to AND had.stream = inbox.stream AND had.event = inbox.event)`,
    )
    this.#clearInbox = db.prepare('DELETE FROM inbox WHERE agent = ?')
    this.#forgetKeys = db.prepare('DELETE FROM publish_keys WHERE rowid IN (SELECT rowid FROM publish_keys ORDER BY rowid LIMIT '
      + '@limit) AND ts < @before')
    this.#endStream = db.prepare('UPDATE streams SET base = ? WHERE id = ?')
    this.#newestId =
      db.prepare<[], { id: number }>('SELECT max(upto, coalesce((SELECT max(id) FROM events), 0)) AS id FROM indexed').get()!.id
    interface Unindexed {
      id: number
      stream: number
      seq: number
      ts: number
      author: string
      key: string | null
    }
    for (
      const { id, stream, seq, ts, author, key } of db.prepare<[], Unindexed>(
        'SELECT id, stream, seq, ts, author, key FROM events WHERE id > (SELECT upto FROM indexed) ORDER BY id',
      ).iterate()
    ) {
      tail.add({
        id,
        stream,
        stamp: { seq, ts, msgId: msgIdOf(stream, seq, epoch) },
        key: key === null ? undefined : nameOf({ agent: author, id: key }),
        text: undefined,
      })
    }
    tail.committed()
  }

  append(event: NewEvent, now: number, encode: (stamp: Stamp) => Buffer): Appended {
    const { key, author } = event
    if (key !== undefined && key.agent !== author) throw new Error("A publish key is the author's own")
    const name = key && nameOf(key)
    const first = key && this.#published(key, name!)
    if (first !== undefined) {
      const text = this.textOf(first.id)
      return text === undefined ? { kind: 'duplicate', stamp: first.stamp } : { kind: 'duplicate', stamp: first.stamp, text }
    }
    this.#wrote()
    const head = this.#cachedHead(event.stream)
    checkFollows(event, head.seq)
    const stamp = event.at
      ?? { seq: head.seq + 1, ts: Math.max(now, head.ts + 1), msgId: msgIdOf(head.id, head.seq + 1, this.epoch) }
    const { seq, ts } = stamp
    const id = ++this.#newestId
    const text = encode(stamp)
    this.#addEvent.run(id, head.id, seq, ts, author, key?.id ?? null, text)
    this.tail.add({ id, stream: head.id, stamp, key: name, text: text.length > maxKeptBytes ? undefined : text })
    if (event.link !== undefined) this.#links.add(head.id, seq, event.link)
    head.seq = seq
    head.ts = ts
    if (event.inbox === undefined) return { kind: 'stored', stamp, inboxSeqs: [] }
    const expiresAt = event.ttlMs === undefined ? null : ts + event.ttlMs
    const receipts = event.receipts === true ? 1 : 0
    const { address = '' } = event
    const entry = {
      stream: head.id,
      event: seq,
      receipts,
      expiresAt,
      sender: author,
      address,
      units: unitsOf(text),
    }
    const inboxSeqs = event.inbox.map(agent =>
      this.#addInbox.get({ ...entry, agent, muted: event.muted?.includes(agent) === true ? 1 : 0 })!.seq
    )
    return { kind: 'stored', stamp, inboxSeqs }
  }

  /** The row of the newest event that was ever written. */
  get newestEvent(): number {
    return this.#newestId
  }

  /** What a repeat would be is known at once. */
  together(): Pick<LogWriter, 'append'> {
    let first: Appended | undefined
    return {
      append: (event, now, encode) => {
        if (first?.kind === 'duplicate') return { kind: 'duplicate', stamp: first.stamp }
        const appended = this.append(event, now, encode)
        first ??= appended
        return appended
      },
    }
  }

  flush(): void {}
  settled(): void {}
  readonly takeRows = undefined
  readonly wholeTo = undefined
  isPublished(key: PublishKey): boolean {
    return this.#published(key, nameOf(key)) !== undefined
  }

  /** The event that was published under a key: its stamp, and the row of its text, 0 where it is gone. */
  #published(key: PublishKey, name: string): Pick<TailEvent, 'id' | 'stamp'> | undefined {
    const recent = this.tail.published(name)
    if (recent !== undefined) return recent
    const found = this.#findKey.get(key.agent, key.id)
    if (found === undefined) return undefined
    const { stream, seq, ts } = found
    const kept = this.#keyEvent.get(stream, seq)
    return { id: kept?.event ?? 0, stamp: { seq, ts, msgId: kept?.msg_id ?? msgIdOf(stream, seq, this.epoch) } }
  }

  /** Whether so many events wait for their indexes that it is time. */
  get isIndexDue(): boolean {
    return this.tail.size >= maxTail
  }

  /** Makes every event found by its place in its stream: before what reads or changes the tables of events otherwise than from here. */
  index(): void {
    if (this.tail.size === 0) return
    this.#wrote()
    for (const statement of this.#index) statement.run()
    this.tail.indexed()
  }

  progress(agent: string, state: 'offered' | 'received' | 'read', upTo: number, now: number): readonly Fate[] {
    const told = Math.min(upTo, this.inboxHead(agent).seq)
    // What is kept from the agent goes with what it was told: nobody learns the difference.
    const end = state === 'received' ? Math.max(told, this.#muted.get(agent, told)?.upTo ?? 0) : told
    const after = this.cursors.get(agent)?.[cursorOf[state]] ?? 0
    if (end <= after) return []
    this.#wrote()
    const changed = this.#progress[state].all({ agent, after, upTo: end, now })
    this.#setCursor[state].run({ agent, upTo: end })
    // What was read was received.
    if (state === 'read') this.#setCursor.received.run({ agent, upTo: end })
    return this.#toTell(changed)
  }

  readIn(agent: string, stream: string, upTo: number, now: number): readonly Fate[] {
    const id = this.ids.of(stream)
    if (id === undefined) return []
    this.#wrote()
    return this.#toTell(this.#readIn.all({ agent, after: this.unreadAfter(agent).after, stream: id, upTo, now }))
  }

  endOne(agent: string, seq: number, end: 'read' | 'given up', now: number): readonly Fate[] | undefined {
    this.#wrote()
    const changed = this.#endOne[end].all({ agent, seq, now })
    return changed.length === 0 ? undefined : this.#toTell(changed)
  }

  reopen(agent: string, seq: number, until: number): void {
    this.#wrote()
    this.#reopen.run({ agent, seq, until })
  }

  expire(now: number): readonly Fate[] {
    if (this.#due.get(now) === undefined) return []
    this.#wrote()
    return this.#toTell(this.#expire.all({ now, limit: entriesExpiredAtOnce }))
  }

  #toTell(changed: readonly Entry[]): readonly Fate[] {
    return changed.filter(row => row.receipts === 1).flatMap(row => this.fateAt(row.stream, row.event, [row]) ?? [])
  }

  hasBlocks(agent: string): boolean {
    return this.#hasBlocks.get(agent) !== undefined
  }

  waiting(agent: string, sender: string, address: string): { readonly sender: number, readonly address: number, readonly all: number } {
    const { total, own, near } = this.#waiting.get({ agent, sender, address })!
    return { sender: own, address: near, all: total }
  }

  inboxSeqOf(agent: string, msgId: string): number | undefined {
    const place = this.placeOf(msgId)
    return place === undefined ? undefined : this.#findInbox.get(agent, place.streamId, place.seq)?.seq
  }

  moveInbox(from: string, to: string): void {
    this.#wrote()
    this.#copyInbox.run({ from, to })
    this.#clearInbox.run(from)
  }

  end(stream: string): void {
    if (this.ids.of(stream) === undefined) return
    this.index()
    this.#wrote()
    const head = this.#cachedHead(stream)
    // One number is left out: whoever has seen all of what ends does not take what begins for the next of it.
    head.seq++
    this.#endStream.run(head.seq, head.id)
  }

  beginAnew(stream: string): void {
    if (this.ids.of(stream) === undefined) return
    this.index()
    this.#wrote()
    const head = this.#cachedHead(stream)
    head.seq = 0
    head.ts = 0
    this.#endStream.run(0, head.id)
  }

  forgetKeys(before: number): number {
    if (this.tail.oldestTs < before) this.index()
    this.#wrote()
    return this.#forgetKeys.run({ before, limit: keysForgottenAtOnce }).changes
  }

  /** The transaction is in: its numbers stand. */
  committed(): void {
    this.#letGo()
    this.tail.committed()
  }

  /** The transaction is gone, and with it every number it gave. */
  rolledBack(): void {
    for (const { stream } of this.#touched) this.#heads.delete(stream)
    this.#letGo()
    this.tail.rolledBack()
  }

  #letGo(): void {
    for (const head of this.#touched) head.isTouched = false
    this.#touched = []
  }

  #cachedHead(stream: string): CachedHead {
    const head = this.#heads.get(stream) ?? this.#readHead(stream)
    if (head.isTouched) return head
    head.isTouched = true
    this.#touched.push(head)
    return head
  }

  #readHead(stream: string): CachedHead {
    const id = this.ids.of(stream)
    const { seq, ts } = id === undefined ? { seq: 0, ts: 0 } : this.head(stream)
    const head = { stream, id: id ?? Number(this.#addStream.run(stream).lastInsertRowid), seq, ts, isTouched: false }
    if (this.#heads.size >= maxCachedHeads) {
      for (const [name, { isTouched }] of this.#heads) {
        if (isTouched) continue
        this.#heads.delete(name)
        break
      }
    }
    this.#heads.set(stream, head)
    return head
  }
}
