// Floors: of those who would answer a message one does, whoever asks at once, gives up, goes, comes back, or holds it for too long.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { takeFloor, type Floor } from '../lib/index.ts'
import { breakable, clientOf, newIdentity } from './kit/client.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Key, type Wire } from './kit/wire.ts'

const channel = '#general'
const settings = { channels: [channel], verifiedChannels: [], drainMs: 50 }

const question = async (asker: Wire): Promise<string> =>
  (await asker.ask({ type: 'MSG', to: channel, content: 'who can help?' }, 'ACK')).msg_id
const claim = (wire: Wire, msg_id: string, more: { readonly wait?: boolean, readonly hold_ms?: number } = { wait: true }) =>
  wire.ask({ type: 'CLAIM_FLOOR', channel, msg_id, ...more }, 'FLOOR')
const answer = (wire: Wire, in_reply_to: string) =>
  wire.answer({ id: `${wire.id} ${Math.random()}`, type: 'MSG', to: channel, content: 'I can', in_reply_to, floor: true })
/** What it is told of a floor next, that is not what it asked for. */
const told = async (wire: Wire) => wire.next('FLOOR')
/** The holder has gone, and the clock goes on until the next one is told. */
const passTime = async (relay: TestRelay, wire: Wire, ms: number) => {
  let isTold = false
  const next = told(wire).finally(() => {
    isTold = true
  })
  while (!isTold) {
    relay.clock.advance(ms)
    await Promise.race([next, new Promise(resolve => setTimeout(resolve, 50))])
  }
  return next
}

type Step =
  | { readonly kind: 'claim' | 'leave' | 'answer' | 'come back', readonly who: number }
  | { readonly kind: 'wait', readonly ms: number }

const who = fc.nat(3)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('claim' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('leave' as const, 'come back'), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('answer' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(500, 2_000, 6_000) }) },
)

const play = async (relay: TestRelay, keys: readonly Key[], steps: readonly Step[]): Promise<void> => {
  const open = (key: Key, n: number) => relay.login(`a${n}`, { key, session: 'one' })
  const wires = await Promise.all(keys.map(open))
  await using asker = await relay.login('asker')
  const msgId = await question(asker)
  const answers: string[] = []
  for (const each of steps) {
    if (each.kind === 'wait') {
      relay.clock.advance(each.ms)
      continue
    }
    const wire = wires[each.who]!
    switch (each.kind) {
      case 'claim': {
        const { state, holder, waiting } = await claim(wire, msgId, { wait: true, hold_ms: 2_000 })
        expect(state).toBe(answers.length > 0 ? 'answered' : 'held')
        if (state === 'answered') expect(holder).toBe(answers[0])
        // Nobody is sent away: it has the floor, or a place in line.
        else expect(waiting === true).toBe(holder !== wire.id)
        break
      }
      case 'leave':
        await wire.ask({ type: 'LEAVE_FLOOR', channel, msg_id: msgId }, 'OK')
        break
      case 'answer':
        if ((await answer(wire, msgId)).type === 'ACK') answers.push(wire.id)
        expect(answers.length).toBeLessThan(2)
        break
      case 'come back':
        await wire.close()
        wires[each.who] = await open(keys[each.who]!, each.who)
    }
  }
  // Whoever it is in the end: somebody can, and nobody after that.
  for (let round = 0; answers.length === 0 && round < 20; round++) {
    for (const wire of wires) {
      const { holder } = await claim(wire, msgId)
      if (holder === wire.id && (await answer(wire, msgId)).type === 'ACK') answers.push(wire.id)
    }
  }
  for (const wire of wires) {
    expect(await claim(wire, msgId)).toMatchObject({ state: 'answered', holder: answers[0] })
    expect(await answer(wire, msgId)).toMatchObject({ code: 'LEASE_OVER' })
    await wire.close()
  }
  const { events } = await asker.ask({ type: 'HISTORY', channel, limit: 50 }, 'HISTORY')
  expect(events.filter(event => event['in_reply_to'] === msgId).map(event => event['from'])).toEqual(answers)
  expect(answers).toHaveLength(1)
}

describe('floors', () => {
  test('whatever they do, a question is answered once', async () => {
    await using relay = await startTestRelay(settings)
    const keys = [newKey(), newKey(), newKey(), newKey()]
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), steps => play(relay, keys, steps)), {
      numRuns: Number(process.env['RUNS'] ?? (process.env['STORE'] === 'postgres' ? 3 : 10)),
      endOnFailure: true,
    })
  }, 60_000)

  test('of many at once one has it; a holder that has gone loses it after a grace, and one that comes back before does not', async () => {
    await using relay = await startTestRelay(settings)
    relay.clock.stop()
    await using asker = await relay.login('asker')
    const keys = [newKey(), newKey(), newKey()]
    const wires = await Promise.all(keys.map((key, n) => relay.login(`a${n}`, { key })))
    const msgId = await question(asker)
    const states = await Promise.all(wires.map(wire => claim(wire, msgId, { wait: true, hold_ms: 600_000 })))
    const [holder, ...others] = new Set(states.map(state => state.holder))
    expect(others).toEqual([])
    expect(states.filter(({ waiting }) => waiting === true)).toHaveLength(2)
    // Who waits does not get it by asking again.
    for (const wire of wires) expect(await claim(wire, msgId, {})).toMatchObject({ holder })

    const first = wires.findIndex(({ id }) => id === holder)
    await wires[first]!.close()
    relay.clock.advance(4_000)
    wires[first] = await relay.login('back', { key: keys[first]! })
    const { until, ...again } = await claim(wires[first], msgId)
    expect(again).toMatchObject({ state: 'held', holder })

    await wires[first].close()
    const left = wires.filter((_, n) => n !== first)
    const { holder: next } = await passTime(relay, left[0]!, 2_000)
    expect(left.map(({ id }) => id)).toContain(next)
    expect(relay.clock.now()).toBeLessThan(until!)
    expect(await told(left[1]!)).toMatchObject({ state: 'held', holder: next })
    // It is the answer of the holder that ends it, with or without saying so.
    const speaker = left.find(({ id }) => id === next)!
    const listener = left.find(({ id }) => id !== next)!
    await speaker.ask({ type: 'MSG', to: channel, content: 'something else' }, 'ACK')
    await speaker.ask({ type: 'MSG', to: channel, content: 'I can', in_reply_to: msgId }, 'ACK')
    expect(await told(listener)).toMatchObject({ state: 'answered', holder: next })
    for (const wire of left) await wire.close()
  })

  test('it is held for a quarter of an hour at most, however often it is claimed', async () => {
    await using relay = await startTestRelay(settings)
    await using asker = await relay.login('asker')
    await using ann = await relay.login('ann')
    await using bob = await relay.login('bob')
    const msgId = await question(asker)
    const { ts } = await claim(ann, msgId, { hold_ms: 600_000 })
    await claim(bob, msgId)
    relay.clock.advance(590_000)
    const { until } = await claim(ann, msgId, { hold_ms: 600_000 })
    expect(until! - ts).toBeGreaterThan(14 * 60_000)
    expect(until! - ts).toBeLessThanOrEqual(15 * 60_000)
    relay.clock.advance(310_001)
    expect(await told(bob)).toMatchObject({ state: 'held', holder: bob.id })
    expect(await told(ann)).toMatchObject({ state: 'held', holder: bob.id })
    expect(await answer(ann, msgId)).toMatchObject({ code: 'LEASE_OVER' })
  })

  test('what one agent holds has a limit, and an answer makes room; whoever may not read a channel learns nothing of it', async () => {
    await using relay = await startTestRelay({ ...settings, maxFloorsPerAgent: 2 })
    await using asker = await relay.login('asker', { key: newKey() })
    await using ann = await relay.login('ann')
    const ids = [await question(asker), await question(asker), await question(asker)]
    await claim(ann, ids[0]!)
    await claim(ann, ids[1]!)
    expect(await ann.refusal({ type: 'CLAIM_FLOOR', channel, msg_id: ids[2] })).toMatchObject({
      code: 'LIMIT_REACHED',
      message: expect.stringContaining('maxFloorsPerAgent'),
    })
    expect(await answer(ann, ids[0]!)).toMatchObject({ type: 'ACK' })
    expect(await claim(ann, ids[2]!)).toMatchObject({ holder: ann.id })
    await asker.ask({ type: 'CREATE_CHANNEL', channel: '#own', invite_only: true }, 'JOINED')
    const { msg_id } = await asker.ask({ type: 'MSG', to: '#own', content: 'x' }, 'ACK')
    for (const [name, code] of [['#own', 'CHANNEL_NOT_FOUND'], [channel, 'MESSAGE_NOT_FOUND']])
      expect(await ann.refusal({ type: 'CLAIM_FLOOR', channel: name, msg_id })).toMatchObject({ code })
  })

  test('a program: an edit has the floor of its message, an answer of its own loses nothing, who lost it is in no line', async () => {
    await using relay = await startTestRelay(settings)
    await using asker = await relay.login('asker')
    await using bob = await relay.login('bob')
    await using carol = await relay.login('carol')
    const { transport, cut } = breakable()
    const now = () => relay.clock.now()
    await using ann = await clientOf(relay, { identity: newIdentity('ann'), transport, now, reconnect: { minMs: 300, maxMs: 600 } })
    await ann.join(channel)
    const first = await question(asker)
    const { msg_id: edited } = await asker.ask({ type: 'EDIT', msg_id: first, content: 'who can help me?' }, 'ACK')
    const floor = await takeFloor(ann, channel, edited) as Floor
    expect(await claim(bob, first)).toMatchObject({ msg_id: first, state: 'held', holder: ann.agentId, waiting: true })
    await ann.send(channel, 'I can', { inReplyTo: edited, floor: true })
    expect(await told(bob)).toMatchObject({ msg_id: first, state: 'answered', holder: ann.agentId })
    // What it was told came before this answer.
    await ann.request('CLAIM_FLOOR', { channel, msg_id: first })
    expect(floor.lost.aborted).toBe(false)

    const second = await question(asker)
    const { lost } = await takeFloor(ann, channel, second, { holdMs: 1_000 }) as Floor
    expect(await claim(bob, second)).toMatchObject({ holder: ann.agentId, waiting: true })
    cut()
    relay.clock.advance(16 * 60_000)
    expect(await told(bob)).toMatchObject({ state: 'held', holder: bob.id })
    if (!lost.aborted) await new Promise(resolve => lost.addEventListener('abort', resolve))
    await bob.ask({ type: 'LEAVE_FLOOR', channel, msg_id: second }, 'OK')
    expect(await claim(carol, second, {})).toMatchObject({ holder: carol.id })
  })

  test.skipIf(process.env['STORE'] === 'postgres')('it is held, and what was answered is answered, over a restart', async () => {
    using data = newFolder()
    const [ann, bob] = [newKey(), newKey()]
    const ids: string[] = []
    for (const life of [1, 2]) {
      await using relay = await startTestRelay({ ...settings, data: data.path })
      await using asker = await relay.login('asker')
      await using first = await relay.login('ann', { key: ann })
      await using second = await relay.login('bob', { key: bob })
      if (life === 1) {
        ids.push(await question(asker), await question(asker))
        for (const id of ids) await claim(first, id)
        expect(await answer(first, ids[0]!)).toMatchObject({ type: 'ACK' })
      } else {
        expect(await claim(second, ids[0]!)).toMatchObject({ state: 'answered', holder: ann.id })
        expect(await claim(second, ids[1]!)).toMatchObject({ state: 'held', holder: ann.id, waiting: true })
        expect(await answer(first, ids[1]!)).toMatchObject({ type: 'ACK' })
        expect(await told(second)).toMatchObject({ state: 'answered' })
      }
    }
  })
})
