// The file of the index of words, beside the database: made of that, so that one which is not of this database is thrown away and made anew.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFile } from '../../../lib/node/private-folder.ts'
import { databaseFile } from '../space.ts'
import { openDatabase, type Database } from './driver.ts'

export const searchFile = 'search.db'

/** Of its tables, and of what words are taken from: one of another is made anew. */
const version = 4

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** `search` is where it is attached. Parts are made as they begin. */
export const searchSchema = (epoch: string): readonly string[] => [
  'CREATE TABLE search.state (epoch TEXT NOT NULL, upto INTEGER NOT NULL, gone INTEGER NOT NULL, finished INTEGER NOT NULL)',
  'CREATE TABLE search.parts (n INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL)',
  'CREATE TABLE search.shares (term TEXT PRIMARY KEY, share REAL NOT NULL) WITHOUT ROWID',
  `INSERT INTO search.state VALUES (${text(epoch)}, 0, 0, -1)`,
]

/** What a thread that reads says first, and one that writes. */
export const attach = (file: string): readonly string[] => [`ATTACH ${text(file)} AS search`]
/** What was written over is not left lying, and what is committed is there after a power loss: what goes is not noted for ever. */
export const attachToWrite = (file: string): readonly string[] => [
  ...attach(file),
  'PRAGMA search.synchronous = FULL',
  'PRAGMA search.secure_delete = ON',
]

export const removeSearchFile = (data: string): void => {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(join(data, `${searchFile}${suffix}`), { force: true })
}

/** How far a database is: the newest event that it ever held, and the newest note of one that went or changed. */
export interface Moment {
  readonly newest: number
  readonly gone: number
}

export const momentOf = (db: Database): Moment => ({
  newest: db.prepare<[], number>('SELECT max((SELECT upto FROM indexed), coalesce((SELECT max(id) FROM events), 0))').pluck().get()!,
  gone: db.prepare<[], number>("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'search_gone'), 0)").pluck().get()!,
})

/** Makes the file, unless it is there already and of this database. Gives its path. */
export const makeSearchFile = (data: string, epoch: string, moment: Moment): string => {
  const file = join(data, searchFile)
  if (!isOf(file, epoch, moment)) removeSearchFile(data)
  makePrivateFile(file)
  const db = openDatabase(':memory:')
  try {
    db.prepare('ATTACH ? AS search').run(file)
    db.pragma('search.journal_mode = WAL')
    if (db.pragma('search.user_version', { simple: true }) !== version) {
      db.transaction(() => {
        for (const statement of searchSchema(epoch)) db.exec(statement)
        db.pragma(`search.user_version = ${version}`)
      })()
    }
    return file
  } finally {
    db.close()
  }
}

/** In the place of one that is damaged. Nobody has it open. */
export const makeSearchFileAnew = (data: string, epoch: string, moment: Moment): void => {
  removeSearchFile(data)
  makeSearchFile(data, epoch, moment)
}

/** The log has another epoch now, and nothing else of it changed: the index is still of it, if it was. Nobody else uses the directory. */
export const renewSearchFile = (data: string, was: string, epoch: string): void => {
  const file = join(data, searchFile)
  const log = openDatabase(join(data, databaseFile), { readonly: true, fileMustExist: true })
  const moment = momentOf(log)
  log.close()
  if (!isOf(file, was, moment)) return
  const db = openDatabase(file, { fileMustExist: true })
  db.prepare<[string]>('UPDATE state SET epoch = ?').run(epoch)
  db.close()
}

/** Whatever it took in or out happened in this life of the log, and is there at this moment: a database that was put back may be behind it. */
const isOf = (file: string, epoch: string, { newest, gone }: Moment): boolean => {
  let db: Database | undefined
  try {
    db = openDatabase(file, { fileMustExist: true })
    if (db.pragma('user_version', { simple: true }) !== version) return false
    const state = db.prepare<[], { epoch: string, upto: number, gone: number }>('SELECT epoch, upto, gone FROM state').get()
    return state?.epoch === epoch && state.upto <= newest && state.gone <= gone
  } catch {
    return false
  } finally {
    db?.close()
  }
}
