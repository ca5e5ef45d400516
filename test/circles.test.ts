// Circles: agents that answer whatever comes are stopped where they answer each other, and nobody else is.
import { describe, expect, test } from 'vitest'
import type { Frame } from '../lib/protocol/index.ts'
import { Circles } from '../src/domain/circles.ts'
import { startTestCluster } from './kit/cluster.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'

const channel = '#loop'

test('two agents that answer whatever comes end, are told, and go on when the owner or time lets them', async () => {
  await using relay = await startTestRelay({ circleReplies: 6, channels: [] })
  relay.clock.stop()
  await using owner = await relay.login('owner', { key: newKey() })
  await owner.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
  await using ann = await relay.login('ann')
  await using bob = await relay.login('bob')
  for (const wire of [ann, bob]) await wire.ask({ type: 'JOIN', channel }, 'JOINED')
  const say = (wire: Wire, inReplyTo?: string) =>
    wire.answer({ type: 'MSG', to: channel, content: 'and you?', ...(inReplyTo !== undefined && { in_reply_to: inReplyTo }) })
  const first = await say(owner) as { readonly msg_id: string }
  /** How many answers are taken until one is not. */
  const loop = async (last: string): Promise<{ readonly taken: number, readonly last: string }> => {
    for (let taken = 0; taken < 50; taken++) {
      const answer = await say(taken % 2 === 0 ? ann : bob, last)
      if (answer.type === 'ERROR') {
        expect(answer).toMatchObject({ code: 'CIRCLE_STOPPED', message: expect.stringMatching(/ for 600 s$/) })
        // Clients send again by themselves what has a time to wait, and all else of theirs waits behind it.
        expect(answer).not.toHaveProperty('retry_after_ms')
        return { taken, last }
      }
      last = (answer as { readonly msg_id: string }).msg_id
    }
    throw new Error('they went on')
  }
  const { taken, last } = await loop(first.msg_id)
  expect(taken).toBe(7)
  for (const wire of [ann, bob]) expect(await wire.next('CIRCLE')).toMatchObject({ channel, msg_id: first.msg_id })
  // Another voice, and other places, are not stopped.
  for (let times = 0; times < 3; times++) expect(await say(owner, last)).toMatchObject({ type: 'ACK' })
  expect(await say(ann)).toMatchObject({ type: 'ACK' })
  expect((await ann.refusal({ type: 'RELEASE_CIRCLE', msg_id: first.msg_id })).code).toBe('MESSAGE_NOT_FOUND')
  await owner.ask({ type: 'RELEASE_CIRCLE', msg_id: first.msg_id }, 'OK')
  for (const wire of [ann, bob]) expect(await wire.next('CIRCLE')).toMatchObject({ released: true })
  const again = await loop(last)
  expect(again.taken).toBe(7)
  relay.clock.advance(600_001)
  expect((await loop(again.last)).taken).toBeGreaterThan(1)
})

test('what is slow, or of many, or by one, is no circle; and what is counted is bounded', () => {
  const circles = new Circles({ circleReplies: 5, circleWindowMs: 60_000, circlePauseMs: 600_000 })
  let now = 0
  const answers = (root: string, agents: readonly string[], everyMs: number, times: number): number => {
    for (let n = 0; n < times; n++) {
      now += everyMs
      const agent = agents[n % agents.length]!
      if (circles.stopped(root, agent, now) !== undefined) return n
      circles.note(root, circles.after(root, { stream: '#a', agent }, now))
    }
    return times
  }
  expect(answers('slow', ['@a', '@b'], 20_000, 100)).toBe(100)
  expect(answers('alone', ['@a'], 10, 100)).toBe(100)
  expect(answers('many', ['@a', '@b', '@c', '@d', '@e'], 10, 100)).toBe(100)
  expect(answers('two', ['@a', '@b'], 10, 100)).toBe(6)
  expect(answers('three', ['@a', '@b', '@c'], 10, 100)).toBe(7)
  // Who speaks beside them is not stopped, and lets none of them go on.
  for (const agent of ['@c', '@c', '@d', '@e', '@f', '@c']) {
    expect(circles.stopped('two', agent, now)).toBeUndefined()
    circles.note('two', circles.after('two', { stream: '#a', agent }, now))
  }
  expect(circles.at('two', now)?.agents).toEqual(['@a', '@b'])
  for (let n = 0; n < 10_000; n++) circles.note(`${n}`, circles.after(`${n}`, { stream: '#a', agent: '@a' }, now))
  expect(circles.at('two', now)).toBeUndefined()
})

describe('at two processes', () => {
  const rules = { circleReplies: 6, channels: [] }

  test.each(['channel', 'direct messages'])('agents that answer each other across them are stopped at both: %s', async where => {
    await using cluster = await startTestCluster(2, rules)
    cluster.clock.stop()
    const [one, two] = cluster.nodes
    await using owner = await two!.login('owner', { key: newKey() })
    await using ann = await one!.login('ann', { key: newKey() })
    await using bob = await two!.login('bob', { key: newKey() })
    await owner.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
    for (const wire of [ann, bob]) await wire.ask({ type: 'JOIN', channel }, 'JOINED')
    const say = async (wire: Wire, inReplyTo?: string) => {
      const to = where === 'channel' ? channel : wire === ann ? bob.id : ann.id
      const answer = await wire.answer({ type: 'MSG', to, content: 'and you?', ...(inReplyTo !== undefined && { in_reply_to: inReplyTo }) })
      // The other one hears it before it answers.
      if (answer.type !== 'ACK') return answer
      const { msg_id: id } = answer as Frame<'ACK'>
      while ((await (wire === ann ? bob : ann).next('MSG')).msg_id !== id);
      return answer
    }
    const loop = async (last: string): Promise<{ readonly taken: number, readonly last: string }> => {
      for (let taken = 0; taken < 50; taken++) {
        const answer = await say(taken % 2 === 0 ? ann : bob, last)
        if (answer.type !== 'ACK') {
          expect(answer).toMatchObject({ code: 'CIRCLE_STOPPED' })
          return { taken, last }
        }
        last = (answer as { readonly msg_id: string }).msg_id
      }
      throw new Error('they went on')
    }
    const first = (await say(bob) as { readonly msg_id: string }).msg_id
    const { taken, last } = await loop(first)
    expect(taken).toBe(7)
    for (const wire of [ann, bob]) expect(await wire.next('CIRCLE')).toMatchObject({ msg_id: first })
    for (const wire of [ann, bob]) expect(await say(wire, last)).toMatchObject({ code: 'CIRCLE_STOPPED' })
    if (where !== 'channel') return
    await owner.ask({ type: 'RELEASE_CIRCLE', msg_id: first }, 'OK')
    expect((await loop(last)).taken).toBe(7)
  })
})
