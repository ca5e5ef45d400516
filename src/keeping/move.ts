// Everything of a relay from SQLite to PostgreSQL, and back: the same relay, the same life of its log. The relay does not run meanwhile. What
// was moved is compared, table by table, before it counts; what it was moved from stays as it is, and says where it went.
import { existsSync, linkSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { makePrivateFolder } from '../../lib/node/private-folder.ts'
import { openDatabase } from '../store/sqlite/driver.ts'
import {
  arrivedKey,
  contentOf,
  movedKey,
  MovingError,
  movingKey,
  type MovedTable,
  type Origin,
  type Side,
  type Target,
} from '../store/moving.ts'
import type { PostgresSide } from '../store/postgres/moving.ts'
import { openSqlite } from '../store/sqlite/store.ts'
import { SqliteSide } from '../store/sqlite/moving.ts'
import type { Migration } from '../store/store.ts'
import { holdFolder } from './backup.ts'
import { databaseOf, metaOf, reading } from './database.ts'
import { KeepingError } from './failure.ts'
import { databaseName, isLeftover, publishFile } from './files.ts'
import { emptyDatabase } from './importer.ts'
import type { Imported, Moved, MoveOptions, Watched } from './orders.ts'

/** Each row is read, and then compared as it is on either side. */
const passes = 3

export const moveToPostgres = async (
  { data, store, newEpoch, ...watched }: MoveOptions,
  migrations: readonly Migration[],
): Promise<Moved> => {
  const file = databaseOf(data)
  // Held by nobody: what the relay itself would do first is done now.
  holdFolder(data)[Symbol.dispose]()
  const begun = await broughtUp(data, newEpoch, migrations)
  using _lock = holdFolder(data)
  const target = await openSide(store, migrations, newEpoch)
  try {
    if (target.begun !== undefined) throw target.begun
    const origin = new SqliteSide(openDatabase(file, { fileMustExist: true, timeout: 2_000 }), data)
    try {
      origin.check(target.tables)
      if (begun !== undefined) {
        if (await target.arrivedBy() === begun.move) return await finished(origin, target.where, target.tables)
        mustBe(begun, target.where)
      }
      const filled = await target.filled()
      if (filled.length > 0)
        throw new KeepingError('refused', `${target.where} is not empty: there is something in ${filled.slice(0, 5).join(', ')}`, {
          hint: 'Name a database with nothing in it.',
        })
      await target.begin()
      const moved = await copied(origin, target, target.tables, watched)
      // From here on neither side starts until it is certain that it has arrived. The name of the move is as new as the epoch would be.
      await origin.markMoving(target.where, newEpoch)
      await target.commit(newEpoch)
      await origin.markMoved(target.where)
      return moved
    } finally {
      await origin.close()
    }
  } finally {
    await target.close()
  }
}

/** Makes the tables of this version, without an index beside them; tells of a move that broke off. */
const broughtUp = async (data: string, newEpoch: string, migrations: readonly Migration[]): Promise<MovingError | undefined> => {
  try {
    await openSqlite({ data, durability: 'full', migrations, search: false, newEpoch: () => newEpoch }).close()
    return undefined
  } catch (error) {
    if (error instanceof MovingError) return error
    throw error
  }
}

/** It had arrived: that is noted now. */
const finished = async (origin: Origin, to: string, tables: readonly MovedTable[]): Promise<Moved> => {
  const rows = await rowsOf(origin, tables)
  await origin.markMoved(to)
  return { from: origin.where, to, rows }
}

const rowsOf = async (side: Side, tables: readonly MovedTable[]): Promise<Readonly<Record<string, number>>> => {
  const rows: Record<string, number> = {}
  for (const table of tables) rows[table.name] = await side.count(table)
  return rows
}

/** It may have arrived there, so that nobody else can say that it has not. */
const mustBe = (begun: MovingError, where: string): void => {
  if (begun.to !== where) throw new KeepingError('refused', `${begun.message}, and that is not ${where}`, { hint: begun.hint })
}

export const moveBack = async (
  { data, store, newEpoch, now, ...watched }: MoveOptions,
  migrations: readonly Migration[],
): Promise<Moved> => {
  const isNew = !existsSync(data)
  const file = join(data, databaseName)
  const replace = existsSync(file)
  const marked = replace
    ? await reading(file, db => ({ moved: metaOf(db, movedKey), moving: metaOf(db, movingKey), arrived: metaOf(db, arrivedKey) }))
    : undefined
  const hasArrived = async (origin: PostgresSide) => {
    if (origin.begun === undefined) return false
    if (marked?.arrived === origin.begun.move) return true
    mustBe(origin.begun, data)
    return false
  }
  const origin = await openSide(store, migrations, newEpoch)
  try {
    if (await hasArrived(origin)) return await finished(origin, data, origin.tables)
    if (
      replace
        ? marked?.moved === undefined && marked?.moving === undefined
        : !isNew && readdirSync(data).some(name => name !== 'lock.db' && !isLeftover(name))
    )
      throw new KeepingError('refused', `${data} is not empty`, { hint: 'Name another --data directory, or the one that was moved away.' })
    const begun = marked?.moved === undefined && marked?.moving !== undefined ? new MovingError(marked.moving) : undefined
    if (begun !== undefined && await origin.arrivedBy() !== begun.move) {
      mustBe(begun, origin.where)
      return await keptHere(data, file, origin.tables)
    }
    if (!(await origin.filled()).includes('meta'))
      throw new KeepingError('notFound', `${origin.where} holds nothing of a relay`, { hint: 'Is it the right database?' })
    makePrivateFolder(data, name => name.includes('.db'))
    using _lock = holdFolder(data)
    for (const name of readdirSync(data)) if (isLeftover(name)) rmSync(join(data, name))
    const aside = replace ? `${file}.before-${now}` : undefined
    const moved = await publishFile(file, { replace }, temporary =>
      copiedInto(temporary, data, origin, { epoch: newEpoch, move: newEpoch }, migrations, watched), async () => {
      await origin.markMoving(data, newEpoch)
      if (aside === undefined) return
      linkSync(file, aside)
      for (const suffix of ['-wal', '-shm']) if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${aside}${suffix}`)
    })
    await origin.markMoved(data)
    return { ...moved, ...(aside !== undefined && { aside }) }
  } catch (error) {
    if (isNew && !existsSync(file)) rmSync(data, { recursive: true, force: true })
    throw error
  } finally {
    await origin.close()
  }
}

/** Nothing of it had arrived there, and nothing can any more: it is as if the move had not begun. */
const keptHere = async (data: string, file: string, tables: readonly MovedTable[]): Promise<Moved> => {
  using _lock = holdFolder(data)
  const side = new SqliteSide(openDatabase(file, { fileMustExist: true, timeout: 2_000 }), data)
  try {
    side.unmark()
    return { from: data, to: data, rows: await rowsOf(side, tables) }
  } finally {
    await side.close()
  }
}

/** Runs `use` on a directory with all that a database holds at this moment, which is removed afterwards. */
export const withCopy = async <T>(
  store: string,
  migrations: readonly Migration[],
  watched: Watched,
  use: (data: string) => Promise<T>,
): Promise<T> => {
  const { PostgresSide } = await import('../store/postgres/moving.ts')
  const origin = await PostgresSide.look(store, migrations)
  const data = mkdtempSync(join(tmpdir(), 'agentchat-copy-'))
  try {
    await copiedInto(join(data, databaseName), data, origin, { epoch: '', move: undefined }, migrations, watched)
    return await use(data)
  } finally {
    await origin.close()
    rmSync(data, { recursive: true, force: true })
  }
}

/** Makes a database, first in a directory of its own, then on a server. */
export const importedTo = async (
  store: string,
  options: Omit<MoveOptions, 'data' | 'store'>,
  migrations: readonly Migration[],
  make: (data: string) => Promise<Imported>,
): Promise<Imported> => {
  const workshop = mkdtempSync(join(tmpdir(), 'agentchat-import-'))
  try {
    const data = join(workshop, 'data')
    const imported = await make(data)
    await moveToPostgres({ ...options, data, store }, migrations)
    return imported
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}

const copiedInto = async (
  file: string,
  data: string,
  origin: PostgresSide,
  { epoch, move }: { readonly epoch: string, readonly move: string | undefined },
  migrations: readonly Migration[],
  watched: Watched,
): Promise<Moved> => {
  await emptyDatabase(file, data, epoch, migrations)
  const db = openDatabase(file, { fileMustExist: true })
  // If it is not finished it is thrown away, so nothing of it need survive anything.
  db.pragma('journal_mode = MEMORY')
  db.pragma('synchronous = OFF')
  const target = new SqliteSide(db, data)
  try {
    target.check(origin.tables)
    target.begin()
    const moved = await copied(origin, target, origin.tables, watched)
    await target.commit(move)
    return moved
  } finally {
    await target.close()
  }
}

const openSide = async (store: string, migrations: readonly Migration[], epoch: string): Promise<PostgresSide> => {
  const { PostgresSide } = await import('../store/postgres/moving.ts')
  return PostgresSide.open(store, migrations, () => epoch)
}

/** Copies all rows and compares them. @throws KeepingError where a table is not the same afterwards */
const copied = async (
  origin: Origin,
  target: Target,
  tables: readonly MovedTable[],
  { onProgress, signal }: Watched,
): Promise<Moved> => {
  const counts = new Map<string, number>()
  for (const table of tables) counts.set(table.name, await origin.count(table))
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0) * passes
  let done = 0
  const went = (rows: number) => {
    signal?.throwIfAborted()
    done += rows
    onProgress?.(Math.min(done, total), total)
  }
  for (const table of tables) {
    for await (const rows of origin.pages(table)) {
      await target.add(table, rows)
      went(rows.length)
      // Whoever wants to end it has to be heard.
      await setImmediate()
    }
  }
  await target.finish(await origin.numbers())
  for (const table of tables) {
    const [was, is] = [await contentOf(origin, table, went), await contentOf(target, table, went)]
    if (was.rows !== is.rows || was.digest !== is.digest)
      throw new KeepingError('refused',
        `Table ${table.name} is not the same in ${target.where}: ${was.rows} rows were to be moved, ${is.rows} are there`, {
        hint: 'Nothing was changed. This is a fault of AgentChat, or the database is damaged: agentchat backup --verify tells.',
      })
  }
  signal?.throwIfAborted()
  return { from: origin.where, to: target.where, rows: Object.fromEntries(counts) }
}
