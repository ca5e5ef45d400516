// The storage ports. A reader cannot write and a writer exists only inside `write`, by type.
import type { Tightened } from '../../lib/node/private-folder.ts'
import type { Dialect } from './dialect.ts'
import type { Awaitable, LogReader, LogWriter } from './log.ts'
import type { Space } from './space.ts'
import type { ReadTables, WriteTables } from './tables.ts'

export type { Awaitable } from './log.ts'
export type { Space } from './space.ts'
export type { ReadTables, WriteTables } from './tables.ts'

/** Reads of the last commit. A feature names its own tables: `db.tables<MyTables>().selectFrom(…)`. */
export interface Db {
  tables<T>(): ReadTables<T>
  /** What the engine behind these tables says in words of its own. */
  readonly dialect: Dialect
  readonly log: LogReader
}

/** One open write transaction. */
export interface Tx extends Db {
  tables<T>(): WriteTables<T>
  readonly log: LogWriter
  /** How many statements that write were run so far; tells whether a failed handler left something behind. */
  readonly writes: number
}

/**
 * A feature's tables: SQL run once, in order, and recorded under the feature's name. Only ever append, to both: the tables are the same,
 * said in the words of each engine. PostgreSQL was there later, so that its first step may be many of the other's.
 */
export interface Migration {
  readonly feature: string
  /** for SQLite */
  readonly steps: readonly string[]
  readonly postgres: readonly string[]
}

/** What a store is opened with. */
export interface StoreOptions {
  /** postgres://… of a database server; undefined: the database is in `data`. */
  readonly store?: string | undefined
  /** Directory of the database, or ":memory:". */
  readonly data: string
  /** normal: commits survive a killed process; full: also a power loss (one fsync per batch). */
  readonly durability: 'normal' | 'full'
  readonly migrations: readonly Migration[]
  /** What the directory may hold, in bytes. undefined: a share of its volume; 0: no limit. */
  readonly maxDataBytes?: number | undefined
  /** Names a new database's epoch. */
  readonly newEpoch: () => string
  /** Told of files that others could read until now, or still can. */
  readonly onTightened?: (change: Tightened) => void
}

/** Opens a store: an embedded one at once, one on a server when it answers. */
export type OpenStore = (options: StoreOptions) => Awaitable<Store>

export interface Store {
  readonly read: Db
  /** The same beside the event loop, for what reads much: searches, long lists. Its log is the one of `read`. */
  readonly aside: Db
  /** Names this life of the log: positions of another epoch mean nothing. */
  readonly epoch: string
  /** Runs `fn` in one transaction, one at a time. A throw rolls back and is thrown on. */
  write<T>(fn: (tx: Tx) => Awaitable<T>): Promise<T>
  /** Measured now. */
  space(): Promise<Space>
  close(): Promise<void>
}

/** The storage failed, not the request: disk full or failing, file locked or corrupt. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  /** What the operator can do next. */
  readonly hint: string
  /** It broke off after the commit was asked for and before the answer: nobody knows whether the transaction is stored. */
  readonly inDoubt: boolean

  constructor(message: string, hint: string, cause?: unknown, inDoubt = false) {
    super(message, { cause })
    this.hint = hint
    this.inDoubt = inDoubt
  }
}

/** The transaction was undone, by another one or because the line to the database broke: run again it may go through. */
export class UndoneError extends StorageError {}

/** Too many wait for the same; whoever asks again a little later is served. */
export class BusyError extends Error {
  override readonly name = 'BusyError'
}
