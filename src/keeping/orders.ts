// What an operator orders of a relay's data, and what comes of it.
import type { WitnessPolicy } from '../../lib/identity/transcripts/index.ts'
import type { Counts, LeftOut } from './archive.ts'

export interface Checked {
  readonly epoch: string
  readonly serverId: string | undefined
  readonly streams: number
  readonly events: number
  readonly agents: number
}

export interface Watched {
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

export interface ExportOptions extends Watched {
  readonly data: string
  /** postgres://… in the place of `data`; a copy of all of it is made for the while, in the directory for temporary files. */
  readonly store?: string
  /** Only these, with their members and messages. */
  readonly channels?: readonly string[]
  /** Takes the archive, piece by piece. */
  readonly write: (text: string) => void | Promise<void>
  readonly now: number
}

/** How many records went into the archive, and what of the relay did not. */
export interface Exported {
  readonly counts: Counts
  readonly leftOut: LeftOut
}

export interface ImportOptions extends Watched {
  readonly source: AsyncIterable<Uint8Array>
  /** A directory that is empty, or not there yet. */
  readonly data: string
  /** postgres://… of an empty database in the place of `data`. */
  readonly store?: string
  readonly newEpoch: string
  /** The id of a key. */
  readonly idOf?: (pubkey: string) => string
}

export interface Imported {
  readonly epoch: string
  /** Whose it says it is: SHA-256 of that relay's key. */
  readonly serverId: string | null
  /** Whether that relay signed it; archives of older versions are not signed, and anybody can take a signature off. */
  readonly isSigned: boolean
  readonly counts: Counts
}

export interface CheckedArchive {
  /** Whose it is: SHA-256 of that relay's key. */
  readonly serverId: string | null
  /** PEM; undefined in archives that are older than heads. */
  readonly serverPubkey: string | undefined
  readonly epoch: string
  /** Whether that relay signed the file as a whole. */
  readonly isSigned: boolean
  /** Streams whose events are those that the relay signed; undefined: it is older than heads. */
  readonly heads: number | undefined
  readonly counts: Counts
}

export interface BackupOptions extends Watched {
  readonly data: string
  readonly target: string
}

export interface RestoreOptions extends Watched {
  readonly file: string
  readonly data: string
  readonly force: boolean
  readonly newEpoch: string
  /** Names what is put aside. */
  readonly now: number
}

export interface Restored extends Checked {
  /** where the database that was there before lies now */ readonly aside: string | undefined
}

export interface EpochOptions {
  readonly data: string
  /** postgres://… in the place of `data` */
  readonly store?: string
  readonly newEpoch: string
}

export interface Renewed {
  readonly was: string
  readonly epoch: string
}

export interface KeyOptions extends EpochOptions {
  /** ms since 1970 */
  readonly now: number
}

/** The relay's identity, before and from now on. */
export interface RotatedKey {
  readonly was: string
  readonly serverId: string
}

export interface MoveOptions extends Watched {
  /** The relay's directory; on the way back it is empty, not there yet, or the one that was moved away. */
  readonly data: string
  /** postgres://… */
  readonly store: string
  /** Needed for a moment by a new database; what is moved keeps its own. */
  readonly newEpoch: string
  /** Names what is put aside. */
  readonly now: number
}

export interface Moved {
  readonly from: string
  /** Without a password. */
  readonly to: string
  /** How many rows each table had, and has. */
  readonly rows: Readonly<Record<string, number>>
  /** Where the database that was there before lies now. */
  readonly aside?: string
}

/** @throws KeepingError */
export interface Keeper {
  export(options: ExportOptions): Promise<Exported>
  /** Into a file that must not be there yet. */
  exportToFile(file: string, options: Omit<ExportOptions, 'write'>): Promise<Exported>
  import(options: ImportOptions): Promise<Imported>
  /** Whether an archive is what its relay signed; the first line that is not is told. */
  verifyArchive(
    source: AsyncIterable<Uint8Array>,
    asked?: Watched & { readonly witnesses?: WitnessPolicy | undefined },
  ): Promise<CheckedArchive>
  backup(options: BackupOptions): Promise<{ readonly epoch: string, readonly bytes: number }>
  verify(file: string, watched?: Watched): Promise<Checked>
  restore(options: RestoreOptions): Promise<Restored>
  /** Gives the log a new epoch; no relay runs on it. */
  renewEpoch(options: EpochOptions): Promise<Renewed>
  /** Gives the relay another key, which its own signs over to; no relay runs on it. */
  rotateKey(options: KeyOptions): Promise<RotatedKey>
  /** Everything into an empty database on a server, compared; the directory stays, and no relay starts on it any more. */
  moveToPostgres(options: MoveOptions): Promise<Moved>
  /** The other way round. */
  moveBack(options: MoveOptions): Promise<Moved>
}
