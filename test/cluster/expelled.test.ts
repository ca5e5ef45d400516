// Who is put out at one process is out at the others when that is answered, though what was told of it was lost on the way there.
import { expect, test } from 'vitest'
import { startTestCluster } from '../kit/cluster.ts'
import { newKey } from '../kit/wire.ts'

const adminKey = 'open sesame, or so'

test.each([
  ['a key that is kicked', true, 'ADMIN_KICK', 'close', 'Identity claimed by another connection'],
  ['one without a key that is kicked', false, 'ADMIN_KICK', 'close', 'Identity claimed by another connection'],
  ['a key that is banned', true, 'ADMIN_BAN', 'standing', 'BANNED'],
  ['one without a key that is banned', false, 'ADMIN_BAN', 'standing', 'BANNED'],
] as const)('%s is gone at the process that did not hear it', async (_who, isKeyed, type, told, reason) => {
  await using cluster = await startTestCluster(2, { adminKey })
  const { buses, nodes: [one, two] } = cluster
  await using boss = await one!.login('boss')
  await using eve = await two!.login('eve', isKeyed ? { key: newKey() } : {})
  await expect.poll(async () => (await boss.answer({ type: 'WHOIS', agent: eve.id })).type).toBe('WHOIS')
  let isLost = false
  buses[0]!.loses = message => {
    if (message.kind !== 'told' || message.told.kind !== told || isLost) return false
    isLost = true
    return true
  }
  await boss.ask({ type, admin_key: adminKey, agent_id: eve.id }, 'ADMIN_RESULT')
  expect(isLost).toBe(true)
  expect(await eve.closed()).toMatchObject({ reason: expect.stringContaining(reason) as string })
  // And nobody is there to be kicked a second time.
  expect(await boss.answer({ type: 'ADMIN_KICK', admin_key: adminKey, agent_id: eve.id })).toMatchObject({ code: 'AGENT_NOT_FOUND' })
})

test('of a connection that was gone when its login was stored, no place stays', async () => {
  await using cluster = await startTestCluster(2)
  const { database, clock, nodes: [one] } = cluster
  const seats = async () => (await database.ask('SELECT session FROM seats')).length
  one!.store.hold()
  const guest = await one!.connect()
  guest.send({ type: 'IDENTIFY', name: 'guest' })
  await one!.store.reached()
  await guest.close()
  await expect.poll(() => one!.metric('agentchat_connections')).toBe(0)
  one!.store.release()
  await expect.poll(seats).toBe(1)
  clock.advance(3_000)
  await expect.poll(seats).toBe(0)
})
