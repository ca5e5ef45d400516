// A database as a file: opened for reading beside a running relay, and checked.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { serverIdOf } from '../../lib/identity/index.ts'
import { openDatabase, type Database } from '../store/sqlite/driver.ts'
import { authorOf } from '../store/log.ts'
import { openSqlite } from '../store/sqlite/store.ts'
import type { Migration } from '../store/store.ts'
import { KeepingError, explained } from './failure.ts'
import { databaseName } from './files.ts'
import type { Checked, Watched } from './orders.ts'

/** Steps per feature that a version knows. */
export type Steps = ReadonlyMap<string, number>

interface StepsTable {
  migrations: { feature: string, step: number }
}

export const stepsOf = async (migrations: readonly Migration[]): Promise<Steps> => {
  const store = openSqlite({ data: ':memory:', durability: 'normal', migrations, newEpoch: () => '' })
  try {
    const rows = await store.read.tables<StepsTable>().selectFrom('migrations').select((
      { fn },
    ) => ['feature', fn.countAll<number>().as('steps')]).groupBy('feature').execute()
    return new Map(rows.map(({ feature, steps }) => [feature, steps]))
  } finally {
    await store.close()
  }
}

/** Runs `use` on a database opened for reading; its failures are told of the file. */
export const reading = async <T>(file: string, use: (db: Database) => T | Promise<T>): Promise<T> => {
  if (!existsSync(file)) throw new KeepingError('notFound', `There is no file ${file}`)
  let db: Database | undefined
  try {
    db = openDatabase(file, { readonly: true, fileMustExist: true, timeout: 5_000 })
    return await use(db)
  } catch (error) {
    throw explained(error, file)
  } finally {
    db?.close()
  }
}

/** The database of a data directory. */
export const databaseOf = (data: string): string => {
  const file = join(data, databaseName)
  if (!existsSync(file))
    throw new KeepingError('notFound', `${data} holds no ${databaseName}`, { hint: "Name the relay's data directory with --data." })
  return file
}

/** Throws unless this version can read it; `exactly` also refuses what a relay of this version has not yet brought up to date. */
export const checkSteps = (db: Database, steps: Steps, exactly: boolean): void => {
  const found = new Map(
    db.prepare<[], { feature: string, steps: number }>('SELECT feature, count(*) AS steps FROM migrations GROUP BY feature').all().map(
      row => [row.feature, row.steps],
    ),
  )
  for (const [feature, count] of found) {
    if (count > (steps.get(feature) ?? 0))
      throw new KeepingError('refused', `It was written by a newer AgentChat (feature "${feature}")`, { hint: 'Use that version.' })
  }
  if (!['store', 'log'].every(feature => found.has(feature))) throw new KeepingError('refused', 'It is not a database of AgentChat')
  if (exactly && [...steps].some(([feature, count]) => found.get(feature) !== count)) {
    throw new KeepingError('refused', 'It was written by an older AgentChat', { hint: 'Start a relay of this version on it once.' })
  }
}

export const metaOf = (db: Database, key: string): string | undefined =>
  db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(key)?.value

/** Whose database it is: SHA-256 of the relay's public key; undefined before its first start. */
export const ownerOf = (db: Database): string | undefined => {
  const pem = metaOf(db, 'relay_private_key')
  if (pem === undefined) return undefined
  return serverIdOf(createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'pem' }).toString())
}

/** Throws unless every page and index of it holds together. */
export const checkIntegrity = (db: Database, file: string): void => {
  const [first] = db.pragma('integrity_check(1)') as { integrity_check: string }[]
  if (first?.integrity_check !== 'ok')
    throw new KeepingError('refused', `${file} is damaged: ${first?.integrity_check ?? 'no answer'}`, { hint: 'Take another copy.' })
}

/** Reads a whole database: its pages, its version, and that each event is what its place in the log says. */
export const checkDatabase = (file: string, steps: Steps, { onProgress, signal }: Watched = {}): Promise<Checked> =>
  reading(file, async db => {
    checkIntegrity(db, file)
    checkSteps(db, steps, false)
    const epoch = metaOf(db, 'epoch')
    if (epoch === undefined) throw new KeepingError('refused', `${file} has no epoch`)
    const count = (table: string) => db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()!.n
    const events = count('events')
    const orphan = db.prepare<[], { stream: number }>('SELECT stream FROM events WHERE stream NOT IN (SELECT id FROM streams) LIMIT 1')
      .get()
    if (orphan !== undefined) throw new KeepingError('refused', `${file}: events of a stream that is not there`)
    let before = { stream: 0, seq: 0, ts: 0 }
    let done = 0
    for (
      const row of db.prepare<[], { stream: number, seq: number, ts: number, author: string, text: Buffer }>(
        'SELECT p.stream, p.seq, ts, author, text FROM placed p JOIN events ON id = event ORDER BY p.stream, p.seq',
      ).iterate()
    ) {
      const wrong = (why: string) =>
        new KeepingError('refused', `${file}: event ${row.seq} of stream ${row.stream} ${why}`, { hint: 'Take another copy.' })
      if (row.stream === before.stream ? row.seq <= before.seq || row.ts <= before.ts : row.seq < 1) throw wrong('is out of order')
      const said = textFields(row.text)
      if (said?.seq !== row.seq || said.ts !== row.ts || authorOf(said as { readonly from: string }) !== row.author)
        throw wrong('is not what its place says')
      before = row
      if (++done % 10_000 > 0) continue
      onProgress?.(done, events)
      // Whoever wants to end it has to be heard.
      await setImmediate()
      signal?.throwIfAborted()
    }
    if (done !== events)
      throw new KeepingError('refused', `${file}: ${events - done} of ${events} events have no place`, { hint: 'Take another copy.' })
    return { epoch, serverId: ownerOf(db), streams: count('streams'), events, agents: count('agents') }
  })

const textFields = (
  text: Buffer,
): { readonly seq?: unknown, readonly ts?: unknown, readonly by?: unknown, readonly from?: unknown } | undefined => {
  try {
    return JSON.parse(text.toString()) as object
  } catch {
    return undefined
  }
}
