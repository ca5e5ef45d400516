import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Frame } from '../../lib/protocol/index.ts'
import { MemoryBus } from '../bus/memory.ts'
import type { Connection } from './connection.ts'
import { frameOfStored, framesIn, textOfFrame } from './encode.ts'
import { Filters } from './filters.ts'
import type { Test } from './heard.ts'
import { Hub } from './hub.ts'
import { Reads } from './reads.ts'
import { Replayer } from './replay.ts'

const channel = '#c'
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Listener extends Connection {
  /** Buffers as they were handed over, and the frames in them. */
  readonly buffers: Buffer[]
  readonly heard: (Frame<'MSG'> | Frame<'DIGEST'>)[]
  owed: number
}

/** A condition that is true of texts with a word, and how often it was asked. */
const asked = (word: string, steps = 100): Test & { times: number } => ({
  source: word,
  times: 0,
  steps: () => steps,
  of({ content }) {
    this.times++
    return content.includes(word)
  },
})

const world = () => {
  const rows: { readonly seq: number, readonly text: Buffer }[] = []
  const log = {
    head: () => Promise.resolve({ seq: rows.length }),
    page: (_: string, { after, before = 0 }: { readonly after?: number, readonly before?: number }) => {
      const there = after === undefined ? rows.filter(row => row.seq < before).slice(-3) : rows.filter(row => row.seq > after).slice(0, 3)
      return Promise.resolve(there)
    },
  }
  const outbox = {
    add({ buffers, heard }: Listener, bytes: Buffer) {
      buffers.push(bytes)
      for (const frame of framesIn(bytes)) heard.push(JSON.parse(textOfFrame(frame).toString()) as Frame<'MSG'>)
    },
    flushOne: () => undefined,
  }
  const filters = new Filters({ outbox: outbox as never, clock: { now: () => 1 }, groupsOf: () => [{ name: 'ops' }] })
  const counts = { deliveries: 0, repairedEvents: 0, replayedEvents: 0 }
  const bus = new MemoryBus<never>().join('n1')
  const hub = new Hub({ bus, outbox: outbox as never, filters, counts: counts as never, log: log as never, onLost: () => undefined })
  const work: number[] = []
  const replayer = new Replayer({
    ...{ store: { read: { log } }, hub, outbox, clock: { now: () => 0 }, counts, reads: new Reads() },
    ...{ room: () => undefined, onSent: (_: unknown, bytes: number) => work.push(bytes), onOffered: () => undefined },
  } as never)
  const listener = (id: string): Listener => {
    const made = {
      ...{
        agent: { id: `@${id}`, name: `${id}-name` },
        open: true,
        channels: new Set<string>(),
        filters: undefined,
        buffers: [],
        heard: [],
      },
      owed: 0,
      owe(bytes: number) {
        made.owed += bytes
      },
      drained: () => Promise.resolve(),
    }
    return made as never
  }
  return {
    filters,
    hub,
    work,
    counts,
    listener,
    head: () => rows.length,
    join(who: Listener, from: number) {
      const catchUp = hub.subscribe(who, channel, rows.length)
      if (!hub.goLive(catchUp, from)) void replayer.channel(catchUp, from)
    },
    /** Messages in one commit, told to those who listen. Gives their bytes. */
    say(...said: (Partial<Frame<'MSG'>> & { readonly content: string })[]): Buffer {
      const first = rows.length + 1
      for (const each of said) {
        const seq = rows.length + 1
        const text = JSON.stringify({ type: 'MSG', ts: 1, from: '@ann', from_name: 'ann', to: channel, msg_id: `m${seq}`, ...each, seq })
        rows.push({ seq, text: Buffer.from(text) })
      }
      const frames = Buffer.concat(rows.slice(first - 1).map(({ text }) => frameOfStored(text)))
      hub.publish(channel, first, rows.length, frames)
      return frames
    },
  }
}

const seqsOf = ({ heard }: Listener) => heard.map(frame => frame.type === 'DIGEST' ? `${frame.from_seq}-${frame.to_seq}` : frame.seq)

test('whenever a session comes and goes: what is wanted comes once and in order, the rest is told of, and no gap looks like a loss', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('say' as const), wanted: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, withDigest) => {
      const { filters, hub, join, say, listener, ...it } = world()
      const bob = listener('bob')
      /** As a client has it: up to where it was told. */
      let seen = 0
      let taken = 0
      const told = new Set<number>()
      const read = () => {
        for (const frame of bob.heard.slice(taken)) {
          const [first, last] = frame.type === 'DIGEST' ? [frame.from_seq, frame.to_seq] : [frame.seq!, frame.seq!]
          if (frame.type === 'DIGEST') expect(frame.count).toBe(last - first + 1)
          else {
            expect(frame.content).toBe('wanted')
            if (frame.replay !== true && first !== seen + 1) expect(frame.prev_seq).toBeLessThanOrEqual(seen)
          }
          // With a digest nothing is passed over: so a client may go on from what it has seen.
          if (withDigest) expect(first).toBe(seen + 1)
          expect(first).toBeGreaterThan(seen)
          for (let seq = first; seq <= last; seq++) told.add(seq)
          seen = last
        }
        taken = bob.heard.length
      }
      filters.set(bob, channel, { when: asked('wanted'), digestMs: withDigest ? 1_000 : undefined })
      join(bob, 0)
      const wanted: number[] = []
      for (const each of steps) {
        if (each.kind === 'say') {
          wanted.push(...each.wanted.flatMap((is, i) => is ? [it.head() + 1 + i] : []))
          say(...each.wanted.map(is => ({ content: is ? 'wanted' : 'other' })))
        } else if (each.kind === 'again') {
          // Another JOIN goes on from what was told.
          read()
          join(bob, seen)
        } else if (each.kind === 'turns') await turns(each.count)
        else await vi.advanceTimersByTimeAsync(1_000)
        read()
      }
      await turns(60)
      await vi.advanceTimersByTimeAsync(1_000)
      read()
      expect([...told]).toEqual(withDigest ? Array.from({ length: it.head() }, (_, i) => i + 1) : wanted)
      hub.unsubscribe(bob, channel)
      expect([bob.filters, bob.owed, filters.in(channel), vi.getTimerCount()]).toEqual([undefined, 0, undefined, 0])
    }),
    { numRuns: 300 },
  )
})

test('a condition is asked once for all who have it, and a channel without one is read by nobody', () => {
  const { filters, hub, say, listener, counts } = world()
  const [ann, bob, carol] = [listener('ann'), listener('bob'), listener('carol')]
  for (const each of [ann, bob, carol]) hub.listen(each, channel)
  const plain = say({ content: 'a' }, { content: 'b' })
  for (const each of [ann, bob, carol]) expect(each.buffers[0]).toBe(plain)
  const test = asked('x')
  filters.set(bob, channel, { when: test, digestMs: undefined })
  filters.set(carol, channel, { when: asked('x'), digestMs: undefined })
  const before = counts.deliveries
  const mixed = say({ content: 'x' }, { content: 'b' }, { content: 'c' })
  expect(ann.buffers[1]).toBe(mixed)
  expect([seqsOf(bob), seqsOf(carol)]).toEqual([[1, 2, 3], [1, 2, 3]])
  expect(test.times).toBe(3)
  expect(counts.deliveries - before).toBe(5)
  filters.set(bob, channel, undefined)
  filters.set(carol, channel, undefined)
  // What comes next says behind which it comes; then nothing is left of it.
  say({ content: 'd' })
  expect(bob.heard.at(-1)).toMatchObject({ seq: 6, prev_seq: 3 })
  expect([filters.in(channel), bob.filters, bob.owed, carol.owed]).toEqual([undefined, undefined, 0, 0])
  const again = say({ content: 'e' })
  expect([ann.buffers.at(-1) === again, bob.buffers.at(-1) === again]).toEqual([true, true])
  expect(bob.heard.at(-1)).not.toHaveProperty('prev_seq')
})

test('never held back: mentions by id, name, @here and group, own messages, answers to them, changes of what was sent', () => {
  const { filters, hub, say, listener } = world()
  const bob = listener('bob')
  hub.listen(bob, channel)
  filters.set(bob, channel, { when: asked('nothing of this'), digestMs: undefined })
  const come: readonly (Partial<Frame<'MSG'>> & { readonly content: string })[] = [
    ...['@bob', 'hi @bob-name', '@here', '@ops: look'].map(content => ({ content })),
    { content: 'mine', from: '@bob', msg_id: 'mine' },
    { content: 'an answer', in_reply_to: 'mine' },
    { content: 'deeper', in_reply_to: 'else', thread: 'mine' },
    { content: 'changed', edit: { of: 'm1' } },
    { content: '', retract: { of: 'm2' } },
    { content: '', erased: true },
    { type: 'PROPOSAL' as 'MSG', content: 'of another kind' },
  ]
  const rest = ['@carol', 'a@bob.com', 'bob'].map(content => ({ content }))
  say(...come, ...rest, { content: 'to another', in_reply_to: 'm12' }, { content: 'of another', edit: { of: 'm12' } })
  expect(seqsOf(bob)).toEqual(come.map((_, i) => i + 1))
})

test('from before the session: answers to what the agent said, under a former key too, and what waits in its inbox', async () => {
  const { filters, join, say, listener } = world()
  const bob = listener('bob')
  say({ content: 'mine', from: '@bob' })
  filters.set(bob, channel, { when: undefined, digestMs: undefined, known: { former: ['@rob'], own: ['m0'], waiting: ['m4'] } })
  const come: readonly (Partial<Frame<'MSG'>> & { readonly content: string })[] = [
    { content: 'to the one before the replay', in_reply_to: 'm1' },
    { content: 'to one that the log knew', in_reply_to: 'm0' },
    { content: '@a-name-of-before' },
    { content: '@rob' },
    { content: 'mine', from: '@rob' },
    { content: 'to that', in_reply_to: 'm6' },
  ]
  say(...come, { content: '@a-name-of-before' }, { content: 'to another', in_reply_to: 'm8' })
  // Another JOIN brings the same.
  for (const times of [1, 2]) {
    join(bob, 1)
    await turns(60)
    expect(seqsOf(bob)).toEqual(Array.from({ length: times }, () => [2, 3, 4, 5, 6, 7]).flat())
  }
})

test('many conditions that come and go at once are each put in their place, those with least work first', () => {
  const { filters, hub, say, listener } = world()
  let looked = 0
  const all = Array.from({ length: 1_000 }, (_, i) => ({ who: listener(`a${i}`), steps: (i * 7_919 % 1_000 + 1) * 50 }))
  for (const { who, steps } of all) {
    hub.listen(who, channel)
    const test: Test = {
      source: `${steps}`,
      steps() {
        looked++
        return steps
      },
      of: () => false,
    }
    filters.set(who, channel, { when: test, digestMs: undefined })
  }
  expect(looked).toBeLessThan(12_000)
  say({ content: 'x' })
  // Those up to the 140th are half a million together.
  for (const { who, steps } of all) expect(who.heard.length).toBe(steps > 7_000 ? 1 : 0)
  looked = 0
  hub.end(channel)
  expect([looked, filters.in(channel)]).toEqual([0, undefined])
})

test('digests that are due at once are told a part in each turn', async () => {
  const { filters, hub, say, listener } = world()
  const all = Array.from({ length: 500 }, (_, i) => listener(`a${i}`))
  for (const who of all) {
    hub.listen(who, channel)
    filters.set(who, channel, { when: undefined, digestMs: 1_000 })
  }
  say({ content: 'x' })
  vi.advanceTimersByTime(1_000)
  expect(all.filter(({ heard }) => heard.length > 0)).toHaveLength(200)
  await turns(5)
  expect(all.filter(({ heard }) => heard.length === 1)).toHaveLength(500)
})

test('what waits for a reader keeps nothing else in memory: a frame of a batch is one of its own', () => {
  const { filters, hub, say, listener } = world()
  const bob = listener('bob')
  hub.listen(bob, channel)
  filters.set(bob, channel, { when: asked('wanted'), digestMs: undefined })
  const batch = say({ content: 'wanted' }, { content: 'z'.repeat(100_000) })
  const [frame] = bob.buffers
  expect([seqsOf(bob), frame!.buffer === batch.buffer]).toEqual([[1], false])
})

test('a digest says nothing that was taken back, and what was said anew as it is now', async () => {
  const { filters, hub, say, listener } = world()
  const [bob, carol] = [listener('bob'), listener('carol')]
  for (const each of [bob, carol]) hub.listen(each, channel)
  filters.set(bob, channel, { when: undefined, digestMs: 1_000 })
  const isRetraction: Test = { source: 'is', steps: () => 50, of: ({ retract }) => retract !== undefined }
  filters.set(carol, channel, { when: isRetraction, digestMs: 1_000 })
  say({ content: 'a secret' })
  say({ content: '', retract: { of: 'm1' } }, { content: 'frist' }, { content: 'first', edit: { of: 'm3', n: 1, prev: '' } })
  say({ content: 'First', edit: { of: 'm3', n: 2, prev: '' } })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(bob.heard).toMatchObject([{ count: 5, excerpts: [{ msg_id: 'm5', text: 'First' }] }])
  expect(carol.heard).toMatchObject([{ count: 1, excerpts: [] }, { seq: 2 }, { count: 3, excerpts: [{ msg_id: 'm5' }] }])
})

test('what is remembered to know answers is bounded', () => {
  const { filters, hub, say, listener } = world()
  const bob = listener('bob')
  hub.listen(bob, channel)
  filters.set(bob, channel, { when: undefined, digestMs: 1_000 })
  for (let i = 1; i <= 201; i++) say({ content: 'mine', from: '@bob' })
  say({ content: 'to the first', in_reply_to: 'm1' }, { content: 'to the second', in_reply_to: 'm2' })
  expect(bob.heard.at(-2)).toMatchObject({ type: 'DIGEST', count: 1 })
  expect(bob.heard.at(-1)).toMatchObject({ content: 'to the second', prev_seq: 201 })
})

test('where conditions are too much work for a message, the heaviest are not asked, and it comes', () => {
  const { filters, hub, say, listener } = world()
  const all = Array.from({ length: 12 }, (_, i) => ({ who: listener(`a${i}`), test: asked(`word${i}`, i === 0 ? 50_001 : 50_000) }))
  for (const { who, test } of all) {
    hub.listen(who, channel)
    filters.set(who, channel, { when: test, digestMs: undefined })
  }
  say({ content: 'short' })
  expect(all.reduce((times, { test }) => times + test.times, 0)).toBe(10)
  expect(all.filter(({ who }) => who.heard.length > 0)).toHaveLength(2)
  expect(all[0]!.who.heard).toHaveLength(1)
  // A long one may take more.
  say({ content: 'long'.repeat(500) })
  expect(all.every(({ test }) => test.times > 0)).toBe(true)
})

test('a digest is bounded whatever is said, and cuts no character in two', async () => {
  const { filters, hub, say, listener } = world()
  const bob = listener('bob')
  hub.listen(bob, channel)
  filters.set(bob, channel, { when: undefined, digestMs: 5_000 })
  for (let i = 0; i < 300; i++) {
    const name = 'n'.repeat(30) + i % 30
    say({ from: `@${'f'.repeat(60)}${i % 30}`, from_name: name, content: `@${'w'.repeat(60)}${i}${'x'.repeat(53)}${'😀'.repeat(2_000)}` })
  }
  expect(bob.heard).toEqual([])
  await vi.advanceTimersByTimeAsync(5_000)
  const [digest] = bob.heard as [Frame<'DIGEST'>]
  expect(digest).toMatchObject({ type: 'DIGEST', channel, from_seq: 1, to_seq: 300, count: 300, others: 200 })
  expect([digest.senders.length, digest.mentions!.length, digest.excerpts.map(({ msg_id }) => msg_id)])
    .toEqual([10, 10, ['m296', 'm297', 'm298', 'm299', 'm300']])
  for (const { text } of digest.excerpts) expect([text.length, /\p{Surrogate}/u.test(text)]).toEqual([expect.toBeOneOf([119, 120]), false])
  expect(bob.buffers[0]!.length).toBeLessThan(5_000)
  // Nothing was said: nothing is told.
  await vi.advanceTimersByTimeAsync(50_000)
  expect(bob.heard).toHaveLength(1)
})

test('reading a log of which nothing comes is work all the same', async () => {
  const { filters, join, say, listener, work } = world()
  say(...Array.from({ length: 9 }, () => ({ content: 'z'.repeat(1_000) })))
  const bob = listener('bob')
  filters.set(bob, channel, { when: asked('y'), digestMs: undefined })
  join(bob, 0)
  await turns(60)
  expect(bob.heard).toEqual([])
  expect(work.reduce((all, bytes) => all + bytes, 0)).toBeGreaterThan(9_000)
})
