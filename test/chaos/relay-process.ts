// The relay under attack: a process of its own, with a clock that can be set and a disk that can be filled. It ends by SIGKILL only.
import { defaultConfig, startRelay } from '../../src/app.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { chaosAdminKey } from './dealers.ts'
import { brokenStore, setDiskFull, type Promised } from './broken-store.ts'

export interface RelayStart {
  readonly data: string
  readonly port: number
  /** Where clients dial it. */
  readonly url: string
  readonly channels: readonly string[]
  /** How far the relay's clock is off. */
  readonly clockOffsetMs: number
  readonly broken: Promised | undefined
}

export type RelayCommand = { readonly kind: 'clock', readonly offsetMs: number } | { readonly kind: 'disk', readonly isFull: boolean }
export interface RelayReady {
  readonly port: number
}

const { data, port, url, channels, broken, ...start } = JSON.parse(process.argv[2]!) as RelayStart
let { clockOffsetMs } = start
let store: Store | undefined
let isUp = false

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.on('message', (command: RelayCommand) => {
  if (command.kind === 'clock') clockOffsetMs = command.offsetMs
  else if (store !== undefined) setDiskFull(store, command.isFull).catch(() => undefined)
})

const relay = await startRelay(defaultConfig({
  data,
  port,
  host: '127.0.0.1',
  publicUrls: [url],
  adminKey: chaosAdminKey,
  logLevel: 'silent',
  msgRate: 0,
  joinReplay: 0,
  channels: [...channels],
  autoJoin: [],
  verifiedChannels: [],
  // Peers that stand still are given up within the run.
  pingIntervalMs: 1_000,
  pingTimeoutMs: 4_000,
  maxPendingBytes: 1_000_000,
}), {
  clock: { now: () => Date.now() + clockOffsetMs },
  openStore: options => {
    store = openSqlite(options)
    return broken === undefined ? store : brokenStore(store, broken, () => isUp)
  },
})
isUp = true
process.send!({ port: relay.port } satisfies RelayReady)
