// What a relay left in its data directory can be carried away and brought back: copied, checked, restored, exported, imported.
import { createReadStream, openSync, closeSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'
import BetterSqlite3 from 'better-sqlite3'
import { openKeeper } from '../../src/app.ts'
import { databaseName } from '../../src/keeping/files.ts'
import { answersOf, strangers } from './answers.ts'
import { memoryFolder, newFolder } from './folder.ts'
import { startTestRelay, type TestRelay } from './relay.ts'
import type { Key } from './wire.ts'

/** Where the rows of two databases differ, but for the epoch; a line for each table. */
const differingTables = (data: string, other: string): readonly string[] => {
  const [one, two] = [data, other].map(folder => new BetterSqlite3(join(folder, databaseName), { readonly: true })) as [
    BetterSqlite3.Database,
    BetterSqlite3.Database,
  ]
  try {
    const tablesOf = (db: BetterSqlite3.Database): readonly string[] =>
      db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").pluck().all()
    return [...new Set([...tablesOf(one), ...tablesOf(two)])].flatMap(name => {
      const rowsOf = (db: BetterSqlite3.Database) =>
        db.prepare(`SELECT * FROM "${name}" ${name === 'meta' ? "WHERE key <> 'epoch'" : ''}`).raw().iterate()
      const [left, right] = [rowsOf(one), rowsOf(two)]
      for (;;) {
        const [a, b] = [left.next(), right.next()]
        if (a.done === true && b.done === true) return []
        if (isDeepStrictEqual(a.value, b.value)) continue
        for (const rows of [left, right]) rows.return?.()
        return [`table ${name}: ${JSON.stringify(a.value)} is ${JSON.stringify(b.value)} in what was restored`]
      }
    })
  } finally {
    one.close()
    two.close()
  }
}

/** The records of an archive, without what names the moment and the relay, or is signed by it. */
async function* recordsOf(file: string): AsyncGenerator<string> {
  let held: string | undefined
  let n = 0
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    if (held !== undefined && n > 1 && !held.startsWith('{"kind":"head"')) yield held
    held = line
    n++
  }
}

const differingRecords = async (file: string, other: string): Promise<readonly string[]> => {
  const [left, right] = [recordsOf(file), recordsOf(other)]
  for (let n = 2;; n++) {
    const [a, b] = [await left.next(), await right.next()]
    if (a.done === true && b.done === true) return []
    if (a.value !== b.value) {
      await Promise.all([left.return(undefined), right.return(undefined)])
      return [`record ${n} of the export: ${String(a.value)} is ${String(b.value)} when it was imported`]
    }
  }
}

const differingAnswers = (was: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>): readonly string[] =>
  [...new Set([...was.keys(), ...is.keys()])].filter(question => was.get(question) !== is.get(question))
    .map(question => `${question}: ${was.get(question)} is ${is.get(question)}`)

/**
 * Why what is in the directory is not kept; nothing, where a backup passes its check, a restored one holds the same rows, and
 * export → import → export changes no record. The relay on it has stopped.
 */
export const keptProblems = async (data: string): Promise<readonly string[]> => {
  using folder = newFolder(memoryFolder())
  return await carried(data, folder.at('restored'))
}

/** … and what was restored gives the same answers to an admin, to a newcomer and to `askers`: dearer, since relays run on both. */
export const toldProblems = async (data: string, askers: readonly Key[] = []): Promise<readonly string[]> => {
  using folder = newFolder(memoryFolder())
  const restored = folder.at('restored')
  const problems = await carried(data, restored)
  const others = strangers()
  const [was, is] = await Promise.all([data, restored].map(from => answersOf(from, askers, others)))
  return [...problems, ...differingAnswers(was!, is!)]
}

const carried = async (data: string, restored: string): Promise<readonly string[]> => {
  using folder = newFolder(memoryFolder())
  const keeper = await openKeeper()
  const [copy, imported] = ['copy.db', 'imported'].map(name => folder.at(name)) as [string, string]
  await keeper.backup({ data, target: copy })
  await keeper.verify(copy)
  await keeper.restore({ file: copy, data: restored, force: false, newEpoch: 'e'.repeat(16), now: 1 })
  const rows = differingTables(data, restored)

  const exported = async (from: string, name: string): Promise<string> => {
    const file = folder.at(name)
    const handle = openSync(file, 'w')
    try {
      await keeper.export({ data: from, now: 1, write: piece => void writeSync(handle, piece) })
    } finally {
      closeSync(handle)
    }
    return file
  }
  const first = await exported(data, 'first.jsonl')
  await keeper.import({ source: createReadStream(first), data: imported, newEpoch: 'f'.repeat(16) })
  const records = await differingRecords(first, await exported(imported, 'second.jsonl'))
  return [...rows, ...records]
}

/** A relay on a directory of its own; when it stops, what it leaves is looked at. @throws Error of its last drain, where that is not kept */
export const startKeptRelay = async (
  overrides: Parameters<typeof startTestRelay>[0] = {},
  askers: readonly Key[] = [],
): Promise<TestRelay> => {
  const data = newFolder(memoryFolder())
  return startTestRelay({ ...overrides, data: data.path }, {}, {
    stopped: async () => {
      using _ = data
      const problems = await toldProblems(data.path, askers)
      if (problems.length > 0) throw new Error(problems.join('\n'))
    },
  })
}
