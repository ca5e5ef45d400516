// Whoever is answered at one process finds at the others what the answer says, however long the bus takes and whatever overtakes what; and
// a process that does not answer holds nobody up.
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { Random } from '../chaos/random.ts'
import { startTestCluster, type TestCluster } from '../kit/cluster.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const adminKey = 'open sesame, please'
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })

const both = async (
  use: (one: Wire, two: Wire, cluster: TestCluster) => Promise<void>,
  options: Parameters<typeof startTestCluster>[2] = {},
): Promise<void> => {
  await using cluster = await startTestCluster(2, { adminKey }, options)
  await using one = await cluster.nodes[0]!.login('one', { key: newKey() })
  await using two = await cluster.nodes[1]!.login('two', { key: newKey() })
  await use(one, two, cluster)
}

const here = async (wire: Wire, channel: string) => (await wire.ask({ type: 'LIST_AGENTS', channel }, 'AGENTS')).list.map(({ id }) => id)

describe('with 25 ms between the processes, and things that overtake each other', () => {
  const chance = new Random(3, 'bus')
  const slow = { delayMs: 25, isShuffled: true, random: () => chance.next() }

  test('a login, a join, a new channel, a name, a leave, a kick and a ban are known elsewhere when they are answered', () =>
    both(async (one, two, { nodes }) => {
      for (const n of upTo(8)) {
        const key = newKey()
        const cara = await nodes[0]!.login(`cara${n}`, { key })
        expect(await here(two, '#general')).toContain(key.id)
        const channel = `#c${n}`
        await cara.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
        await two.ask({ type: 'JOIN', channel }, 'JOINED')
        expect(await here(two, channel)).toEqual([key.id, two.id].sort())
        await cara.ask({ type: 'SET_TOPIC', channel, topic: 'known' }, 'TOPIC_CHANGED')
        const { list } = await two.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')
        expect(list.find(({ name }) => name === channel)?.topic).toBe('known')
        await two.ask({ type: 'LEAVE', channel }, 'LEFT')
        expect(await here(cara, channel)).toEqual([key.id])
        const type = n % 2 === 0 ? 'ADMIN_KICK' : 'ADMIN_BAN'
        await two.ask({ type, agent_id: key.id, admin_key: adminKey }, 'ADMIN_RESULT')
        expect(await here(one, '#general')).not.toContain(key.id)
        if (type === 'ADMIN_BAN') await expect(nodes[0]!.login('again', { key })).rejects.toThrow('BANNED')
        expect(await cara.closed()).toMatchObject({ reason: n % 2 === 0 ? 'KICKED' : 'BANNED' })
      }
    }, slow))

  test('whoever is banned at the one while it logs in at the other has no session there when both are answered', () =>
    both(async (one, _two, { nodes }) => {
      for (let n = 0; n < 8; n++) {
        const key = newKey()
        await (await nodes[1]!.login('eve', { key })).close()
        const [wire] = await Promise.all([
          nodes[1]!.login('eve', { key }).catch(() => undefined),
          one.ask({ type: 'ADMIN_BAN', agent_id: key.id, admin_key: adminKey }, 'ADMIN_RESULT'),
        ])
        // It was in before the ban, and is ended by it.
        if (wire !== undefined) expect(await wire.closed()).toMatchObject({ reason: 'BANNED' })
        while ((await here(one, '#general')).some(id => id === key.id)) await new Promise(resolve => setTimeout(resolve, 10))
        await expect(nodes[1]!.login('eve', { key })).rejects.toThrow('BANNED')
      }
    }, slow))
})

describe('a process that hears nothing', () => {
  test('holds nobody up, and what it does not know it looks up before it refuses', () =>
    both(async (one, two, { buses }) => {
      buses[1]!.isCut = true
      for (const n of upTo(20)) {
        await one.ask({ type: 'CREATE_CHANNEL', channel: `#c${n}` }, 'JOINED')
        await two.ask({ type: 'JOIN', channel: `#c${n}` }, 'JOINED')
        await two.ask(say('hello', `#c${n}`), 'ACK')
      }
      expect(await two.answer({ type: 'JOIN', channel: '#none' })).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
      // It was waited for once.
      await one.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    }))

  test('lets speak whoever came in elsewhere, whatever else that agent belongs to', () =>
    both(async (one, two, { database }) => {
      await two.ask({ type: 'CREATE_CHANNEL', channel: '#own' }, 'JOINED')
      await one.ask({ type: 'CREATE_CHANNEL', channel: '#secret', invite_only: true }, 'JOINED')
      expect(await two.answer(say('too early', '#secret'))).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
      // As another process has stored it, and not told it yet.
      await database.ask(`INSERT INTO memberships (agent, channel, read_to) VALUES ('${two.id}', '#secret', 0)`)
      await two.ask(say('from here', '#secret'), 'ACK')
    }))

  test('looks that up beside those who read much, so that writes do not wait for them', () =>
    both(async (one, two, { nodes, database }) => {
      const client = new pg.Client({ connectionString: database.url })
      await client.connect()
      try {
        await client.query('BEGIN')
        await client.query('LOCK TABLE receipts IN ACCESS EXCLUSIVE MODE')
        const readers = await Promise.all(upTo(2).map(n => nodes[1]!.login(`reader${n}`, { key: newKey() })))
        const asked = readers.map(reader => reader.answer({ type: 'RECEIPTS' }))
        const waiting = `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'receipts'::regclass`
        while ((await database.ask<{ n: number }>(waiting))[0]!.n < 2) await new Promise(resolve => setTimeout(resolve, 20))
        expect(await two.answer({ type: 'JOIN', channel: '#none' })).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
        await two.ask(say('not held up'), 'ACK')
        await client.query('ROLLBACK')
        expect((await Promise.all(asked)).map(({ type }) => type)).toEqual(['RECEIPTS', 'RECEIPTS'])
        for (const reader of readers) await reader.close()
        await one.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
      } finally {
        await client.end()
      }
    }))

  test('looks a few names up that are not there for one address, and refuses the rest by what it remembers', async () => {
    await using cluster = await startTestCluster(2)
    await using two = await cluster.nodes[1]!.login('two', { key: newKey() })
    cluster.clock.stop()
    const asked = vi.spyOn(pg.Client.prototype, 'query')
    try {
      for (const n of upTo(60)) {
        const ask = n % 2 === 0 ? { type: 'JOIN', channel: `#none${n}` } : say('hello', `#none${n}`)
        expect(await two.answer(ask)).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
      }
      const looks = asked.mock.calls.filter(([query]) =>
        (query as { readonly text?: string }).text?.includes('from "channels" where "name" =')
      )
      expect(looks).toHaveLength(20)
    } finally {
      asked.mockRestore()
    }
  })

  test('lets in whoever was invited elsewhere, and out of a channel whoever was put out there', () =>
    both(async (one, two, { buses }) => {
      await one.ask({ type: 'CREATE_CHANNEL', channel: '#secret', invite_only: true }, 'JOINED')
      buses[1]!.isCut = true
      await one.ask({ type: 'INVITE', channel: '#secret', agent: two.id }, 'OK')
      await two.ask({ type: 'JOIN', channel: '#secret' }, 'JOINED')
      await one.ask({ type: 'REMOVE_MEMBER', channel: '#secret', agent: two.id }, 'OK')
      expect(await two.next('LEFT')).toMatchObject({ channel: '#secret' })
      expect(await two.answer(say('still here', '#secret'))).toMatchObject({ type: 'ERROR' })
    }))
})
