// The index of words on SQLite: FTS5, a table for each part, in a file of its own. A thread of its own writes it, so that nobody who commits
// waits for it: a pass sees one moment of the log, takes out what went since the last one, and puts in what came.
// What is in memory has one connection, and does the same in the sweep's own transaction.
import { timerMs } from '../../../lib/protocol/timer.ts'
import {
  maxSearchedChars,
  partEvents,
  partOf,
  rareShare,
  type FoundMessage,
  type IndexPart,
  type IndexStanding,
  type PageOfFound,
  type SearchReader,
  type SearchWriter,
  type Sought,
} from '../search-index.ts'
import { StorageError } from '../store.ts'

/** Runs a statement, and gives its rows. */
export type Ask = (sql: string, parameters: readonly unknown[]) => Promise<readonly unknown[]>

/** What one pass takes in and takes out. In memory the event loop waits for it. */
const perPass = { apart: { added: 4_096, removed: 500 }, here: { added: 256, removed: 50 } } as const

/** How long a process that ends takes out what went. */
const closingMs = 10_000

/** Words in memory before they are written: the more, the less is merged later. */
const hashBytes = 8 * 1024 * 1024

/** Pieces of a part that are merged into one: of more, each word is written anew less often, and read in more places until the part is whole. */
const mergedAtOnce = 8

/** Terms whose shares are kept. */
const maxShares = 5_000

const newest = 'max((SELECT upto FROM indexed), coalesce((SELECT max(id) FROM events), 0))'
const columns = `e.id, s.name AS stream, e.seq, e.ts, e.author, e.seq <= s.base AS ended`
/** The first of a page whatever its length. */
const text = `CASE WHEN sum(length(e.text)) OVER newer <= ? OR row_number() OVER newer = 1 THEN CAST(e.text AS TEXT) END AS text`
const order = 'WINDOW newer AS (ORDER BY m.id DESC) ORDER BY m.id DESC'

/**
 * What the view `searchable` says of the events behind one row and up to another, in their order. The view reads a text anew for
 * each thing that it says of it; here, where there are thousands, each is read once: what has a limit is worked out before it is used.
 */
export const searchableBetween = `SELECT id, said,
    CASE WHEN name LIKE '#%' THEN 'c s' || hex(name)
      ELSE 'd' || hex(substr(name, 1, instr(name, '|') - 1)) || ' d' || hex(substr(name, instr(name, '|') + 1)) END
    || ' a' || hex(author)
    || CASE WHEN instr(said, 'http://') + instr(said, 'https://') > 0 THEN ' hlink' ELSE '' END
    || CASE WHEN reply IS NOT NULL THEN ' hreply' ELSE '' END
    || CASE WHEN files > 0 THEN ' hfile' ELSE '' END AS marks
  FROM (SELECT e.id, s.name, e.author, json_extract(CAST(e.text AS TEXT), '$.type') AS type,
      substr(json_extract(CAST(e.text AS TEXT), '$.content'), 1, ${maxSearchedChars}) AS said,
      json_extract(CAST(e.text AS TEXT), '$.in_reply_to') AS reply, json_array_length(CAST(e.text AS TEXT), '$.files') AS files
    FROM events e JOIN streams s ON s.id = e.stream WHERE e.id > ? AND e.id <= ? ORDER BY e.id LIMIT -1)
  WHERE type = 'MSG' AND said <> ''`

interface Row extends Omit<FoundMessage, 'isGone' | 'text'> {
  readonly row: number
  readonly ended: 0 | 1 | null
  readonly text: string | null
}

const foundOf = (rows: readonly unknown[]): readonly FoundMessage[] =>
  (rows as readonly Row[]).map(({ row, ended, text, ...found }) => ({
    ...found,
    id: row,
    text: text ?? undefined,
    isGone: found.author === null || ended === 1,
  }))

/** Words stand in quotes, and hold none: nothing in them is an operator. */
export const matchOf = ({ words, marks }: Sought): string =>
  [
    ...words.map(({ words, isPrefix }) => `said : "${words.map(({ raw }) => raw).join(' ')}"${isPrefix ? ' *' : ''}`),
    ...marks.map(oneOf => `marks : (${oneOf.map(mark => `"${mark}"`).join(' OR ')})`),
  ].join(' AND ')

export class SqliteSearchReader implements SearchReader {
  readonly #ask: Ask

  constructor(ask: Ask) {
    this.#ask = ask
  }

  async standing(terms: readonly string[] = []): Promise<IndexStanding> {
    const [row] = await this.#ask(
      `SELECT upto, ${newest} AS newest, EXISTS (SELECT 1 FROM search.shares) AS counted,
        (SELECT json_group_array(json_array(term, share)) FROM search.shares WHERE term IN (SELECT value FROM json_each(?))) AS shares,
        (SELECT json_group_array(json_array(value || '*', (SELECT coalesce(sum(share), 0) FROM search.shares
          WHERE term >= value AND term < value || char(0x10ffff)))) FROM json_each(?)) AS beginnings
        FROM search.state`,
      [JSON.stringify(terms), JSON.stringify(terms.filter(term => term.endsWith('*')).map(term => term.slice(0, -1)))],
    )
    // Behind the state: what is named of the parts may be newer than it, never older.
    const parts = await this.#ask('SELECT n, since, until FROM search.parts ORDER BY n DESC', [])
    const { upto, newest: end, counted, shares, beginnings } = row as {
      upto: number
      newest: number
      counted: 0 | 1
      shares: string
      beginnings: string
    }
    const sharesIn = (json: string) => JSON.parse(json) as [string, number][]
    return {
      upto,
      newest: end,
      parts: parts as readonly IndexPart[],
      shares: counted === 1 ? new Map([...sharesIn(shares), ...sharesIn(beginnings)]) : undefined,
    }
  }

  async within(part: number, sought: Sought, { before, limit, maxBytes }: PageOfFound): Promise<readonly FoundMessage[]> {
    const table = `words_${part}`
    return foundOf(
      await this.#ask(
        `SELECT m.id AS row, ${columns}, ${text} FROM
          (SELECT rowid AS id FROM search.${table} WHERE ${table} MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?) m
          LEFT JOIN events e ON e.id = m.id LEFT JOIN streams s ON s.id = e.stream ${order}`,
        [maxBytes, matchOf(sought), before, limit],
      ),
    )
  }

  async unindexed(after: number, { before, limit, maxBytes }: PageOfFound): Promise<readonly FoundMessage[]> {
    return foundOf(
      await this.#ask(
        `SELECT m.id AS row, ${columns}, ${text} FROM
          (SELECT id FROM events WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ?) m
          JOIN events e ON e.id = m.id JOIN streams s ON s.id = e.stream ${order}`,
        [maxBytes, after, before, limit],
      ),
    )
  }
}

/** What was noted of an event that went or changed. */
interface Gone {
  readonly event: number
  readonly said: string
  readonly marks: string
}

export interface SearchLog {
  /** The newest event that was ever written, and the newest note of one that went. */
  newest(): { readonly event: number, readonly gone: number }
  /** Forgets notes up to one, in the open transaction. */
  forget(gone: number): void
}

export interface SearchOptions {
  /** Of the connection that writes the log. */
  readonly log: SearchLog
  /** On the connection that writes the index. */
  readonly write: Ask
  readonly read: Ask
  /** Nobody waits for the connection that writes the index. */
  readonly isApart: boolean
  readonly onProblem?: ((error: unknown) => void) | undefined
  /** Makes an empty index in the place of the one that there is; where it is apart. */
  readonly makeAnew?: (() => Promise<void>) | undefined
}

const isDamage = (error: unknown): boolean => {
  const code = String((error as { readonly code?: unknown } | null)?.code)
  return code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')
}

export class SqliteSearch extends SqliteSearchReader implements SearchWriter {
  readonly #log: SearchLog
  readonly #ask: Ask
  readonly #isApart: boolean
  readonly #onProblem: (error: unknown) => void
  /** How far the index is, as far as is known. */
  #done = { upto: 0, gone: 0 }
  #running: Promise<void> | undefined
  #isClosing = false
  readonly #makeAnew: (() => Promise<void>) | undefined
  /** It is to be made anew. */
  #isDamaged = false
  /** It was made anew, and has not caught up since: where it is damaged then, that may be the database. */
  #isUnproved = false

  constructor({ log, write, read, isApart, onProblem = () => undefined, makeAnew }: SearchOptions) {
    super(read)
    this.#log = log
    this.#ask = write
    this.#isApart = isApart
    this.#onProblem = onProblem
    this.#makeAnew = makeAnew
  }

  async advance(): Promise<boolean> {
    // In one transaction with the log, which may be undone: nothing is remembered of it.
    if (!this.#isApart) {
      const { gone, isMore } = await this.#pass()
      this.#log.forget(gone)
      return isMore
    }
    const { event, gone } = this.#log.newest()
    this.forget()
    if (event === this.#done.upto && gone <= this.#done.gone && !this.#isDamaged) return false
    this.#running ??= this.#goOn().catch((error: unknown) => {
      if (!this.#isClosing) this.#onProblem(this.#told(error))
    }).finally(() => {
      this.#running = undefined
    })
    return false
  }

  /**
   * What is under way is broken off: the next one does it again. What went is taken out still, so that nothing of it stays in the files;
   * of very much the rest is taken out by the next process. `forget` is to be called then.
   */
  async close(now: () => number = () => performance.now()): Promise<void> {
    this.#isClosing = true
    if (!this.#isApart) return
    // The threads keep no process alive, and nothing else may be left that does.
    const alive = setInterval(() => undefined, timerMs(closingMs))
    const until = now() + closingMs
    try {
      await this.#running
      // With the file goes what was to be taken out of it.
      if (this.#isDamaged) await this.#beginAnew()
      while (now() < until && (await this.#rows('SELECT 1 FROM search_gone WHERE id > (SELECT gone FROM search.state) LIMIT 1')).length > 0)
        await this.#transaction()
    } catch (error) {
      this.#onProblem(error)
    } finally {
      clearInterval(alive)
    }
  }

  /** Forgets the notes of what was taken out, in the open transaction. */
  forget(): void {
    this.#log.forget(this.#done.gone)
  }

  async #goOn(): Promise<void> {
    if (this.#isDamaged) await this.#beginAnew()
    await this.#catchUp()
    this.#isUnproved = false
  }

  /** One that is damaged would fail for ever, and keep what was erased: the next turn begins anew. */
  #told(error: unknown): unknown {
    if (this.#isUnproved || this.#makeAnew === undefined || !isDamage(error)) return error
    this.#isDamaged = true
    return new StorageError(`search.db is damaged and is made anew: ${(error as Error).message}`,
      'Messages are found again when it is; look at the disk if it comes back.', error)
  }

  async #beginAnew(): Promise<void> {
    await this.#makeAnew!()
    this.#isDamaged = false
    this.#isUnproved = true
    this.#done = { ...this.#done, upto: 0 }
  }

  async #catchUp(): Promise<void> {
    for (let isMore = true; isMore && !this.#isClosing;) {
      isMore = await this.#transaction()
      const [whole] = await this.#rows<{ n: number }>(
        'SELECT n FROM search.parts, search.state WHERE n > finished AND n < ? ORDER BY n LIMIT 1',
        partOf(this.#done.upto + 1),
      )
      if (whole !== undefined && !this.#isClosing) await this.#finish(whole.n)
    }
  }

  /** A part that is whole is read from one place from now on, and tells which words are how common. */
  async #finish(part: number): Promise<void> {
    const table = `words_${part}`
    await this.#rows(`INSERT INTO search.${table} (${table}) VALUES ('optimize')`)
    await this.#rows('DROP TABLE IF EXISTS temp.vocabulary')
    await this.#rows(`CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('search', '${table}', 'col')`)
    await this.#rows('DELETE FROM search.shares')
    await this.#rows(
      `INSERT INTO search.shares (term, share) SELECT iif(col = 'marks', '=', '') || term, doc * 1.0 / ${partEvents} FROM temp.vocabulary
        WHERE doc >= ? ORDER BY doc DESC LIMIT ?`,
      partEvents * rareShare,
      maxShares,
    )
    await this.#rows('DROP TABLE temp.vocabulary')
    await this.#rows('UPDATE search.state SET finished = ?', part)
  }

  async #transaction(): Promise<boolean> {
    await this.#ask('BEGIN', [])
    try {
      const { isMore, ...done } = await this.#pass()
      await this.#ask('COMMIT', [])
      this.#done = done
      return isMore
    } catch (error) {
      await this.#ask('ROLLBACK', []).catch(() => undefined)
      throw error
    }
  }

  /** Gives how far the index is behind it, and whether there is more to do. */
  async #pass(): Promise<{ readonly upto: number, readonly gone: number, readonly isMore: boolean }> {
    const { added, removed } = this.#isApart ? perPass.apart : perPass.here
    const [state] = await this.#rows<{ upto: number, gone: number, newest: number }>(
      `SELECT upto, gone, ${newest} AS newest FROM search.state`,
    )
    const { upto, gone, newest: end } = state!
    const [{ last } = { last: null }] = await this.#rows<{ last: number | null }>(
      'SELECT max(id) AS last FROM (SELECT id FROM search_gone WHERE id > ? ORDER BY id LIMIT ?)',
      gone,
      removed,
    )
    if (last !== null) await this.#takeOut(gone, last, upto)
    // What went before it could be put in is in no part: all notes are looked at before there is more that they could be about.
    const isNoted = last !== null && (await this.#rows('SELECT 1 FROM search_gone WHERE id > ? LIMIT 1', last)).length > 0
    const to = isNoted || this.#isClosing ? upto : await this.#putIn(upto, end, added)
    if (last !== null || to !== upto) await this.#rows('UPDATE search.state SET upto = ?, gone = ?', to, last ?? gone)
    return { upto: to, gone: last ?? gone, isMore: isNoted || to < end }
  }

  /** What went, by its first note: that is what the index has. What is said there now comes in its place. */
  async #takeOut(after: number, last: number, upto: number): Promise<void> {
    const gone = await this.#rows<Gone>(
      `SELECT event, said, marks, min(id) FROM search_gone WHERE id > ? AND id <= ? AND event <= ? GROUP BY event ORDER BY event`,
      after,
      last,
      upto,
    )
    for (const { event, said, marks } of gone) {
      const table = `words_${partOf(event)}`
      await this.#rows(`INSERT INTO search.${table} (${table}, rowid, said, marks) VALUES ('delete', ?, ?, ?)`, event, said, marks)
      // If it is noted again, later notes say what it was then.
      await this.#rows(
        `INSERT INTO search.${table} (rowid, said, marks) SELECT event, said, marks FROM
          (SELECT event, said, marks, id FROM search_gone WHERE event = ? AND id > ?
            UNION ALL SELECT id, said, marks, 9e15 FROM searchable WHERE id = ?) ORDER BY id LIMIT 1`,
        event,
        last,
        event,
      )
    }
  }

  /** Of one part only. Gives up to where all is in it. */
  async #putIn(upto: number, end: number, limit: number): Promise<number> {
    const [{ first } = { first: null }] = await this.#rows<{ first: number | null }>(
      'SELECT min(id) AS first FROM events WHERE id > ?',
      upto,
    )
    if (first === null) return end
    const part = partOf(first)
    const lastOfPart = (part + 1) * partEvents - 1
    const [range] = await this.#rows<{ to: number, since: number, until: number }>(
      `SELECT max(id) AS "to", min(ts) AS since, max(ts) AS until FROM
        (SELECT id, ts FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)`,
      upto,
      lastOfPart,
      limit,
    )
    const { to, since, until } = range!
    await this.#begin(part)
    const table = `words_${part}`
    await this.#rows(
      `INSERT INTO search.${table} (rowid, said, marks) ${searchableBetween}`,
      upto,
      to,
    )
    await this.#rows(
      `INSERT INTO search.parts (n, since, until) VALUES (?, ?, ?)
        ON CONFLICT (n) DO UPDATE SET since = min(since, excluded.since), until = max(until, excluded.until)`,
      part,
      since,
      until,
    )
    return to
  }

  /** Texts are not kept in it, nor how long they are; what is taken out is gone from its pages. */
  async #begin(part: number): Promise<void> {
    const table = `words_${part}`
    if ((await this.#rows('SELECT 1 FROM search.sqlite_schema WHERE name = ?', table)).length > 0) return
    await this.#rows(`CREATE VIRTUAL TABLE search.${table} USING fts5
      (said, marks, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2')`)
    await this.#rows(`INSERT INTO search.${table} (${table}, rank) VALUES ('secure-delete', 1)`)
    await this.#rows(`INSERT INTO search.${table} (${table}, rank) VALUES ('automerge', ${mergedAtOnce})`)
    if (this.#isApart) await this.#rows(`INSERT INTO search.${table} (${table}, rank) VALUES ('hashsize', ${hashBytes})`)
  }

  async #rows<R>(sql: string, ...parameters: readonly unknown[]): Promise<readonly R[]> {
    return await this.#ask(sql, parameters) as readonly R[]
  }
}
