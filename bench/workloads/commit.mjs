// @ts-check
// What a durable row costs: 300 bytes with an index, in transactions of one, ten, a hundred, a thousand. No server: SQLite alone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'

const batches = [1, 10, 100, 1_000]
const subjectOf = (/** @type {string} */ synchronous, /** @type {number} */ batch) => `${synchronous} × ${batch}`
const variants = new Map(['NORMAL', 'FULL'].flatMap(synchronous => batches.map(batch => [subjectOf(synchronous, batch), { synchronous, batch }])))

/** @type {import('./index.mjs').Workload} */
export const commit = {
  name: 'commit',
  title: 'commit cost: rows of 300 bytes, SQLite WAL, synchronous × rows per transaction',
  subjects: [...variants.keys()],
  async run({ subject, runMs }) {
    const { synchronous, batch } = /** @type {{ synchronous: string, batch: number }} */ (variants.get(subject))
    const directory = mkdtempSync(join(tmpdir(), 'agentchat-bench-'))
    const db = new Database(join(directory, 'commit.db'))
    try {
      db.pragma('journal_mode = WAL')
      db.pragma(`synchronous = ${synchronous}`)
      db.exec('CREATE TABLE events (stream INTEGER NOT NULL, seq INTEGER NOT NULL, text BLOB NOT NULL, UNIQUE (stream, seq))')
      const insert = db.prepare('INSERT INTO events VALUES (1, ?, ?)')
      const text = Buffer.alloc(300, 'x')
      let rows = 0
      const transaction = db.transaction(() => { for (let i = 0; i < batch; i++) insert.run(++rows, text) })
      const cpuBefore = process.cpuUsage()
      const startedAt = performance.now()
      while (performance.now() - startedAt < runMs / 2) transaction()
      const ms = performance.now() - startedAt
      const { user, system } = process.cpuUsage(cpuBefore)
      return { 'rows/s': rows / ms * 1_000, 'µs/row': ms * 1_000 / rows, 'CPU µs/row': (user + system) / rows }
    } finally {
      db.close()
      rmSync(directory, { recursive: true })
    }
  },
}
