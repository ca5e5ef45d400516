// What one process does, another hears of, and does its own part: two relays on one store. One relay is alone and does the same with itself.
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { BusMessage } from '../src/relay/told.ts'
import { MemoryBus } from '../src/bus/memory.ts'
import { addChannel } from '../src/store/channels.ts'
import { renewNode } from '../src/store/nodes.ts'
import type { Frame } from '../lib/protocol/index.ts'
import type { Fate } from './kit/bus.ts'
import { startTestNodes } from './kit/nodes.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'

const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })
const seqs = (frames: readonly Frame[]) => frames.map(frame => (frame as Frame<'MSG'>).seq)
const contents = (frames: readonly Frame[]) => frames.map(frame => (frame as Frame<'MSG'>).content)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

describe('events', () => {
  test('of what was erased, or went by its age, a digest tells how many they were and no text, at every process', async () => {
    await using nodes = await startTestNodes({ adminKey: 'k', frameRate: 0 })
    const [ann, cal] = [await nodes.one.login('ann', { key: newKey() }), await nodes.one.login('cal')]
    const readers = [await nodes.one.login('bob'), await nodes.two.login('bea')]
    for (const reader of readers) await reader.ask({ type: 'SUBSCRIBE', channel: '#general', digest_ms: 86_400_000 }, 'SUBSCRIBED')
    await cal.ask(say('too old'), 'ACK')
    await ann.ask(say('my key is 1234'), 'ACK')
    await cal.ask(say('stays'), 'ACK')
    expect(await ann.ask({ type: 'ERASE' }, 'ERASED')).toMatchObject({ events: 1 })
    await cal.ask({ type: 'SET_RETENTION', channel: '#general', count: 2, admin_key: 'k' }, 'RETENTION')
    await vi.waitUntil(async () => (await cal.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).oldest === 2, { timeout: 20_000 })
    await cal.ask(say('look, @bob and @bea'), 'ACK')
    for (const reader of readers)
      expect(await reader.next('DIGEST')).toMatchObject({ from_seq: 1, to_seq: 3, count: 3, excerpts: [{ text: 'stays' }] })
  })

  test('whatever becomes of them on their way, everybody at every process hears 1, 2, 3, …', async () => {
    const fates = fc.array(fc.constantFrom<Fate>('now', 'lost', 'twice', 'late', 'later'), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fates, fc.integer({ min: 1, max: 4 }), async (each, writers) => {
        let sent = 0
        let isCalm = false
        // What is told of agents and channels is not repaired yet.
        await using nodes = await startTestNodes({ frameRate: 0 },
          ({ kind }) => kind === 'told' || isCalm ? 'now' : each[sent++ % each.length]!)
        const wires = await Promise.all(upTo(writers).flatMap(i => [nodes.one.login(`one${i}`), nodes.two.login(`two${i}`)]))
        const rounds = 6
        for (let round = 0; round < rounds; round++) {
          await Promise.all(wires.map(wire => wire.ask(say(`${round}`), 'ACK')))
        }
        const late = await nodes.two.login('late', { autojoin: false })
        await late.ask({ type: 'JOIN', channel: '#general', since: 0 }, 'JOINED')
        // What is lost last is found with what follows, at each.
        isCalm = true
        await wires[0]!.ask(say('end'), 'ACK')
        await wires[1]!.ask(say('end'), 'ACK')
        const total = wires.length * rounds + 2
        for (const wire of [...wires, late]) {
          expect(seqs(await wire.take('MSG', total))).toEqual(upTo(total))
          await wire[Symbol.asyncDispose]()
        }
      }),
      { numRuns: 12 },
    )
  }, 120_000)

  test('direct messages reach an agent at both processes, and its own other sessions; one that was lost comes with the next', async () => {
    let isLost = false
    await using nodes = await startTestNodes({}, ({ kind }) => kind === 'direct' && isLost ? 'lost' : 'now')
    const [annKey, bobKey] = [newKey(), newKey()]
    await using ann = await nodes.one.login('ann', { key: annKey })
    await using annToo = await nodes.two.login('ann', { key: annKey, session: 'too' })
    await using bob = await nodes.two.login('bob', { key: bobKey })
    await ann.ask(say('1', bob.id), 'ACK')
    for (const wire of [bob, ann, annToo]) expect(await wire.next('MSG')).toMatchObject({ content: '1', from: ann.id })
    isLost = true
    await ann.ask(say('2', bob.id), 'ACK')
    isLost = false
    await ann.ask(say('3', bob.id), 'ACK')
    expect(contents(await bob.take('MSG', 2))).toEqual(['2', '3'])
    await bob.hearsNothing()
  })
})

describe('who is here', () => {
  const both = async (use: (one: Wire, two: Wire, nodes: Awaited<ReturnType<typeof startTestNodes>>) => Promise<void>): Promise<void> => {
    await using nodes = await startTestNodes({ adminKey: 'secret' })
    await using one = await nodes.one.login('one', { key: newKey() })
    await using two = await nodes.two.login('two', { key: newKey() })
    await use(one, two, nodes)
  }

  test('those who come and go at the one are seen at the other, and watched', () =>
    both(async (one, two, nodes) => {
      const key = newKey()
      await one.ask({ type: 'WATCH', agents: [key.id] }, 'WATCHING')
      const cara = await nodes.two.login('cara', { key })
      expect(await one.next('PRESENCE_CHANGED')).toMatchObject({ agent_id: key.id, presence: 'online' })
      const { list } = await one.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')
      expect(list.map(({ id }) => id).sort()).toEqual([one.id, two.id, key.id].sort())
      expect(await one.ask({ type: 'WHOIS', agent: key.id }, 'WHOIS')).toMatchObject({ name: 'cara', presence: 'online' })
      await cara.close()
      expect(await one.next('PRESENCE_CHANGED')).toMatchObject({ agent_id: key.id, presence: 'offline' })
      expect(await one.ask({ type: 'WHOIS', agent: key.id }, 'WHOIS')).toMatchObject({ presence: 'offline' })
    }))

  test('a channel that is made at the one is there at the other, with who joins and leaves it, its topic and its end', () =>
    both(async (one, two) => {
      await one.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
      await two.ask({ type: 'JOIN', channel: '#plans' }, 'JOINED')
      expect(await one.next('AGENT_JOINED')).toMatchObject({ channel: '#plans', agent: two.id })
      await one.ask({ type: 'SET_TOPIC', channel: '#plans', topic: 'all' }, 'TOPIC_CHANGED')
      expect(await two.next('TOPIC_CHANGED')).toMatchObject({ channel: '#plans', topic: 'all' })
      await two.ask({ type: 'TYPING', channel: '#plans' }, 'OK')
      expect(await one.next('TYPING')).toMatchObject({ from: two.id })
      await two.ask({ type: 'LEAVE', channel: '#plans' }, 'LEFT')
      expect(await one.next('AGENT_LEFT')).toMatchObject({ channel: '#plans', agent: two.id })
      await two.ask({ type: 'JOIN', channel: '#plans' }, 'JOINED')
      await one.ask({ type: 'DELETE_CHANNEL', channel: '#plans' }, 'OK')
      expect(await two.next('LEFT')).toMatchObject({ channel: '#plans', reason: 'deleted' })
      expect(await two.answer(say('gone', '#plans'))).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
    }))

  test('a name and a presence that change at the one are told at the other', () =>
    both(async (one, two) => {
      await one.ask({ type: 'SET_NICK', nick: 'uno' }, 'NICK_CHANGED')
      expect(await two.next('NICK_CHANGED')).toMatchObject({ agent_id: one.id, new_nick: 'uno' })
      await one.ask({ type: 'SET_PRESENCE', status: 'away', status_text: 'lunch' }, 'OK')
      expect(await two.next('PRESENCE_CHANGED')).toMatchObject({ agent_id: one.id, presence: 'away', status_text: 'lunch' })
      expect(await two.ask({ type: 'WHOIS', agent: one.id }, 'WHOIS')).toMatchObject({ name: 'uno', presence: 'away' })
    }))

  test('who is kicked or banned at the one goes at the other', () =>
    both(async (one, two, nodes) => {
      await one.ask({ type: 'ADMIN_KICK', agent_id: two.id, admin_key: 'secret' }, 'ADMIN_RESULT')
      expect(await two.closed()).toMatchObject({ reason: 'KICKED' })
      const key = newKey()
      const cara = await nodes.two.login('cara', { key })
      await one.ask({ type: 'ADMIN_BAN', agent_id: key.id, admin_key: 'secret' }, 'ADMIN_RESULT')
      expect(await cara.closed()).toMatchObject({ reason: 'BANNED' })
      expect(await one.answer({ type: 'ADMIN_KICK', agent_id: key.id, admin_key: 'secret' })).toMatchObject({ code: 'AGENT_NOT_FOUND' })
    }))

  test('a session is displaced wherever it was, and the agent stays here', () =>
    both(async (one, two, nodes) => {
      const key = newKey()
      await two.ask({ type: 'WATCH', agents: [key.id] }, 'WATCHING')
      const former = await nodes.one.login('cara', { key })
      await two.next('PRESENCE_CHANGED')
      const later = await nodes.two.login('cara', { key })
      await former.next('SESSION_DISPLACED')
      expect(await former.closed()).toMatchObject({ code: 4500 })
      await one.ask(say('for all'), 'ACK')
      expect(await later.next('MSG')).toMatchObject({ content: 'for all' })
      expect(await two.ask({ type: 'WHOIS', agent: key.id }, 'WHOIS')).toMatchObject({ presence: 'online' })
      const here = async (wire: Wire) => (await wire.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list.map(({ id }) => id)
      for (const wire of [one, two]) expect(await here(wire)).toContain(key.id)
      await later.close()
      expect(await two.next('PRESENCE_CHANGED')).toMatchObject({ agent_id: key.id, presence: 'offline' })
      for (const wire of [one, two]) expect(await here(wire)).not.toContain(key.id)
    }))
})

test('whoever heard of all sessions of another says that it hears, so that it is waited for', async () => {
  const told: string[] = []
  await using _nodes = await startTestNodes({}, message => {
    told.push(message.kind === 'told' && message.isAwaited !== true ? 'told by the way' : message.kind)
    return 'now'
  })
  while (!told.includes('knows')) await new Promise(resolve => setTimeout(resolve, 10))
  expect(told.indexOf('knows')).toBeGreaterThan(told.indexOf('sessions'))
  // Nothing else is to be known.
  expect(told).not.toContain('told')
})

describe('a channel of which another process was not told', () => {
  const agentsBy = async (wire: Wire): Promise<number | undefined> =>
    (await wire.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')).list.find(({ name }) => name === '#plans')?.agents

  const plans = {
    name: '#plans',
    private: false,
    verifiedOnly: false,
    topic: '',
    description: '',
    topicBy: 'members',
    editWindowMs: null,
    settings: null,
    groups: null,
    version: 1,
  } as const

  test.each([
    { what: 'it was told of who joins', loses: ['channel'] },
    { what: 'nor was it of who joins', loses: ['channel', 'joined'] },
  ])('has everybody in it there too, when that is made up for: $what', async ({ loses }) => {
    const lost: string[] = []
    let isLossy = false
    await using nodes = await startTestNodes({}, message => {
      if (!isLossy || message.kind !== 'told' || !loses.includes(message.told.kind)) return 'now'
      lost.push(message.told.kind)
      return 'lost'
    })
    await using ann = await nodes.one.login('ann', { key: newKey() })
    await using bob = await nodes.two.login('bob', { key: newKey() })
    isLossy = true
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
    isLossy = false
    expect(lost).toEqual(loses)
    await expect.poll(() => agentsBy(bob), { timeout: 20_000 }).toBe(1)
    await ann.ask({ type: 'LEAVE', channel: '#plans' }, 'LEFT')
    await expect.poll(() => agentsBy(bob), { timeout: 20_000 }).toBe(0)
  })

  test('has whoever joins it at a third one in it there too', async () => {
    let loses: 'nothing' | 'heads' | 'all' = 'nothing'
    await using nodes = await startTestNodes({},
      ({ kind }) => (loses === 'all' && kind === 'told') || (loses !== 'nothing' && kind === 'heads') ? 'lost' : 'now')
    await using three = await nodes.start('three')
    await using ann = await nodes.one.login('ann', { key: newKey() })
    await using bob = await nodes.two.login('bob', { key: newKey() })
    await using cara = await three.login('cara', { key: newKey() })
    loses = 'all'
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
    loses = 'heads'
    await cara.ask({ type: 'JOIN', channel: '#plans' }, 'JOINED')
    // Of ann nobody was told, nor that there was something to be told.
    await expect.poll(() => agentsBy(bob), { timeout: 20_000 }).toBe(1)
    loses = 'nothing'
    await expect.poll(() => agentsBy(bob), { timeout: 20_000 }).toBe(2)
  })

  test('has whoever came into it without a word in it there too', async () => {
    const bus = new MemoryBus<BusMessage>()
    const other = bus.join('other')
    await using relay = await startTestRelay({}, { bus: bus.join('one') })
    await using bob = await relay.login('bob', { key: newKey() })
    const cara = newKey().id
    const session = { session: '', address: '192.0.2.1', heardAt: 1, since: 1 }
    const facts = { id: cara, name: 'cara', pubkey: null, verified: false, admin: false, exempt: false, memberships: ['#plans'] }
    const change = { presence: 'online', statusText: null } as const
    other.hear(({ kind }) => {
      if (kind !== 'ask') return
      const sessions = [{ ...session, facts, change, announced: [], silent: ['#plans'] }]
      other.publish('*', { kind: 'sessions', sessions, n: 1, page: 0, pages: 1 })
    })
    void other.follow('!other')
    await relay.store.write(async tx => {
      await renewNode(tx, { name: 'other', incarnation: 'i', version: '1', config: '', state: 'serving', facts: '{}', leaseMs: 60_000 })
      await addChannel(tx, { ...plans, owner: bob.id }, bob.id, 1)
    })
    other.publish('*', { kind: 'told', told: { kind: 'opened', ...session, facts, autojoin: ['#plans'] }, n: 1 })
    await expect.poll(() => agentsBy(bob), { timeout: 20_000 }).toBe(1)
    other.publish('*', { kind: 'told', told: { kind: 'closed', agent: cara, session: '', lastSeen: 2 }, n: 2 })
    await expect.poll(() => agentsBy(bob), { timeout: 20_000 }).toBe(0)
    await other.close()
  })
})

test('what a process of another version says, and is not known here, changes nothing', async () => {
  const bus = new MemoryBus<BusMessage>()
  const newer = bus.join('newer')
  const heard: BusMessage['kind'][] = []
  newer.hear(({ kind }) => heard.push(kind))
  newer.follow('*')
  await using relay = await startTestRelay({}, { bus: bus.join('one') })
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob', { key: newKey() })
  const said: readonly object[] = [
    { kind: 'of tomorrow', more: [1, 2] },
    { kind: 'told', told: { kind: 'of tomorrow', agent: bob.id }, n: 1 },
    { kind: 'told', told: { kind: 'news', of: 'nothing', news: { root: 1 } } },
    { kind: 'told', told: { kind: 'news', of: 'circles', news: {} } },
    { kind: 'heads', n: 2 },
    { kind: 'heads', heads: [['#nowhere', 5], ['?', 1]], n: 3, renewedMs: 'soon' },
    { kind: 'sessions', n: 4, page: 0, pages: 1 },
    { kind: 'sessions', sessions: [{}], n: 5, page: 0, pages: 1 },
    { kind: 'events', channel: '#nowhere', first: 1, last: 2 },
    { kind: 'direct', agent: '@nobody', stream: '?' },
    { kind: 'spent', spent: [['of tomorrow', 'agent', bob.id, 5], []] },
    { kind: 'knows' },
    {},
  ]
  for (const each of said) newer.publish('*', each as BusMessage)
  // What it does once a second goes on.
  heard.length = 0
  while (!heard.includes('heads')) await new Promise(resolve => setTimeout(resolve, 10))
  for (const n of upTo(3)) await ann.ask(say(`${n}`), 'ACK')
  expect(contents(await bob.take('MSG', 3))).toEqual(['1', '2', '3'])
  await bob.ask({ type: 'CREATE_CHANNEL', channel: '#still' }, 'JOINED')
  await newer.close()
})

test('one relay is alone, and tells nobody anything', async () => {
  const bus = new MemoryBus<BusMessage>().join('one')
  const publish = vi.spyOn(bus, 'publish')
  await using relay = await startTestRelay({}, { bus })
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob', { key: newKey() })
  for (const to of ['#general', bob.id]) await ann.ask(say('hello', to), 'ACK')
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
  await bob.ask({ type: 'JOIN', channel: '#plans' }, 'JOINED')
  await bob.ask({ type: 'SET_NICK', nick: 'rob' }, 'NICK_CHANGED')
  await bob.close()
  await ann.ask({ type: 'DELETE_CHANNEL', channel: '#plans' }, 'OK')
  expect(publish).not.toHaveBeenCalled()
})
