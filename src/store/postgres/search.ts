// The index of words on PostgreSQL: a text search vector for each message, in tables of their own for each part, so that a statement looks
// at one of them and no more. Words are taken apart here, as everywhere else: it does not depend on the locale of the server.
import {
  isBeginning,
  marks,
  maxSearchedChars,
  partEvents,
  partOf,
  type FoundMessage,
  type IndexPart,
  type IndexStanding,
  type PageOfFound,
  type SearchReader,
  type SearchWriter,
  type Sought,
} from '../search-index.ts'
import { wordsIn } from '../words.ts'
import type { Client } from './client.ts'
import type { Whole } from './whole.ts'
import type { Writer } from './writer.ts'

type Ask = <R extends object>(sql: string, values: readonly unknown[]) => Promise<readonly R[]>

/** What one pass takes in, of messages and of text, and takes out. */
const perPass = { added: 500, bytes: 512 * 1024, removed: 500 } as const
/** A vector holds no place that is larger. */
const maxPlace = 16_383

interface Row extends Omit<FoundMessage, 'isGone' | 'text'> {
  readonly row: number
  readonly ended: boolean | null
  readonly text: string | null
}

const columns = 'e.id, s.name AS stream, e.seq, e.ts, e.author, e.seq <= s.base AS ended'
/** The first of a page whatever its length. */
const pageText = (maxBytes: string) =>
  `CASE WHEN sum(octet_length(e.text)) OVER newer <= ${maxBytes} OR row_number() OVER newer = 1 THEN e.text END AS text`
const order = 'WINDOW newer AS (ORDER BY m.id DESC) ORDER BY m.id DESC'

const foundOf = (rows: readonly Row[]): readonly FoundMessage[] =>
  rows.map(({ row, ended, text, ...found }) => ({
    ...found,
    id: row,
    text: text ?? undefined,
    isGone: found.author === null || ended === true,
  }))

/** Letters and digits in quotes: nothing in them is an operator. Marks begin with what no word begins with. */
const queryOf = (sought: Sought): string =>
  [
    ...sought.words.map(unit => `(${unit.words.map(({ word }, n) => `'${word}'${isBeginning(unit, n) ? ':*' : ''}`).join(' <-> ')})`),
    ...sought.marks.map(oneOf => `(${oneOf.map(mark => `'=${mark}'`).join(' | ')})`),
  ].join(' & ')

/** Of a part, by the server's own statistics: how common the commonest words and marks are. No rows: nobody counted yet. */
const commonest = `SELECT e.term, e.share FROM pg_stats s
    CROSS JOIN LATERAL unnest(CAST(CAST(s.most_common_elems AS text) AS text[]), s.most_common_elem_freqs) AS e (term, share)
  WHERE s.schemaname = current_schema() AND s.tablename = $1 AND s.attname = 'words' AND e.term IS NOT NULL`

interface Said {
  readonly id: number
  readonly stream: string
  readonly author: string
  readonly ts: number
  readonly text: string
  /** Bytes of text before it in its pass. */
  readonly before: number
}

/** Undefined: it is no message, or an empty one. */
const vectorOf = ({ stream, author, text }: Said): string | undefined => {
  const { type, content, in_reply_to: replied, files } = JSON.parse(text) as Readonly<Record<string, unknown>>
  if (type !== 'MSG' || typeof content !== 'string' || content === '') return undefined
  const said = content.slice(0, maxSearchedChars)
  const own = stream.startsWith('#') ? [marks.channels, marks.channel(stream)] : stream.split('|').map(marks.direct)
  const has = [
    ...(/https?:\/\//.test(said) ? [marks.has.link] : []),
    ...(replied === undefined ? [] : [marks.has.reply]),
    ...(Array.isArray(files) && files.length > 0 ? [marks.has.file] : []),
  ]
  let place = 0
  return [
    ...[...own, marks.author(author), ...has].map(mark => `'=${mark}'`),
    ...Array.from(wordsIn(said), ({ word }) => `'${word}':${Math.min(++place, maxPlace)}`),
  ].join(' ')
}

export class PostgresSearchReader implements SearchReader {
  readonly #ask: Ask
  /** At most a thousand terms. */
  #counted: { readonly of: string, readonly shares: ReadonlyMap<string, number> } | undefined

  constructor(ask: Ask) {
    this.#ask = ask
  }

  async standing(terms: readonly string[] = []): Promise<IndexStanding> {
    const [row] = await this.#ask<{ upto: number, newest: number }>(
      'SELECT upto, greatest(upto, (SELECT max(id) FROM events)) AS newest FROM search_state',
      [],
    )
    // Behind the state: what is named of the parts may be newer than it, never older.
    const parts = await this.#ask<IndexPart>('SELECT n, since, until FROM search_parts ORDER BY n DESC', [])
    return { ...row!, parts, shares: await this.#shares(terms, parts, row!.upto) }
  }

  /** Of the newest part that is whole, or the only one; undefined where the server did not count yet. */
  async #shares(terms: readonly string[], parts: readonly IndexPart[], upto: number): Promise<IndexStanding['shares']> {
    const part = parts[1] ?? parts[0]
    if (part === undefined || terms.length === 0) return undefined
    // A part that grows is asked about again when everything has doubled.
    const of = `${part.n} ${Math.floor(Math.log2(upto))}`
    if (this.#counted?.of !== of) {
      const rows = await this.#ask<{ term: string, share: number }>(commonest, [`search_words_${part.n}`])
      if (rows.length === 0) return undefined
      this.#counted = { of, shares: new Map(rows.map(({ term, share }) => [term, share])) }
    }
    const { shares } = this.#counted
    const begins = (word: string) => {
      let sum = 0
      for (const [term, share] of shares) if (term.startsWith(word)) sum += share
      return sum
    }
    return new Map(
      terms.flatMap(term => {
        const share = term.endsWith('*') ? begins(term.slice(0, -1)) : shares.get(term)
        return share === undefined ? [] : [[term, share] as const]
      }),
    )
  }

  async within(part: number, sought: Sought, { before, limit, maxBytes }: PageOfFound): Promise<readonly FoundMessage[]> {
    return foundOf(
      await this.#ask<Row>(
        `SELECT m.id AS row, ${columns}, ${pageText('$5')} FROM
          (SELECT event AS id FROM search_words WHERE event >= $1 AND event < $2 AND words @@ CAST($3 AS tsquery) ORDER BY event DESC LIMIT $4) m
          LEFT JOIN events e ON e.id = m.id LEFT JOIN streams s ON s.id = e.stream ${order}`,
        [part * partEvents, Math.min(before, (part + 1) * partEvents), queryOf(sought), limit, maxBytes],
      ),
    )
  }

  async unindexed(after: number, { before, limit, maxBytes }: PageOfFound): Promise<readonly FoundMessage[]> {
    return foundOf(
      await this.#ask<Row>(
        `SELECT m.id AS row, ${columns}, ${
          pageText('$4')
        } FROM (SELECT id FROM events WHERE id > $1 AND id < $2 ORDER BY id DESC LIMIT $3) m
          JOIN events e ON e.id = m.id JOIN streams s ON s.id = e.stream ${order}`,
        [after, before, limit, maxBytes],
      ),
    )
  }
}

/** In the open transaction of the connection that writes. */
export class PostgresSearch extends PostgresSearchReader implements SearchWriter {
  readonly #writer: Writer
  readonly #whole: Whole

  constructor(writer: Writer, whole: Whole, read: Ask) {
    super(read)
    this.#writer = writer
    this.#whole = whole
  }

  async advance(): Promise<boolean> {
    const writer = this.#writer
    const [state] = await writer.ask<{ upto: number, newest: number }>(
      'SELECT upto, greatest(upto, (SELECT max(id) FROM events)) AS newest FROM search_state',
    )
    const { upto, newest } = state!
    const gone = await writer.ask<{ id: number, event: number }>('SELECT id, event FROM search_gone ORDER BY id LIMIT $1', [
      perPass.removed,
    ])
    if (gone.length > 0) await this.#takeOut(gone, upto)
    const whole = upto === newest ? upto : await this.#whole.upTo(newest)
    if (upto >= whole) return gone.length === perPass.removed
    const part = partOf(upto + 1)
    const end = Math.min(whole, (part + 1) * partEvents - 1)
    const said = await this.#writer.ask<Said>(
      `SELECT e.id, s.name AS stream, e.author, e.ts, e.text, sum(octet_length(e.text)) OVER (ORDER BY e.id) - octet_length(e.text) AS before
        FROM (SELECT * FROM events WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) e JOIN streams s ON s.id = e.stream ORDER BY e.id`,
      [upto, end, perPass.added],
    )
    const taken = said.filter(({ before }) => before <= perPass.bytes)
    const isAll = said.length < perPass.added && taken.length === said.length
    const to = isAll ? end : taken.at(-1)!.id
    if (taken.length > 0) {
      await this.#begin(part)
      await this.#putIn(taken)
      await writer.change(
        `INSERT INTO search_parts AS p (n, since, until) VALUES ($1, $2, $3)
          ON CONFLICT (n) DO UPDATE SET since = least(p.since, excluded.since), until = greatest(p.until, excluded.until)`,
        [part, Math.min(...taken.map(({ ts }) => ts)), Math.max(...taken.map(({ ts }) => ts))],
      )
    }
    await writer.change('UPDATE search_state SET upto = $1', [to])
    return to < whole || gone.length === perPass.removed
  }

  /** What went; what is said there now comes in its place. A note may be committed behind others that have higher ids. */
  async #takeOut(gone: readonly { readonly id: number, readonly event: number }[], upto: number): Promise<void> {
    const events = gone.map(({ event }) => event)
    await this.#writer.change('DELETE FROM search_words WHERE event = ANY($1::bigint[])', [events])
    await this.#writer.change('DELETE FROM search_gone WHERE id = ANY($1::bigint[])', [gone.map(({ id }) => id)])
    await this.#putIn(
      await this.#writer.ask<Said>(
        `SELECT e.id, s.name AS stream, e.author, e.ts, e.text, 0 AS before FROM events e JOIN streams s ON s.id = e.stream
          WHERE e.id = ANY($1::bigint[]) AND e.id <= $2`,
        [events, upto],
      ),
    )
  }

  async #begin(part: number): Promise<void> {
    const table = `search_words_${part}`
    const [found] = await this.#writer.ask<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [table])
    if (found!.there) return
    await this.#writer.change(
      `CREATE TABLE ${table} PARTITION OF search_words FOR VALUES FROM (${part * partEvents}) TO (${(part + 1) * partEvents})`,
    )
  }

  async #putIn(said: readonly Said[]): Promise<void> {
    const rows = said.flatMap(each => {
      const words = vectorOf(each)
      return words === undefined ? [] : [{ event: each.id, words }]
    })
    if (rows.length === 0) return
    await this.#writer.change(
      'INSERT INTO search_words (event, words) SELECT event, CAST(words AS tsvector) FROM unnest($1::bigint[], $2::text[]) AS v (event, words)',
      [rows.map(({ event }) => event), rows.map(({ words }) => words)],
    )
  }
}

/** What was kept goes: a relay that keeps no index would not take out of it what is deleted. */
export const dropIndex = async (client: Client): Promise<void> => {
  const { rows: [found] } = await client.query<{ there: boolean }>("SELECT to_regclass('search_state') IS NOT NULL AS there")
  if (found?.there !== true) return
  await client.query('TRUNCATE search_words, search_parts, search_gone')
  await client.query('UPDATE search_state SET upto = 0')
}
