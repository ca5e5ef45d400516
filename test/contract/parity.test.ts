// The same tables on both engines: their columns, which of them may be missing a value, their keys and indexes. What an engine has of its own
// is listed, with why.
import { expect, test } from 'vitest'
import { migrations } from '../../src/app.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { newFolder } from '../kit/folder.ts'
import BetterSqlite3 from 'better-sqlite3'
import { openSqlite } from '../../src/store/sqlite/store.ts'
import { newDatabase } from '../kit/postgres.ts'

/** Lines like "streams.name not null" and "index blocks (agent, blocked) unique". */
type Shape = ReadonlySet<string>

/** Where an event stands is known by the table of places there, and by the order of the events here. */
const ofSqlite = [
  /^(?:places|indexed)\./,
  /^index (?:places|events) /,
  /^events\.key/,
  // FTS5 keeps tables of its own.
  /^(?:index )?skill_(?:words|parts)/,
  /^sqlite_sequence/,
  // The index of messages is in a file of its own.
  // The oldest keys go first: here by their rows, there by an index.
  /^index publish_keys /,
]
/** A stream's row holds its newest number, an inbox's too: whoever numbers locks it. */
const ofPostgres = [
  /^streams\.(?:seq|ts)/,
  /^inbox_heads/,
  /^index (?:inbox_heads|events|publish_keys) /,
  /^(?:index )?skill_(?:words|parts)/,
  /^(?:index )?search_(?:state|parts|words)/,
  // Processes of two versions run on a server, and not on a file.
  /^migrations\.expand/,
]

const without = (shape: Shape, own: readonly RegExp[]) => [...shape].filter(line => !own.some(pattern => pattern.test(line))).sort()

const column = (table: string, name: string, isNeeded: boolean) => `${table}.${name}${isNeeded ? ' not null' : ''}`
const index = (table: string, columns: readonly string[], isUnique: boolean, isPartial: boolean) =>
  `index ${table} (${columns.join(', ')})${isUnique ? ' unique' : ''}${isPartial ? ' partial' : ''}`

const sqliteShape = async (): Promise<Shape> => {
  using folder = newFolder()
  await (openSqlite({ data: folder.at('data'), durability: 'normal', migrations, newEpoch: () => 'e' })).close()
  const db = new BetterSqlite3(folder.at('data/agentchat.db'), { readonly: true })
  try {
    const tables = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()
    return new Set(tables.flatMap(table => {
      const columns = db.prepare<[string], { name: string, notnull: 0 | 1, pk: number }>('SELECT * FROM pragma_table_info(?)').all(table)
      const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk).map(({ name }) => name)
      const indexes = db.prepare<[string], { name: string, unique: 0 | 1, partial: 0 | 1, origin: string }>(
        'SELECT * FROM pragma_index_list(?)',
      )
        .all(table).filter(({ origin }) => origin !== 'pk').map(({ name, unique, partial }) =>
          index(table, db.prepare<[string], string>('SELECT name FROM pragma_index_info(?) ORDER BY seqno').pluck().all(name), unique === 1,
            partial === 1)
        )
      return [
        ...columns.map(({ name, notnull, pk }) => column(table, name, notnull === 1 || pk > 0)),
        ...(key.length > 0 ? [index(table, key, true, false)] : []),
        ...indexes,
      ]
    }))
  } finally {
    db.close()
  }
}

const postgresShape = async (): Promise<Shape> => {
  await using database = await newDatabase('template0')
  await (await openPostgres({ url: database.url, migrations, newEpoch: () => 'e' })).close()
  const columns = await database.ask<{ table: string, name: string, needed: boolean }>(
    `SELECT table_name AS table, column_name AS name, is_nullable = 'NO' AS needed FROM information_schema.columns WHERE table_schema = 'public'`,
  )
  const indexes = await database.ask<{ table: string, columns: string[], is_unique: boolean, partial: boolean }>(
    `SELECT c.relname AS table, i.indisunique AS is_unique, i.indpred IS NOT NULL AS partial,
      (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k (column_number, n)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.column_number) AS columns
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace`,
  )
  return new Set([
    ...columns.map(({ table, name, needed }) => column(table, name, needed)),
    ...indexes.map(each => index(each.table, each.columns, each.is_unique, each.partial)),
  ])
}

test('both engines have the same tables', async () => {
  expect(without(await postgresShape(), ofPostgres)).toEqual(without(await sqliteShape(), ofSqlite))
})

test('each feature says its tables to both', () => {
  expect(migrations.filter(({ steps, postgres }) => steps.length === 0 || postgres.length === 0)).toEqual([])
})
