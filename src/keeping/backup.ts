// Whole copies of a database: taken while a relay writes to it, checked, and put in place of one.
import { copyFileSync, existsSync, linkSync, readdirSync, renameSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder } from '../../lib/node/private-folder.ts'
import { openDatabase, type Database } from '../store/sqlite/driver.ts'
import { KeepingError } from './failure.ts'
import { checkDatabase, checkIntegrity, checkSteps, databaseOf, metaOf, reading, type Steps } from './database.ts'
import { databaseName, mustNotExist, publishFile } from './files.ts'
import type { BackupOptions, Restored, RestoreOptions } from './orders.ts'

const pagesPerStep = 2_000

/** Copies the database of a relay, running or not, as of one moment. */
export const backup = async (
  { data, target, onProgress, signal }: BackupOptions,
  steps: Steps,
): Promise<{ readonly epoch: string, readonly bytes: number }> => {
  const file = databaseOf(data)
  mustNotExist(target)
  return publishFile(target, { replace: false }, async temporary => {
    await reading(file, async db => {
      checkSteps(db, steps, false)
      // An open read keeps the moment: what the relay writes meanwhile neither comes into the copy nor makes it begin again.
      db.exec('BEGIN')
      metaOf(db, 'epoch')
      await db.backup(temporary, {
        progress: ({ totalPages, remainingPages }) => {
          signal?.throwIfAborted()
          if (totalPages > 0) onProgress?.(totalPages - remainingPages, totalPages)
          return pagesPerStep
        },
      })
      db.exec('COMMIT')
    })
    const epoch = changing(temporary, copy => {
      // One file, that needs no other beside it.
      copy.pragma('journal_mode = DELETE')
      checkIntegrity(copy, temporary)
      return metaOf(copy, 'epoch')!
    })
    return { epoch, bytes: statSync(temporary).size }
  })
}

/** Puts a checked copy into a data directory, as a new life of the log and of the same relay. What was there is put aside. */
export const restore = async ({ file, data, force, newEpoch, now, ...watched }: RestoreOptions, steps: Steps): Promise<Restored> => {
  if (existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0) {
    throw new KeepingError('refused', `${file} is open, or was copied from a running relay: what stands in ${file}-wal is not in it`, {
      hint: 'Make copies with: agentchat backup',
    })
  }
  const checked = await checkDatabase(file, steps, watched)
  const isNew = !existsSync(data)
  makePrivateFolder(data, name => name.includes('.db'))
  try {
    using _lock = holdFolder(data)
    const there = readdirSync(data).filter(name => name !== 'lock.db')
    if (there.length > 0 && !force)
      throw new KeepingError('refused', `${data} is not empty`, {
        hint: 'Name another --data directory, or give --force: what is there is put aside then.',
      })
    const target = join(data, databaseName)
    const replace = existsSync(target)
    const aside = replace ? `${target}.before-${now}` : undefined
    await publishFile(target, { replace }, temporary => {
      copyFileSync(file, temporary)
      changing(temporary, copy => {
        copy.pragma('journal_mode = DELETE')
        copy.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(newEpoch)
      })
    }, () => {
      if (aside === undefined) return
      linkSync(target, aside)
      // A log that belongs to the other database must not be found beside this one.
      for (const suffix of ['-wal', '-shm']) if (existsSync(`${target}${suffix}`)) renameSync(`${target}${suffix}`, `${aside}${suffix}`)
    })
    return { ...checked, epoch: newEpoch, aside }
  } catch (error) {
    if (isNew && readdirSync(data).length === 0) rmdirSync(data)
    throw error
  }
}

/** Held as a relay holds it, where one may have been. */
export const holdFolder = (data: string): Disposable => {
  const file = join(data, 'lock.db')
  if (!existsSync(file)) return { [Symbol.dispose]: () => undefined }
  const held = openDatabase(file, { timeout: 0 })
  try {
    held.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    held.close()
    throw new KeepingError('busy', `A relay runs on ${data}`, { hint: 'Stop it first.', cause: error })
  }
  return {
    [Symbol.dispose]: () => {
      held.close()
    },
  }
}

const changing = <T>(file: string, change: (db: Database) => T): T => {
  const db = openDatabase(file, { fileMustExist: true })
  try {
    return change(db)
  } finally {
    db.close()
  }
}
