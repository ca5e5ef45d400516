// Who came back at another process: what it had sent before, and what stands still where it was, is not stored behind what it says now.
import { expect, test } from 'vitest'
import { Seats } from '../../src/relay/seats.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { startTestCluster } from '../kit/cluster.ts'
import { newKey } from '../kit/wire.ts'

/** A store whose transactions begin when it may. */
const stopped = (store: Store) => {
  let mayBegin: Promise<void> | undefined
  let go = () => {}
  let waiting = 0
  return {
    stop() {
      mayBegin = new Promise(resolve => {
        go = resolve
      })
    },
    goOn() {
      mayBegin = undefined
      go()
    },
    get waiting() {
      return waiting
    },
    store: {
      epoch: store.epoch,
      read: store.read,
      aside: store.aside,
      async write(fn) {
        waiting++
        await mayBegin
        waiting--
        return store.write(fn)
      },
      space: () => store.space(),
      close: () => store.close(),
    } satisfies Store,
  }
}

test('what was refused at the process to which its sender went is not stored by the one that stood still', async () => {
  const stores: ReturnType<typeof stopped>[] = []
  await using cluster = await startTestCluster(2, { maxInboxPerSender: 1 }, {
    openStore: async options => {
      const store = stopped(await openStore(options))
      stores.push(store)
      return store.store
    },
  })
  const [one, two] = cluster.nodes
  const key = newKey()
  await using ann = await one!.login('ann', { key, session: 'desk' })
  await using bob = await two!.login('bob', { key: newKey(), inbox: 'manual' })
  const say = (id: string) => ({ type: 'MSG', id, to: bob.id, content: id })
  await ann.ask(say('1'), 'ACK')
  // The first process stands still, and hears nothing.
  cluster.buses[0]!.isCut = true
  stores[0]!.stop()
  ann.send(say('2'))
  await expect.poll(() => stores[0]!.waiting).toBeGreaterThan(0)
  await using again = await two!.login('ann', { key, session: 'desk' })
  expect(await again.answer(say('2'))).toMatchObject({ type: 'ERROR', code: 'LIMIT_REACHED' })
  const { seq } = await bob.next('MSG')
  await bob.ask({ type: 'RECEIVED', seq: 1 }, 'OK')
  await again.ask(say('3'), 'ACK')
  await bob.ask({ type: 'RECEIVED', seq: 2 }, 'OK')
  stores[0]!.goOn()
  expect(await ann.next('SESSION_DISPLACED')).toMatchObject({ reason: 'Identity claimed by another connection' })
  expect(await ann.closed()).toMatchObject({ reason: 'Identity claimed by another connection' })
  const { events } = await again.ask({ type: 'HISTORY', with: bob.id, after: 0 }, 'HISTORY')
  expect([seq, events.map(event => (event as { content?: string }).content)]).toEqual([1, ['1', '3']])
})

test('the place of a session is gone with it, and with the process that ended without a word', async () => {
  await using cluster = await startTestCluster(2)
  const { database, clock, nodes: [one, two] } = cluster
  const seats = async () =>
    (await database.ask<{ session: string }>('SELECT session FROM seats ORDER BY session')).map(({ session }) => session)
  const key = newKey()
  await using desk = await one!.login('ann', { key, session: 'desk' })
  await using door = await two!.login('ann', { key, session: 'door' })
  await using guest = await two!.login('guest', { session: 'hall' })
  expect(await seats()).toEqual(['desk', 'door', 'hall'])
  await using deskAgain = await two!.login('ann', { key, session: 'desk' })
  await desk.closed()
  await door.close()
  clock.advance(3_000)
  await expect.poll(seats).toEqual(['desk', 'hall'])
  await deskAgain.barrier()
  await guest.barrier()
  await database.ask("DELETE FROM nodes WHERE name = 'node2'")
  // One that stands still, and was taken for dead, tells its clients to come back: they are not another's meanwhile.
  const own = new Seats()
  const sweepAt = (now: number) => one!.store.write(async tx => (await own.sweep(tx, now))())
  await sweepAt(0)
  await sweepAt(599_999)
  expect(await seats()).toEqual(['desk', 'hall'])
  await sweepAt(600_000)
  expect(await seats()).toEqual([])
})

test('of two connections that take a session at two processes the later one has it, though its clock is behind', async () => {
  await using cluster = await startTestCluster(2)
  const { clock, nodes: [one, two] } = cluster
  const key = newKey()
  await using former = await one!.login('ann', { key })
  clock.advance(-5_000)
  await using later = await two!.login('ann', { key })
  expect(await former.closed()).toMatchObject({ reason: 'Identity claimed by another connection' })
  await later.barrier()
  expect(await later.ask({ type: 'WHOIS', agent: later.id }, 'WHOIS')).toMatchObject({ sessions: 1 })
})
