// What nobody at another process hears is not told there: no message on the bus. Whoever begins to hear it, while events pass, misses none, and
// none comes out of its turn. What processes tell each other by the second is lost here throughout, so that nothing is found by that.
import { describe, expect, test } from 'vitest'
import { everyone } from '../../src/bus/bus.ts'
import { MemoryBus } from '../../src/bus/memory.ts'
import type { BusMessage } from '../../src/relay/told.ts'
import { Random } from '../chaos/random.ts'
import { startTestCluster, type ClusterOptions, type TestCluster } from '../kit/cluster.ts'
import { Source } from '../kit/event-source.ts'
import { urlOf } from '../kit/postgres.ts'
import { newProxy } from '../kit/proxy.ts'
import { startTestRelay, TestClock, type TestRelay } from '../kit/relay.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const say = (channel: string, content: number | string) => ({ type: 'MSG', to: channel, content: `${content}` })
/** From now on, and nothing of what was. */
const join = (channel: string) => ({ type: 'JOIN', channel, limit: 0 })

/** The channel that a message of the bus is said in, if it goes to those alone who hear one. */
const channelOf = (message: BusMessage): string | undefined => {
  if (message.kind === 'events') return message.channel
  if (message.kind !== 'told' || message.n !== undefined) return undefined
  const { told } = message
  const to = told.kind === 'notice' ? told.notice.to : told.kind === 'hint' ? told.hint.to : undefined
  return to?.kind === 'channel' ? to.channel : undefined
}

const isBySecond = (message: BusMessage): boolean => message.kind === 'heads' && message.renewedMs !== undefined

/** How many messages each process told of each channel. */
const counted = ({ buses }: TestCluster) => {
  const counts = new Map<string, number>()
  buses.forEach((bus, i) => {
    bus.loses = message => {
      const channel = channelOf(message)
      if (channel !== undefined) counts.set(`${i + 1} ${channel}`, (counts.get(`${i + 1} ${channel}`) ?? 0) + 1)
      return isBySecond(message)
    }
  })
  return (node: number, channel: string) => counts.get(`${node} ${channel}`) ?? 0
}

/** The numbers that are heard in a channel from now on, up to the one that is wanted. */
const heardUpTo = async (wire: Wire, channel: string, last: number): Promise<readonly number[]> => {
  const seqs: number[] = []
  while (seqs.at(-1) !== last) {
    const { to, seq = 0 } = await wire.next('MSG')
    if (to === channel) seqs.push(seq)
  }
  return seqs
}

interface Three {
  readonly cluster: TestCluster
  readonly nodes: readonly [TestRelay, TestRelay, TestRelay]
  readonly told: (node: number, channel: string) => number
  /** At the first and at the second. */
  readonly ann: Wire
  readonly bob: Wire
}

/** The clock stands still, so that nobody is taken for silent. */
const withThree = async (use: (three: Three) => Promise<void>, options: ClusterOptions = {}): Promise<void> => {
  await using cluster = await startTestCluster(3, {}, options)
  const nodes = cluster.nodes as unknown as Three['nodes']
  await using ann = await nodes[0].login('ann', { key: newKey() })
  await using bob = await nodes[1].login('bob', { key: newKey() })
  cluster.clock.stop()
  await use({ cluster, nodes, told: counted(cluster), ann, bob })
}

describe('of a channel', () => {
  test('that nobody else hears nothing is told; of one that is heard, one message for each commit at most', () =>
    withThree(async ({ nodes, told, ann, bob }) => {
      await using eve = await nodes[0].login('eve', { key: newKey() })
      for (const channel of ['#here', '#both']) {
        await ann.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
        await eve.ask(join(channel), 'JOINED')
      }
      await bob.ask(join('#both'), 'JOINED')
      const commits = () => nodes[0].metric('agentchat_commits_total')
      const before = await commits()
      ann.send(...upTo(200).flatMap(n => [say('#here', n), say('#both', n)]), { type: 'TYPING', channel: '#here' })
      expect(await heardUpTo(bob, '#both', 200)).toEqual(upTo(200))
      expect(await heardUpTo(eve, '#here', 200)).toEqual(upTo(200))
      expect(await eve.next('TYPING')).toMatchObject({ channel: '#here' })
      expect(told(1, '#here')).toBe(0)
      expect(told(1, '#both')).toBeGreaterThan(0)
      expect(told(1, '#both')).toBeLessThanOrEqual(await commits() - before)
      // What all are in is told, as before.
      await ann.ask(say('#general', 1), 'ACK')
      expect(told(1, '#general')).toBe(1)
    }))

  test('it is told from when somebody there hears it until nobody does, however they come and go', () =>
    withThree(async ({ nodes, told, ann, bob }) => {
      await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
      let seq = 0
      const isTold = async () => {
        const before = told(1, '#plans')
        await ann.ask(say('#plans', ++seq), 'ACK')
        return told(1, '#plans') > before
      }
      expect(await isTold()).toBe(false)
      await bob.ask(join('#plans'), 'JOINED')
      expect(await isTold()).toBe(true)
      expect(await heardUpTo(bob, '#plans', seq)).toEqual([seq])
      // Of two the one leaves, and the other's connection breaks.
      const cara = await nodes[2].login('cara', { key: newKey() })
      await cara.ask(join('#plans'), 'JOINED')
      await bob.ask({ type: 'LEAVE', channel: '#plans' }, 'LEFT')
      expect(await isTold()).toBe(true)
      expect(await heardUpTo(cara, '#plans', seq)).toEqual([seq])
      await cara[Symbol.asyncDispose]()
      await ann.next('AGENT_LEFT')
      await ann.next('AGENT_LEFT')
      expect(await isTold()).toBe(false)
    }))

  test('who follows it by a stream of HTTP hears it, and nobody else has to', () =>
    withThree(async ({ nodes, told, ann, bob }) => {
      await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
      await bob.ask(join('#plans'), 'JOINED')
      const { token } = await bob.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
      await bob.close()
      const source = new Source()
      const headers = { authorization: `Bearer ${token}` }
      expect((await source.open(`${nodes[2].httpUrl}/v1/events?channels=plans`, headers)).status).toBe(200)
      await source.until(() => source.heard.length > 0)
      let sent = 0
      const isTold = async () => {
        const before = told(1, '#plans')
        await ann.ask(say('#plans', ++sent), 'ACK')
        return told(1, '#plans') > before
      }
      await isTold()
      await source.until(() => source.events.length === 1)
      // It has joined by now.
      expect(await isTold()).toBe(true)
      await source.until(() => source.events.length === 2)
      expect(source.events.map(({ data }) => data['seq'])).toEqual([1, 2])
      source.close()
      while (await isTold()) await ann.barrier()
    }))

  test.each([0, 5])('that somebody began to hear where a process did not hear for a moment nothing is missed, %i ms apart',
    delayMs =>
      withThree(async ({ cluster: { buses }, told, ann, bob }) => {
        await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
        let sent = 0
        const say1 = () => ann.ask(say('#plans', ++sent), 'ACK')
        for (const away of [buses[0]!, buses[1]!, buses[0]!, buses[1]!, buses[1]!]) {
          away.isCut = true
          const { seq } = await bob.ask(join('#plans'), 'JOINED')
          await say1()
          for (const _ of upTo(20)) await bob.ask({ type: 'PING' }, 'PONG')
          away.mend()
          // Before it is known there again who hears what.
          await say1()
          expect(await heardUpTo(bob, '#plans', sent)).toEqual([seq + 1, seq + 2])
          const before = told(1, '#plans')
          while (told(1, '#plans') === before) await say1()
          expect(await heardUpTo(bob, '#plans', sent)).toEqual(upTo(sent - seq - 2).map(n => seq + 2 + n))
          await bob.ask({ type: 'LEAVE', channel: '#plans' }, 'LEFT')
          const then = told(1, '#plans')
          await say1()
          expect(told(1, '#plans')).toBe(then)
        }
      }, { delayMs }))

  test('it is told where it is heard, too, when all ask each other anew', () =>
    withThree(async ({ cluster, told, ann, bob }) => {
      await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
      await bob.ask({ type: 'CREATE_CHANNEL', channel: '#own' }, 'JOINED')
      await ann.ask(join('#own'), 'JOINED')
      await bob.ask(say('#own', 1), 'ACK')
      expect(told(2, '#own')).toBe(1)
      for (const bus of cluster.buses) bus.mend()
      await bob.ask(say('#own', 2), 'ACK')
      expect(told(2, '#own')).toBe(2)
      await ann.ask(say('#plans', 1), 'ACK')
      expect(await heardUpTo(ann, '#own', 2)).toEqual([1, 2])
    }))
})

test('a process that the database does not answer is told what is said for as long as it keeps those who hear it', async () => {
  await using line = await newProxy(0)
  await using cluster = await startTestCluster(2, {}, {
    storeOf: ({ server, name, url }, n) => {
      line.leadTo(server.port)
      return n === 2 ? urlOf({ ...server, port: line.port }, name, true) : url
    },
  })
  const [one, two] = cluster.nodes as unknown as Three['nodes']
  await using ann = await one.login('ann', { key: newKey() })
  await using bob = await two.login('bob', { key: newKey() })
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
  await bob.ask(join('#plans'), 'JOINED')
  line.leadTo(1)
  line.cut()
  // As when its lease is over, which it cannot renew.
  await cluster.database.ask("DELETE FROM nodes WHERE name = 'node2'")
  cluster.clock.advance(3_000)
  await ann.next('AGENT_LEFT')
  await ann.ask(say('#plans', 'is anybody there?'), 'ACK')
  expect(await heardUpTo(bob, '#plans', 1)).toEqual([1])
  line.leadTo(cluster.database.server.port)
})

describe('who joins in the moment in which somebody writes', () => {
  const channels = ['#red', '#green', '#blue', '#grey']
  test.each([
    ['in order', { delayMs: 0 }],
    ['3 ms apart', { delayMs: 3 }],
    ['3 ms apart, and one thing overtakes another', { delayMs: 3, isShuffled: true }],
  ])('hears each from there, in its turn and once: %s', (_, options) => {
    const chance = new Random(11, 'heard')
    return withThree(async ({ nodes, told, ann, bob }) => {
      await using cara = await nodes[2].login('cara', { key: newKey() })
      for (const channel of channels) await ann.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
      const last = new Map(channels.map(channel => [channel, 0]))
      const sendSome = async (channel: string, count: number) => {
        for (let i = 0; i < count; i++) {
          const { seq } = await ann.ask(say(channel, 'again'), 'ACK')
          last.set(channel, seq)
        }
      }
      let joins = 0
      const joined = async (wire: Wire, channel: string, talk: Promise<void>) => {
        const { seq } = await wire.ask(join(channel), 'JOINED')
        await talk
        const end = last.get(channel)!
        if (end > seq) expect(await heardUpTo(wire, channel, end)).toEqual(upTo(end - seq).map(n => seq + n))
        await wire.ask({ type: 'LEAVE', channel }, 'LEFT')
        // Behind the last that it heard of it nothing came.
        expect(wire.unread.filter(frame => frame.type === 'MSG' && frame.to === channel)).toEqual([])
        joins++
      }
      for (const round of upTo(80)) {
        const channel = channels[round % channels.length]!
        const talk = sendSome(channel, chance.between(1, 4))
        // Two at two processes, now and then: the one's coming says nothing of the other's.
        await Promise.all((round % 3 === 0 ? [bob, cara] : [bob]).map(wire => joined(wire, channel, talk)))
        for (const wire of [ann, bob, cara]) wire.forget()
      }
      expect(joins).toBe(80 + 26)
      const inAll = channels.reduce((sum, channel) => sum + last.get(channel)!, 0)
      const inVain = inAll - channels.reduce((sum, channel) => sum + told(1, channel), 0)
      // Some were told and some were not: otherwise nothing of this was tried.
      expect(inVain).toBeGreaterThan(0)
      expect(inVain).toBeLessThan(inAll)
    }, { ...options, random: () => chance.next() })
  })
})

/** A process of which one knows what it says, and nothing else. */
const withStranger = async (
  use: (relay: Wire, say: (message: BusMessage) => void, told: (channel: string) => number) => Promise<void>,
): Promise<void> => {
  const bus = new MemoryBus<BusMessage>()
  const stranger = bus.join('stranger')
  const heard: BusMessage[] = []
  stranger.hear(message => heard.push(message))
  for (const subject of ['#plans', everyone]) void stranger.follow(subject)
  const clock = new TestClock()
  await using relay = await startTestRelay({}, { bus: bus.join('own'), pace: { isOwnTime: true } }, { clock })
  clock.stop()
  await using ann = await relay.login('ann', { key: newKey() })
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
  await use(ann, message => stranger.publish(everyone, message), channel => heard.filter(each => channelOf(each) === channel).length)
}

describe('a process that does not say what it hears', () => {
  const all = { kind: 'sessions', sessions: [], page: 0, pages: 1 } as const
  const hears = (n: number, isHeard: boolean): BusMessage => ({ kind: 'told', n, told: { kind: 'hears', channel: '#plans', isHeard } })

  test('as those of an older version hears all; one that says it, what it says', () =>
    withStranger(async (ann, stranger, told) => {
      const isTold = async () => {
        const before = told('#plans')
        await ann.ask(say('#plans', 'once more'), 'ACK')
        return told('#plans') > before
      }
      stranger({ ...all, n: 10 })
      expect(await isTold()).toBe(true)
      stranger({ ...all, n: 11, hears: [] })
      expect(await isTold()).toBe(false)
      stranger(hears(12, true))
      expect(await isTold()).toBe(true)
      stranger(hears(13, false))
      expect(await isTold()).toBe(false)
      stranger({ ...all, n: 14, hears: ['#plans'] })
      expect(await isTold()).toBe(true)
      // Of an older version again.
      stranger({ ...all, n: 15, hears: [] })
      expect(await isTold()).toBe(false)
      stranger({ ...all, n: 16 })
      expect(await isTold()).toBe(true)
    }))

  test('hears all while something of what it says is missing', () =>
    withStranger(async (ann, stranger, told) => {
      stranger({ ...all, n: 10, hears: [] })
      await ann.ask(say('#plans', 1), 'ACK')
      expect(told('#plans')).toBe(0)
      // Its twelfth, and not its eleventh.
      stranger(hears(12, false))
      await ann.ask(say('#plans', 2), 'ACK')
      expect(told('#plans')).toBe(1)
      stranger(hears(11, true))
      await ann.ask(say('#plans', 3), 'ACK')
      expect(told('#plans')).toBe(1)
      // It says that it said more.
      stranger({ kind: 'heads', heads: [], n: 13 })
      await ann.ask(say('#plans', 4), 'ACK')
      expect(told('#plans')).toBe(2)
    }))
})
