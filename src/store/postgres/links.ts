// Events that name others, on PostgreSQL.
import { endBytes, isMirror, linkKinds, storedMsgId, type Found, type Link, type LinkKind, type LinkReader, type Root } from '../links.ts'
import { parseMsgId, type PageQuery, type Row } from '../log.ts'
import { within, type Ask } from './log-reader.ts'

/** Named, and where each stands. */
const pageOf = (which: string, bytes: string) =>
  `SELECT seq, text FROM (SELECT e.seq, e.text, row_number() OVER (ORDER BY e.seq) AS n, ${within('e.text', 'e.seq')}
      FROM events e JOIN (${which}) AS named USING (seq) WHERE e.stream = (SELECT id FROM streams WHERE name = $1)) AS page
    WHERE n = 1 OR bytes <= CAST(${bytes} AS numeric) ORDER BY seq`
const naming = pageOf(
  'SELECT l.seq FROM links l JOIN streams s ON s.id = l.stream WHERE s.name = $1 AND l.kind = $2 AND l.target = $3 AND l.seq > $4 '
    + 'ORDER BY l.seq LIMIT $5',
  '$6',
)
const some = pageOf('SELECT unnest($2::bigint[]) AS seq', '$3')

/** From one that is named to the next: a step for each of them, however many name it. */
const newest = `WITH RECURSIVE s AS (SELECT id FROM streams WHERE name = $1), named (target) AS (
    (SELECT min(target) FROM links WHERE stream = (SELECT id FROM s) AND kind = $2 AND target >= $3)
    UNION ALL SELECT (SELECT min(l.target) FROM links l WHERE l.stream = (SELECT id FROM s) AND l.kind = $2 AND l.target > named.target)
    FROM named WHERE named.target < $4)
  SELECT l.target, l.seq, l.n AS count, e.ts FROM named CROSS JOIN LATERAL (SELECT stream, target, seq, n FROM links
      WHERE stream = (SELECT id FROM s) AND kind = $2 AND target = named.target ORDER BY seq DESC LIMIT 1) AS l
    JOIN events e ON e.stream = l.stream AND e.seq = l.seq WHERE named.target <= $4 ORDER BY l.target`

const newestOf = `SELECT l.target, l.seq, l.n AS count, e.ts FROM unnest($3::bigint[]) AS asked (target)
    CROSS JOIN LATERAL (SELECT stream, target, seq, n FROM links WHERE stream = (SELECT id FROM streams WHERE name = $1) AND kind = $2
      AND target = asked.target ORDER BY seq DESC LIMIT 1) AS l
    JOIN events e ON e.stream = l.stream AND e.seq = l.seq ORDER BY l.target`

/** The event, and where the thread begins that it is in. */
const root = `SELECT e.seq, right(e.text, ${endBytes}) AS end, r.seq AS root, right(r.text, ${endBytes}) AS root_end, s.base
  FROM streams s JOIN events e ON e.stream = s.id AND e.seq = $3
  LEFT JOIN links c ON c.stream = s.id AND c.seq = e.seq AND c.kind = ${linkKinds.change}
  LEFT JOIN links l ON l.stream = s.id AND l.seq = coalesce(c.target, e.seq) AND l.kind = ${linkKinds.reply}
  LEFT JOIN events r ON r.stream = s.id AND r.seq = coalesce(l.target, c.target) AND r.seq > s.base
  WHERE s.name = $1 AND s.id = $2 AND e.seq > s.base`

export class PostgresLinks implements LinkReader {
  readonly #ask: Ask
  readonly #epoch: string
  readonly #settled: (stream: string) => Promise<void> | undefined

  /** `settled`: what waits to be stored in a stream counts for whoever reads behind it. */
  constructor(ask: Ask, epoch: string, settled: (stream: string) => Promise<void> | undefined = () => undefined) {
    this.#ask = ask
    this.#epoch = epoch
    this.#settled = settled
  }

  /** Nobody can name what waits in the same batch: its id is told when it is stored. */
  async find(msgId: string): Promise<Found | undefined> {
    const place = parseMsgId(msgId, this.#epoch)
    if (place === undefined) return undefined
    const [found] = await this.#ask<Omit<Found, 'text'> & { readonly text: string }>(
      `SELECT s.name AS stream, e.seq, e.ts, e.author, e.text FROM events e JOIN streams s ON s.id = e.stream
        WHERE e.stream = $1 AND e.seq = $2 AND e.seq > s.base`,
      [place.streamId, place.seq],
    )
    if (found === undefined || isMirror(found.stream)) return undefined
    const text = Buffer.from(found.text)
    return storedMsgId(text.subarray(-endBytes)) === msgId ? { ...found, text } : undefined
  }

  async rootOf(stream: string, msgId: string): Promise<Root | undefined> {
    const place = parseMsgId(msgId, this.#epoch)
    if (place === undefined) return undefined
    const [found] = await this.#ask<{ seq: number, end: string, root: number | null, root_end: string | null }>(
      root,
      [stream, place.streamId, place.seq],
    )
    if (found === undefined || idIn(found.end) !== msgId) return undefined
    const rootId = found.root_end === null ? undefined : idIn(found.root_end)
    return found.root === null || rootId === undefined ? { seq: found.seq, msgId } : { seq: found.root, msgId: rootId }
  }

  async newest(stream: string, kind: LinkKind, { from, to }: { readonly from: number, readonly to: number }): Promise<readonly Link[]> {
    await this.#settled(stream)
    return this.#ask<Link>(newest, [stream, linkKinds[kind], from, to])
  }

  async newestOf(stream: string, kind: LinkKind, targets: readonly number[]): Promise<readonly Link[]> {
    if (targets.length === 0) return []
    await this.#settled(stream)
    return this.#ask<Link>(newestOf, [stream, linkKinds[kind], targets])
  }

  async page(
    stream: string,
    kind: LinkKind,
    target: number,
    { after, limit, maxBytes }: Required<Omit<PageQuery, 'before'>>,
  ): Promise<readonly Row[]> {
    await this.#settled(stream)
    return rowsOf(await this.#ask(naming, [stream, linkKinds[kind], target, after, limit, maxBytes]))
  }

  async size(stream: string, kind: LinkKind, target: number, most: number): Promise<number> {
    await this.#settled(stream)
    const [row] = await this.#ask<{ bytes: number }>(
      `SELECT coalesce(sum(octet_length(e.text)), 0) AS bytes FROM events e JOIN (SELECT l.stream, l.seq FROM links l
        JOIN streams s ON s.id = l.stream WHERE s.name = $1 AND l.kind = $2 AND l.target = $3 ORDER BY l.seq LIMIT $4) AS named USING (stream, seq)`,
      [stream, linkKinds[kind], target, most],
    )
    return row!.bytes
  }

  async texts(stream: string, seqs: readonly number[], maxBytes: number): Promise<readonly Row[]> {
    return rowsOf(await this.#ask(some, [stream, seqs, maxBytes]))
  }
}

const idIn = (end: string): string | undefined => storedMsgId(Buffer.from(end))

const rowsOf = (rows: readonly { readonly seq: number, readonly text: string }[]): readonly Row[] =>
  rows.map(({ seq, text }) => ({ seq, text: Buffer.from(text) }))
