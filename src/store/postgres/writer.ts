// The connection that writes: one transaction at a time on it, statements sent ahead of their answers. It holds the relay's claim on the
// database, so that whoever has lost the connection has lost the right to write with it. A line that breaks is made anew, and what became
// of a commit that was not answered is asked.
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../../lib/protocol/timer.ts'
import { isEndOfLine, isRefusal, isStalePlan, problemOf } from './problems.ts'
import { configOf, gather, loadDriver, Statements, type Client, type QueryResult } from './client.ts'
import type { Life } from './life.ts'
import { StorageError, UndoneError, type DoubtOutcome } from '../store.ts'

/** One relay on a database: this number is locked by the one that writes there, or shared by those that do together. */
export const claim = 6_667_015
/** How long writes, and reads, wait for a line that broke; after that they are refused until there is one again. */
export const patienceMs = 10_000
export const retryMs = 200
/** How long is waited for what a server that may be away still has to do or say. */
export const goodbyeMs = 2_000
/** How often it is asked what became of a commit, each time on a new line. */
const maxAsked = 5
/** Ends the server's process of a line, if it is still ours, and waits for its end. */
const endLine = `SELECT pg_terminate_backend(pid, ${goodbyeMs}) FROM pg_stat_activity WHERE pid = $1 AND application_name = $2`
/** Another one after each start of the server and each crash: only within one run is a transaction's number nobody else's. */
const runOf = `pg_postmaster_start_time()::text || (SELECT stats_reset::text FROM pg_stat_bgwriter)`
/** Far above what a statement takes: a line that is stalled is noticed by it. */
const statementTimeoutMs = 8_000

interface Line {
  readonly client: Client
  readonly statements: Statements
  /** Of the server: `runOf`. */
  run: string
  /** Statements whose answers are to come. */
  underWay: number
  /** Since when there are any. */
  waitingSince: number
  /** What is sent in this turn goes together. */
  isGathering: boolean
}

/** Who wants to know of commits; and whether others write beside. */
export interface CommitWatch {
  readonly isShared?: boolean | undefined
  /** Of one whose answer was lost: what became of it. */
  readonly onDoubt?: ((outcome: DoubtOutcome) => void) | undefined
  /** Of one that is stored: how often its transaction waited for the server. */
  readonly onCommit?: ((roundTrips: number) => void) | undefined
}

/** The open transaction. */
interface Open {
  /** Statements that write, and whatever failed: nothing of either can be taken back alone. */
  writes: number
  /** The number of the transaction, asked as it began. */
  xid: Promise<QueryResult<{ xid: string }>> | undefined
  /** Of the server, in which that number was given. */
  run: string | undefined
  /** What was sent and is not awaited by whoever sent it. */
  readonly sent: Promise<unknown>[]
  /** How often something was sent when nothing was under way: that is how often an answer was waited for. And for how many ms. */
  roundTrips: number
  waitedMs: number
  failure: unknown
}

const newOpen = (): Open => ({ writes: 0, xid: undefined, run: undefined, sent: [], roundTrips: 0, waitedMs: 0, failure: undefined })

export class Writer {
  readonly #url: string
  /** Of this process's lines. */
  readonly name: string
  readonly #now: () => number
  readonly #watch: CommitWatch
  #line: Line | undefined
  #connecting: Promise<void> | undefined
  /** When the line broke; undefined: it is there. */
  #brokenAt: number | undefined
  /** Why it could not be made anew. */
  #problem: unknown
  /** The server's process of the line that broke. */
  #formerPid: number | undefined
  #open: Open = newOpen()
  #isClosed = false
  /** Once it is known which life of the log is served here: each server is looked at before anything is stored there. */
  life: Life | undefined

  constructor(url: string, name: string, now: () => number, watch: CommitWatch = {}) {
    this.#url = url
    this.name = name
    this.#now = now
    this.#watch = watch
  }

  get writes(): number {
    return this.#open.writes
  }

  get waitedMs(): number {
    const line = this.#line
    return this.#open.waitedMs + (line === undefined || line.underWay === 0 ? 0 : this.#now() - line.waitingSince)
  }

  /** @throws StorageError when there is no line, and writes have waited for it long enough: it is made anew meanwhile */
  async ready(): Promise<void> {
    while (this.#line === undefined) {
      if (this.#isClosed) throw new StorageError('The store is closed', 'Open it again.')
      this.life?.check()
      const isOver = this.#brokenAt !== undefined && this.#now() >= this.#brokenAt + patienceMs
      const connecting = this.#connecting ??= this.#connect().finally(() => {
        this.#connecting = undefined
      })
      connecting.catch((error: unknown) => {
        this.#problem = problemOf(error) ?? error
      })
      // Nobody stands and waits for a server that has been away for long.
      if (isOver && this.#problem !== undefined) throw this.#problem
      try {
        await connecting
      } catch (error) {
        if (this.#brokenAt === undefined) throw problemOf(error) ?? error
        await sleep(timerMs(retryMs))
      }
    }
  }

  /** The open transaction, as a name for it: nothing of it can be read. */
  get transaction(): object {
    return this.#open
  }

  /** Whether the open transaction may hold something that others wait for. */
  get hasBegun(): boolean {
    return this.#open.xid !== undefined
  }

  begin(): void {
    this.#open = newOpen()
  }

  /** Asks, within the transaction if it has begun. */
  async ask<R extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    return (await this.send<R>(sql, values)).rows
  }

  /** Writes; the transaction begins with it. */
  change<R extends object>(sql: string, values: readonly unknown[] = []): Promise<QueryResult<R>> {
    this.#wrote()
    return this.send<R>(sql, values)
  }

  /** The same, without waiting for the answer: a failure is told by the commit. */
  changeLater(sql: string, values: readonly unknown[]): void {
    this.#open.sent.push(this.change(sql, values).catch(() => undefined))
  }

  /** Asks within the transaction, which begins with it: what the answer says then holds until its end. */
  async hold<R extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    this.#begin()
    return (await this.send<R>(sql, values)).rows
  }

  /** Counts what will be written, before it is sent. */
  willWrite(): void {
    this.#open.writes++
  }

  async commit(): Promise<void> {
    const open = this.#open
    if (open.failure !== undefined) throw this.#lost(open, open.failure)
    if (open.xid === undefined) return
    const commit = this.send('COMMIT', [])
    await Promise.allSettled([...open.sent, commit])
    // A transaction in which something failed is rolled back by its COMMIT, without a word.
    if (open.failure === undefined) return this.#watch.onCommit?.(open.roundTrips)
    if (isRefusal(open.failure)) throw this.#lost(open, open.failure)
    const outcome = await this.#resolve(open)
    this.#watch.onDoubt?.(outcome.kind)
    if (outcome.kind !== 'committed') throw outcome.error
  }

  async rollback(): Promise<void> {
    const { xid, sent } = this.#open
    if (xid === undefined || this.#line === undefined) return
    await Promise.allSettled([...sent, this.send('ROLLBACK', [])])
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const line = this.#line
    this.#line = undefined
    // A line that is stalled is not waited for.
    await Promise.race([line?.client.end().catch(() => undefined), sleep(timerMs(goodbyeMs), undefined, { ref: false })])
  }

  /** The line broke between COMMIT and its answer: the server knows what became of it, once the former connection is gone from there. */
  async #resolve(
    open: Open,
  ): Promise<{ readonly kind: 'committed' } | { readonly kind: 'aborted' | 'unknown', readonly error: StorageError }> {
    const unknown = (cause: unknown) => ({
      kind: 'unknown',
      error: new StorageError('The connection to the database broke off in a commit', 'Look at the network between relay and database.',
        cause, true),
    } as const)
    const xid = await open.xid?.then(({ rows: [row] }) => row?.xid, () => undefined)
    if (xid === undefined) return unknown(open.failure)
    try {
      const { status, run } = await this.#statusOf(xid)
      // A server that crashed may have given the number once more, to whoever asked next.
      if (status === 'committed' && run === open.run) return { kind: 'committed' }
      if (status !== 'aborted') return unknown(open.failure)
      return { kind: 'aborted', error: new UndoneError('The database undid a commit', 'The relay tries again by itself.', open.failure) }
    } catch (error) {
      return unknown(error)
    }
  }

  async #statusOf(xid: string): Promise<{ readonly status: string | null, readonly run: string }> {
    for (let asked = 1;; asked++) {
      // The claim of the line that broke is given up with it, so that whoever has the claim knows that it is decided.
      await this.ready()
      try {
        // Where the claim is shared it says nothing of the line that broke: that is ended first.
        if (this.#watch.isShared === true && this.#formerPid !== undefined)
          await this.ask(endLine, [this.#formerPid, this.name])
        return (await this.ask<{ status: string | null, run: string }>(`SELECT pg_xact_status($1::xid8) AS status, ${runOf} AS run`, [
          xid,
        ]))[0]!
      } catch (error) {
        // That this line broke as well undoes the question and says nothing of the commit.
        if (!(error instanceof UndoneError) || asked === maxAsked) throw error
      }
    }
  }

  #wrote(): void {
    this.#open.writes++
    this.#begin()
  }

  #begin(): void {
    const open = this.#open
    if (open.xid !== undefined) return
    open.run = this.#line?.run
    open.sent.push(this.send('BEGIN', []).catch(() => undefined))
    open.xid = this.send<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid', [])
    open.xid.catch(() => undefined)
  }

  /** Sends a statement behind those before it. */
  send<R extends object>(sql: string, values: readonly unknown[]): Promise<QueryResult<R>> {
    const open = this.#open
    const line = this.#line
    if (line === undefined) return Promise.reject(this.#failed(open, line, new Error('Connection terminated')))
    if (line.underWay++ === 0) {
      open.roundTrips++
      line.waitingSince = this.#now()
    }
    const answered = () => {
      if (--line.underWay === 0) open.waitedMs += this.#now() - line.waitingSince
    }
    if (!line.isGathering) {
      line.isGathering = true
      gather(line.client, () => {
        line.isGathering = false
      })
    }
    return line.client.query<R>(line.statements.query(sql, values)).then(answer => {
      answered()
      return answer
    }, (error: unknown) => {
      answered()
      throw this.#failed(open, line, error)
    })
  }

  #failed(open: Open, line: Line | undefined, error: unknown): unknown {
    // The first one says why; those behind it only that the transaction failed.
    open.failure ??= error
    open.writes++
    if (line !== undefined && (!isRefusal(error) || isStalePlan(error) || isEndOfLine((error as { code?: unknown }).code)))
      this.#broke(line)
    return this.#lost(open, error)
  }

  /** Of a line that broke before the commit nothing is stored: the whole may be run again. */
  #lost(open: Open, error: unknown): unknown {
    const cause = open.failure ?? error
    // Somebody else wrote the same row meanwhile: once that is seen, it is decided anew.
    if (this.#watch.isShared === true && (cause as { readonly code?: unknown } | null)?.code === '23505')
      return new UndoneError('Another process wrote the same row', 'The relay tries again by itself.', cause)
    if (isStalePlan(cause)) return new UndoneError('A newer version changed a table', 'The relay tries again by itself.', cause)
    const problem = problemOf(cause)
    if (problem === undefined || isRefusal(cause) || problem instanceof UndoneError) return problem ?? cause
    return new UndoneError(problem.message, problem.hint, cause)
  }

  #broke(line: Line): void {
    if (this.#line !== line) return
    this.#line = undefined
    this.#formerPid = (line.client as { readonly processID?: number }).processID
    this.#brokenAt = this.#now()
    line.client.end().catch(() => undefined)
  }

  /** Who has the claim. What is left of a line of our own that broke is ended: the server may not have noticed yet. */
  async #claimed(client: Client): Promise<StorageError> {
    const { rows: [holder] } = await client.query<{ name: string, pid: number, address: string | null }>(
      `SELECT a.application_name AS name, a.pid, host(a.client_addr) AS address FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.objid = $1 AND a.datname = current_database() LIMIT 1`,
      [claim],
    )
    if (holder?.name === this.name) await client.query('SELECT pg_terminate_backend($1)', [holder.pid])
    const who = holder === undefined ? '' : `: ${holder.name}${holder.address === null ? '' : ` from ${holder.address}`}`
    return this.#watch.isShared === true
      ? new StorageError(`Another relay runs alone on this database${who}`, 'Stop it first, and start it with --nats too.')
      : new StorageError(`Another relay runs on this database${who}`,
        'Stop it first: only those that hear each other (--nats) can run together.')
  }

  async #connect(): Promise<void> {
    const driver = await loadDriver()
    const client = new driver.Client({
      ...configOf(driver, this.#url, this.name),
      pipeline: true,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + 1_000,
    })
    const line: Line = { client, run: '', statements: new Statements(), underWay: 0, waitingSince: 0, isGathering: false }
    client.on('error', () => this.#broke(line))
    try {
      await client.connect()
      // A relay that is cut off gives its claim up in half a minute, and not in hours.
      await client.query(`SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
        SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '${this.#watch.isShared === true ? 4 : 60}s'`)
      await client.query("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
      const { rows: [state] } = await client.query<{ read_only: boolean, claimed: boolean, run: string }>(
        `SELECT pg_is_in_recovery() AS read_only, ${runOf} AS run, CASE WHEN pg_is_in_recovery() THEN false
          ELSE pg_try_advisory_lock${this.#watch.isShared === true ? '_shared' : ''}($1) END AS claimed`,
        [claim],
      )
      // What is left of a line that broke would keep its locks, and others wait for those too.
      if (this.#watch.isShared === true && this.#formerPid !== undefined) await client.query(endLine, [this.#formerPid, this.name])
      if (state!.read_only) throw Object.assign(new Error('the database is a standby'), { code: '25006' })
      if (!state!.claimed) throw await this.#claimed(client)
      line.run = state!.run
      await this.life?.look(async <R extends object>(sql: string, values: readonly unknown[]) =>
        (await client.query<R>(sql, [...values])).rows
      )
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
    // Meanwhile.
    if (this.#isClosed) return void client.end().catch(() => undefined)
    this.#line = line
    this.#brokenAt = undefined
    this.#problem = undefined
  }
}
