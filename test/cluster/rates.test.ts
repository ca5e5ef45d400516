// What an agent and an address may use holds at all processes of a relay together: what is spent at one is missing at the others.
import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import type { BusMessage } from '../../src/relay/told.ts'
import { startTestCluster, type SlowBus } from '../kit/cluster.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const say = (content: string) => ({ type: 'MSG', to: '#general', content })

/** Resolves when a process has told what was spent of an allowance: so many tokens of one of its holders. */
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
