// The relay under attack: a process of its own, with a clock that can be set and a disk that can be filled. It ends by SIGKILL only.
import { defaultConfig, startRelay } from '../../src/app.ts'
import { openStore } from '../../src/store/open.ts'
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
  /** Whether it ends in no worst moment any more. */
  readonly isCalm: boolean
  /** A database server, if its data is on one. */
  readonly store: string | undefined
  /** What it is called among several on that server, and by what they hear each other. */
  readonly apart: { readonly node: string, readonly nats: string } | undefined
}

export type RelayCommand =
  | { readonly kind: 'clock', readonly offsetMs: number }
  | { readonly kind: 'disk', readonly isFull: boolean }
  | { readonly kind: 'calm' }
export interface RelayReady {
  readonly port: number
  /** Why it does not start. */
  readonly refused?: string
}

const { data, port, url, channels, broken, store: server, apart, ...start } = JSON.parse(process.argv[2]!) as RelayStart
let { clockOffsetMs, isCalm } = start
let store: Store | undefined
let isUp = false

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.on('message', (command: RelayCommand) => {
  if (command.kind === 'clock') clockOffsetMs = command.offsetMs
  else if (command.kind === 'calm') isCalm = true
  else if (store !== undefined) setDiskFull(store, command.isFull).catch(() => undefined)
})

const relay = await startRelay(defaultConfig({
  data,
  ...(server !== undefined && { store: server }),
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
  webhooks: true,
  outboundAllow: ['127.0.0.1'],
  // Their bytes would want a bucket.
  ...(apart !== undefined && { ...apart, maxFileBytes: 0 }),
}), {
  clock: { now: () => Date.now() + clockOffsetMs },
  openStore: async options => {
    store = await openStore(options)
    return broken === undefined ? store : brokenStore(store, broken, { isUp: () => isUp, isCalm: () => isCalm })
  },
}).catch((error: unknown) => {
  process.send!({ port: 0, refused: error instanceof Error ? error.message : String(error) } satisfies RelayReady, () => process.exit(1))
  return undefined
})
isUp = true
if (relay !== undefined) process.send!({ port: relay.port } satisfies RelayReady)
