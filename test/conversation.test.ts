// What is around messages: reactions and what is unread, their limits, and what becomes of them when a message goes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RetentionSweep } from '../src/features/operate/keeping/retention.ts'
import { loadChannels } from '../src/store/channels.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'

let relay: TestRelay
beforeAll(async () => {
  relay = await startTestRelay({ maxReactionKinds: 3, maxReactions: 5, maxPinsPerChannel: 2, createChannels: 'anyone' })
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
