// The SQLite driver, opened from here only: one that was compiled for a newer Node ends the process at its first database, without a word.
import { createRequire } from 'node:module'
import BetterSqlite3, { type Database, type Options } from 'better-sqlite3'
import { makePrivateFile } from '../../../lib/node/private-folder.ts'
import { StorageError } from '../store.ts'

export type { Database, Statement } from 'better-sqlite3'
export type DatabaseOptions = Options

/** What a package says of itself. */
export interface Manifest {
  readonly version: string
  readonly engines?: { readonly node?: string }
}

const requireHere = createRequire(import.meta.url)

/** The file that a thread loads the driver from; it is for connections beside one of `openDatabase`. */
export const driverFile = (): string => requireHere.resolve('better-sqlite3')

/** @throws StorageError when the driver is not for this Node, or cannot be loaded; what SQLite says of the file as it is */
export const openDatabase = (file: string, options: DatabaseOptions = {}): Database => {
  const manifest = requireHere('better-sqlite3/package.json') as Manifest
  const problem = driverProblem(manifest, process.versions.node)
  if (problem !== undefined) throw problem
  try {
    return new BetterSqlite3(file, options)
  } catch (error) {
    if (!isLoadFailure(error)) throw error
    // The first line: others list every place that was looked at.
    const [why] = (error as Error).message.split('\n')
    throw new StorageError(`better-sqlite3 ${manifest.version} does not load: ${why}`,
      `It was installed for another Node than ${process.versions.node}, or not compiled: npm rebuild better-sqlite3`, error)
  }
}

/**
 * Holds a file for one process at a time, until it lets go or ends, however it ends. Waits so long (ms) for another one to let go.
 * undefined: another one holds it. @throws as `openDatabase`
 */
export const holdFile = (file: string, waitMs = 0): Disposable | undefined => {
  makePrivateFile(file)
  const held = openDatabase(file, { timeout: waitMs })
  try {
    held.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    held.close()
    if (isBusy(error)) return undefined
    throw error
  }
  return { [Symbol.dispose]: () => void held.close() }
}

/** Whether a process holds the file; several may ask at once. */
export const isHeld = (file: string): boolean => {
  const asked = openDatabase(file, { timeout: 0, fileMustExist: true })
  try {
    asked.prepare('SELECT 1 FROM sqlite_master').get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    asked.close()
  }
}

const isBusy = (error: unknown): boolean => (error as { readonly code?: string }).code === 'SQLITE_BUSY'

/** Why a driver must not be opened on a Node ("20.19.0"), as far as it says so itself. */
export const driverProblem = ({ version, engines }: Manifest, node: string): StorageError | undefined => {
  const least = /^>=\s*(\d+)/.exec(engines?.node ?? '')?.[1]
  if (least === undefined || Number.parseInt(node, 10) >= Number(least)) return undefined
  return new StorageError(`better-sqlite3 ${version} needs Node ${least} or newer, and this is Node ${node}`,
    'Install the version before it, where agentchat is installed: npm install better-sqlite3@12')
}

const isLoadFailure = (error: unknown): boolean =>
  error instanceof Error
  && (['ERR_DLOPEN_FAILED', 'MODULE_NOT_FOUND'].includes((error as NodeJS.ErrnoException).code ?? '') || 'tries' in error)
