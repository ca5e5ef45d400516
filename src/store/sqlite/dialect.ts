// How SQLite says it: lists are handed over as JSON, skills are found by FTS5.
import { sql } from 'kysely'
import type { Dialect } from '../dialect.ts'
import type { SkillIndex } from '../skill-index.ts'
import type { WriteTables } from '../tables.ts'

interface Tables {
  skills: { id: number, agent: string }
  skill_words: { rowid: number, capability: string, words: string, about: string }
  skill_parts: { rowid: number, capability: string }
}

/** Whoever asks has named its own tables. */
const indexes = (tables: WriteTables<unknown>): WriteTables<Tables> => tables as unknown as WriteTables<Tables>

const skills: SkillIndex = {
  async add(tables, texts) {
    await indexes(tables).insertInto('skill_words').values(texts.map(({ id, ...text }) => ({ rowid: id, ...text }))).execute()
    await indexes(tables).insertInto('skill_parts')
      .values(texts.map(({ id, capability }) => ({ rowid: id, capability: capability.toLowerCase() }))).execute()
  },

  async forget(tables, agent) {
    const own = indexes(tables).selectFrom('skills').select('id').where('agent', '=', agent)
    await indexes(tables).deleteFrom('skill_words').where('rowid', 'in', own).execute()
    await indexes(tables).deleteFrom('skill_parts').where('rowid', 'in', own).execute()
  },

  withWords: (words, limit) =>
    sql`(SELECT rowid AS id, rank FROM skill_words WHERE skill_words MATCH ${words.map(word => `"${word}"*`).join(' ')}
      ORDER BY rowid DESC LIMIT ${limit})`,

  withPart: (part, limit) =>
    sql`(SELECT rowid AS id, 0 AS rank FROM skill_parts WHERE skill_parts MATCH ${`"${part.replaceAll('"', '""')}"`}
      ORDER BY rowid DESC LIMIT ${limit})`,
}

export const sqliteDialect: Dialect = {
  now: () => sql`CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
  greatest: (...values) => sql`max(${sql.join([...values])})`,
  contains: (column, part) => sql`instr(${sql.ref(column)}, ${part}) > 0`,
  isAmong: (column, values) => sql`${sql.ref(column)} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`,
  rowsOf(columns, rows) {
    const names = Object.keys(columns) as (keyof typeof columns)[]
    const fields = sql.join(names.map((name, n) => sql`value ->> ${sql.lit(n)} AS ${sql.ref(name)}`))
    return sql`(SELECT ${fields} FROM json_each(${JSON.stringify(rows.map(row => names.map(name => row[name])))}))`
  },
  withoutField: (column, field) => sql`json_remove(${sql.ref(column)}, ${`$.${field}`})`,
  skills,
}
