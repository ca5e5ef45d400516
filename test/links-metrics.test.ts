// What an operator sees of links in /metrics, and that what waits of one author is found by an index.
import { sql, type Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { adminKey, linkBoth, mirrored, signedFor, startLinkable, until } from './kit/linked.ts'
import { isOnPostgres } from './kit/statements.ts'
import { newKey } from './kit/wire.ts'

test('links are counted by their hosts: whether they are there, what is behind, what waits and what was handed on', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  const host = 'b.example'
  const name = `#general@${host}`
  // Who asks often is told what the last was told: each value is waited for.
  const shows = (metric: string, value: number) => until(async () => await here.metric(metric) === value)
  await linkBoth(here, home, ['#general'], { url: home.url, host })
  await mirrored(here, name, 0)
  await shows(`agentchat_link_up{host="${host}"}`, 1)
  const key = newKey()
  await using ann = await here.login('ann', { key })
  await ann.ask({ type: 'JOIN', channel: name }, 'JOINED')
  await ann.ask(signedFor(home, key, name, 'one', '1'), 'ACK')
  await ann.next('SETTLED')
  await ann.next('MSG')
  await shows('agentchat_link_handed_total{outcome="taken"}', 1)
  await shows('agentchat_link_events_total', 1)
  await until(async () => await home.metric('agentchat_link_relayed_total') === 1)
  {
    await using boss = await home.connect()
    await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: key.id, reason: 'spam' }, 'ADMIN_RESULT')
  }
  await ann.ask(signedFor(home, key, name, 'two', '2'), 'ACK')
  expect(await ann.next('SETTLED')).toMatchObject({ code: 'BANNED' })
  await shows('agentchat_link_handed_total{outcome="refused"}', 1)
  await until(async () => await home.metric('agentchat_link_refusals_total{code="BANNED"}') === 1)
  await shows('agentchat_link_mirrors{state="following"}', 1)
  await shows(`agentchat_link_behind_events{host="${host}"}`, 0)
  await home.drain()
  await ann.ask(signedFor(home, key, name, 'three', '3'), 'ACK')
  await shows(`agentchat_link_up{host="${host}"}`, 0)
  await shows(`agentchat_link_waiting_messages{host="${host}"}`, 1)
})

test.skipIf(isOnPostgres)('what waits of an author is found by an index of what waits', async () => {
  await using relay = await startLinkable()
  const { rows } = await sql<{ detail: string }>`EXPLAIN QUERY PLAN
    SELECT count(*) FROM handed WHERE host = 'b.example' AND settled_at IS NULL AND agent = '@a'`
    .execute(relay.store.read.tables() as unknown as Kysely<unknown>)
  expect(rows.map(({ detail }) => detail)).toEqual([expect.stringContaining('handed_waiting_of')])
})
