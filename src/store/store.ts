// The storage ports. A reader cannot write and a writer exists only inside `write`, by type.
import type { Tightened } from '../../lib/node/private-folder.ts'
import type { Dialect } from './dialect.ts'
import type { Lock, Overtaken } from './failure.ts'
import type { LinkReader } from './links.ts'
import type { Awaitable, LogKeeper, LogReader, LogWriter } from './log.ts'
import type { SearchReader, SearchWriter } from './search-index.ts'
import type { Space } from './space.ts'
import type { ReadTables, WriteTables } from './tables.ts'

export {
  BusyError,
  HeldError,
  LateError,
  notOvertaken,
  OvertakenError,
  StorageError,
  UndoneError,
  type Lock,
  type Overtaken,
} from './failure.ts'
export type { Awaitable } from './log.ts'
export type { Space } from './space.ts'
export type { ReadTables, WriteTables } from './tables.ts'

/** Reads of the last commit. A feature names its own tables: `db.tables<MyTables>().selectFrom(…)`. */
export interface Db {
  tables<T>(): ReadTables<T>
  /** What the engine behind these tables says in words of its own. */
  readonly dialect: Dialect
  readonly log: LogReader
  /** What of the log names other events of it. */
  readonly links: LinkReader
  /** What was said, by its words; undefined: the store was opened without. Beside the event loop, always. */
  readonly search: SearchReader | undefined
}

/** Who looks at a feature's tables and nothing else. */
export type TableReader = Pick<Db, 'tables'>

/** What decisions are about. In this order they are waited for. */
export const scopes = ['people', 'talk', 'trade', 'directory', 'announcements', 'leases', 'errands', 'accounts', 'witness'] as const
export type Scope = (typeof scopes)[number]

/** By what a connection has its session (seats.ts): it is in a table for as long. */
export type Seat = `seat ${string}`

/** Who decides what follows in a transaction. */
export interface Decider {
  /** undefined: nobody yet, or the relay itself */
  readonly agent: string | undefined
  readonly isRelay: boolean
  readonly scope: Scope | undefined
  /** Others of the transaction decided before, and may hold what somebody waits for. */
  readonly isBehind: boolean
}

/** One open write transaction. */
export interface Tx extends Db {
  tables<T>(): WriteTables<T>
  readonly log: LogWriter
  /** What the log lets go of. */
  readonly keep: LogKeeper
  readonly search: SearchWriter | undefined
  /**
   * Waits until nobody else decides about a scope, and keeps it until the transaction ends: what is read then is still so when it
   * is written. A store with one writer has nobody to wait for. @throws LateError behind others, where it may not be waited for
   */
  lock(scope: Scope): Awaitable<void>
  /** Who decides what follows: rows of agents are waited for in one order. Absent where nobody waits. */
  deciding?(by: Decider): void
  /** Waits for rows that are not of whoever decides, or for what an attempt before needed (`HeldError`), until the end. Absent where nobody waits. */
  take?(locks: readonly Lock[]): Awaitable<void>
  /** Whether it may be waited for: all wait for scopes first, so that no two wait for each other. */
  mayLock(scope: Scope): boolean
  /** Whether this transaction may do what is done once at a time, wherever: nobody else does it at the moment. */
  claim(duty: string): Awaitable<boolean>
  /**
   * Whether a duty is this process's: it acts outside of the database, and remembers how far it came. It stays so until `leaseMs` after
   * it was asked for last; then another may take it on. In a store of one process every duty is its own.
   */
  own(duty: string, leaseMs: number): Awaitable<boolean>
  /** Its duties are another's from now on, at once. */
  giveUp(): Awaitable<void>
  /**
   * Nobody stores anything of an agent any more that did not before, or by its approval, or of an address (`Writer`): whoever is about to is
   * waited for, or finds it locked out.
   */
  lockOut(writer: string): Awaitable<void>
  /**
   * Keeps others from storing anything of the agent until the transaction ends, and gives what makes a session its asker's alone: what the
   * connection brings that had it is refused from then on (`overtaken`). Absent where there is one process, which knows its connections.
   */
  seat?(agent: string): Promise<(session: string, process: string) => Promise<Seat>>
  /**
   * Those of the agents that another process has locked out: banned, revoked, rotated. Asked with what is to be stored of them in the
   * transaction; the others are not locked out before it ends.
   */
  lockedOut(agents: readonly string[]): Awaitable<readonly string[]>
  /**
   * What is decided goes by this version of a channel, as it is known in memory; absent where nobody else changes channels. Whether it is still
   * that one is asked with what is stored, and stays so until the end of the transaction.
   */
  goBy?(channel: string, version: number): void
  /** A channel is about to be changed, or to end: whoever stores what goes by it is waited for. @throws OvertakenError another one changed it */
  changing(channel: string): Awaitable<void>
  /**
   * What changed of what the transaction goes by, asked with what is stored: agents as in `lockedOut`, their approvals and addresses; tokens and
   * hooks (`Credential`) by which something is said in their names, which whoever removed; seats that another connection took; channels that another process changed.
   * Nobody changes more of it before the end.
   */
  overtaken(writers: readonly string[]): Awaitable<Overtaken>
  /** How many statements that write were run so far; tells whether a failed handler left something behind. */
  readonly writes: number
  /** For how many ms it has waited for a database server: time in which this process could do something else. */
  readonly waitedMs: number
}

/** Who changes a feature's tables and nothing else. */
export type TableWriter = Pick<Tx, 'tables'>

/** What processes that share a store divide between them. */
export type Divided = Pick<
  Tx,
  | 'lock'
  | 'deciding'
  | 'take'
  | 'mayLock'
  | 'claim'
  | 'own'
  | 'giveUp'
  | 'lockOut'
  | 'seat'
  | 'lockedOut'
  | 'goBy'
  | 'changing'
  | 'overtaken'
>

/**
 * A feature's tables: SQL run once, in order, and recorded under the feature's name. Only ever append, to both: the tables are the same,
 * said in the words of each engine. PostgreSQL was there later, so that its first step may be many of the other's.
 */
export interface Migration {
  readonly feature: string
  /** for SQLite */
  readonly steps: readonly string[]
  readonly postgres: readonly Step[]
}

/**
 * Beside this step processes of the version before go on, and are started again: a new table, a new column that has a default and that they
 * need not know. What they write has to be right for the new version, too. Any other step breaks them: it waits until none of them runs.
 */
export interface ExpandStep {
  readonly expand: string
}

export type Step = string | ExpandStep

/** stored; undone, so that it is run again; or it cannot be known, which is told to whoever asked. */
export type DoubtOutcome = 'committed' | 'aborted' | 'unknown'

/** What a store is opened with. */
export interface StoreOptions {
  /** postgres://… of a database server; undefined: the database is in `data`. */
  readonly store?: string | undefined
  /** Several processes are to run on the database server: what one decides about is divided between them. */
  readonly isShared?: boolean | undefined
  /** Directory of the database, or ":memory:". */
  readonly data: string
  /** normal: commits survive a killed process; full: also a power loss (one fsync per batch). */
  readonly durability: 'normal' | 'full'
  readonly migrations: readonly Migration[]
  /** What the directory may hold, in bytes. undefined: a share of its volume; 0: no limit. */
  readonly maxDataBytes?: number | undefined
  /** Keep an index of what was said; false: one that was kept before goes. undefined: it is left alone, and nothing is found. */
  readonly search?: boolean
  /** Told when that index could not be brought forward; it is tried again. */
  readonly onIndexProblem?: (error: unknown) => void
  /** Names a new database's epoch. */
  readonly newEpoch: () => string
  /** Told what became of a commit whose answer was lost on its way from a database server. */
  readonly onDoubt?: (outcome: DoubtOutcome) => void
  /** Told of each commit on a database server: how often its transaction waited for an answer. */
  readonly onCommit?: (roundTrips: number) => void
  /** Told when a database server lacks what was acknowledged: the log has another epoch from then on, and this store stores nothing more. */
  readonly onRenewed?: (epoch: string) => void
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
