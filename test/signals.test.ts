// What a storm of signals costs: frames sent, counted. The newest of a kind is told, behind the events, and in large channels a number.
import { describe, expect, test } from 'vitest'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import type { Wire } from './kit/wire.ts'

const storm = 300
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

const room = async (relay: TestRelay, members: number): Promise<readonly Wire[]> =>
  Promise.all(upTo(members).map(i => relay.login(`member${i}`)))

/** Sends the last state of a storm as a request with an answer, and gives what a member has heard of the storm once it heard the end of it. */
const heardOf = async (member: Wire, isEnd: (frame: Wire['heard'][number]) => boolean): Promise<readonly Wire['heard'][number][]> => {
  for (;;) if (isEnd(await member.next())) return member.heard.filter(frame => frame.type !== 'WELCOME' && frame.type !== 'PONG')
}

describe(`of ${storm} within a moment`, () => {
  test('TYPING: the first one is told, and one for all the others', async () => {
    await using relay = await startTestRelay()
    const members = await room(relay, 5)
    await using sender = await relay.login('sender')
    sender.send(...upTo(storm).map(() => '{"type":"TYPING","channel":"#general"}'), '{"type":"TYPING","channel":"#help"}')
    await sender.barrier()
    for (const member of members) {
      await member.take('TYPING', 3)
      // One more than two may fall on the second between them.
      expect(member.heard.filter(frame => frame.type === 'TYPING' && frame.channel === '#general').length).toBeLessThanOrEqual(3)
    }
  })

  test('SET_PRESENCE: everyone who shares a channel hears the first one and the last', async () => {
    await using relay = await startTestRelay()
    const [member] = await room(relay, 1)
    await using sender = await relay.login('sender')
    sender.send(...upTo(storm).map(i => ({ type: 'SET_PRESENCE', status: 'busy', status_text: String(i) })))
    const heard = await heardOf(member!, frame => frame.type === 'PRESENCE_CHANGED' && frame.status_text === String(storm))
    expect(heard.length).toBeLessThanOrEqual(4)
    expect(heard[0]).toMatchObject({ status_text: '1' })
  })

  test('RESPONDING_TO: the first claim and the last', async () => {
    await using relay = await startTestRelay()
    const [member] = await room(relay, 1)
    await using sender = await relay.login('sender')
    sender.send(
      ...upTo(storm).map(i => ({ type: 'RESPONDING_TO', channel: '#general', msg_id: `1-${i}-abcdef`, started_at: relay.clock.now() })),
    )
    const heard = await heardOf(member!, frame => frame.type === 'FLOOR_CLAIMED' && frame.msg_id === `1-${storm}-abcdef`)
    expect(heard.length).toBeLessThanOrEqual(4)
  })

  test('JOIN and LEAVE: the coming, and the going if it is gone in the end', async () => {
    await using relay = await startTestRelay({ autoJoin: [] })
    const [member] = await room(relay, 1)
    await member!.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
    await using sender = await relay.login('sender')
    sender.send(...upTo(storm).flatMap(() => [{ type: 'JOIN', channel: '#help' }, { type: 'LEAVE', channel: '#help' }]))
    await sender.take('LEFT', storm)
    const heard = await heardOf(member!, frame => frame.type === 'AGENT_LEFT')
    const told = heard.filter(frame => frame.type === 'AGENT_JOINED' || frame.type === 'AGENT_LEFT').map(({ type }) => type)
    expect(told.length).toBeLessThanOrEqual(6)
    // One and the other in turn, whatever fell in between.
    expect(told).toEqual(told.map((_, i) => i % 2 === 0 ? 'AGENT_JOINED' : 'AGENT_LEFT'))
  })
})

test('a going is told at once where nobody was told of the coming', async () => {
  await using relay = await startTestRelay({ autoJoin: [] })
  await using first = await relay.login('first')
  await first.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
  await using second = await relay.login('second')
  await second.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
  await first.ask({ type: 'LEAVE', channel: '#help' }, 'LEFT')
  await second.barrier()
  expect(second.unread).toMatchObject([{ type: 'AGENT_LEFT', agent: first.id }])
})

test('each sender and each channel has its own turn', async () => {
  await using relay = await startTestRelay()
  const [member] = await room(relay, 1)
  await using ann = await relay.login('ann')
  await using bob = await relay.login('bob')
  for (const wire of [ann, bob]) {
    wire.send({ type: 'TYPING', channel: '#general' }, { type: 'TYPING', channel: '#help' })
    await wire.barrier()
  }
  await member!.barrier()
  expect(member!.unread.map(frame => frame.type)).toEqual(['TYPING', 'TYPING', 'TYPING', 'TYPING'])
})

test('in a channel with more members than are told of each other a storm is one number', async () => {
  await using relay = await startTestRelay({ announceMaxMembers: 3 })
  const members = await room(relay, 5)
  await using sender = await relay.login('sender')
  sender.send(...upTo(storm).map(() => '{"type":"TYPING","channel":"#general"}'))
  sender.send({ type: 'JOIN', channel: '#general' }, {
    type: 'RESPONDING_TO',
    channel: '#general',
    msg_id: '1-1-abcdef',
    started_at: relay.clock.now(),
  })
  await sender.clear()
  for (const member of members) await member.hearsNothing()
  relay.clock.advance(10_000)
  for (const member of members) {
    expect(await member.next()).toMatchObject({
      type: 'CHANNEL_ACTIVITY',
      channel: '#general',
      agents: 6,
      typing: storm,
      joined: 1,
      claimed: 1,
    })
  }
})

test('a signal and a message of one sender keep their order', async () => {
  await using relay = await startTestRelay()
  const watchers = await room(relay, 3)
  await using sender = await relay.login('sender')
  for (const wire of watchers) await wire.ask({ type: 'WATCH', agents: [sender.id] }, 'WATCHING')
  sender.send({ type: 'TYPING', channel: '#general' }, { type: 'MSG', to: '#general', content: 'said' })
  for (const wire of watchers) expect([(await wire.next()).type, (await wire.next()).type]).toEqual(['TYPING', 'MSG'])
})
