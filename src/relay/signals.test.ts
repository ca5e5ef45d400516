import { expect, test } from 'vitest'
import type { Connection } from './connection.ts'
import { MemoryBus } from '../bus/memory.ts'
import { Filters } from './filters.ts'
import { Hub } from './hub.ts'
import { none } from './lean-set.ts'
import type { Outbox } from './outbox.ts'
import { Roster } from './roster.ts'
import { Signals } from './signals.ts'

const turn = () => new Promise(resolve => setImmediate(resolve))

test('one turn of the event loop serves a thousand listeners; the next turns go on, and who left meanwhile is told no more', async () => {
  let served = 0
  const outbox = {
    add: () => {
      served++
    },
  } as unknown as Outbox
  const hub = new Hub(
    {
      bus: new MemoryBus<never>().join('n1'),
      outbox,
      filters: new Filters({ outbox, clock: { now: () => 1 }, groupsOf: () => undefined }),
      counts: { deliveries: 0 },
    } as never,
  )
  const roster = new Roster()
  roster.setChannel({ name: '#c', private: false, verifiedOnly: false, topic: '', description: '' } as never)
  const signals = new Signals({ roster, hub, outbox, clock: { now: () => 1 }, announceMaxMembers: 10_000, everyMs: 1_000 })
  const listeners = Array.from({ length: 2_500 }, () => ({ channels: none as ReadonlySet<string> }) as Connection)
  for (const connection of listeners) hub.listen(connection, '#c')

  const typing = (agent: string) =>
    signals.tell({ agent, to: { kind: 'channel', channel: '#c' }, type: 'TYPING', body: { from: agent, from_name: 'x', channel: '#c' } })
  typing('@a')
  typing('@b')
  expect(served).toBe(1_000)
  await turn()
  expect(served).toBe(2_000)
  await turn()
  expect(served).toBe(3_000)
  for (const connection of listeners.slice(2_400)) hub.unsubscribe(connection, '#c')
  await turn()
  await turn()
  expect(served).toBe(4_900)
  await turn()
  expect(served).toBe(4_900)
  signals.stop()
})
