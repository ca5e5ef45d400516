// Events that name others, on SQLite.
import type { Database, Statement } from './driver.ts'
import { endBytes, isMirror, linkKinds, storedMsgId, type Found, type Link, type LinkKind, type LinkReader, type Root } from '../links.ts'
import { parseMsgId, type NewEvent, type PageQuery, type Row } from '../log.ts'
import { Page } from './page.ts'
import type { StreamIds } from './stream-ids.ts'
import type { Tail } from './tail.ts'

interface End {
  readonly seq: number
  readonly base: number
  readonly end: Buffer
}

export class SqliteLinks implements LinkReader {
  readonly #epoch: string
  readonly #tail: Tail
  readonly #ids: StreamIds
  readonly #place: Statement<[number, number], number>
  readonly #found: Statement<[number], Found & { readonly base: number }>
  readonly #end: Statement<[number], End>
  readonly #text: Statement<[number], Buffer>
  readonly #ts: Statement<[number], number>
  readonly #size: Statement<[number], number>
  readonly #target: Statement<[number, number, number], number>
  readonly #named: Statement<[number, number, number], number | null>
  readonly #newestOf: Statement<[number, number, number], Omit<Link, 'ts'>>
  readonly #naming: Statement<[number, number, number, number, number], number>
  #insert: Statement<{ stream: number, kind: number, target: number, seq: number }> | undefined
  readonly #db: Database

  constructor(db: Database, epoch: string, tail: Tail, ids: StreamIds) {
    this.#db = db
    this.#ids = ids
    this.#epoch = epoch
    this.#tail = tail
    this.#place = db.prepare<[number, number], number>('SELECT event FROM places WHERE stream = ? AND seq = ?').pluck()
    this.#found = db.prepare(
      'SELECT s.name AS stream, s.base, e.seq, e.ts, e.author, e.text FROM events e JOIN streams s ON s.id = e.stream WHERE e.id = ?',
    )
    this.#end = db.prepare(
      `SELECT e.seq, s.base, substr(e.text, -${endBytes}) AS end FROM events e JOIN streams s ON s.id = e.stream WHERE e.id = ?`,
    )
    this.#text = db.prepare<[number], Buffer>('SELECT text FROM events WHERE id = ?').pluck()
    this.#ts = db.prepare<[number], number>('SELECT ts FROM events WHERE id = ?').pluck()
    this.#size = db.prepare<[number], number>('SELECT length(text) FROM events WHERE id = ?').pluck()
    this.#target = db.prepare<[number, number, number], number>(
      'SELECT target FROM links WHERE stream = ? AND seq = ? AND kind = ?',
    ).pluck()
    this.#named = db.prepare<[number, number, number], number | null>(
      'SELECT min(target) FROM links WHERE stream = ? AND kind = ? AND target >= ?',
    ).pluck()
    this.#newestOf = db.prepare(
      'SELECT target, seq, n AS count FROM links WHERE stream = ? AND kind = ? AND target = ? ORDER BY seq DESC LIMIT 1',
    )
    this.#naming = db.prepare<[number, number, number, number, number], number>(
      'SELECT seq FROM links WHERE stream = ? AND kind = ? AND target = ? AND seq > ? ORDER BY seq LIMIT ?',
    ).pluck()
  }

  find(msgId: string): Found | undefined {
    const place = parseMsgId(msgId, this.#epoch)
    const found = place && this.#found.get(this.#idAt(place.streamId, place.seq))
    if (found === undefined || found.seq <= found.base || isMirror(found.stream)) return undefined
    if (storedMsgId(found.text.subarray(-endBytes)) !== msgId) return undefined
    const { base: _, ...event } = found
    return event
  }

  rootOf(stream: string, msgId: string): Root | undefined {
    const place = parseMsgId(msgId, this.#epoch)
    const id = this.#ids.of(stream)
    if (place === undefined || place.streamId !== id) return undefined
    const named = this.#rootAt(id, place.seq)
    if (named?.msgId !== msgId) return undefined
    const original = this.#target.get(id, named.seq, linkKinds.change) ?? named.seq
    const root = this.#target.get(id, original, linkKinds.reply) ?? original
    // What is gone begins nothing any more.
    return (root === named.seq ? undefined : this.#rootAt(id, root)) ?? named
  }

  /** From one that is named to the next: a step for each of them, however many name it. */
  newest(stream: string, kind: LinkKind, { from, to }: { readonly from: number, readonly to: number }): readonly Link[] {
    const id = this.#ids.of(stream)
    if (id === undefined) return []
    const links: Link[] = []
    const namedFrom = (seq: number) => this.#named.get(id, linkKinds[kind], seq) ?? Infinity
    for (let target = namedFrom(from); target <= to; target = namedFrom(target + 1)) {
      const link = this.#newestLink(id, kind, target)
      if (link !== undefined) links.push(link)
    }
    return links
  }

  newestOf(stream: string, kind: LinkKind, targets: readonly number[]): readonly Link[] {
    const id = this.#ids.of(stream)
    return id === undefined ? [] : targets.flatMap(target => this.#newestLink(id, kind, target) ?? [])
  }

  page(stream: string, kind: LinkKind, target: number, { after, limit, maxBytes }: Required<Omit<PageQuery, 'before'>>): readonly Row[] {
    const id = this.#ids.of(stream)
    return id === undefined ? [] : this.#page(id, this.#naming.iterate(id, linkKinds[kind], target, after, limit), limit, maxBytes)
  }

  size(stream: string, kind: LinkKind, target: number, most: number): number {
    const id = this.#ids.of(stream)
    if (id === undefined) return 0
    let bytes = 0
    for (const seq of this.#naming.all(id, linkKinds[kind], target, 0, most)) bytes += this.#size.get(this.#idAt(id, seq)) ?? 0
    return bytes
  }

  texts(stream: string, seqs: readonly number[], maxBytes: number): readonly Row[] {
    const id = this.#ids.of(stream)
    return id === undefined ? [] : this.#page(id, seqs.toSorted((a, b) => a - b), seqs.length, maxBytes)
  }

  /** Notes what an event names. The transaction has begun. */
  add(stream: number, seq: number, { kind, target }: NonNullable<NewEvent['link']>): void {
    this.#insert ??= this.#db.prepare(`INSERT INTO links (stream, kind, target, seq, n) SELECT @stream, @kind, @target, @seq,
      1 + coalesce((SELECT n FROM links WHERE stream = @stream AND kind = @kind AND target = @target ORDER BY seq DESC LIMIT 1), 0)`)
    this.#insert.run({ stream, kind: linkKinds[kind], target, seq })
  }

  #newestLink(id: number, kind: LinkKind, target: number): Link | undefined {
    const link = this.#newestOf.get(id, linkKinds[kind], target)
    return link && { ...link, ts: this.#ts.get(this.#idAt(id, link.seq)) ?? 0 }
  }

  #page(id: number, seqs: Iterable<number>, limit: number, maxBytes: number): readonly Row[] {
    const page = new Page<Row>(Math.max(limit, 1), maxBytes)
    page.fill(this.#rows(id, seqs))
    return page.rows
  }

  *#rows(id: number, seqs: Iterable<number>): Iterable<Row> {
    for (const seq of seqs) {
      const text = this.#text.get(this.#idAt(id, seq))
      if (text !== undefined) yield { seq, text }
    }
  }

  #rootAt(stream: number, seq: number): Root | undefined {
    const event = this.#end.get(this.#idAt(stream, seq))
    const msgId = event && storedMsgId(event.end)
    if (event === undefined || msgId === undefined || seq <= event.base) return undefined
    return { seq, msgId }
  }

  /** The row of an event; 0 when there is none. */
  #idAt(stream: number, seq: number): number {
    return this.#tail.at(stream, seq)?.id ?? this.#place.get(stream, seq) ?? 0
  }
}
