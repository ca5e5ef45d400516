// What is erased at one process while somebody reacts at another one: neither undoes what the other one does.
import { expect, test } from 'vitest'
import { startTestCluster } from '../kit/cluster.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const say = async (wire: Wire, content: string, to = '#general') => (await wire.ask({ type: 'MSG', to, content }, 'ACK')).msg_id

test('a reaction at one process while another one of the same message is erased at another: both count', async () => {
  await using cluster = await startTestCluster(2)
  const [one, two] = cluster.nodes
  await using ann = await one!.login('ann', { key: newKey() })
  await using bob = await two!.login('bob', { key: newKey() })
  const msg_id = await say(bob, 'what do you think?')
  await ann.ask({ type: 'REACT', msg_id, kind: '+1' }, 'REACTED')
  // What stands before its commit is the erasure, and nothing that is due just now.
  cluster.clock.stop()
  await ann.barrier()
  await one!.store.write(() => undefined)
  one!.store.hold()
  ann.send({ type: 'ERASE', id: 'e' })
  await one!.store.reached()
  const reacted = bob.answer({ type: 'REACT', msg_id, kind: '+1' })
  const waiting = () =>
    cluster.database.ask("SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
  while ((await waiting()).length === 0) await new Promise(resolve => setTimeout(resolve, 10))
  one!.store.release()
  cluster.clock.go()
  expect(await reacted).toMatchObject({ type: 'REACTED', sums: [{ kind: '+1', count: 1 }] })
  await ann.next('ERASED')
  await bob.ask({ type: 'UNREACT', msg_id, kind: '+1' }, 'REACTED')
  expect(await cluster.database.ask('SELECT sums FROM reacted')).toEqual([{ sums: '[]' }])
}, 60_000)
