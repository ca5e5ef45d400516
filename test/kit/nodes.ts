// Two relays on one store that tell each other what they commit.
import { MemoryBus } from '../../src/bus/memory.ts'
import type { Bus } from '../../src/bus/bus.ts'
import type { Config } from '../../src/app.ts'
import type { BusMessage } from '../../src/relay/told.ts'
import { FaultyBus, type Fate } from './bus.ts'
import { openRunStore } from './engine.ts'
import { startTestRelay, type TestRelay } from './relay.ts'
import type { Store } from '../../src/store/store.ts'

export interface TestNodes extends AsyncDisposable {
  readonly one: TestRelay
  readonly two: TestRelay
  /** One more, which has stopped before these. */
  start(node: string): Promise<TestRelay>
}

/** The store stays open until both have stopped. */
const kept = (store: Store): Store => ({
  epoch: store.epoch,
  read: store.read,
  aside: store.aside,
  write: fn => store.write(fn),
  space: () => store.space(),
  close: () => Promise.resolve(),
})

export const startTestNodes = async (
  overrides: Partial<Config> = {},
  fateOf: (message: BusMessage) => Fate = () => 'now',
): Promise<TestNodes> => {
  const bus = new MemoryBus<BusMessage>()
  let store: Promise<Store> | undefined
  const start = (node: string): Promise<TestRelay> =>
    startTestRelay(overrides, {
      bus: new FaultyBus<BusMessage>(bus.join(node), fateOf) satisfies Bus<BusMessage>,
      openStore: async options => kept(await (store ??= Promise.resolve(openRunStore(options)))),
    })
  const one = await start('one')
  const two = await start('two')
  return {
    one,
    two,
    start,
    async [Symbol.asyncDispose]() {
      await one.drain()
      await two.drain()
      await (await store)?.close()
    },
  }
}
