// How PostgreSQL says it: lists are arrays, skills are found by a text search vector and by trigrams.
import { sql, type RawBuilder } from 'kysely'
import { serverNow } from './divided.ts'
import type { Dialect } from '../dialect.ts'
import type { SkillIndex } from '../skill-index.ts'
import type { WriteTables } from '../tables.ts'

interface Tables {
  skills: { id: number, agent: string }
  skill_words: { id: number, words: unknown }
  skill_parts: { id: number, capability: string }
}

const indexes = (tables: WriteTables<unknown>): WriteTables<Tables> => tables as unknown as WriteTables<Tables>

/** A vector holds no word that is longer, and no place that is larger. */
const maxWordChars = 500
const maxPlace = 16_383

/** Marks go before they are taken apart, too: many in a row would cost the square of how many they are. */
const withoutMarks = (text: string): string => text.replace(/\p{M}+/gu, '')

/** Words as they are found: without accents, small. By ourselves, so that it does not depend on the locale of the server. */
export const wordsOf = (text: string): readonly string[] =>
  (withoutMarks(withoutMarks(text).normalize('NFKD')).toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).map(word => word.slice(0, maxWordChars))

/** The words of a skill with their places; what it is called counts most, whose it is least. */
const vectorOf = (texts: Readonly<Record<'A' | 'B' | 'C', string>>): string => {
  let place = 0
  return Object.entries(texts).flatMap(([weight, text]) => wordsOf(text).map(word => `${word}:${Math.min(++place, maxPlace)}${weight}`))
    .join(' ')
}

const skills: SkillIndex = {
  async add(tables, texts) {
    await indexes(tables).insertInto('skill_words').values(texts.map(({ id, capability, words, about }) => ({
      id,
      words: sql`CAST(${vectorOf({ A: capability, B: words, C: about })} AS tsvector)`,
    }))).execute()
    await indexes(tables).insertInto('skill_parts')
      .values(texts.map(({ id, capability }) => ({ id, capability: capability.toLowerCase() }))).execute()
  },

  async forget(tables, agent) {
    const own = indexes(tables).selectFrom('skills').select('id').where('agent', '=', agent)
    await indexes(tables).deleteFrom('skill_words').where('id', 'in', own).execute()
    await indexes(tables).deleteFrom('skill_parts').where('id', 'in', own).execute()
  },

  withWords(words, limit) {
    const query = sql`CAST(${words.flatMap(wordsOf).map(word => `${word}:*`).join(' & ')} AS tsquery)`
    return sql`(SELECT id, -ts_rank(words, ${query}) AS rank FROM skill_words WHERE words @@ ${query} ORDER BY id DESC LIMIT ${limit})`
  },

  withPart: (part, limit) =>
    sql`(SELECT id, 0 AS rank FROM skill_parts WHERE capability LIKE ${`%${
      part.replace(/[\\%_]/g, '\\$&')
    }%`} ORDER BY id DESC LIMIT ${limit})`,
}

/** What JSON can say and PostgreSQL cannot: a zero, and halves of characters. Whatever else is written as it is. */
const unreadable = '(?<!\\\\)((?:\\\\\\\\)*)\\\\u(?:0000|d[89a-f][0-9a-f]{2})'

/** Numbers are as large as ours; what stands alone has no type until it is given one. */
const number = (value: number | RawBuilder<number>) => typeof value === 'number' ? sql`CAST(${value} AS bigint)` : value

export const postgresDialect: Dialect = {
  now: () => sql.raw(serverNow),
  greatest: (...values) => sql`greatest(${sql.join(values.map(number))})`,
  contains: (column, part) => sql`strpos(${sql.ref(column)}, ${part}) > 0`,
  isAmong: (column, values) => sql`${sql.ref(column)} = ANY(CAST(${[...values]} AS text[]))`,
  rowsOf(columns, rows) {
    const names = Object.keys(columns) as (keyof typeof columns)[]
    const lists = sql.join(
      names.map(name => sql`CAST(${rows.map(row => row[name])} AS ${sql.raw(columns[name] === 'text' ? 'text' : 'bigint')}[])`),
    )
    return sql`(SELECT * FROM unnest(${lists}) AS listed (${sql.join(names.map(name => sql.ref(name)))}))`
  },
  withoutField: (column, field) =>
    sql`CAST(CAST(regexp_replace(${sql.ref(column)}, ${unreadable}, ${'\\1\\\\ufffd'}, 'gi') AS jsonb) - ${sql.lit(field)} AS text)`,
  skills,
}
