// What an agent and an address may use holds at all processes of a relay together: what is spent at one is missing at the others.
import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import type { BusMessage } from '../../src/relay/told.ts'
import { startTestCluster, type SlowBus } from '../kit/cluster.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const say = (content: string) => ({ type: 'MSG', to: '#general', content })

/** Resolves when a process has told what was counted: so many tokens of one of the holders of an allowance. */
const told = (bus: SlowBus<BusMessage>, allowance: string, whose: 'agent' | 'address', tokens: number): Promise<void> =>
  new Promise(resolve => {
    let sum = 0
    bus.loses = message => {
      if (message.kind !== 'spent') return false
      for (const [name, of, , spent] of message.spent) if (name === allowance && of === whose) sum += spent
      // It is heard first.
      if (sum >= tokens) setImmediate(resolve)
      return false
    }
  })

const twice = { frameRate: 0, addressFrameRate: 0, addressRate: 0 }

const accepted = async (wire: Wire, count: number, content: string) => {
  for (let n = 1; n <= count; n++) await wire.ask({ ...say(`${content} ${n}`), id: `${content}${n}` }, 'ACK')
}

test('messages of one agent at two processes come from one allowance', async () => {
  await using cluster = await startTestCluster(2, { msgRate: 1, msgBurst: 8, frameRate: 0, addressFrameRate: 0 })
  const [one, two] = cluster.nodes
  const key = newKey()
  await using desk = await one!.login('ann', { key, session: 'desk' })
  await using phone = await two!.login('ann', { key, session: 'phone' })
  cluster.clock.stop()
  const heard = told(cluster.buses[0]!, 'messages', 'agent', 6)
  await accepted(desk, 6, 'desk')
  await heard
  // Two are left of eight.
  const heardToo = told(cluster.buses[1]!, 'messages', 'agent', 2)
  await accepted(phone, 2, 'phone')
  expect(await phone.refusal(say('too much'))).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: 1_000 })
  await heardToo
  expect(await desk.refusal(say('too much'))).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: 1_000 })
  cluster.clock.advance(1_000)
  await accepted(desk, 1, 'later')
})

test('what two agents of one address spend at two processes, each by itself, is told once it is more than a quarter of the burst', async () => {
  const rates = { msgRate: 1, msgBurst: 100, addressRate: 1, addressBurst: 12, frameRate: 0, addressFrameRate: 0 }
  await using cluster = await startTestCluster(2, rates)
  const [one, two] = cluster.nodes
  await using ann = await one!.login('ann')
  await using bob = await two!.login('bob')
  cluster.clock.stop()
  const heard = told(cluster.buses[0]!, 'messages', 'address', 4)
  // Three of twelve are nobody's business; the fourth tells all four.
  await accepted(ann, 4, 'ann')
  await heard
  await accepted(bob, 8, 'bob')
  expect(await bob.refusal(say('too much'))).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: 1_000 })
})

test('sessions of an address at another process count among its connections, and no more once they are closed', async () => {
  await using cluster = await startTestCluster(2, { maxConnectionsPerIp: 3 })
  const [one, two] = cluster.nodes
  await using _ann = await one!.login('ann')
  await using bob = await one!.login('bob')
  await using _eve = await two!.login('eve')
  const refused = new WebSocket(two!.url)
  const code = await new Promise<number>(resolve => refused.once('close', resolve))
  expect(code).toBe(4_004)
  await bob.close()
  await expect.poll(async () => (await two!.login('dan').then(async wire => (await wire.close(), 'in'), () => 'out'))).toBe('in')
})

test('a wrong admin key at one makes its address wait at the other too, and the right one ends that at both', async () => {
  const adminKey = 'open sesame, please'
  await using cluster = await startTestCluster(2, { adminKey, ...twice })
  const [one, two] = cluster.nodes
  await using ann = await one!.login('ann')
  await using bob = await two!.login('bob')
  cluster.clock.stop()
  const kick = (key: string) => ({ type: 'ADMIN_KICK', agent_id: bob.id, admin_key: key })
  const heard = told(cluster.buses[0]!, 'admin keys', 'address', 3)
  for (let n = 0; n < 3; n++) expect(await ann.answer(kick(`guess ${n}`))).toMatchObject({ code: 'AUTH_REQUIRED' })
  await heard
  expect(await bob.refusal(kick(adminKey))).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: 1_000 })
  cluster.clock.advance(1_000)
  const forgotten = told(cluster.buses[1]!, 'admin keys', 'address', 0)
  await bob.ask({ ...kick(adminKey), agent_id: '@0123456789abcdef' }, 'ERROR')
  await forgotten
  for (let n = 0; n < 3; n++) expect(await ann.answer(kick(`guess ${n}`))).toMatchObject({ code: 'AUTH_REQUIRED' })
})

test('a hook takes as much at both together as it would at one', async () => {
  await using cluster = await startTestCluster(2, twice)
  const [one, two] = cluster.nodes
  await using ann = await one!.login('ann', { key: newKey() })
  const { path } = await ann.ask({ type: 'HOOK_CREATE', to: '#general', kind: 'plain' }, 'HOOK_CREATED')
  cluster.clock.stop()
  const post = async ({ httpUrl }: typeof one & object, n: number) =>
    (await fetch(`${httpUrl}${path}`, { method: 'POST', body: 'up', headers: { 'idempotency-key': `${n}` } })).status
  const heard = told(cluster.buses[0]!, 'hooks', 'address', 40)
  for (let n = 0; n < 40; n++) expect(await post(one!, n)).toBe(202)
  await heard
  for (let n = 40; n < 60; n++) expect(await post(two!, n)).toBe(202)
  expect(await post(two!, 60)).toBe(429)
})

test('who tries to sign in at one has fewer tries at the other', async () => {
  const publicUrls = ['ws://localhost:6667']
  await using cluster = await startTestCluster(2, { accounts: true, publicUrls, ...twice })
  const [one, two] = cluster.nodes
  cluster.clock.stop()
  const tryAt = async ({ httpUrl }: typeof one & object) =>
    (await fetch(`${httpUrl}/signin/passkey/options`, { method: 'POST', headers: { origin: 'https://elsewhere.example' } })).status
  const heard = told(cluster.buses[0]!, 'sign-ins', 'address', 20)
  for (let n = 0; n < 20; n++) expect(await tryAt(one!)).not.toBe(429)
  await heard
  for (let n = 0; n < 10; n++) expect(await tryAt(two!)).not.toBe(429)
  expect(await tryAt(two!)).toBe(429)
})
