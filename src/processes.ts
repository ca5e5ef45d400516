// THE PROCESSES OF ONE RELAY, for app.ts: by what they hear each other, and what this one is called among them.
import { hostname } from 'node:os'
import type { Logger } from './base/logger.ts'
import { MemoryBus } from './bus/memory.ts'
import { openNatsBus } from './bus/nats.ts'
import type { Config } from './config/schema.ts'
import type { BusMessage, RelayBus } from './relay/told.ts'
import { besideRelay } from './store/beside.ts'
import { liveNodes, nodeMigrations } from './store/nodes.ts'

/** @internal The processes that run on a database. @throws StorageError */
export const processesOf = (store: string) => besideRelay({ store, data: '', migrations: [nodeMigrations] }, liveNodes)

/** Beside the largest frame: who says it, and to whom. */
const envelopeBytes = 64 * 1024

/** @throws BusError that says what to do */
export const openBus = async ({ nats, cluster, node, maxFrameBytes }: Config, log: Logger): Promise<RelayBus> =>
  nats === undefined
    ? new MemoryBus<BusMessage>().join('relay')
    : openNatsBus({
      urls: nats,
      cluster,
      node: node ?? hostname().replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 64),
      // Frames that are not stored go over it whole.
      minPayloadBytes: maxFrameBytes + envelopeBytes,
      onState: state => state === 'up' ? log.info('NATS is back') : log.warn('NATS does not answer; it is tried again'),
    })
