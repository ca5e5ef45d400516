// A standby takes over that lacks what was acknowledged: no process goes on under the numbers that are given again. The log has a new
// epoch, the same for all, and clients come back to what of it is there.
import { expect, test } from 'vitest'
import { MemoryBus } from '../../src/bus/memory.ts'
import type { BusMessage } from '../../src/relay/told.ts'
import { clientOf, statusOf } from '../kit/client.ts'
import { SlowBus } from '../kit/cluster.ts'
import {
  asked,
  crash,
  crashAndRestart,
  newServerFolder,
  startServer,
  startStandby,
  stopServer,
  urlOf,
  type Server,
} from '../kit/postgres.ts'
import { newProxy } from '../kit/proxy.ts'
import { startTestRelay } from '../kit/relay.ts'

test('two processes, of which one acknowledged what the standby lacks, begin one new life, and a client hears what is said in it',
  async () => {
    let primary = await startServer(newServerFolder(), ['max_wal_senders=2', 'hot_standby=on'])
    let standby: Server | undefined
    try {
      standby = await startStandby(primary)
      await using line = await newProxy(primary.port)
      const url = new URL(urlOf(primary, 'postgres', true))
      url.port = String(line.port)
      const bus = new MemoryBus<BusMessage>()
      const start = (node: string, port = 0) =>
        startTestRelay({ store: url.href, nats: 'nats://in.memory', node, port, maxFileBytes: 0 }, {
          bus: new SlowBus(bus.join(node), 0, Math.random, false),
          pace: { isOwnTime: true },
        })
      const a = await start('a')
      const b = await start('b')
      const { epoch } = a.store
      expect(b.store.epoch).toBe(epoch)
      const heard: string[] = []
      await using client = await clientOf(a, { name: 'reader' })
      client.on('message', ({ content }) => heard.push(content))
      await client.join('#general')
      await client.send('#general', 'on both servers')
      const there = urlOf(standby, 'postgres')
      const count = async () => (await asked<{ n: string }>(there, 'SELECT count(*) AS n FROM events'))[0]!.n
      await expect.poll(count).toBe('1')

      // A server that only crashes begins nothing new.
      primary = await crashAndRestart(primary)
      await client.send('#general', 'on both servers too')
      await expect.poll(count).toBe('2')
      await crash(standby)
      await client.send('#general', 'on the first server alone')
      await expect.poll(() => heard).toEqual(['on both servers', 'on both servers too', 'on the first server alone'])
      await crash(primary)
      standby = await crashAndRestart(standby)
      await asked(there, 'SELECT pg_promote()')
      line.leadTo(standby.port)
      await Promise.all([a.renewed, b.renewed])

      const again = statusOf(client, 'epoch-changed')
      await a.drain()
      await b.drain()
      await using c = await start('c', Number(new URL(a.url).port))
      await using d = await start('d')
      expect(c.store.epoch).not.toBe(epoch)
      expect(d.store.epoch).toBe(c.store.epoch)
      expect(await again).toMatchObject({ epoch: c.store.epoch })
      await using wire = await d.login('newcomer')
      await wire.ask({ type: 'MSG', to: '#general', content: 'under a number that was given before' }, 'ACK')
      await expect.poll(() => heard.slice(3)).toEqual(['under a number that was given before'])
      expect((await wire.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).events.map(({ seq, content }) => [seq, content]))
        .toEqual([[1, 'on both servers'], [2, 'on both servers too'], [3, 'under a number that was given before']])
    } finally {
      for (const each of [primary, standby]) if (each !== undefined) await stopServer(each)
    }
  }, 90_000)
