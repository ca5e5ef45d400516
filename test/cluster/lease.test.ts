// A process that ended, or is believed to have: what it had stored and not told is read, and one that goes on all the same is known again.
import { expect, test } from 'vitest'
import { startTestCluster } from '../kit/cluster.ts'
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

test('one whose lease is over, and that goes on, is known again with its sessions, however often that was seen', async () => {
  await using cluster = await startTestCluster(2)
  const { database, clock, nodes: [one, two] } = cluster
  await using ann = await one!.login('ann', { key: newKey() })
  await using bob = await two!.login('bob', { key: newKey() })
  const isHere = async () => (await ann.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list.some(({ id }) => id === bob.id)
  await comesTrue(isHere)
  // As where it does not reach the database, and is heard.
  await database.ask('CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$')
  await database.ask(`CREATE TRIGGER away BEFORE INSERT OR UPDATE ON nodes
    FOR EACH ROW WHEN (NEW.name = 'node2') EXECUTE FUNCTION away()`)
  await database.ask("DELETE FROM nodes WHERE name = 'node2'")
  const saidAt = async () => (await database.ask<{ until: string }>("SELECT until FROM nodes WHERE name = 'node1'"))[0]!.until
  for (let round = 0; round < 3; round++) {
    const before = await saidAt()
    clock.advance(3_000)
    await comesTrue(async () => await saidAt() !== before)
    await comesTrue(isHere)
  }
  await database.ask('DROP TRIGGER away ON nodes')
  await comesTrue(isHere)
})
