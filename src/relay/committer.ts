// Group commit: everything that arrived while the last commit ran is decided, numbered, stored and committed together,
// and only then delivered. No timer: low load gives batches of one, high load batches of hundreds.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Counts, Histogram } from '../base/metrics.ts'
import type { EventType, FrameBody } from '../../lib/protocol/index.ts'
import { authorOf, type Appended, type LogWriter, type Stamp } from '../store/log.ts'
import {
  HeldError,
  LateError,
  notOvertaken,
  OvertakenError,
  StorageError,
  UndoneError,
  type Awaitable,
  type Lock,
  type Store,
  type Tx,
} from '../store/store.ts'
import { addWriters, lockoutOf } from '../store/writers.ts'
import type { Connection } from './connection.ts'
import { frameOf, frameOfText, textOfFrame } from './encode.ts'
import { writtenBy, type Job } from './job.ts'
import { Salts } from './salts.ts'
import { Displaced, Fail, isForAll, type Append, type Outcome } from './feature.ts'
import { isRepeat } from './repeats.ts'
import { Fifo, Turns } from './turns.ts'

const failed = (job: Job, error: unknown): Result =>
  job.anyway === undefined ? { kind: 'failed', job, error } : { kind: 'done', job, outcome: job.anyway }

/** An event that is committed: its stamp, and its frame, encoded once. */
export interface Committed {
  readonly append: Append
  readonly stamp: Stamp
  readonly frame: Buffer
  readonly inboxSeqs: readonly number[]
}

export type Result =
  | {
    readonly kind: 'done'
    readonly job: Job
    readonly outcome: Outcome
    readonly event?: Committed /** the events behind the first */
    readonly more?: readonly Committed[]
    readonly duplicate?: Stamp
  }
  | { readonly kind: 'failed', readonly job: Job, readonly error: unknown }

/** Where a batch takes its writes from, and gives one back that goes with the next. */
interface Source {
  take(): Job | undefined
  back(job: Job): void
}

/** What became of a batch, and whether it stored anything. */
interface Attempt {
  readonly results: readonly Result[]
  readonly wrote: boolean
}

export interface CommitterDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly counts: Counts
  readonly batchSize: Histogram
  readonly commitSeconds: Histogram
}

export interface CommitterOptions {
  /** Writes that may wait in all, and their bytes. One of each connection may always wait. */
  readonly maxQueueFrames: number
  readonly maxQueueBytes: number
  /** After how many ms a message that waits in an inbox expires where its sender named no time; 0: never. */
  readonly inboxWaitMs: number
  /** Only approved keys are admitted. */
  readonly allowlistStrict: boolean
  /** Called after the commit, with the results in the order of the requests. */
  readonly deliver: (results: readonly Result[]) => void
  /** Called when all batches of a turn are delivered. */
  readonly endTurn: () => void
  /** Another process changed channels: what is known of them is read anew. */
  readonly reread: (channels: readonly string[]) => Promise<unknown>
}

/** What a write that waits takes beside its frame. */
const jobOverheadBytes = 1_024
const maxBatchFrames = 1_000
/** How often a batch is run again that another transaction, or a line that broke, undid. */
const maxReruns = 3
const maxBatchBytes = 1024 * 1024
/** How long a turn decides before it delivers what it has and lets sockets be read: whoever writes next waits no longer than that. */
const maxTurnMs = 10
/**
 * How long a batch waits for a database server beside that, while others are served: each look-up is one wait, and a batch that ended with the
 * first would be a few messages, however many wait.
 */
const maxWaitMs = 100

/** A handler failed after it had written: the batch is undone and run again, one by one. */
class Undo extends Error {}

/** What was late had written already: those before it go by themselves, and it is first in the next batch. */
class TooLate extends Error {
  readonly before: number

  constructor(before: number, cause: unknown) {
    super('too late', { cause })
    this.before = before
  }
}

/** What is known of a batch from the attempts that were undone. */
interface Learned {
  /** Those whose writes are refused. */
  readonly out: ReadonlySet<string>
  /** What it waits for first. */
  readonly first: readonly Lock[]
}

const nothing: Learned = { out: new Set(), first: [] }

export class Committer {
  readonly #deps: CommitterDeps
  readonly #options: CommitterOptions
  readonly #salts = new Salts()
  /** Writes of connections without a session, of those with one, and the relay's own: they take turns, so that none waits for the others' crowd. */
  readonly #logins = new Turns<Job>()
  readonly #writes = new Turns<Job>()
  readonly #own = new Fifo<Job>()
  readonly #lanes = [this.#logins, this.#writes, { take: () => this.#own.shift() }]
  #lane = 0
  /** One that was taken and goes first in the next batch. */
  #held: Job | undefined
  readonly #waiting: Source = {
    take: () => this.#take(),
    back: job => {
      this.#held = job
    },
  }
  #running = false
  #idle: (() => void)[] = []
  #storageProblem: string | undefined
  /** Writes refused since the storage failed. */
  #refused = 0

  constructor(deps: CommitterDeps, options: CommitterOptions) {
    this.#deps = deps
    this.#options = options
  }

  get length(): number {
    return this.#logins.length + this.#writes.length + this.#own.length + Number(this.#held !== undefined)
  }

  /** Why the storage refused the last write; undefined again as soon as one goes through. */
  get storageProblem(): string | undefined {
    return this.#storageProblem
  }

  push(job: Job): void {
    const { connection } = job
    if (connection === undefined) this.#own.push(job)
    else {
      this.#laneOf(connection).push(connection, job)
      connection.pendingWrites++
      connection.pendingBytes += job.bytes
      connection.owe(job.bytes + jobOverheadBytes)
    }
    if (this.#running) return
    this.#running = true
    // After this turn's reading: what else arrived with it joins the batch.
    setImmediate(() => void this.#run())
  }

  /** Whether another write of the connection may wait: it has less waiting than its even share among those that have anything. */
  hasRoom({ pendingWrites, pendingBytes }: Connection): boolean {
    const sharers = Math.max(1, this.#logins.sources + this.#writes.sources)
    return pendingWrites === 0
      || (pendingWrites < this.#options.maxQueueFrames / sharers && pendingBytes < this.#options.maxQueueBytes / sharers)
  }

  get isIdle(): boolean {
    return !this.#running
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    return this.#running ? new Promise(resolve => this.#idle.push(resolve)) : Promise.resolve()
  }

  /** What waits of a connection stays in one lane, so that it stays in order. */
  #laneOf(connection: Connection): Turns<Job> {
    if (connection.pendingWrites > 0) {
      if (this.#writes.has(connection)) return this.#writes
      if (this.#logins.has(connection)) return this.#logins
    }
    return connection.agent === undefined ? this.#logins : this.#writes
  }

  async #run(): Promise<void> {
    while (this.length > 0) {
      // What waited when this turn began, however many batches it takes: an outcome that others have to see ends its own.
      const end = Math.min(this.length, maxBatchFrames)
      const until = this.#deps.clock.now() + maxTurnMs
      for (let done = 0; done < end && (done === 0 || this.#deps.clock.now() < until);)
        done += await this.#commit(end - done, this.#waiting)
      this.#options.endTurn()
      // Let sockets be read before the next batch, so that it can be larger than this one's leftovers.
      if (this.length > 0) await new Promise(resolve => setImmediate(resolve))
    }
    this.#running = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** The next write: of the lane whose turn it is, or of the next one that has any. */
  #take(): Job | undefined {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) return held
    for (let tried = 0; tried < this.#lanes.length; tried++) {
      const job = this.#lanes[this.#lane]!.take()
      this.#lane = (this.#lane + 1) % this.#lanes.length
      if (job !== undefined) return job
    }
    return undefined
  }

  #done(results: readonly Result[]): void {
    for (const { job: { connection, bytes } } of results) {
      if (connection === undefined) continue
      connection.pendingWrites--
      connection.pendingBytes -= bytes
      connection.owe(-bytes - jobOverheadBytes)
    }
  }

  /** Commits one batch of what waits there; tells how many jobs have their results. */
  async #commit(maxFrames: number, from: Source, reruns = 0, learned = nothing): Promise<number> {
    const taken: Job[] = []
    const batch: Source = {
      take: () => {
        const job = taken.length < maxFrames ? from.take() : undefined
        if (job !== undefined) taken.push(job)
        return job
      },
      back: job => {
        taken.pop()
        from.back(job)
      },
    }
    let at = 0
    const again: Source = {
      take: () => taken[at++],
      back: () => {
        at--
      },
    }
    const startedAt = performance.now()
    try {
      this.#committed(await this.#attempt(batch, learned), startedAt)
    } catch (error) {
      // A storage that does not even begin takes nothing: the next one hears of it all the same.
      if (taken.length === 0) batch.take()
      if (error instanceof UndoneError && taken.length > 0 && reruns < maxReruns) {
        const { writers, channels } = error instanceof OvertakenError ? error : notOvertaken
        // Where the storage fails, so does the batch.
        if (channels.length > 0) await this.#options.reread(channels).catch(() => undefined)
        const next = {
          out: new Set([...learned.out, ...writers]),
          first: [...learned.first, ...error instanceof HeldError ? error.locks : []],
        }
        while (at < taken.length) await this.#commit(taken.length - at, again, reruns + 1, next)
        return taken.length
      }
      if (error instanceof TooLate) {
        while (at < error.before) await this.#commit(error.before - at, again, reruns, learned)
        while (at < taken.length) await this.#commit(taken.length - at, again, reruns, learned)
        return taken.length
      }
      // What may be stored is not run again: those who asked are told, and send it again under its id.
      if (taken.length > 1 && !(error instanceof StorageError && error.inDoubt)) {
        while (at < taken.length) await this.#commit(1, again)
        return taken.length
      }
      const cause = error instanceof Undo ? error.cause : error
      if (error instanceof StorageError) this.#failed(error, taken.length)
      this.#committed({ results: taken.map(job => failed(job, cause)), wrote: false }, startedAt)
    }
    return taken.length
  }

  #committed({ results, wrote }: Attempt, startedAt: number): void {
    if (wrote && this.#storageProblem !== undefined) this.#healed()
    this.#deps.counts.commits++
    this.#deps.batchSize.observe(results.length)
    this.#deps.commitSeconds.observe((performance.now() - startedAt) / 1_000)
    this.#done(results)
    try {
      this.#options.deliver(results)
    } catch (error) {
      // What is stored is stored: those behind it are not held up by a fault in telling of it.
      this.#deps.log.error({ err: error }, 'a commit could not be delivered')
    }
  }

  /** However many writes a full disk refuses, the log that may lie on it gets a line when it begins and one when it is over. */
  #failed(error: StorageError, refused: number): void {
    if (this.#storageProblem === undefined) this.#deps.log.error({ err: error, hint: error.hint }, 'the storage refuses writes')
    this.#storageProblem = error.message
    this.#refused += refused
  }

  #healed(): void {
    this.#deps.log.info({ refused: this.#refused }, 'the storage takes writes again')
    this.#storageProblem = undefined
    this.#refused = 0
  }

  /**
   * Decides jobs in order inside one transaction. Ends early after an outcome that others have to see first, when its time is over, and
   * before one that would wait for a scope while the transaction holds what others wait for.
   */
  #attempt(batch: Source, { out, first }: Learned): Promise<Attempt> {
    return this.#deps.store.write(async tx => {
      // Its time begins when the storage has begun: however long that takes, those who waited go together.
      const now = this.#deps.clock.now()
      // Each in its place; of some the numbers are still to come.
      const results: Awaitable<Result>[] = []
      let isDeferred = false
      let bytes = 0
      const writers = new Set<string>()
      if (first.length > 0) await tx.take?.(first)
      for (let job = batch.take(); job !== undefined; job = bytes < maxBatchBytes ? batch.take() : undefined) {
        if (job.scope !== undefined && results.length > 0 && !tx.mayLock(job.scope)) {
          batch.back(job)
          break
        }
        bytes += job.bytes
        // As it is now: the session may end while it is decided.
        const by = writtenBy(job, this.#options.allowlistStrict)
        const lockout = out.size === 0 || by === undefined ? undefined : lockoutOf(by, out)
        if (lockout !== undefined) {
          results.push(failed(job, lockout.code === 'DISPLACED' ? new Displaced() : new Fail(lockout.code, lockout.message)))
          continue
        }
        tx.deciding?.({
          agent: job.connection?.agent?.id,
          isRelay: job.connection === undefined,
          scope: job.scope,
          isBehind: results.length > 0,
        })
        const writesBefore = tx.writes
        let outcome: Outcome
        try {
          const locked = job.scope === undefined ? undefined : tx.lock(job.scope)
          if (locked instanceof Promise) await locked
          const decided = job.decide(tx, now)
          outcome = (decided instanceof Promise ? await decided : decided) ?? {}
          const gone = tx.keep.takeGone()
          if (gone.length > 0) outcome = { ...outcome, effects: [...outcome.effects ?? [], ...gone] }
        } catch (error) {
          // What it had go is undone with it.
          tx.keep.takeGone()
          if (error instanceof StorageError) throw error
          if (error instanceof LateError && results.length > 0) {
            if (tx.writes !== writesBefore) throw new TooLate(results.length, error)
            batch.back(job)
            break
          }
          if (tx.writes !== writesBefore) throw new Undo('undo', { cause: error })
          results.push({ kind: 'failed', job, error })
          continue
        }
        if (by !== undefined && (outcome.append !== undefined || tx.writes !== writesBefore)) addWriters(by, writers)
        if (outcome.append === undefined) results.push({ kind: 'done', job, outcome })
        else {
          const appended = isSeveral(outcome.append)
            ? this.#appendAll(tx, now, job, outcome, outcome.append)
            : this.#append(tx.log, now, job, outcome, outcome.append)
          isDeferred ||= appended instanceof Promise
          results.push(appended)
        }
        if (
          job.endsBatch === true || isForAll(outcome.effects) || (outcome.notify?.length ?? 0) > 0 || outcome.hints !== undefined
          || outcome.again !== undefined
          || this.#deps.clock.now() >= now + maxTurnMs + Math.min(tx.waitedMs, maxWaitMs)
        ) break
      }
      // Asked together with the numbers.
      const asked = writers.size > 0 || tx.writes > 0 ? tx.overtaken([...writers]) : notOvertaken
      // Where the numbers fail first, nobody awaits it.
      if (asked instanceof Promise) asked.catch(() => undefined)
      const done = isDeferred ? await numbered(tx, results) : results as Result[]
      const over = asked instanceof Promise ? await asked : asked
      if (over.writers.length + over.channels.length > 0) throw new OvertakenError(over)
      return { results: done, wrote: tx.writes > 0 }
    })
  }

  #append(log: Pick<LogWriter, 'append'>, now: number, job: Job, outcome: Outcome, append: Append): Awaitable<Result> {
    let frame: Buffer | undefined
    const { type, body, ttlMs, stored, stream, key, inbox, muted, receipts, link } = append
    const doorway = job.connection?.doorway
    // Nobody is promised that time: the event does not name it, STATUS does.
    const waitMs = ttlMs ?? (type === 'MSG' && this.#options.inboxWaitMs > 0 ? this.#options.inboxWaitMs : undefined)
    const address = job.connection === undefined ? append.address : job.connection.address
    // Of one shape, whatever is said: spreading costs a message more than its row.
    const event = { stream, author: authorOf(body), key, inbox, muted, address, ttlMs: waitMs, receipts, at: stored?.at, link }
    const appended = log.append(event, now, ({ seq, ts, msgId }) => {
      if (stored !== undefined) return textOfFrame(frame = frameOfText(stored.text))
      const said = doorway === undefined ? body : { ...body, ...doorway }
      const salt = this.#salts.next()
      frame = frameOf(type, (ttlMs === undefined
        ? { ts, ...said, msg_id: msgId, seq, salt }
        : { ts, ...said, msg_id: msgId, seq, expires_at: ts + ttlMs, salt }) as FrameBody<EventType>)
      return textOfFrame(frame)
    })
    return appended instanceof Promise
      ? appended.then(each => appendedOf(each, job, outcome, append, frame))
      : appendedOf(appended, job, outcome, append, frame)
  }

  #appendAll(tx: Tx, now: number, job: Job, outcome: Outcome, appends: readonly Append[]): Awaitable<Result> {
    if (appends.length === 0) return { kind: 'done', job, outcome }
    const log = tx.log.together()
    const all = appends.map(append => this.#append(log, now, job, outcome, append))
    return all.some(each => each instanceof Promise)
      ? Promise.all(all).then(results => ofAll(results, appends))
      : ofAll(all as Result[], appends)
  }
}

/** What became of several events of one job. */
const ofAll = ([first, ...rest]: readonly Result[], appends: readonly Append[]): Result => {
  if (first!.kind === 'failed' || first!.event === undefined) return first!
  const more = rest.map((next, i) => {
    // The first one told a repeat; a key that repeats behind it is a fault of the feature.
    if (next.kind === 'failed' || next.event === undefined)
      throw new Undo('undo', {
        cause: next.kind === 'failed' ? next.error : new Error(`the key of a second ${appends[i + 1]!.type} was used before`),
      })
    return next.event
  })
  return { ...first!, more }
}

/** The results once all of what was appended has its numbers. */
const numbered = async (tx: Tx, results: readonly Awaitable<Result>[]): Promise<readonly Result[]> => {
  await tx.log.flush()
  return Promise.all(results)
}

const appendedOf = (result: Appended, job: Job, outcome: Outcome, append: Append, frame: Buffer | undefined): Result => {
  if (result.kind === 'stored')
    return { kind: 'done', job, outcome, event: { append, stamp: result.stamp, frame: frame!, inboxSeqs: result.inboxSeqs } }
  if (result.text !== undefined && !isRepeat(result.text, append)) {
    return { kind: 'failed', job, error: new Fail('ID_REUSED', 'This id was used before, for another message') }
  }
  return { kind: 'done', job, outcome, duplicate: result.stamp }
}

const isSeveral = (append: Append | readonly Append[]): append is readonly Append[] => Array.isArray(append)
