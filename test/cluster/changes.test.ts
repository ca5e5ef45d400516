// Two processes on one database change the same things at once: nothing of what one changes is undone by the other, and both know the same
// in the end. Where processes read a row and write all of it, one of two changes is lost.
import { describe, expect, test } from 'vitest'
import { startTestCluster, type TestCluster } from '../kit/cluster.ts'
import { Random } from '../chaos/random.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })
const adminKey = 'open sesame, please'

/** What changes by itself does so soon. */
const comesTrue = async (look: () => Promise<unknown>, wanted: unknown): Promise<void> => {
  for (let tries = 0; tries < 200; tries++) {
    if (JSON.stringify(await look()) === JSON.stringify(wanted)) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  expect(await look()).toEqual(wanted)
}

const both = async (
  use: (one: Wire, two: Wire, cluster: TestCluster) => Promise<void>,
  ...[overrides, options]: [Parameters<typeof startTestCluster>[1]?, Parameters<typeof startTestCluster>[2]?]
): Promise<void> => {
  await using cluster = await startTestCluster(2, { adminKey, ...overrides }, options)
  const key = newKey()
  await using one = await cluster.nodes[0]!.login('ann', { key, session: 'one' })
  await using two = await cluster.nodes[1]!.login('ann', { key, session: 'two' })
  await use(one, two, cluster)
}

const channelAt = async (wire: Wire, name: string) =>
  (await wire.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')).list.find(channel => channel.name === name)

/** It is there before it is changed there. */
const made = async (one: Wire, two: Wire, name: string) => {
  await one.ask({ type: 'CREATE_CHANNEL', channel: name }, 'JOINED')
  await comesTrue(async () => (await channelAt(two, name))?.name, name)
  await two.ask({ type: 'JOIN', channel: name }, 'JOINED')
}

describe('a channel', () => {
  test('has its topic from the one and its settings from the other, set at once, in the table and at both', () =>
    both(async (one, two, { database }) => {
      await made(one, two, '#plans')
      for (const n of upTo(10)) {
        await Promise.all([
          one.ask({ type: 'SET_TOPIC', channel: '#plans', topic: `topic ${n}` }, 'TOPIC_CHANGED'),
          two.ask({ type: 'SET_CHANNEL', channel: '#plans', category: `category ${n}`, ...(n % 2 === 0 && { pin_by: 'owner' }) },
            'CHANNEL_CHANGED'),
          two.ask({ type: 'SET_GROUP', channel: '#plans', group: `group${n}`, members: [one.id] }, 'GROUP_CHANGED'),
        ])
        const [row] = await database.ask<object>("SELECT topic, category FROM channels WHERE name = '#plans'")
        expect(row).toEqual({ topic: `topic ${n}`, category: `category ${n}` })
        for (const wire of [one, two]) {
          const known = async () => {
            const { topic, category } = await channelAt(wire, '#plans') ?? {}
            return { topic, category }
          }
          await comesTrue(known, row)
        }
      }
    }, {}, { delayMs: 5, isShuffled: true }))

  test('that is deleted at the one takes no new member at the other, though nothing is told', () =>
    both(async (one, two, { buses, database }) => {
      await made(one, two, '#plans')
      await two.ask({ type: 'LEAVE', channel: '#plans' }, 'LEFT')
      for (const bus of buses) bus.isCut = true
      await one.ask({ type: 'DELETE_CHANNEL', channel: '#plans' }, 'OK')
      expect(await two.answer({ type: 'JOIN', channel: '#plans' })).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
      expect(await two.answer({ type: 'SET_TOPIC', channel: '#plans', topic: 'none' })).toMatchObject({ type: 'ERROR' })
      expect(await database.ask("SELECT * FROM channels WHERE name = '#plans'")).toEqual([])
    }))

  test('that is deleted at both at once is deleted by one of them', () =>
    both(async (one, two) => {
      await made(one, two, '#plans')
      const answers = await Promise.all([one, two].map(wire => wire.answer({ type: 'DELETE_CHANNEL', channel: '#plans' })))
      expect(answers.map(({ type }) => type)).toContain('OK')
      for (const answer of answers) if (answer.type === 'ERROR') expect(answer).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
    }, {}, { delayMs: 5, isShuffled: true }))

  test('is as the table says at a process that heard nothing for a while, and so are its members and who is banned', () =>
    both(async (one, two, { nodes, buses, database }) => {
      await made(one, two, '#plans')
      const bob = await nodes[1]!.login('bob', { key: newKey() })
      await bob.ask({ type: 'JOIN', channel: '#plans' }, 'JOINED')
      const eve = await nodes[1]!.login('eve', { key: newKey() })
      buses[1]!.isCut = true
      await one.ask({ type: 'SET_TOPIC', channel: '#plans', topic: 'unheard' }, 'TOPIC_CHANGED')
      await one.ask({ type: 'CREATE_CHANNEL', channel: '#more' }, 'JOINED')
      await one.ask({ type: 'REMOVE_MEMBER', channel: '#plans', agent: bob.id }, 'OK')
      await one.ask({ type: 'ADMIN_BAN', agent_id: eve.id, admin_key: adminKey }, 'ADMIN_RESULT')
      // It looks by itself while it hears nothing.
      expect(await bob.next('LEFT')).toMatchObject({ channel: '#plans' })
      expect(await eve.closed()).toMatchObject({ reason: 'BANNED' })
      await comesTrue(async () => (await channelAt(two, '#plans'))?.topic, 'unheard')
      expect((await channelAt(two, '#more'))?.name).toBe('#more')
      buses[1]!.mend()
      expect(await database.ask("SELECT * FROM memberships WHERE channel = '#plans'")).toHaveLength(1)
      await bob[Symbol.asyncDispose]()
    }))

  test('is as the table says at a process that could not read it at first', () =>
    both(async (one, two, { nodes, buses, database }) => {
      await made(one, two, '#plans')
      await using bob = await nodes[1]!.login('bob', { key: newKey() })
      await bob.ask({ type: 'JOIN', channel: '#plans' }, 'JOINED')
      buses[1]!.isCut = true
      await database.ask('ALTER TABLE meta RENAME TO meta_away')
      await one.ask({ type: 'REMOVE_MEMBER', channel: '#plans', agent: bob.id }, 'OK')
      // It hears again, and what it looks up now fails.
      buses[1]!.mend()
      for (const _each of upTo(20)) await two.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')
      await database.ask('ALTER TABLE meta_away RENAME TO meta')
      expect(await bob.next('LEFT')).toMatchObject({ channel: '#plans' })
    }))
})

test('whatever of what is told is lost, comes twice, late or in another order, each process knows in the end what the table says', async () => {
  const chance = new Random(7, 'told')
  const random = () => chance.next()
  await both(async (one, two, { database, buses }) => {
    const names = upTo(6).map(n => `#c${n}`)
    for (const name of names) await made(one, two, name)
    for (const bus of buses) {
      bus.loses = ({ kind }) => kind !== 'events' && random() < 0.4
      bus.doubles = () => random() < 0.3
    }
    for (const n of upTo(30)) {
      await Promise.all([one, two].map((wire, i) =>
        wire.answer(i === 0
          ? { type: 'SET_TOPIC', channel: names[n % 6], topic: `topic ${n}` }
          : { type: 'SET_CHANNEL', channel: names[n % 6], category: `category ${n}` })
      ))
    }
    for (const bus of buses) bus.loses = () => false
    const rows = await database.ask<object>("SELECT name, topic, category FROM channels WHERE name LIKE '#c%' ORDER BY name")
    expect(rows.every(row => (row as { readonly topic: string }).topic.startsWith('topic'))).toBe(true)
    for (const wire of [one, two]) {
      const known = async () =>
        (await wire.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')).list.filter(({ name }) => name.startsWith('#c'))
          .map(({ name, topic, category }) => ({ name, topic, category })).sort((a, b) => a.name < b.name ? -1 : 1)
      await comesTrue(known, rows)
    }
  }, {}, { delayMs: 2, isShuffled: true, random })
})

describe('a budget', () => {
  test('is one at both: what is sent at once to both counts, and no more is stored than it allows', () =>
    both(async (one, two, { database }) => {
      await one.ask({ type: 'SET_BUDGET', messages: 30 }, 'BUDGET')
      await comesTrue(async () => (await two.ask({ type: 'BUDGET' }, 'BUDGET')).limits.messages, 30)
      // The other asks anew every second whether there are any.
      let used = 0
      for (let n = 0; used === 0; n++) {
        await two.ask({ ...say('counted?'), id: `asks${n}` }, 'ACK')
        used = (await two.ask({ type: 'BUDGET' }, 'BUDGET')).used.messages
      }
      const answers = await Promise.all(
        upTo(25).flatMap(n => [one.answer({ ...say('one'), id: `one${n}` }), two.answer({ ...say('two'), id: `two${n}` })]),
      )
      expect(answers.filter(({ type }) => type === 'ACK')).toHaveLength(30 - used)
      for (const answer of answers) if (answer.type !== 'ACK') expect(answer).toMatchObject({ code: 'BUDGET_SPENT' })
      const [hour] = await database.ask<object>('SELECT messages FROM budget_hours')
      expect(hour).toEqual({ messages: '30' })
      expect((await one.ask({ type: 'BUDGET' }, 'BUDGET')).used.messages).toBe(30)
    }))
})
