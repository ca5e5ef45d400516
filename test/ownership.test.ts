// Channels that belong to somebody: who may do what, and that one which is deleted is gone, under its name too.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openKeeper } from '../src/app.ts'
import { AgentChatClient, type ChannelName } from '../lib/index.ts'
import { wsTransport } from '../lib/node/index.ts'
import { RetentionSweep } from '../src/features/operate/keeping/retention.ts'
import { clearSome, isEnding } from '../src/store/endings.ts'
import { tracesOf, whereOf } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

const adminKey = 'open sesame, please'
const dayMs = 24 * 60 * 60_000
const alone = { channels: ['#general'], autoJoin: [], verifiedChannels: [] }

const create = (wire: Wire, channel: string, more: object = {}) => wire.ask({ type: 'CREATE_CHANNEL', channel, ...more }, 'JOINED')
const say = (wire: Wire, to: string, content: string, more: object = {}) => wire.ask({ type: 'MSG', to, content, ...more }, 'ACK')
const remove = (wire: Wire, channel: string, more: object = {}) => wire.ask({ type: 'DELETE_CHANNEL', channel, ...more }, 'OK')
const codeOf = async (wire: Wire, request: { readonly type: string } & Record<string, unknown>) => (await wire.refusal(request)).code

/** Clears what is left of deleted channels away, as the relay does once a second; gives in how many pieces. */
const clear = async (relay: TestRelay): Promise<number> => {
  for (let pieces = 0;; pieces++) if (!(await relay.store.write(tx => clearSome(tx, relay.clock.now()))).worked) return pieces
}

const rotate = async (relay: TestRelay, from: Key, to: Key): Promise<Wire> => {
  const wire = await relay.login('ann', { key: to })
  const record = { old_pubkey: from.pem, new_pubkey: to.pem, timestamp: new Date(0).toISOString() }
  await wire.ask({ type: 'ROTATION', ...record, signature: signWith(from, JSON.stringify(record)) }, 'OK')
  return wire
}

describe('an owner', () => {
  test('stays the owner under another key, in this life of the relay and the next', async () => {
    using data = newFolder()
    const [first, second, third] = [newKey(), newKey(), newKey()]
    {
      await using relay = await startTestRelay({ ...alone, data: data.path })
      await using ann = await relay.login('ann', { key: first })
      expect(await create(ann, '#lab')).toMatchObject({ owner: first.id })
      await using again = await rotate(relay, first, second)
      const { list } = await again.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')
      expect(list).toEqual([{ name: '#general', agents: 0 }, { name: '#lab', agents: 0, owner: second.id }])
    }
    await using relay = await startTestRelay({ ...alone, data: data.path })
    await using again = await rotate(relay, second, third)
    await again.ask({ type: 'SET_CHANNEL', channel: '#lab', topic_by: 'owner' }, 'CHANNEL_CHANGED')
    await remove(again, '#lab')
  })

  test('is nobody of a channel of the configuration; an admin can make somebody one, and delete what no configuration names', async () => {
    using data = newFolder()
    const [key, other] = [newKey(), newKey()]
    {
      await using relay = await startTestRelay({ ...alone, channels: ['#general', '#old'], data: data.path, adminKey })
      await using ann = await relay.login('ann', { key })
      expect(await ann.ask({ type: 'JOIN', channel: '#old' }, 'JOINED')).not.toHaveProperty('owner')
      expect(await codeOf(ann, { type: 'DELETE_CHANNEL', channel: '#old' })).toBe('AUTH_REQUIRED')
      expect(await codeOf(ann, { type: 'DELETE_CHANNEL', channel: '#old', admin_key: 'a wrong one for sure' })).toBe('AUTH_REQUIRED')
      expect(await ann.refusal({ type: 'DELETE_CHANNEL', channel: '#old', admin_key: adminKey })).toMatchObject({
        code: 'INVALID_MSG',
        message: '#old is a channel of the configuration: take it out of `channels` and `autoJoin` first',
      })
      const give = (owner: string) => ({ type: 'SET_CHANNEL', channel: '#old', owner, admin_key: adminKey })
      // Without a session too, as any request of an admin.
      await using admin = await relay.connect()
      for (const nobody of ['@0123456789abcdef', other.id]) expect(await codeOf(admin, give(nobody))).toBe('AGENT_NOT_FOUND')
      expect(await admin.ask(give(key.id), 'CHANNEL_CHANGED')).toMatchObject({ owner: key.id, by: '@server' })
      expect(await ann.next('CHANNEL_CHANGED')).toMatchObject({ owner: key.id })
    }
    await using relay = await startTestRelay({ ...alone, data: data.path, adminKey })
    await using ann = await relay.login('ann', { key })
    await remove(ann, '#old')
  })

  test('of a private channel has a key; a guest owns a public one as long as it keeps its id', async () => {
    await using relay = await startTestRelay(alone)
    const wire = await relay.connect()
    wire.send({ type: 'IDENTIFY', name: 'guest' })
    const { resume, agent_id } = await wire.next('WELCOME')
    expect(await codeOf(wire, { type: 'CREATE_CHANNEL', channel: '#den', invite_only: true })).toBe('SIGNATURE_REQUIRED')
    expect(await create(wire, '#lab')).toMatchObject({ owner: agent_id })
    await wire.close()
    await using stranger = await relay.login('guest')
    expect(await codeOf(stranger, { type: 'DELETE_CHANNEL', channel: '#lab' })).toBe('AUTH_REQUIRED')
    await using back = await relay.login('guest', { resume })
    await remove(back, '#lab')
  })

  test('enters his own private channel again; learns who is invited; what he may others may not', async () => {
    await using relay = await startTestRelay(alone)
    const [mine, theirs] = [newKey(), newKey()]
    await using ann = await relay.login('ann', { key: mine })
    await using bob = await relay.login('bob', { key: theirs })
    await create(ann, '#den', { invite_only: true })
    await ann.ask({ type: 'INVITE', channel: '#den', agent: theirs.id }, 'OK')
    expect(await ann.ask({ type: 'MEMBERS', channel: '#den' }, 'MEMBERS')).toMatchObject({
      list: [{ id: mine.id, name: 'ann', connected: true }],
      invited: [{ id: theirs.id, by: mine.id }],
    })
    await bob.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
    await ann.ask({ type: 'LEAVE', channel: '#den' }, 'LEFT')
    expect(await bob.ask({ type: 'MEMBERS', channel: '#den' }, 'MEMBERS')).not.toHaveProperty('invited')
    for (const request of [{ type: 'REMOVE_MEMBER', agent: mine.id }, { type: 'UNINVITE', agent: mine.id }, { type: 'SET_CHANNEL' }])
      expect(await codeOf(bob, { ...request, channel: '#den' })).toBe('AUTH_REQUIRED')
    await ann.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
  })

  test('puts out members who are not here, and their sessions who are: what they send then is refused', async () => {
    await using relay = await startTestRelay(alone)
    const [mine, theirs] = [newKey(), newKey()]
    await using ann = await relay.login('ann', { key: mine })
    await create(ann, '#den', { invite_only: true })
    await ann.ask({ type: 'INVITE', channel: '#den', agent: theirs.id }, 'OK')
    const out = { type: 'REMOVE_MEMBER', channel: '#den', agent: theirs.id }
    expect(await codeOf(ann, out)).toBe('AGENT_NOT_FOUND')
    {
      await using one = await relay.login('bob', { key: theirs, session: '1' })
      await using two = await relay.login('bob', { key: theirs, session: '2' })
      await one.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
      await say(two, '#den', 'I belong here')
      await ann.ask(out, 'OK')
      expect(await one.next('LEFT')).toMatchObject({ reason: 'removed', by: mine.id })
      expect(await codeOf(two, { type: 'MSG', to: '#den', content: 'x' })).toBe('CHANNEL_NOT_FOUND')
      await ann.ask({ type: 'INVITE', channel: '#den', agent: theirs.id }, 'OK')
      await one.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
    }
    await ann.ask(out, 'OK')
    await using bob = await relay.login('bob', { key: theirs })
    expect(await codeOf(bob, { type: 'JOIN', channel: '#den' })).toBe('CHANNEL_NOT_FOUND')
  })

  test.each(['is put out', 'leaves it'])('what waits from a private channel for somebody who %s is not given any more, and its sender told',
    async how => {
      await using relay = await startTestRelay(alone)
      const theirs = newKey()
      await using ann = await relay.login('ann', { key: newKey() })
      await create(ann, '#den', { invite_only: true })
      await create(ann, '#hall')
      await ann.ask({ type: 'INVITE', channel: '#den', agent: theirs.id }, 'OK')
      {
        await using bob = await relay.login('bob', { key: theirs })
        for (const channel of ['#den', '#hall']) await bob.ask({ type: 'JOIN', channel }, 'JOINED')
      }
      const ids: string[] = []
      for (const [i, to] of ['#hall', '#den', '#hall'].entries())
        ids.push((await say(ann, to, `@bob the code is ${i}`, { receipts: true })).msg_id)
      const fateOf = async (i: number) => (await ann.ask({ type: 'STATUS', msg_id: ids[i] }, 'STATUS')).recipients
      // What waits where it may be read by anybody waits on.
      const out = (channel: string) => ({ type: 'REMOVE_MEMBER', channel, agent: theirs.id })
      await ann.ask(out('#hall'), 'OK')
      expect(await fateOf(1)).toMatchObject([{ agent: theirs.id, state: 'stored' }])
      if (how === 'leaves it') {
        await using bob = await relay.login('bob', { key: theirs, inbox: 'none', autojoin: false })
        await bob.ask({ type: 'LEAVE', channel: '#den' }, 'LEFT')
      } else await ann.ask(out('#den'), 'OK')
      await ann.barrier()
      const told = ann.heard.filter(frame => frame.type === 'STATUS').filter(({ recipients }) => recipients[0]!.state === 'expired')
      expect(told).toMatchObject([{ msg_id: ids[1], recipients: [{ agent: theirs.id }] }])
      await using bob = await relay.login('bob', { key: theirs, inbox: 'manual', autojoin: false })
      const said = [expect.objectContaining({ msg_id: ids[0] }), expect.objectContaining({ msg_id: ids[2] })]
      const offered = await bob.take('INBOX', 2)
      expect(offered.flatMap(({ items }) => items.map(({ event }) => event))).toEqual(said)
      expect((await bob.ask({ type: 'INBOX', since: 0 }, 'INBOX')).items.map(({ event }) => event)).toEqual(said)
      expect((await bob.ask({ type: 'CLAIM', limit: 10 }, 'CLAIMED')).items.map(({ event }) => event)).toEqual(said)
      await bob.barrier()
      expect(bob.texts.filter(text => text.includes('the code is 1'))).toEqual([])
      expect(await fateOf(1)).toMatchObject([{ state: 'expired' }])
    })
})

describe('a channel that is deleted', () => {
  test('is never taken for one that is made later: no position of before is recovered there, in any place of its life', async () => {
    await using relay = await startTestRelay(alone)
    await using ann = await relay.login('ann')
    let [last, lives] = [0, 0]
    // No message, then one, then several: each life begins behind the one before.
    for (const count of [0, 1, 0, 3]) {
      const joined = await create(ann, '#lab')
      expect(joined).toMatchObject({ recovered: true, seq: last === 0 ? 0 : last + 1 })
      const base = joined.seq
      for (let said = 0; said <= count; said++) {
        await using bob = await relay.login('bob')
        for (let since = 0; since < base; since++) {
          expect(await bob.ask({ type: 'JOIN', channel: '#lab', since }, 'JOINED'), `life ${lives}, ${said} said, since ${since}`)
            .toMatchObject({ recovered: false, seq: base + said })
          await bob.ask({ type: 'LEAVE', channel: '#lab' }, 'LEFT')
        }
        await bob.clear()
        expect(await bob.ask({ type: 'JOIN', channel: '#lab', since: base }, 'JOINED')).toMatchObject({ recovered: true })
        expect((await bob.take('MSG', said)).map(({ content }) => content)).toEqual(
          Array.from({ length: said }, (_, n) => `${lives}/${n}`),
        )
        if (said < count) await say(ann, '#lab', `${lives}/${said}`)
      }
      last = base + count
      lives++
      await remove(ann, '#lab')
      await clear(relay)
    }
  })

  test('has no members, no invited, no readers in the next one, wherever they were meanwhile', async () => {
    await using relay = await startTestRelay(alone)
    relay.clock.stop()
    const [mine, there, away, invited, eve] = [newKey(), newKey(), newKey(), newKey(), newKey()]
    await using ann = await relay.login('ann', { key: mine })
    await create(ann, '#den', { invite_only: true })
    const enter = async (key: Key): Promise<Wire> => {
      await ann.ask({ type: 'INVITE', channel: '#den', agent: key.id }, 'OK')
      const wire = await relay.login('x', { key })
      await wire.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
      return wire
    }
    // One stays; one is connected but does not listen there; one comes back before all is cleared; one was only invited.
    await using stays = await enter(there)
    await (await enter(away)).close()
    await using silent = await relay.login('x', { key: away, session: 'other' })
    const guest = await relay.login('guest')
    await ann.ask({ type: 'INVITE', channel: '#den', agent: guest.id }, 'OK')
    await guest.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
    await ann.ask({ type: 'INVITE', channel: '#den', agent: invited.id }, 'OK')
    await say(ann, '#den', 'old secret')
    await remove(ann, '#den')
    expect(await stays.next('LEFT')).toMatchObject({ reason: 'deleted' })
    await using early = await relay.login('x', { key: there, session: 'early' })

    await using other = await relay.login('eve', { key: eve })
    expect(await other.refusal({ type: 'CREATE_CHANNEL', channel: '#den', invite_only: true })).toMatchObject({ code: 'BUSY' })
    await clear(relay)
    await create(other, '#den', { invite_only: true })
    await say(other, '#den', 'new secret')
    await using late = await relay.login('x', { key: invited })
    for (const wire of [ann, stays, silent, early, guest, late]) {
      for (
        const request of [{ type: 'HISTORY', channel: '#den' }, { type: 'JOIN', channel: '#den' }, {
          type: 'MSG',
          to: '#den',
          content: 'x',
        }]
      )
        expect(await codeOf(wire, request)).toBe('CHANNEL_NOT_FOUND')
      expect(wire.heard.filter(frame => JSON.stringify(frame).includes('new secret'))).toEqual([])
    }
    expect((await other.ask({ type: 'MEMBERS', channel: '#den' }, 'MEMBERS')).list).toEqual([{ id: eve.id, name: 'eve', connected: true }])
    expect((await other.ask({ type: 'HISTORY', channel: '#den' }, 'HISTORY')).events.map(({ content }) => content)).toEqual(['new secret'])
    await guest.close()
  })

  test("leaves nothing in the files; a repeat of a message there is a repeat, and its fate is nobody's", async () => {
    using data = newFolder()
    const key = newKey()
    {
      await using relay = await startTestRelay({ ...alone, data: data.path })
      relay.clock.stop()
      await (await relay.login('bob', { key })).close()
      await using ann = await relay.login('ann', { key: newKey() })
      await create(ann, '#lab')
      const message = { content: `quite-a-secret @${key.id.slice(1)}`, id: 'k', receipts: true }
      const { msg_id, seq } = await say(ann, '#lab', message.content, message)
      expect(await tracesOf(data.path, 'quite-a-secret')).not.toEqual([])
      await remove(ann, '#lab')
      expect(await say(ann, '#lab', message.content, message)).toMatchObject({ msg_id, seq, duplicate: true })
      await clear(relay)
      expect(await say(ann, '#lab', message.content, message)).toMatchObject({ msg_id, seq, duplicate: true })
      expect(await codeOf(ann, { type: 'STATUS', msg_id })).toBe('MESSAGE_NOT_FOUND')
      await using bob = await relay.login('bob', { key })
      await bob.hearsNothing()
    }
    expect(await tracesOf(data.path, 'quite-a-secret')).toEqual([])
  })

  test('goes by itself, in bounded pieces, and goes on going after a restart; what waited is told as expired', async () => {
    using data = newFolder()
    const [mine, theirs] = [newKey(), newKey()]
    {
      await using relay = await startTestRelay({ ...alone, data: data.path })
      relay.clock.stop()
      await using ann = await relay.login('ann', { key: mine })
      await (await relay.login('bob', { key: theirs })).close()
      await create(ann, '#lab')
      await say(ann, '#lab', `hello @${theirs.id.slice(1)}`, { receipts: true })
      await relay.store.write(async tx => {
        for (let i = 0; i < 1_300; i++)
          void tx.log.append({ stream: '#lab', author: '@a' }, 1, ({ seq, ts }) => Buffer.from(JSON.stringify({ type: 'MSG', ts, seq })))
      })
      await remove(ann, '#lab')
      expect(await relay.store.write(async tx => (await clearSome(tx, 1)).worked)).toBe(true)
      expect(await isEnding(relay.store.read, '#lab')).toBe(true)
    }
    await using relay = await startTestRelay({ ...alone, data: data.path })
    await using ann = await relay.login('ann', { key: mine })
    expect((await ann.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')).list.map(({ name }) => name)).toEqual(['#general'])
    while (await isEnding(relay.store.read, '#lab')) await ann.barrier()
    const left = await relay.store.read.tables<{ events: { id: number } }>().selectFrom('events').select('id').execute()
    expect(left).toEqual([])
    expect(await create(ann, '#lab')).toMatchObject({ seq: 1_302 })
  })

  test('is not in an archive, though some of it is still to be cleared away', async () => {
    using data = newFolder()
    {
      await using relay = await startTestRelay({ ...alone, data: data.at('a') })
      relay.clock.stop()
      const key = newKey()
      await (await relay.login('bob', { key })).close()
      await using ann = await relay.login('ann', { key: newKey() })
      await create(ann, '#lab', { topic_by: 'owner' })
      await create(ann, '#gone')
      for (const to of ['#gone', '#lab']) await say(ann, to, `for @${key.id.slice(1)}`)
      await ann.ask({ type: 'INVITE', channel: '#gone', agent: '@someone' }, 'OK')
      await remove(ann, '#gone')
    }
    const keeper = await openKeeper()
    const file = data.at('archive.jsonl')
    const exported = await keeper.exportToFile(file, { ...await whereOf(data.at('a')), now: 1 })
    expect(exported.counts).toMatchObject({ channel: 2, membership: 1, invitation: 0, event: 1, inbox: 1 })
    expect(readFileSync(file, 'utf8')).not.toContain('#gone"')
    const source = (async function*() {
      yield readFileSync(file)
    })()
    await keeper.import({ source, ...await whereOf(data.at('b')), newEpoch: 'b'.repeat(16) })
    await using relay = await startTestRelay({ ...alone, data: data.at('b'), adminKey, channelIdleMs: dayMs })
    await using bob = await relay.login('bob')
    // Whoever owned it owns it; imported channels count as used.
    expect(await bob.ask({ type: 'JOIN', channel: '#lab' }, 'JOINED')).toMatchObject({
      topic_by: 'owner',
      owner: expect.stringMatching(/^@/),
    })
  })

  test('large texts go few at a time, by retention too', async () => {
    await using relay = await startTestRelay(alone)
    relay.clock.stop()
    await using ann = await relay.login('ann')
    await create(ann, '#lab')
    const fill = (stream: string) =>
      relay.store.write(async tx => {
        for (let i = 0; i < 6; i++)
          void tx.log.append({ stream, author: '@a' }, 1,
            ({ seq, ts }) => Buffer.from(JSON.stringify({ type: 'MSG', ts, seq, content: 'x'.repeat(1_500_000) })))
      })
    await fill('#lab')
    await remove(ann, '#lab')
    // The membership of nobody, then two texts at once, and the rest of it.
    expect(await clear(relay)).toBe(3 + 1)
    await fill('#general')
    const retention = new RetentionSweep({ ageMs: 0, count: 1, bytes: 0 })
    const oldest: number[] = []
    for (let i = 0; i < 3; i++) {
      await relay.store.write(tx => retention.run(tx, relay.clock.now()))
      oldest.push((await relay.store.read.log.head('#general')).oldest)
    }
    expect(oldest).toEqual([3, 5, 6])
  })
})

describe('a channel that nobody uses', () => {
  const names = async (wire: Wire) => (await wire.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')).list.map(({ name }) => name)
  const gone = async (wire: Wire, name: ChannelName) => {
    while ((await names(wire)).includes(name)) await wire.barrier()
  }
  /** Lets the relay run on, so that no time is one in which it was down. */
  const days = async (relay: TestRelay, wire: Wire, count: number) => {
    for (let minutes = 0; minutes < count * 24 * 60; minutes += 24 * 60) {
      relay.clock.advance(dayMs)
      const before = await relay.store.read.tables<{ meta: { key: string, value: string } }>().selectFrom('meta').select('value')
        .where('key', '=', 'channels_swept_at').executeTakeFirst()
      let now = before
      while (now?.value === before?.value) {
        await wire.barrier()
        now = await relay.store.read.tables<{ meta: { key: string, value: string } }>().selectFrom('meta').select('value')
          .where('key', '=', 'channels_swept_at').executeTakeFirst()
      }
    }
  }

  test('goes; one that somebody is in, one where something was said, and those of the configuration stay', async () => {
    await using relay = await startTestRelay({ ...alone, channelIdleMs: 60_000 })
    await using ann = await relay.login('ann')
    for (const name of ['#empty', '#used', '#said']) await create(ann, name)
    for (const name of ['#empty', '#said']) await ann.ask({ type: 'LEAVE', channel: name }, 'LEFT')
    relay.clock.advance(45_000)
    await using bob = await relay.login('bob')
    await bob.ask({ type: 'JOIN', channel: '#said' }, 'JOINED')
    await say(bob, '#said', 'still of use')
    await bob.ask({ type: 'LEAVE', channel: '#said' }, 'LEFT')
    relay.clock.advance(45_000)
    await gone(ann, '#empty')
    expect(await names(ann)).toEqual(['#general', '#said', '#used'])
    relay.clock.advance(61_000)
    await gone(ann, '#said')
    expect(await names(ann)).toEqual(['#general', '#used'])
    // Who left last left not long ago: that the channel was in use is noted from time to time.
    await ann.ask({ type: 'LEAVE', channel: '#used' }, 'LEFT')
    relay.clock.advance(61_000)
    await gone(ann, '#used')
  })

  test('does not go for the time in which the relay did not run', async () => {
    using data = newFolder()
    {
      await using relay = await startTestRelay({ ...alone, data: data.path, channelIdleMs: 10 * dayMs })
      await using ann = await relay.login('ann')
      await create(ann, '#lab')
      await days(relay, ann, 1)
    }
    await using relay = await startTestRelay({ ...alone, data: data.path, channelIdleMs: 10 * dayMs })
    relay.clock.advance(40 * dayMs)
    await using ann = await relay.login('ann')
    await days(relay, ann, 1)
    expect(await names(ann)).toEqual(['#general', '#lab'])
  })
})

test('a client deletes, puts out, takes back, gives away, and hears that it is out', async () => {
  await using relay = await startTestRelay(alone)
  const connect = async () => {
    const key = newKey()
    const client = new AgentChatClient({
      server: relay.url,
      name: 'ann',
      transport: wsTransport,
      identity: { agentId: key.id, publicKey: key.pem, name: 'ann', sign: (text: string) => signWith(key, text) } as never,
    })
    await client.connect()
    return client
  }
  const [ann, bob] = [await connect(), await connect()]
  await ann.createChannel('#den', { inviteOnly: true, topicBy: 'owner' })
  await ann.invite('#den', bob.agentId!)
  await bob.join('#den')
  await ann.invite('#den', '@someone')
  expect(await ann.channels.members('#den')).toMatchObject({
    owner: ann.agentId,
    list: [ann.agentId, bob.agentId].sort().map(id => ({ id, connected: true })),
    invited: [{ id: '@someone' }],
  })
  await ann.channels.uninvite('#den', '@someone')
  await ann.channels.change('#den', { owner: bob.agentId!, topicBy: 'members' })
  await bob.channels.remove('#den', ann.agentId!)
  const left = new Promise(resolve => bob.on('LEFT', resolve))
  await bob.channels.delete('#den')
  expect(await left).toMatchObject({ channel: '#den', reason: 'deleted' })
  await ann.close()
  await bob.close()
})
