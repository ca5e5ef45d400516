// The file of the index of words, beside the database: made of that, so that one which is not of this database is thrown away and made anew.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFile } from '../../../lib/node/private-folder.ts'
import { openDatabase, type Database } from './driver.ts'

export const searchFile = 'search.db'

/** Of its tables, and of what words are taken from: one of another is made anew. */
const version = 1

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** `search` is where it is attached. Parts are made as they begin. */
export const searchSchema = (epoch: string): readonly string[] => [
  'CREATE TABLE search.state (epoch TEXT NOT NULL, upto INTEGER NOT NULL, gone INTEGER NOT NULL)',
  'CREATE TABLE search.parts (n INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL)',
  'CREATE TABLE search.common (word TEXT PRIMARY KEY) WITHOUT ROWID',
  `INSERT INTO search.state VALUES (${text(epoch)}, 0, 0)`,
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

/** Makes the file, unless it is there already and of this database. Gives its path. @param newest the newest event of the database */
export const makeSearchFile = (data: string, epoch: string, newest: number): string => {
  const file = join(data, searchFile)
  if (!isOf(file, epoch, newest)) removeSearchFile(data)
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

const isOf = (file: string, epoch: string, newest: number): boolean => {
  let db: Database | undefined
  try {
    db = openDatabase(file, { fileMustExist: true })
    if (db.pragma('user_version', { simple: true }) !== version) return false
    const state = db.prepare<[], { epoch: string, upto: number }>('SELECT epoch, upto FROM state').get()
    return state?.epoch === epoch && state.upto <= newest
  } catch {
    return false
  } finally {
    db?.close()
  }
}
