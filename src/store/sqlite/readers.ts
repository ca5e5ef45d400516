// Reads that take long, on threads with connections of their own: the event loop goes on meanwhile. A few threads, and a queue that ends.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type CompiledQuery, type QueryResult } from 'kysely'
import { driverFile } from './driver.ts'
import { BusyError, type Awaitable } from '../store.ts'

/** Threads that read. */
const maxReaders = Math.min(2, availableParallelism())
/** Reads that wait; there is one at most of each connection, so that these are many connections. */
const maxWaiting = 1_000
/** Statements that a thread keeps prepared. */
const maxStatements = 200

/** Text, so that it is the same from sources and from a build. */
const program = `
  const { setPriority } = require('node:os')
  const { parentPort, workerData: { driver, file, readonly, setup } } = require('node:worker_threads')
  try { if (process.platform === 'linux') setPriority(0, 10) } catch {} // of this thread: it steps back for the event loop
  const db = new (require(driver))(file, { readonly, fileMustExist: true, timeout: 2_000 })
  for (const statement of setup) db.exec(statement)
  const statements = new Map()
  const prepared = sql => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      if (statements.size >= ${maxStatements}) statements.clear()
      statements.set(sql, statement = db.prepare(sql))
    }
    return statement
  }
  parentPort.on('message', ({ sql, parameters }) => {
    try {
      const statement = prepared(sql)
      parentPort.postMessage({ rows: statement.reader ? statement.all(...parameters) : (statement.run(...parameters), []) })
    } catch (error) { parentPort.postMessage({ message: String(error.message), code: error.code }) }
  })`

interface Read {
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly resolve: (rows: unknown[]) => void
  readonly reject: (error: Error) => void
}

type Answer = { readonly rows: unknown[] } | { readonly message: string, readonly code: unknown }

export interface ThreadOptions {
  /** What each thread says first. */
  readonly setup?: readonly string[]
  /** One thread, which writes too: nothing else does where it writes. */
  readonly writes?: boolean
}

export class Readers {
  readonly #file: string
  readonly #setup: readonly string[]
  readonly #readonly: boolean
  readonly #maxThreads: number
  readonly #idle: Worker[] = []
  /** What each thread reads now. */
  readonly #busy = new Map<Worker, Read>()
  #waiting: Read[] = []
  #isClosed = false
  #isPaused = false
  /** Somebody waits until no thread reads. */
  #onAnswer: (() => void) | undefined

  constructor(file: string, { setup = [], writes = false }: ThreadOptions = {}) {
    this.#file = file
    this.#setup = setup
    this.#readonly = !writes
    this.#maxThreads = writes ? 1 : maxReaders
  }

  /** The rows of a query. @throws BusyError when too many wait */
  read(sql: string, parameters: readonly unknown[]): Promise<unknown[]> {
    if (this.#isClosed) return Promise.reject(new Error('The store is closed'))
    if (this.#waiting.length >= maxWaiting) return Promise.reject(new BusyError('Too many searches and lists wait; try again in a moment'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ sql, parameters, resolve, reject })
      this.#next()
    })
  }

  /** Queries are written as everywhere, and run there. */
  tables(): Kysely<unknown> {
    const connection = {
      executeQuery: async <R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> => ({
        rows: await this.read(sql, parameters) as R[],
      }),
      streamQuery: () => {
        throw new Error('Reads are given whole')
      },
    }
    const never = () => Promise.reject(new Error('Nothing is written here'))
    return new Kysely({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createIntrospector: db => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
        createDriver: () => ({
          init: () => Promise.resolve(),
          acquireConnection: () => Promise.resolve(connection),
          releaseConnection: () => Promise.resolve(),
          destroy: () => Promise.resolve(),
          beginTransaction: never,
          commitTransaction: never,
          rollbackTransaction: never,
        }),
      },
    })
  }

  /** Does something while no thread has its files open: what is asked meanwhile waits for new threads. One at a time. */
  async paused(fn: () => Awaitable<void>): Promise<void> {
    this.#isPaused = true
    try {
      while (this.#busy.size > 0) await new Promise<void>(resolve => this.#onAnswer = resolve)
      await Promise.all(this.#idle.splice(0).map(worker => worker.terminate()))
      await fn()
    } finally {
      this.#isPaused = false
      for (let n = 0; n < this.#maxThreads; n++) this.#next()
    }
  }

  /** Ends the threads; what was not read by then is rejected. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('The store is closed'))
    await Promise.all([...this.#idle, ...this.#busy.keys()].map(worker => worker.terminate()))
  }

  /** A thread starts when it is first needed. */
  #next(): void {
    if (this.#waiting.length === 0 || this.#isPaused) return
    const worker = this.#idle.pop() ?? (this.#busy.size < this.#maxThreads ? this.#start() : undefined)
    if (worker === undefined) return
    const read = this.#waiting.shift()!
    this.#busy.set(worker, read)
    worker.postMessage({ sql: read.sql, parameters: read.parameters })
  }

  #start(): Worker {
    const worker = new Worker(program, {
      eval: true,
      workerData: { driver: driverFile(), file: this.#file, readonly: this.#readonly, setup: this.#setup },
    })
    worker.on('message', (answer: Answer) => {
      const read = this.#busy.get(worker)
      this.#busy.delete(worker)
      this.#idle.push(worker)
      this.#onAnswer?.()
      if ('rows' in answer) read?.resolve(answer.rows)
      else read?.reject(Object.assign(new Error(answer.message), { code: answer.code }))
      this.#next()
    })
    worker.on('error', () => undefined)
    worker.on('exit', () => {
      const read = this.#busy.get(worker)
      this.#busy.delete(worker)
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
      this.#onAnswer?.()
      read?.reject(new Error('A thread that reads ended'))
      if (!this.#isClosed) this.#next()
    })
    worker.unref()
    return worker
  }
}
