// A relay that does not keep to one history, with the key of an honest one: its data is changed while it is stopped, put back, or lives twice. All of
// its lives stand behind one address, as whoever is at it would have it.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import type { Config } from '../../src/app.ts'
import { databaseName } from '../../src/keeping/files.ts'
import { memoryFolder, newFolder, type Folder } from './folder.ts'
import { newProxy, type Proxy } from './proxy.ts'
import { startTestRelay, TestClock, type TestRelay } from './relay.ts'

export interface StoredEvent {
  readonly seq: number
  readonly text: string
}

export class LyingRelay {
  readonly #folder: Folder
  readonly #proxy: Proxy
  readonly #clock = new TestClock()
  readonly #running = new Map<string, TestRelay>()

  readonly #overrides: Partial<Config>

  constructor(folder: Folder, proxy: Proxy, overrides: Partial<Config>) {
    this.#folder = folder
    this.#proxy = proxy
    this.#overrides = overrides
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#proxy.port}`
  }

  /** Goes on in one of its lives; who comes to its address from now on comes there. */
  async live(life: string): Promise<TestRelay> {
    const relay = this.#running.get(life)
      ?? await startTestRelay({ data: this.#folder.at(life), publicUrls: [this.url], ...this.#overrides }, {}, { clock: this.#clock })
    this.#running.set(life, relay)
    this.#proxy.leadTo(Number(new URL(relay.url).port))
    return relay
  }

  /** Where a life has its data. */
  folderOf(life: string): string {
    return this.#folder.at(life)
  }

  /** Everybody is thrown off, and comes back. */
  cut(): void {
    this.#proxy.cut()
  }

  async stop(life: string): Promise<void> {
    await this.#running.get(life)?.drain()
    this.#running.delete(life)
  }

  /** Another life that begins where this one is now. It has to be stopped. */
  copy(life: string, to: string): void {
    cpSync(this.#folder.at(life), this.#folder.at(to), { recursive: true })
  }

  /** Changes what is stored; it has to be stopped. undefined: it stays. */
  rewrite(life: string, change: (event: StoredEvent) => string | undefined): void {
    const db = new BetterSqlite3(join(this.#folder.at(life), databaseName))
    try {
      db.exec('DELETE FROM tiles; DELETE FROM cuts')
      for (const row of db.prepare<[], { id: number, seq: number, text: Buffer }>('SELECT id, seq, text FROM events').all()) {
        const text = change({ seq: row.seq, text: row.text.toString() })
        if (text !== undefined) db.prepare('UPDATE events SET text = ? WHERE id = ?').run(Buffer.from(text), row.id)
      }
    } finally {
      db.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]()
    for (const relay of this.#running.values()) await relay.drain()
    this.#folder[Symbol.dispose]()
  }
}

export const startLyingRelay = async (overrides: Partial<Config> = {}): Promise<LyingRelay> =>
  new LyingRelay(newFolder(memoryFolder()), await newProxy(0), overrides)
