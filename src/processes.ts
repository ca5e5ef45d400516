// THE PROCESSES OF ONE RELAY, for app.ts: by what they hear each other, and what this one is called among them.
import { hostname } from 'node:os'
import { SharedClock, type Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { Metrics } from './base/metrics.ts'
import { MemoryBus } from './bus/memory.ts'
import { lookAtNats, openNatsBus, type NatsOptions } from './bus/nats.ts'
import type { ConfigProblem } from './config/load.ts'
import type { Config } from './config/schema.ts'
import type { NodesOptions } from './relay/nodes.ts'
import type { BusMessage, RelayBus } from './relay/told.ts'
import { besideRelay } from './store/beside.ts'
import { liveNodes, nodeMigrations, type NodeFacts } from './store/nodes.ts'
import type { StoreOptions } from './store/store.ts'

/** @internal The processes that run on a database. @throws StorageError */
export const processesOf = (store: string) =>
  besideRelay({ store, data: '', migrations: [nodeMigrations] }, async db =>
    (await liveNodes(db)).map(({ facts, ...row }) => ({
      ...row,
      // One of before it said so says nothing.
      standing: JSON.parse(facts) as Partial<NodeFacts>,
    })))

/** @internal What several processes want that one does not. */
export const problemsOfSeveral = ({ nats, store, maxFileBytes, filesBucket }: Config): readonly ConfigProblem[] => [
  ...(nats !== undefined && store === undefined
    ? [{ where: 'nats', message: 'several processes share a database server: name it by --store postgres://…' }]
    : []),
  ...(nats !== undefined && maxFileBytes > 0 && filesBucket === undefined
    ? [{
      where: 'nats',
      message: 'several processes share the bytes of files: name a bucket (filesBucket), or take none (--max-file-bytes 0)',
    }]
    : []),
]

/** How a clock is set by the database's, where it can be; and what becomes of one whose name is another's. */
export const standingOf = (clock: Clock, { renew }: Pick<ReturnType<typeof earsOf>, 'renew'>) => ({
  ...clockOf(clock),
  nameTaken: () => renew('another process runs under the name of this one'),
})

const clockOf = (clock: Clock): Pick<NodesOptions, 'setClock' | 'ownNow'> =>
  clock instanceof SharedClock
    ? {
      setClock: (now, askedAt) => {
        clock.set(now, askedAt)
        return clock.aheadMs
      },
      ownNow: () => clock.elapsed(),
    }
    : { setClock: () => 0, ownNow: () => clock.now() }

/** Beside the largest frame: who says it, and to whom. */
const envelopeBytes = 64 * 1024

const natsOf = ({ nats = '', cluster, node, maxFrameBytes }: Config): NatsOptions => ({
  urls: nats,
  cluster,
  node: node ?? hostname().replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 64),
  // Frames that are not stored go over it whole.
  minPayloadBytes: maxFrameBytes + envelopeBytes,
})

/** @internal What the server of NATS is, where processes with these settings could hear each other by it. @throws BusError */
export const lookAtBus = (config: Config): Promise<string> => lookAtNats(natsOf(config))

/** @throws BusError that says what to do */
export const openBus = async (config: Config, log: Logger): Promise<RelayBus> =>
  config.nats === undefined
    ? new MemoryBus<BusMessage>().join('relay')
    : openNatsBus({
      ...natsOf(config),
      onState: (state, detail) => {
        if (state === 'down') log.warn('NATS does not answer; it is tried again')
        else if (detail === undefined) log.info('NATS is back')
        else log.error({ hint: 'put max_payload into its nats.conf' }, `NATS is back. ${detail}: what is larger and not stored is lost`)
      },
    })

/** What a store tells the relay. `renewed` resolves when it has to be started again: its database lacks what was acknowledged, for one. */
export const earsOf = (log: Logger, metrics: Metrics) => {
  let renew = (_why: string): void => undefined
  const renewed = new Promise<string>(resolve => {
    renew = resolve
  })
  return {
    renewed,
    renew: (why: string) => renew(why),
    onIndexProblem: (error: unknown) =>
      log.warn({ error: String(error) }, 'the index of messages could not be brought forward; it is tried again'),
    onDoubt: outcome => metrics.doubts.inc({ outcome }),
    onCommit: roundTrips => metrics.roundTrips.observe(roundTrips),
    onTightened: ({ tightened, left }) => {
      if (tightened.length > 0) log.warn({ files: tightened }, 'others could read data of the relay; now only its owner can')
      if (left.length > 0)
        log.warn({ files: left }, 'others can read data of the relay, and it is not the owner who could change that: chmod 700, 600')
    },
    onRenewed: epoch => {
      log.error({ epoch }, 'the database lacks what was acknowledged: the log has a new epoch, and the relay has to be started again')
      renew('the database lacks what was acknowledged')
    },
  } satisfies Partial<StoreOptions> & { readonly renewed: Promise<string>, readonly renew: (why: string) => void }
}
