// A process that ended, or is believed to have: what it had stored and not told is read, and one that goes on all the same is known again.
import { expect, test } from 'vitest'
import { startTestCluster, type TestCluster } from '../kit/cluster.ts'
import { newKey } from '../kit/wire.ts'

const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 20))
}

test('what one stored and told nobody, because it ended, is read once it is seen to have ended', async () => {
  await using cluster = await startTestCluster(2)
  const { database, clock, nodes: [one, two] } = cluster
  await using ann = await one!.login('ann', { key: newKey() })
  await using bob = await one!.login('bob', { key: newKey() })
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
  await bob.ask({ type: 'JOIN', channel: '#plans' }, 'JOINED')
  await database.ask(`DELETE FROM memberships WHERE agent = '${bob.id}'`)
  await two!.drain()
  clock.advance(3_000)
  expect(await bob.next('LEFT')).toMatchObject({ channel: '#plans' })
})

/** As where the second does not reach the database, and is heard. */
const cutOffSecond = async (database: TestCluster['database']): Promise<void> => {
  await database.ask('CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$')
  await database.ask(`CREATE TRIGGER away BEFORE INSERT OR UPDATE ON nodes
    FOR EACH ROW WHEN (NEW.name = 'node2') EXECUTE FUNCTION away()`)
  await database.ask("DELETE FROM nodes WHERE name = 'node2'")
}

/** So much later the first says again that it runs, and looks who else does. */
const renewed = async ({ database, clock }: TestCluster, laterMs: number): Promise<void> => {
  const saidAt = async () => (await database.ask<{ until: string }>("SELECT until FROM nodes WHERE name = 'node1'"))[0]!.until
  const before = await saidAt()
  clock.advance(laterMs)
  await comesTrue(async () => await saidAt() !== before)
}

test('one whose lease is over, and that goes on, is known again with its sessions, however often that was seen', async () => {
  await using cluster = await startTestCluster(2)
  const { database, nodes: [one, two] } = cluster
  await using ann = await one!.login('ann', { key: newKey() })
  await using bob = await two!.login('bob', { key: newKey() })
  const isHere = async () => (await ann.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list.some(({ id }) => id === bob.id)
  await comesTrue(isHere)
  await cutOffSecond(database)
  for (let round = 0; round < 3; round++) {
    await renewed(cluster, 3_000)
    await comesTrue(isHere)
  }
  await database.ask('DROP TRIGGER away ON nodes')
  await comesTrue(isHere)
})

test('after a time in which the database took no renewals, others are believed to run for as long as a lease, and not for ever', async () => {
  await using cluster = await startTestCluster(2)
  const { database, nodes: [one, two] } = cluster
  await using ann = await one!.login('ann', { key: newKey() })
  await using bob = await two!.login('bob', { key: newKey() })
  await comesTrue(async () => (await ann.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list.some(({ id }) => id === bob.id))
  await ann.ask({ type: 'WATCH', agents: [bob.id] }, 'WATCHING')
  const gone = () => ann.heard.filter(frame => frame.type === 'PRESENCE_CHANGED' && frame.presence === 'offline').length
  await cutOffSecond(database)
  // Less than a lease.
  await renewed(cluster, 8_000)
  await ann.barrier()
  expect(gone()).toBe(0)
  // It is as slow from now on.
  for (let round = 0; round < 3; round++) await renewed(cluster, 8_000)
  await comesTrue(async () => gone() > 0)
})
