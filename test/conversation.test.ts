// What is around messages: reactions and what is unread, their limits, and what becomes of them when a message goes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RetentionSweep } from '../src/features/operate/keeping/retention.ts'
import { addMembership, rememberAgent } from '../src/store/agents.ts'
import { loadChannels } from '../src/store/channels.ts'
import { groupsOf, setGroup } from '../lib/index.ts'
import { clientOf, newIdentity } from './kit/client.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Wire } from './kit/wire.ts'

let relay: TestRelay
beforeAll(async () => {
  relay = await startTestRelay({
    maxReactionKinds: 3,
    maxReactions: 5,
    maxPinsPerChannel: 2,
    maxGroupsPerChannel: 2,
    createChannels: 'anyone',
  })
})
afterAll(() => relay.drain())

let rooms = 0
/** A channel that nobody else uses, and its owner in it. */
const newRoom = async (key = newKey()): Promise<{ readonly channel: string, readonly owner: Wire }> => {
  const channel = `#room-${++rooms}`
  const owner = await relay.login('owner', { key, autojoin: false })
  await owner.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
  return { channel, owner }
}
const enter = async (channel: string, key?: ReturnType<typeof newKey>): Promise<Wire> => {
  const wire = await relay.login('guest', { autojoin: false, ...(key && { key }) })
  await wire.ask({ type: 'JOIN', channel, limit: 0 }, 'JOINED')
  return wire
}
const say = async (wire: Wire, to: string, content = 'x') => (await wire.ask({ type: 'MSG', to, content }, 'ACK'))
const react = (wire: Wire, msgId: string, kind: string) => wire.ask({ type: 'REACT', msg_id: msgId, kind }, 'REACTED')
const sumsOf = async (wire: Wire, msgId: string) => (await wire.ask({ type: 'REACTIONS', msg_id: msgId }, 'REACTIONS')).list[0]?.sums

/** How many rows hang on messages. */
const rowsOf = async (table: 'reactions' | 'reacted'): Promise<number> =>
  (await relay.store.read.tables<Record<typeof table, object>>().selectFrom(table).select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()).n

describe('reactions', () => {
  test('kinds and reactions of a message are bounded, and said to be so by the settings that bound them', async () => {
    const { channel, owner } = await newRoom()
    await using bob = await enter(channel)
    await using eve = await enter(channel)
    const { msg_id } = await say(owner, channel)
    for (const kind of ['a', 'b', 'c']) await react(owner, msg_id, kind)
    const refused = await owner.ask({ type: 'REACT', msg_id, kind: 'd' }, 'ERROR')
    expect(refused).toMatchObject({ code: 'LIMIT_REACHED', message: expect.stringContaining('maxReactionKinds') })
    await react(bob, msg_id, 'a')
    await react(bob, msg_id, 'b')
    expect(await eve.ask({ type: 'REACT', msg_id, kind: 'a' }, 'ERROR')).toMatchObject({
      code: 'LIMIT_REACHED',
      message: expect.stringContaining('maxReactions'),
    })
    expect(await sumsOf(eve, msg_id)).toEqual([{ kind: 'a', count: 2 }, { kind: 'b', count: 2 }, { kind: 'c', count: 1 }])
    await owner[Symbol.asyncDispose]()
  })

  test('two spellings of one sign are one kind, and one agent has it once', async () => {
    const { channel, owner } = await newRoom()
    const { msg_id } = await say(owner, channel)
    await react(owner, msg_id, 'é')
    await react(owner, msg_id, 'e\u0301')
    expect(await sumsOf(owner, msg_id)).toEqual([{ kind: 'é', count: 1 }])
    await owner[Symbol.asyncDispose]()
  })

  test('go with their message: by retention, by erasure, and with their channel', async () => {
    const key = newKey()
    const { channel, owner } = await newRoom(key)
    await using bob = await enter(channel)
    const before = [await rowsOf('reactions'), await rowsOf('reacted')]
    const said = []
    for (let i = 0; i < 4; i++) said.push(await say(i < 2 ? bob : owner, channel))
    for (const { msg_id } of said) await react(bob, msg_id, 'a')
    const retention = new RetentionSweep({ ageMs: 0, count: 3, bytes: 0 })
    while ((await relay.store.write(tx => retention.run(tx, relay.clock.now()))).worked) continue
    expect(await rowsOf('reactions')).toBe(before[0]! + 3)
    expect(await owner.ask({ type: 'REACTIONS', msg_id: said[0]!.msg_id }, 'ERROR')).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
    await owner.ask({ type: 'ERASE' }, 'ERASED')
    expect(await rowsOf('reactions')).toBe(before[0]! + 1)
    expect(await rowsOf('reacted')).toBe(before[1]! + 1)
    expect(await bob.ask({ type: 'REACT', msg_id: said[3]!.msg_id, kind: 'a' }, 'ERROR')).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
    expect(await sumsOf(bob, said[1]!.msg_id)).toEqual([{ kind: 'a', count: 1 }])
    await owner.ask({ type: 'DELETE_CHANNEL', channel }, 'OK')
    expect(await bob.ask({ type: 'REACT', msg_id: said[1]!.msg_id, kind: 'b' }, 'ERROR')).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
    await expect.poll(async () => {
      relay.clock.advance(1_000)
      return rowsOf('reacted')
    }, { timeout: 5_000 }).toBe(before[1])
    await owner[Symbol.asyncDispose]()
  })

  test('who erases what it said takes its reactions back, and who was away hears of it', async () => {
    const key = newKey()
    const { channel, owner } = await newRoom()
    await using bob = await enter(channel, key)
    const { msg_id } = await say(owner, channel)
    await react(owner, msg_id, 'a')
    const { changed } = await react(bob, msg_id, 'a')
    await bob.ask({ type: 'ERASE' }, 'ERASED')
    const { list } = await owner.ask({ type: 'REACTIONS', channel, since: changed }, 'REACTIONS')
    expect(list).toMatchObject([{ msg_id, sums: [{ kind: 'a', count: 1 }], mine: ['a'] }])
    await owner[Symbol.asyncDispose]()
  })
})

describe('unread', () => {
  test('counts from where it joined, without what is gone; and asking costs the same after a long history', async () => {
    const { channel, owner } = await newRoom()
    await say(owner, channel)
    const key = newKey()
    await using bob = await enter(channel, key)
    const unread = async () => (await bob.ask({ type: 'UNREAD' }, 'UNREAD')).channels.find(each => each.channel === channel)
    expect(await unread()).toMatchObject({ seq: 1, read: 1, unread: 0 })
    for (let i = 0; i < 5; i++) await say(owner, channel)
    expect(await unread()).toEqual({ channel, seq: 6, read: 1, unread: 5 })
    const retention = new RetentionSweep({ ageMs: 0, count: 2, bytes: 0 })
    while ((await relay.store.write(tx => retention.run(tx, relay.clock.now()))).worked) continue
    expect(await unread()).toEqual({ channel, seq: 6, read: 1, unread: 2 })
    await bob.ask({ type: 'READ', channel }, 'OK')
    expect(await unread()).toEqual({ channel, seq: 6, read: 6, unread: 0 })
    await bob.ask({ type: 'LEAVE', channel }, 'LEFT')
    expect(await unread()).toBeUndefined()
    await owner[Symbol.asyncDispose]()
  })

  test('a place outlives the connection and goes on to the next key; who has none to come back with has no place', async () => {
    const { channel, owner } = await newRoom()
    const key = newKey()
    {
      await using bob = await enter(channel, key)
      for (let i = 0; i < 3; i++) await say(owner, channel)
      await bob.ask({ type: 'READ', channel, seq: 2 }, 'OK')
    }
    await using again = await relay.login('guest', { key, autojoin: false })
    expect((await again.ask({ type: 'UNREAD' }, 'UNREAD')).channels).toEqual([{ channel, seq: 3, read: 2, unread: 1 }])
    await using eve = await enter(channel)
    expect(await eve.ask({ type: 'READ', channel }, 'ERROR')).toMatchObject({ code: 'SIGNATURE_REQUIRED' })
    expect((await eve.ask({ type: 'UNREAD' }, 'UNREAD')).channels).toEqual([])
    await owner[Symbol.asyncDispose]()
  })
})

describe('settings', () => {
  test('@here mentions those who are here and have a key, no more than it may, and not again by an edit', async () => {
    await using small = await startTestRelay({ maxHereMembers: 2, autoJoin: [] })
    const [ann, bob, eve] = await Promise.all(['ann', 'bob', 'eve'].map(name => small.login(name, { key: newKey(), autojoin: false })))
    await using _1 = ann!
    await using _2 = bob!
    await using _3 = eve!
    await using guest = await small.login('guest', { autojoin: false })
    await ann!.ask({ type: 'CREATE_CHANNEL', channel: '#room' }, 'JOINED')
    for (const wire of [bob!, guest]) await wire.ask({ type: 'JOIN', channel: '#room', limit: 0 }, 'JOINED')
    const mentions = async (wire: Wire) => (await wire.ask({ type: 'UNREAD' }, 'UNREAD')).channels[0]?.mentions ?? 0
    const { msg_id } = await say(ann!, '#room', 'lunch, @here?')
    expect([await mentions(ann!), await mentions(bob!)]).toEqual([0, 1])
    await ann!.ask({ type: 'EDIT', msg_id, content: 'dinner, @here?' }, 'ACK')
    expect(await mentions(bob!)).toBe(1)
    await eve!.ask({ type: 'JOIN', channel: '#room', limit: 0 }, 'JOINED')
    await say(ann!, '#room', '@here again')
    expect([await mentions(bob!), await mentions(eve!)]).toEqual([1, 0])
  })

  test('outlive a restart, and a channel of which nothing is set has none in memory', async () => {
    const { channel, owner } = await newRoom()
    await owner.ask({ type: 'SET_CHANNEL', channel, slow_mode_ms: 5_000, welcome: 'hi' }, 'CHANNEL_CHANGED')
    const stored = await loadChannels(relay.store.read)
    expect(stored.find(({ name }) => name === channel)?.settings).toMatchObject({ slowModeMs: 5_000, welcome: 'hi', postBy: 'members' })
    await owner.ask({ type: 'SET_CHANNEL', channel, slow_mode_ms: 0, welcome: '' }, 'CHANNEL_CHANGED')
    expect((await loadChannels(relay.store.read)).find(({ name }) => name === channel)?.settings).toBeNull()
    for (
      const wrong of [{ slow_mode_ms: -1 }, { slow_mode_ms: 1e9 }, { category: 'a\u0007b' }, { category: 'x'.repeat(41) }, {
        post_by: 'me',
      }]
    )
      expect(await owner.ask({ type: 'SET_CHANNEL', channel, ...wrong }, 'ERROR')).toMatchObject({ code: 'INVALID_MSG' })
    await owner[Symbol.asyncDispose]()
  })
})

describe('groups', () => {
  const mentions = async (wire: Wire, channel: string) =>
    (await wire.ask({ type: 'UNREAD' }, 'UNREAD')).channels.find(each => each.channel === channel)?.mentions ?? 0
  const set = (channel: string, group: string, members: readonly string[]) => ({ type: 'SET_GROUP', channel, group, members })

  test('mention members alone, once; not who has left, and nobody again by an edit', async () => {
    const [bobKey, eveKey] = [newKey(), newKey()]
    const { channel, owner } = await newRoom()
    await using bob = await enter(channel, bobKey)
    await using eve = await enter(channel, eveKey)
    await owner.ask(set(channel, 'ops', [bobKey.id, eveKey.id, owner.id, '@0123456789abcdef']), 'GROUP_CHANGED')
    await owner.ask(set(channel, 'on-call', [bobKey.id]), 'GROUP_CHANGED')
    const { msg_id } = await say(owner, channel, '@ops and @on-call: help, @ops')
    expect([await mentions(owner, channel), await mentions(bob, channel), await mentions(eve, channel)]).toEqual([0, 1, 1])
    await owner.ask({ type: 'EDIT', msg_id, content: '@ops: never mind' }, 'ACK')
    await say(owner, channel, 'ops@ops.example, @opsx, @OPS')
    expect(await mentions(bob, channel)).toBe(1)
    await eve.ask({ type: 'LEAVE', channel }, 'LEFT')
    await say(owner, channel, '@ops once more')
    await eve.ask({ type: 'JOIN', channel, limit: 0 }, 'JOINED')
    expect([await mentions(bob, channel), await mentions(eve, channel)]).toEqual([2, 1])
    // In a thread that is muted, and by whom is blocked, as any mention.
    await bob.ask({ type: 'MUTE_THREAD', msg_id }, 'OK')
    await owner.ask({ type: 'MSG', to: channel, content: '@ops', in_reply_to: msg_id }, 'ACK')
    expect([await mentions(bob, channel), await mentions(eve, channel)]).toEqual([2, 2])
    await owner[Symbol.asyncDispose]()
  })

  test('are named so that no id is meant; where an agent has such an id, it is meant', async () => {
    const { channel, owner } = await newRoom()
    for (const wrong of ['here', 'x', 'Ops', '0ops', '@ops', 'builders', '8addfe276526c9f6', 'a b', 'a\u202e', 'x'.repeat(33), ''])
      expect(await owner.ask(set(channel, wrong, []), 'ERROR'), wrong).toMatchObject({ code: 'INVALID_MSG' })
    await owner.ask(set(channel, 'ops', Array.from({ length: 101 }, (_, i) => `@a${i}`)), 'ERROR')
    const [imported, bobKey] = [{ ...newKey(), id: '@ops' }, newKey()]
    // Ids of other forms come with what is imported.
    await relay.store.write(async tx => {
      await rememberAgent(tx, { id: imported.id, pubkey: imported.pem, name: 'x' }, 1)
      await addMembership(tx, imported.id, channel, 0)
    })
    await using bob = await enter(channel, bobKey)
    await owner.ask(set(channel, 'ops', [bobKey.id]), 'GROUP_CHANGED')
    await say(owner, channel, '@ops')
    expect(await mentions(bob, channel)).toBe(0)
    expect((await relay.store.read.log.unread('@ops')).streams).toMatchObject([{ stream: channel, count: 1 }])
    await owner[Symbol.asyncDispose]()
  })

  test('are bounded, outlive a restart, follow a key, and go with their channel', async () => {
    const { channel, owner } = await newRoom()
    const [bobKey, nextKey] = [newKey(), newKey()]
    for (const group of ['ops', 'on-call']) await owner.ask(set(channel, group, [bobKey.id]), 'GROUP_CHANGED')
    expect(await owner.ask(set(channel, 'more', [bobKey.id]), 'ERROR')).toMatchObject({
      code: 'LIMIT_REACHED',
      message: expect.stringContaining('maxGroupsPerChannel'),
    })
    await owner.ask(set(channel, 'ops', [bobKey.id, owner.id]), 'GROUP_CHANGED')
    const sizes = async () => (await loadChannels(relay.store.read)).find(({ name }) => name === channel)?.groups
    expect(await sizes()).toEqual([{ name: 'on-call', members: 1 }, { name: 'ops', members: 2 }])
    {
      await using bob = await enter(channel, bobKey)
      await using next = await relay.login('next', { key: nextKey })
      const record = { old_pubkey: bobKey.pem, new_pubkey: nextKey.pem, timestamp: new Date(0).toISOString() }
      await next.ask({ type: 'ROTATION', ...record, signature: signWith(bobKey, JSON.stringify(record)) }, 'OK')
      await say(owner, channel, '@on-call')
      expect(await mentions(next, channel)).toBe(1)
      void bob
    }
    await owner.ask(set(channel, 'on-call', []), 'GROUP_CHANGED')
    expect(await sizes()).toEqual([{ name: 'ops', members: 2 }])
    await owner.ask({ type: 'DELETE_CHANNEL', channel }, 'OK')
    const rows = async () =>
      (await relay.store.read.tables<{ channel_groups: { channel: string } }>().selectFrom('channel_groups').select('channel')
        .where('channel', '=', channel).execute()).length
    await expect.poll(async () => {
      relay.clock.advance(1_000)
      return rows()
    }, { timeout: 5_000 }).toBe(0)
    await owner[Symbol.asyncDispose]()
  })

  test('of more members than a message may call mention nobody, and cost who they would call', async () => {
    await using small = await startTestRelay({ maxHereMembers: 1, autoJoin: [] })
    const keys = [newKey(), newKey(), newKey()]
    const [ann, bob, eve] = await Promise.all(keys.map(key => small.login('x', { key, autojoin: false })))
    await using _1 = ann!
    await using _2 = bob!
    await using _3 = eve!
    await ann!.ask({ type: 'CREATE_CHANNEL', channel: '#room' }, 'JOINED')
    for (const wire of [bob!, eve!]) await wire.ask({ type: 'JOIN', channel: '#room', limit: 0 }, 'JOINED')
    await ann!.ask(set('#room', 'all', keys.map(({ id }) => id)), 'GROUP_CHANGED')
    await ann!.ask(set('#room', 'one', [keys[1]!.id]), 'GROUP_CHANGED')
    await say(ann!, '#room', '@all')
    expect([await mentions(bob!, '#room'), await mentions(eve!, '#room')]).toEqual([0, 0])
    await say(ann!, '#room', '@one')
    expect([await mentions(bob!, '#room'), await mentions(eve!, '#room')]).toEqual([1, 0])
  })

  test('are told to those who may know who belongs to the channel, and to nobody else', async () => {
    const { channel, owner } = await newRoom()
    await using bob = await enter(channel, newKey())
    await using eve = await relay.login('eve', { key: newKey() })
    await owner.ask(set(channel, 'ops', [owner.id]), 'GROUP_CHANGED')
    expect(await bob.ask({ type: 'GROUPS', channel }, 'GROUPS')).toMatchObject({ list: [{ group: 'ops', members: [owner.id] }] })
    for (const type of ['GROUPS', 'MEMBERS']) {
      expect(await eve.ask({ type, channel }, 'ERROR'), type).toMatchObject({ code: 'NOT_INVITED' })
      expect(await eve.ask({ type, channel: '#none-such' }, 'ERROR'), type).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
    }
    // He made it, and is not in it.
    await owner.ask({ type: 'LEAVE', channel }, 'LEFT')
    expect(await owner.ask({ type: 'GROUPS', channel }, 'GROUPS')).toMatchObject({ list: [{ group: 'ops' }] })
    await owner[Symbol.asyncDispose]()
  })

  test('the library sets and lists them', async () => {
    const { channel, owner } = await newRoom()
    await using client = await clientOf(relay, { identity: newIdentity('ann') })
    await client.join(channel as '#x')
    await owner.ask({ type: 'SET_CHANNEL', channel, group_by: 'members' }, 'CHANNEL_CHANGED')
    const members = ['@0123456789abcdef'] as const
    expect(await setGroup(client, channel as '#x', 'ops', members)).toMatchObject({ group: 'ops', members, by: client.agentId })
    expect(await groupsOf(client, channel as '#x')).toEqual([{ group: 'ops', members }])
    await setGroup(client, channel as '#x', 'ops', [])
    expect(await groupsOf(client, channel as '#x')).toEqual([])
    await owner[Symbol.asyncDispose]()
  })
})

describe('pins', () => {
  test('are bounded, and go with their message', async () => {
    const { channel, owner } = await newRoom()
    const ids = []
    for (let i = 0; i < 3; i++) ids.push((await say(owner, channel)).msg_id)
    for (const msg_id of ids.slice(0, 2)) await owner.ask({ type: 'PIN', channel, msg_id }, 'PINNED')
    expect(await owner.ask({ type: 'PIN', channel, msg_id: ids[2] }, 'ERROR')).toMatchObject({
      code: 'LIMIT_REACHED',
      message: expect.stringContaining('maxPinsPerChannel'),
    })
    await owner.ask({ type: 'RETRACT', msg_id: ids[0] }, 'ACK')
    expect((await owner.ask({ type: 'PINS', channel }, 'PINS')).list.map(({ msg_id }) => msg_id)).toEqual([ids[1]])
    await owner.ask({ type: 'PIN', channel, msg_id: ids[2] }, 'PINNED')
    await owner[Symbol.asyncDispose]()
  })
})

describe('threads', () => {
  test('answers that name themselves, each other, or what is still to come make no circle: each thread ends', async () => {
    const { channel, owner } = await newRoom()
    const first = await say(owner, channel)
    // The next ids can be told from the last one.
    const [stream, seq, epoch] = first.msg_id.split('-')
    const idAt = (n: number) => `${stream}-${Number(seq) + n}-${epoch}`
    const answer = async (n: number) => {
      const { msg_id } = await owner.ask({ type: 'MSG', to: channel, content: 'x', in_reply_to: idAt(n) }, 'ACK')
      return msg_id
    }
    // It names itself; the one after it; that names it; and the last one names the first of these.
    const said = [await answer(1), await answer(3), await answer(2), await answer(1)]
    expect(said).toEqual([idAt(1), idAt(2), idAt(3), idAt(4)])
    const threadOf = async (msg_id: string) => {
      const { msg_id: root, replies, events } = await owner.ask({ type: 'THREAD', msg_id }, 'THREAD')
      return [root, replies, events.map(event => event.msg_id)]
    }
    const [itself, early, later, last] = said as [string, string, string, string]
    expect(await threadOf(itself)).toEqual([itself, 1, [itself, last]])
    expect(await threadOf(last)).toEqual([itself, 1, [itself, last]])
    // What named something that was not there yet begins a thread of its own.
    expect(await threadOf(early)).toEqual([early, 1, [early, later]])
    expect(await threadOf(later)).toEqual([early, 1, [early, later]])
  })
})
