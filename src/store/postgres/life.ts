// Whether the database still has what it acknowledged: after a failover to a standby that was behind, or from a backup, it has not, and
// gives the numbers of what is lost to others. Then the log begins another life, and whoever served the former one serves nothing any more.
import { StorageError } from '../store.ts'

type Ask = <R extends object>(sql: string, values: readonly unknown[]) => Promise<readonly R[]>

/** An event that was acknowledged. */
interface Acknowledged {
  readonly stream: number
  readonly seq: number
  readonly ts: number
}

/** What of the server can be another one's: a standby that took over counts a new timeline. */
interface Server {
  readonly timeline: string | undefined
  /** Nothing was acknowledged before a standby had it. */
  readonly isSynchronous: boolean
}

export interface LifeOptions {
  readonly epoch: string
  readonly newEpoch: () => string
  /** Others acknowledge beside. */
  readonly isShared: boolean
  /** Told once, when it is over. */
  readonly onOver: (epoch: string) => void
}

/** Events of which the oldest are gone say nothing; another one under its number does. */
const isThere =
  `SELECT coalesce((SELECT s.seq >= $2 AND NOT EXISTS (SELECT FROM events e WHERE e.stream = s.id AND e.seq = $2 AND e.ts <> $3)
  FROM streams s WHERE s.id = $1), false) AS there`
const timelineOf =
  "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline, current_setting('synchronous_standby_names') <> '' AS sync"
const epochOf = "SELECT value FROM meta WHERE key = 'epoch'"

export class Life {
  readonly #options: LifeOptions
  #server: Server | undefined
  #acknowledged: Acknowledged | undefined
  /** Of the open transaction. */
  #stored: Acknowledged | undefined
  #isOver = false

  constructor(options: LifeOptions) {
    this.#options = options
  }

  /** An event has its number in the open transaction. */
  stored(event: Acknowledged): void {
    this.#stored = event
  }

  committed(): void {
    this.#acknowledged = this.#stored ?? this.#acknowledged
    this.#stored = undefined
  }

  rolledBack(): void {
    this.#stored = undefined
  }

  /** @throws StorageError it is over */
  check(): void {
    if (this.#isOver)
      throw new StorageError('The database lacks what it acknowledged: the log has a new epoch',
        'The relay starts again by itself; stop it if it does not.')
  }

  /** Looks at a server before anything is stored there. @throws StorageError it is over */
  async look(ask: Ask): Promise<void> {
    const { epoch, newEpoch, onOver } = this.#options
    const before = this.#server
    const server = await serverOf(ask)
    if (await this.#isLost(ask, before, server))
      await ask("UPDATE meta SET value = $1 WHERE key = 'epoch' AND value = $2", [newEpoch(), epoch])
    // Another process may have seen it first.
    const [row] = await ask<{ value: string }>(epochOf, [])
    this.#server = server
    if (row?.value === epoch || this.#isOver) return this.check()
    this.#isOver = true
    onOver(row?.value ?? '')
    this.check()
  }

  /** Each process knows what it acknowledged itself; of the others' nobody knows, unless no server may lack any. */
  async #isLost(ask: Ask, before: Server | undefined, { timeline }: Server): Promise<boolean> {
    if (before === undefined) return false
    if (this.#options.isShared && !before.isSynchronous && timeline !== before.timeline) return true
    if (this.#acknowledged === undefined) return false
    const { stream, seq, ts } = this.#acknowledged
    const [row] = await ask<{ there: boolean }>(isThere, [stream, seq, ts])
    return row?.there === false
  }
}

/** Some services let nobody ask for the timeline. */
const serverOf = async (ask: Ask): Promise<Server> => {
  try {
    const [row] = await ask<{ timeline: string, sync: boolean }>(timelineOf, [])
    return { timeline: row?.timeline, isSynchronous: row?.sync === true }
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== '42501' && (error as { readonly code?: unknown }).code !== '0A000') throw error
    return { timeline: undefined, isSynchronous: false }
  }
}
