// Many requests of every kind at two processes at once: nobody waits for somebody who waits for him. A deadlock is resolved by the database, a
// second later, and what was undone is decided again: nothing is wrong then, and everything is slow. So they are counted.
// DEADLOCKS=60 npx vitest run test/cluster/deadlocks.test.ts: as many rounds as a release is tried with.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import type { Store, Tx } from '../../src/store/store.ts'
import { Random } from '../chaos/random.ts'
import { startTestCluster } from '../kit/cluster.ts'
import { adminKey, Trader } from '../kit/trade.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
const names = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay'] as const
const rooms = ['#a', '#b', '#c'] as const
const rounds = Number(process.env['DEADLOCKS'] ?? 6)
const seed = Number(process.env['SEED'] ?? 1)

/** What is asked of a transaction in the middle of what it decides. */
const inBetween: ReadonlySet<string | symbol> = new Set(['changing', 'lock', 'lockOut', 'head', 'progress', 'readIn'])

/** A store whose transactions dawdle with what they have, so that others meet them in the middle. */
const dawdling = (store: Store, random: () => number): Store => {
  const pause = () => random() < 0.3 ? sleep(random() * 4) : undefined
  const slowed = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const value = Reflect.get(target, name) as unknown
        if (name === 'log') return slowed(value as object)
        if (typeof value !== 'function') return value
        const call = (value as (...args: unknown[]) => unknown).bind(target)
        return inBetween.has(name) ? async (...args: unknown[]) => (await pause(), await call(...args)) : call
      },
    })
  return {
    epoch: store.epoch,
    read: store.read,
    aside: store.aside,
    write: fn =>
      store.write(async (tx: Tx) => {
        const result = await fn(slowed(tx))
        await pause()
        return result
      }),
    space: () => store.space(),
    close: () => store.close(),
  }
}

test('messages, answers with the floor, edits, marks, settings, deals and what is done by the clock do not deadlock', async () => {
  const chance = new Random(seed, 'what is asked')
  const pick = <T>(list: readonly T[]): T => list[chance.between(0, list.length)]!
  await using cluster = await startTestCluster(2, { adminKey, autoJoin: [...rooms], channels: [...rooms] }, {
    openStore: async options => dawdling(await openStore(options), () => chance.next()),
  })
  const agents = await Promise.all(names.map(async (name, i) => {
    const key = newKey()
    const wires = await Promise.all(
      cluster.nodes.map((node, side) =>
        node.login(name, { key, session: `at${side}`, autojoin: false, inbox: side === i % 2 ? 'auto' : 'none' })
      ),
    )
    for (const wire of wires) for (const channel of rooms) await wire.ask({ type: 'JOIN', channel, limit: 0 }, 'JOINED')
    return { key, wires, traders: wires.map((wire, side) => new Trader(wire, key, cluster.nodes[side]!)), said: [] as string[] }
  }))
  for (const { key, wires } of agents) {
    await wires[0]!.ask({
      type: 'ADMIN_CREDIT',
      admin_key: adminKey,
      agent_id: key.id,
      currency: 'USD',
      amount_minor: 100_000,
      note: 'to begin with',
    }, 'ADMIN_RESULT')
    for (const channel of rooms) {
      const { msg_id } = await wires[0]!.ask({ type: 'MSG', to: channel, content: 'first' }, 'ACK')
      agents.find(({ wires: own }) => own === wires)!.said.push(`${channel} ${msg_id}`)
    }
  }
  const ofAll = agents.flatMap(({ said }) => said)
  let n = 0
  const asked = (wire: Wire, body: Parameters<Wire['answer']>[0]) => wire.answer({ id: `q${n++}`, ...body })
  const kinds: readonly ((at: (typeof agents)[number], side: number) => Promise<unknown>)[] = [
    ...upTo(6).map(() => (at: (typeof agents)[number], side: number) =>
      asked(at.wires[side]!, { type: 'MSG', to: pick(rooms), content: `to @${pick(names)}` })
    ),
    ...upTo(4).map(() => (at: (typeof agents)[number], side: number) =>
      asked(at.wires[side]!, { type: 'MSG', to: pick(agents).key.id, content: 'for you' })
    ),
    async (at, side) => {
      const [channel, msg_id] = pick(ofAll).split(' ') as [string, string]
      await asked(at.wires[side]!, { type: 'CLAIM_FLOOR', channel, msg_id })
      await asked(at.wires[side]!, { type: 'MSG', to: channel, content: 'an answer', in_reply_to: msg_id, floor: true })
    },
    (at, side) => asked(at.wires[side]!, { type: 'EDIT', msg_id: pick(at.said).split(' ')[1], content: `anew ${n}` }),
    (at, side) => asked(at.wires[side]!, { type: 'REACT', msg_id: pick(ofAll).split(' ')[1], kind: '+1' }),
    (at, side) => asked(at.wires[side]!, { type: 'UNREACT', msg_id: pick(ofAll).split(' ')[1], kind: '+1' }),
    (at, side) => {
      const [channel, msg_id] = pick(ofAll).split(' ') as [string, string]
      return asked(at.wires[side]!, { type: 'PIN', channel, msg_id })
    },
    ...upTo(4).map(() => (at: (typeof agents)[number], side: number) =>
      asked(at.wires[side]!, { type: 'SET_TOPIC', channel: pick(rooms), topic: `topic ${n}` })
    ),
    ...upTo(4).map(() => (at: (typeof agents)[number], side: number) => asked(at.wires[side]!, { type: 'READ', channel: pick(rooms) })),
    (at, side) => asked(at.wires[side]!, { type: 'READ', with: pick(agents.filter(each => each !== at)).key.id }),
    async (at, side) => {
      const channel = pick(rooms)
      await asked(at.wires[side]!, { type: 'LEAVE', channel })
      await asked(at.wires[side]!, { type: 'JOIN', channel, limit: 0 })
    },
    (at, side) =>
      asked(at.wires[side]!, at.traders[side]!.sign('TRANSFER', {
        to: pick(agents.filter(each => each !== at)).key.id,
        currency: 'USD',
        amount_minor: 1,
      })),
  ]
  for (const _round of upTo(rounds))
    await Promise.all(agents.flatMap(at => [0, 1].flatMap(side => upTo(5).map(() => pick(kinds)(at, side)))))
  for (const { wires } of agents) for (const wire of wires) await wire[Symbol.asyncDispose]()
  // What a connection has counted is told at its end.
  for (const node of cluster.nodes) await node.drain()
  const [counted] = await cluster.database.ask<{ readonly deadlocks: string, readonly undone: string }>(
    'SELECT deadlocks, xact_rollback AS undone FROM pg_stat_database WHERE datname = current_database()',
  )
  expect(counted).toMatchObject({ deadlocks: '0' })
}, 60_000 + 30_000 * rounds)
