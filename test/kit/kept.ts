// What a relay left in its data directory can be carried away and brought back: copied, checked, restored, exported, imported.
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect } from 'vitest'
import { openKeeper } from '../../src/app.ts'
import { databaseName } from '../../src/keeping/files.ts'
import { newFolder } from './folder.ts'

type Dump = Readonly<Record<string, readonly unknown[]>>

/** Every row of every table, but the epoch: what a restored relay answers from. */
const dumpOf = (data: string): Dump => {
  const db = new BetterSqlite3(join(data, databaseName), { readonly: true })
  try {
    const tables = db.prepare<[], { name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
      .all()
    return Object.fromEntries(tables.map(({ name }) => [
      name,
      db.prepare(`SELECT * FROM "${name}" ${name === 'meta' ? "WHERE key <> 'epoch'" : ''}`).raw().all(),
    ]))
  } finally {
    db.close()
  }
}

/** The records of an archive, without what names the moment and the relay. */
const recordsOf = (archive: string): readonly string[] => archive.trimEnd().split('\n').slice(1, -1)

/**
 * A backup of the directory passes its check, a restored one holds the same rows, and export → import → export changes no record.
 * The relay on it has stopped.
 */
export const expectKept = async (data: string): Promise<void> => {
  using folder = newFolder()
  const keeper = await openKeeper()
  const copy = folder.at('copy.db')
  await keeper.backup({ data, target: copy })
  await keeper.verify(copy)
  await keeper.restore({ file: copy, data: folder.at('restored'), force: false, newEpoch: 'e'.repeat(16), now: 1 })
  expect(dumpOf(folder.at('restored'))).toEqual(dumpOf(data))

  const exported = async (from: string) => {
    let text = ''
    await keeper.export({ data: from, now: 1, write: piece => void (text += piece) })
    return text
  }
  const first = await exported(data)
  await keeper.import({
    source: (async function*() {
      yield Buffer.from(first)
    })(),
    data: folder.at('imported'),
    newEpoch: 'f'.repeat(16),
  })
  expect(recordsOf(await exported(folder.at('imported')))).toEqual(recordsOf(first))
}
