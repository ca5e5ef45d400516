// Who is put out at one process is out at the others when that is answered, though what was told of it was lost on the way there.
import { expect, test } from 'vitest'
import { startTestCluster } from '../kit/cluster.ts'
import { newKey } from '../kit/wire.ts'

const adminKey = 'open sesame, or so'

const goneWhereUnheard = async (
  isKeyed: boolean,
  type: 'ADMIN_KICK' | 'ADMIN_BAN',
  told: 'close' | 'standing',
  reason: string,
): Promise<void> => {
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
}

const taken = 'Identity claimed by another connection'

test('a key that is kicked is gone at the process that did not hear it', () => goneWhereUnheard(true, 'ADMIN_KICK', 'close', taken))

test('one without a key that is kicked is gone there too', () => goneWhereUnheard(false, 'ADMIN_KICK', 'close', taken))

test('a key that is banned is gone there too', () => goneWhereUnheard(true, 'ADMIN_BAN', 'standing', 'BANNED'))

test('one without a key that is banned is gone there too', () => goneWhereUnheard(false, 'ADMIN_BAN', 'standing', 'BANNED'))

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
