// The relay under attack: a process of its own, with a clock that can be set, a disk that can be filled and ears that hear badly. It ends by
// SIGKILL only.
import { defaultConfig, startRelay, type Config } from '../../src/app.ts'
import { createLogger } from '../../src/base/log.ts'
import { openBus } from '../../src/processes.ts'
import type { RelayBus } from '../../src/relay/told.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { numberWithoutLock } from './broken-numbering.ts'
import { brokenStore, setDiskFull } from './broken-store.ts'
import { chaosAdminKey } from './dealers.ts'
import type { Promised } from './promises.ts'
import { Random } from './random.ts'
import { HastyBus, Missed, ShakenBus, type BusTrouble } from './shaken-bus.ts'

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
  readonly apart: Neighbourhood | undefined
}

interface Neighbourhood {
  readonly node: string
  readonly nats: string
  readonly trouble: BusTrouble
  readonly seed: number
}

export type RelayCommand =
  | { readonly kind: 'clock', readonly offsetMs: number }
  | { readonly kind: 'disk', readonly isFull: boolean }
  | { readonly kind: 'bus', readonly trouble: BusTrouble }
  | { readonly kind: 'calm' }
export interface RelayReady {
  readonly port: number
  /** Why it does not start. */
  readonly refused?: string
}

const { data, port, url, channels, broken, store: server, apart, ...start } = JSON.parse(process.argv[2]!) as RelayStart
let { clockOffsetMs, isCalm } = start
let store: Store | undefined
let bus: ShakenBus | undefined
let isUp = false
const missed = new Missed()

/** What is broken of it is outermost. */
const heardBy = async (config: Config, { node, trouble, seed }: Neighbourhood): Promise<RelayBus> => {
  bus = new ShakenBus(await openBus(config, createLogger({ level: config.logLevel, format: config.logFormat })),
    new Random(seed, `bus ${node}`), message => missed.add(message))
  bus.trouble = trouble
  return broken === 'known' ? new HastyBus(bus) : bus
}

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.on('message', (command: RelayCommand) => {
  if (command.kind === 'clock') clockOffsetMs = command.offsetMs
  else if (command.kind === 'calm') isCalm = true
  else if (command.kind === 'bus') {
    if (bus !== undefined) bus.trouble = command.trouble
  } else if (store !== undefined) setDiskFull(store, command.isFull).catch(() => undefined)
})

const config = defaultConfig({
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
  ...(apart !== undefined && { node: apart.node, nats: apart.nats, maxFileBytes: 0 }),
})

const relayOf = async () => {
  if (broken === 'numbering') await numberWithoutLock(server!)
  return startRelay(config, {
    clock: { now: () => Date.now() + clockOffsetMs },
    ...(apart !== undefined && { bus: await heardBy(config, apart) }),
    openStore: async options => {
      store = await openStore(options)
      return broken === undefined ? store : brokenStore(store, broken, { isUp: () => isUp, isCalm: () => isCalm }, missed)
    },
  })
}

const relay = await relayOf().catch((error: unknown) => {
  process.send!({ port: 0, refused: error instanceof Error ? error.message : String(error) } satisfies RelayReady, () => process.exit(1))
  return undefined
})
isUp = true
if (relay !== undefined) process.send!({ port: relay.port } satisfies RelayReady)
