// What is read again of agents: a few queries for however many are here, and of each what one query of its own would say.
import { expect, onTestFinished, test, vi } from 'vitest'
import { agentMigrations, rememberAgent, revokeAgent, setVerified } from '../store/agents.ts'
import { openSqlite } from '../store/sqlite/store.ts'
import { approve, ban, standingMigrations, standingOf } from '../store/standing.ts'
import { webhookMigrations } from '../store/webhooks.ts'
import type { Connection } from './connection.ts'
import { rereadAgents } from './reread.ts'
import { Roster } from './roster.ts'
import type { Told } from './told.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

const connection = (): Connection =>
  ({ session: '', address: '192.0.2.1', heardAt: 1, channels: new Set<string>(), watching: new Set<string>() }) as unknown as Connection

const read = async (count: number) => {
  const store = openSqlite({
    data: ':memory:',
    durability: 'normal',
    migrations: [agentMigrations, standingMigrations, webhookMigrations],
    newEpoch: () => '0'.repeat(16),
  })
  onTestFinished(() => store.close())
  const roster = new Roster()
  const ids = upTo(count).map(n => `@${n}`)
  const facts = { name: 'x', verified: false, admin: false, exempt: false, memberships: [] }
  for (const id of ids) roster.attach(connection(), '', { ...facts, id, pubkey: 'pem' }, 0)
  roster.attach(connection(), '', { ...facts, id: '@guest', pubkey: null }, 0)
  await store.write(async tx => {
    for (const id of ids.slice(1, 6)) await rememberAgent(tx, { id, pubkey: 'pem', name: 'x' }, 1)
    await ban(tx, ids[2]!, 'spam', 1)
    await revokeAgent(tx, { id: ids[3]!, pubkey: 'pem' }, 1)
    await setVerified(tx, ids[4]!, true)
    await approve(tx, { agent: ids[5]!, pubkey: 'pem', note: null }, 1)
  })
  const heard: Told[] = []
  const asked = vi.spyOn(store.read, 'tables')
  await rereadAgents(store.read, { roster, effects: { hear: told => void heard.push(told) }, node: 'one' }, new Set([ids[6]!]),
    new Set([...ids, '@guest', '@elsewhere']))
  const queries = asked.mock.calls.length
  asked.mockRestore()
  return { store, ids, heard, queries }
}

test('of each agent that is here it says what one query would, but of those who change meanwhile', async () => {
  const { store, ids, heard } = await read(8)
  const others = [...ids.filter(id => id !== ids[6]), '@guest']
  const alone = await Promise.all(others.map(async agent => ({ kind: 'standing', agent, standing: await standingOf(store.read, agent) })))
  expect(new Set(alone.map(each => JSON.stringify(each.standing))).size).toBe(6)
  expect(heard).toHaveLength(others.length)
  expect(heard).toEqual(expect.arrayContaining(alone))
})

test('two queries read five hundred', async () => {
  expect((await read(8)).queries).toBe(2)
  expect((await read(1_200)).queries).toBe(6)
})
