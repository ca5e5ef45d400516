// Moves what was committed from the write-ahead log into the database, on a thread of its own: it waits for the disk, and the
// relay must not.
import { Worker } from 'node:worker_threads'
import { driverFile } from './driver.ts'

/** Pages in the write-ahead log when it is time; SQLite's own measure. */
const pagesPerCheckpoint = 1_000
/** A commit writes a page at least, and one more for about so many rows. */
const rowsPerPage = 8

/** Of a database of ours, as SQLite makes them. */
export const pageBytes = 4_096
/**
 * Past this SQLite does it inside a commit after all: when commits follow each other so closely that the thread never gets to the end.
 * Fewer where the log would take too much of a small quota.
 */
export const maxWalPages = (quotaBytes: number): number =>
  Math.max(pagesPerCheckpoint, Math.min(16_384, Math.floor(quotaBytes / 16 / pageBytes)))

/** Text, so that it is the same from sources and from a build. */
const program = `
  const { parentPort, workerData: { driver, file } } = require('node:worker_threads')
  const db = new (require(driver))(file, { fileMustExist: true })
  parentPort.on('message', () => {
    try { db.pragma('wal_checkpoint(PASSIVE)') } catch {} // a full disk: next time
    parentPort.postMessage('done')
  })`

export class Checkpointer {
  readonly #file: string
  #worker: Worker | undefined
  #isBusy = false
  #pages = 0

  constructor(file: string) {
    this.#file = file
  }

  /** Told of each commit. The thread starts when it is first needed: a relay that says little never has it. */
  committed(rows: number): void {
    this.#pages += 1 + rows / rowsPerPage
    if (this.#pages < pagesPerCheckpoint || this.#isBusy) return
    this.#pages = 0
    this.#isBusy = true
    this.#worker ??= this.#start()
    this.#worker.postMessage('checkpoint')
  }

  /** Ends the thread, after the checkpoint that runs. */
  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(program, {
      eval: true,
      workerData: { driver: driverFile(), file: this.#file },
    })
    worker.on('message', () => {
      this.#isBusy = false
    })
    // It cannot open the file: SQLite does the work itself, later.
    worker.on('error', () => {
      this.#worker = undefined
    })
    worker.unref()
    return worker
  }
}
