// One relay of several that are linked, in a process of its own: killed, or made to stand still, as chance has it.
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { databaseName } from '../../src/keeping/files.ts'
import { freePort } from '../kit/port.ts'
import { Child } from './child.ts'
import { chaosAdminKey } from './dealers.ts'
import { sqliteRemains, type Event, type Remains } from './remains.ts'
import type { ServeStart, Serving } from './serve-process.ts'
import { Way } from './way.ts'

export class LinkedRelay implements Disposable {
  /** As it stands behind names at the others. */
  readonly host: string
  readonly #data: string
  /** How others come to it, by who comes. */
  readonly ways = new Map<LinkedRelay, Way>()
  #child: Child<never, Serving> | undefined
  #isFrozen = false
  port = 0
  serverId = ''
  /** How often it ended by itself. */
  fallen = 0

  constructor(host: string, folder: string) {
    this.host = host
    this.#data = join(folder, host)
  }

  /** The others can be told where it is from now on. */
  async prepare(others: readonly LinkedRelay[]): Promise<void> {
    this.port = await freePort()
    for (const other of others) this.ways.set(other, await Way.open(() => this.port))
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  urlFor(other: LinkedRelay): string {
    return `ws://127.0.0.1:${this.ways.get(other)!.port}`
  }

  start(): Promise<void> {
    const flags = [
      ...['--host', '127.0.0.1', '--port', `${this.port}`, '--data', this.#data, '--admin-key', chaosAdminKey, '--links', 'listed'],
      ...['--public-urls', [this.url, ...[...this.ways.keys()].map(other => this.urlFor(other))].join(',')],
      ...['--msg-rate', '0', '--log-level', 'silent'],
    ]
    return new Promise((resolve, reject) => {
      const child = this.#child = new Child<never, Serving>('./serve-process.js', { flags } satisfies ServeStart, ({ server_id }) => {
        this.serverId = server_id
        resolve()
      })
      void child.ended.then(() => {
        if (this.#child !== child) return resolve()
        this.fallen++
        reject(new Error(`${this.host} ended by itself`))
      })
    })
  }

  async end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    child?.signal('SIGKILL')
    await child?.ended
  }

  /** It stands still for as long, and does not know it. */
  async freeze(wait: () => Promise<unknown>): Promise<void> {
    const child = this.#child
    if (child === undefined || this.#isFrozen) return
    this.#isFrozen = true
    child.signal('SIGSTOP')
    try {
      await wait()
    } finally {
      child.signal('SIGCONT')
      this.#isFrozen = false
    }
  }

  /** What it left, read without its own code: it has to be ended. */
  remains(): Remains {
    return sqliteRemains(new BetterSqlite3(join(this.#data, databaseName), { readonly: true }))
  }

  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]()
    for (const way of this.ways.values()) way.close()
  }
}

/** All events of a stream. */
export const eventsOf = async (remains: Remains, name: string): Promise<readonly Event[]> => {
  const [stream] = await remains.ask<{ id: number }>(`SELECT id FROM streams WHERE name = '${name}'`)
  const events: Event[] = []
  if (stream !== undefined) { for await (const event of remains.events(stream.id)) events.push(event) }
  return events
}
