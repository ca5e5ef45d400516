// The log on PostgreSQL, as it is read.
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

/** What of a log is looked at. */
export interface Part {
  readonly stream?: string
  /** Its inbox. */
  readonly agent?: string
  /** Of the stream, what names another event of it. */
  readonly links?: true
}

/** Rows of a statement. */
export type Ask = <R extends object>(sql: string, values: readonly unknown[]) => Promise<readonly R[]>

/** Rows up to the one with which their text passes a number of bytes, which may be infinite; the first one always. */
export const within = (column: string, order: string) =>
  `sum(octet_length(${column})) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) AS bytes`
const pageOf = (comparison: string, order: 'ASC' | 'DESC') =>
  `SELECT seq, text FROM (SELECT e.seq, e.text, row_number() OVER (ORDER BY e.seq ${order}) AS n, ${within('e.text', `e.seq ${order}`)}
      FROM events e WHERE e.stream = (SELECT id FROM streams WHERE name = $1) AND e.seq ${comparison} $2 ORDER BY e.seq ${order} LIMIT $3) AS page
    WHERE n = 1 OR bytes <= CAST($4 AS numeric) ORDER BY seq`
const newer = pageOf('>', 'ASC')
const older = pageOf('<', 'DESC')

export class PostgresLogReader implements LogReader {
  protected readonly ask: Ask
  protected readonly epoch: string

  constructor(ask: Ask, epoch: string) {
    this.ask = ask
    this.epoch = epoch
  }

  async head(stream: string): Promise<Head> {
    await this.settled({ stream })
    const [found] = await this.ask<{ base: number, seq: number, ts: number, oldest: number | null }>(
      'SELECT base, seq, ts, (SELECT min(e.seq) FROM events e WHERE e.stream = s.id) AS oldest FROM streams s WHERE name = $1',
      [stream],
    )
    if (found === undefined) return { seq: 0, oldest: 0, ts: 0 }
    const { base, seq, ts, oldest } = found
    return headOf(base, seq, ts, oldest ?? seq)
  }

  newestOf(streams: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#newest('SELECT name, seq FROM streams WHERE name = ANY($1::text[])', streams)
  }

  newestInboxes(agents: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#newest('SELECT agent AS name, seq FROM inbox_heads WHERE agent = ANY($1::text[])', agents)
  }

  async page(stream: string, { after, before = Number.MAX_SAFE_INTEGER, limit, maxBytes }: PageQuery): Promise<readonly Row[]> {
    await this.settled({ stream })
    const rows = await this.ask<{ seq: number, text: string }>(after === undefined ? older : newer, [
      stream,
      after ?? before,
      limit,
      maxBytes,
    ])
    return rows.map(({ seq, text }) => ({ seq, text: Buffer.from(text) }))
  }

  async inboxHead(agent: string): Promise<{ readonly seq: number, readonly cursor: number }> {
    const [row] = await this.ask<{ seq: number | null, cursor: number | null }>(
      'SELECT (SELECT seq FROM inbox_heads WHERE agent = $1) AS seq, (SELECT seq FROM inbox_cursors WHERE agent = $1) AS cursor',
      [agent],
    )
    return { seq: row?.seq ?? 0, cursor: row?.cursor ?? 0 }
  }

  async inbox(
    agent: string,
    { after, limit, maxBytes, now }: { readonly after: number, readonly limit: number, readonly maxBytes: number, readonly now: number },
  ): Promise<readonly InboxRow[]> {
    await this.settled({ agent })
    const rows = await this.ask<{ seq: number, stream: string, text: string }>(
      `SELECT seq, stream, text FROM (
          SELECT i.seq, s.name AS stream, e.text, row_number() OVER (ORDER BY i.seq) AS n, ${within('e.text', 'i.seq')}
          FROM inbox i JOIN streams s ON s.id = i.stream JOIN events e ON e.stream = i.stream AND e.seq = i.event
          WHERE i.agent = $1 AND i.seq > $2 AND i.muted = 0 AND i.expired_at IS NULL AND coalesce(i.expires_at, 9000000000000000) > $3
          ORDER BY i.seq LIMIT $4) AS page
        WHERE n = 1 OR bytes <= CAST($5 AS numeric) ORDER BY seq`,
      [agent, after, now, limit, maxBytes],
    )
    return rows.map(({ seq, stream, text }) => ({ seq, stream, text: Buffer.from(text) }))
  }

  async unread(agent: string): Promise<{ readonly streams: readonly UnreadEntries[], readonly isPartial: boolean }> {
    const { after, isPartial } = await this.unreadAfter(agent)
    const streams = await this.ask<UnreadEntries>(
      `SELECT s.name AS stream, count(*) AS count, min(i.event) AS first FROM inbox i JOIN streams s ON s.id = i.stream
        WHERE i.agent = $1 AND i.seq > $2 AND i.read_at IS NULL AND i.expired_at IS NULL AND i.muted = 0 AND i.event > s.base
        GROUP BY s.id, s.name ORDER BY s.name`,
      [agent, after],
    )
    return { streams, isPartial }
  }

  /** Behind which number of an inbox it is looked for what was not read, of a stream or of all. */
  protected async unreadAfter(agent: string, stream?: string): Promise<{ readonly after: number, readonly isPartial: boolean }> {
    await this.settled({ agent, ...(stream !== undefined && { stream }) })
    const [row] = await this.ask<{ seq: number | null, read: number | null }>(
      'SELECT (SELECT seq FROM inbox_heads WHERE agent = $1) AS seq, (SELECT read FROM inbox_cursors WHERE agent = $1) AS read',
      [agent],
    )
    const read = row?.read ?? 0
    const window = (row?.seq ?? 0) - inboxWindow
    return { after: Math.max(read, window), isPartial: window > read }
  }

  async streamId(name: string): Promise<number | undefined> {
    await this.settled({ stream: name })
    return (await this.ask<{ id: number }>('SELECT id FROM streams WHERE name = $1', [name]))[0]?.id
  }

  async fate(msgId: string): Promise<Fate | undefined> {
    await this.settled()
    const place = await this.placeOf(msgId)
    if (place === undefined) return undefined
    const entries = await this.ask<Entry>(`SELECT ${entry} FROM inbox WHERE stream = $1 AND event = $2 ORDER BY agent`, [
      place.streamId,
      place.seq,
    ])
    return this.fateAt(place.streamId, place.seq, entries)
  }

  /** Where a message stands that has this id; one that was restored or imported keeps the id of its former life. */
  protected async placeOf(msgId: string): Promise<{ readonly streamId: number, readonly seq: number } | undefined> {
    const place = parseMsgId(msgId, this.epoch)
    if (place === undefined || place.isOfThisLife) return place
    const [found] = await this.ask<{ text: string }>('SELECT text FROM events WHERE stream = $1 AND seq = $2', [place.streamId, place.seq])
    return found !== undefined && this.msgIdOfText(found.text) === msgId ? place : undefined
  }

  protected async fateAt(streamId: number, seq: number, entries: readonly Entry[]): Promise<Fate | undefined> {
    const [event] = await this.ask<{ author: string, ts: number, name: string, text: string }>(
      'SELECT e.author, e.ts, s.name, e.text FROM events e JOIN streams s ON s.id = e.stream WHERE e.stream = $1 AND e.seq = $2',
      [streamId, seq],
    )
    if (event === undefined) return undefined
    return fateOf({ msgId: this.msgIdOfText(event.text)!, author: event.author, stream: event.name, ts: event.ts }, entries)
  }

  async #newest(sql: string, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    await this.settled()
    return new Map((await this.ask<{ name: string, seq: number }>(sql, [names])).map(({ name, seq }) => [name, seq]))
  }

  /** The id that an event itself says it has. */
  protected msgIdOfText(text: string | null): string | undefined {
    return text === null ? undefined : (JSON.parse(text) as { readonly msg_id?: string }).msg_id
  }

  /** What waits to be stored counts for whoever reads behind it: of a stream, of an inbox, or all. */
  protected settled(_of?: Part): Promise<void> | undefined {
    return undefined
  }
}
