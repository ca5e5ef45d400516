// The relay as the run sees it: killed without warning, and started again on the same data and port.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Promised } from './broken-store.ts'
import { Child } from './child.ts'
import type { Random } from './random.ts'
import type { RelayCommand, RelayReady, RelayStart } from './relay-process.ts'
import { tearWal } from './wal.ts'

export class Victim implements Disposable {
  readonly #data: string
  readonly #url: () => string
  readonly #channels: readonly string[]
  readonly #broken: Promised | undefined
  #child: Child<RelayCommand, RelayReady> | undefined
  #clockOffsetMs = 0
  port = 0
  kills = 0
  tears = 0

  /** `url`: where clients dial it. */
  constructor(data: string, url: () => string, channels: readonly string[], broken: Promised | undefined) {
    this.#data = data
    this.#url = url
    this.#channels = channels
    this.#broken = broken
  }

  async start(): Promise<void> {
    const start: RelayStart = {
      data: this.#data,
      port: this.port,
      url: this.#url(),
      channels: this.#channels,
      clockOffsetMs: this.#clockOffsetMs,
      broken: this.#broken,
    }
    await new Promise<void>((resolve, reject) => {
      const child = this.#child = new Child<RelayCommand, RelayReady>('./relay-process.js', start, ({ port }) => {
        this.port = port
        resolve()
      })
      void child.ended.then(() => reject(new Error('the relay ended by itself')))
    })
  }

  async kill(): Promise<void> {
    this.kills++
    await this.end()
  }

  async end(): Promise<void> {
    this.#child?.signal('SIGKILL')
    await this.#child?.ended
  }

  /** Damages what a crash may damage, while no relay runs. */
  tearLog(random: Random): void {
    const wal = join(this.#data, 'agentchat.db-wal')
    if (!existsSync(wal)) return
    this.tears++
    tearWal(wal, random)
  }

  setClock(offsetMs: number): void {
    this.#clockOffsetMs = offsetMs
    this.#child?.tell({ kind: 'clock', offsetMs })
  }

  setDisk(isFull: boolean): void {
    this.#child?.tell({ kind: 'disk', isFull })
  }

  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]()
  }
}
