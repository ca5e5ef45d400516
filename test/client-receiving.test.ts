// A message counts as received when it was handled: positions and the inbox move then, and not when it came over the line.
import { describe, expect, test } from 'vitest'
import { MemoryPositions, type Message } from '../lib/index.ts'
import type { Transport } from '../lib/client/transport.ts'
import { wsTransport } from '../lib/node/index.ts'
import { Fail } from '../src/relay/feature.ts'
import { StorageError } from '../src/store/store.ts'
import { breakable, clientOf, collect, newClient, newIdentity, statusOf } from './kit/client.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

type Client = Awaited<ReturnType<typeof clientOf>>

const cursorOf = async (client: Client): Promise<number> => (await client.request('INBOX', {})).cursor!

/** An agent with a key that is known to the relay, and one that writes to it. */
const pairOf = async (relay: TestRelay) => {
  const identity = newIdentity('bob')
  await (await clientOf(relay, { identity })).close()
  return { identity, alice: await clientOf(relay, { identity: newIdentity('alice') }) }
}

const contents = (messages: readonly Message[]): readonly string[] => messages.map(({ content }) => content)

const next = async (messages: AsyncIterator<Message>): Promise<Message> => {
  const { value, done } = await messages.next()
  if (done) throw new Error('the iteration is over')
  return value as Message
}

describe('a loop', () => {
  test('has handled a message when it asks for the next one', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    await alice.join('#general')
    const positions = new MemoryPositions()
    await using bob = newClient(relay, { identity, positions })
    const messages = bob.messages()
    await bob.connect()
    await bob.join('#general', { since: 0 })
    for (const text of ['one', 'two', 'three']) await alice.send('#general', text)
    for (const text of ['four', 'five']) await alice.dm(identity.agentId, text)
    const told: unknown[] = []
    const seen: string[] = []
    for (let i = 0; i < 5; i++) {
      const message = await next(messages)
      seen.push(message.content)
      await bob.request('PING', {})
      told.push([positions.get('#general'), positions.get(alice.agentId!), await cursorOf(bob)])
    }
    expect(seen).toEqual(['one', 'two', 'three', 'four', 'five'])
    expect(told).toEqual([[0, undefined, 0], [1, undefined, 0], [2, undefined, 0], [3, undefined, 0], [3, 1, 1]])
    const last = messages.next()
    await expect.poll(() => cursorOf(bob)).toBe(2)
    expect(positions.get(alice.agentId!)).toBe(2)
    await alice.close()
    await bob.close()
    expect(await last).toEqual({ value: undefined, done: true })
  })

  test.each(['break', 'throw'] as const)('that is left by %s was not done with its last message, unless it said so', async how => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    for (const text of ['one', 'two', 'three']) await alice.dm(identity.agentId, text)
    await using bob = newClient(relay, { identity })
    const loop = async (end: (message: Message) => boolean): Promise<readonly string[]> => {
      const seen: string[] = []
      try {
        for await (const message of bob.messages()) {
          seen.push(message.content)
          if (!end(message)) continue
          if (how === 'throw') throw new Error('cannot')
          break
        }
      } catch (error) {
        expect((error as Error).message).toBe('cannot')
      }
      return seen
    }
    await bob.connect()
    expect(await loop(({ content }) => content === 'two')).toEqual(['one', 'two'])
    // It is there for whoever listens next.
    expect(
      await loop(message => {
        if (message.content !== 'two') return false
        message.ack()
        return true
      }),
    ).toEqual(['two'])
    expect(await loop(() => true)).toEqual(['three'])
    await bob.close()
    await using again = newClient(relay, { identity })
    const rest = collect(again, 1)
    await again.connect()
    expect(contents(await rest)).toEqual(['three'])
    await alice.close()
  })
})

describe('a listener', () => {
  test('has handled a message when its promise settles, whichever way', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    const positions = new MemoryPositions()
    await using bob = newClient(relay, { identity, positions })
    const working = new Map<string, { readonly done: () => void, readonly fail: () => void }>()
    bob.on('message',
      ({ content }) =>
        new Promise<void>((resolve, reject) => working.set(content, { done: resolve, fail: () => reject(new Error('mine')) })))
    const failed = statusOf(bob, 'listener-error')
    await bob.connect()
    for (const text of ['one', 'two', 'three']) await alice.dm(identity.agentId, text)
    await expect.poll(() => [...working.keys()]).toEqual(['one', 'two', 'three'])
    expect([positions.get(alice.agentId!), await cursorOf(bob)]).toEqual([undefined, 0])
    // What is done behind something that is not does not count yet.
    working.get('two')!.done()
    await bob.request('PING', {})
    expect([positions.get(alice.agentId!), await cursorOf(bob)]).toEqual([undefined, 0])
    working.get('one')!.fail()
    await failed
    await expect.poll(() => cursorOf(bob)).toBe(2)
    expect(positions.get(alice.agentId!)).toBe(2)
    await bob.close()
    // Done after the end: the position knows, the relay does not.
    working.get('three')!.done()
    await expect.poll(() => positions.get(alice.agentId!)).toBe(3)
    await alice.close()
  })

  test('that begins to listen late gets what has waited for it, and so does one for steps of deals', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    for (const text of ['one', 'two']) await alice.dm(identity.agentId, text)
    await alice.trade.propose(identity.agentId, { task: 'write it' })
    await using bob = await clientOf(relay, { identity })
    await bob.request('PING', {})
    expect(await cursorOf(bob)).toBe(0)
    const seen: string[] = []
    bob.on('message', ({ content }) => seen.push(content))
    bob.on('PROPOSAL', ({ task }) => seen.push(task))
    // Not before it knows that it listens.
    expect(seen).toEqual([])
    await expect.poll(() => seen).toEqual(['one', 'two', 'write it'])
    await expect.poll(() => cursorOf(bob)).toBe(3)
    await alice.close()
  })

  test('for steps of deals has handled one when its promise settles', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    await using bob = newClient(relay, { identity })
    let done = () => undefined as void
    bob.on('PROPOSAL', () =>
      new Promise<void>(resolve => {
        done = resolve
      }))
    bob.on('message', () => undefined)
    await bob.connect()
    await alice.trade.propose(identity.agentId, { task: 'write it' })
    await alice.dm(identity.agentId, 'well?')
    await bob.request('PING', {})
    expect(await cursorOf(bob)).toBe(0)
    done()
    await expect.poll(() => cursorOf(bob)).toBe(2)
    await alice.close()
  })
})

describe('a relay that cannot take just then how far the inbox was received', () => {
  const refusals = (relay: TestRelay, ...errors: (() => Error)[]) => {
    let asked = 0
    relay.store.tamper = method => {
      if (method !== 'progress') return
      asked++
      const error = errors.shift()
      if (error !== undefined) throw error()
    }
    return { asked: () => asked }
  }

  test('hears it a little later, on the same connection, though nothing else comes; and so does the sender', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    await using bob = newClient(relay, { identity })
    const seen: string[] = []
    bob.on('message', ({ content }) => seen.push(content))
    await bob.connect()
    const { asked } = refusals(relay, () => new Fail('RATE_LIMITED', 'later', 1), () => new Fail('BUSY', 'later', 1),
      () => new StorageError('disk full', 'free some space'))
    const told: unknown[] = []
    alice.on('STATUS', ({ msgId, recipients }) => told.push([msgId, recipients[0]?.state]))
    const { msgId } = await alice.dm(identity.agentId, 'one', { receipts: true })
    await expect.poll(() => told, { timeout: 5_000 }).toContainEqual([msgId, 'received'])
    expect([seen, asked(), bob.state]).toEqual([['one'], 4, 'open'])
    expect(await cursorOf(bob)).toBe(1)
    await alice.close()
  })

  test('is told by a client that ends gently, before it ends', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    await using bob = newClient(relay, { identity })
    const seen = collect(bob, 1)
    await bob.connect()
    const { asked } = refusals(relay, () => new Fail('BUSY', 'later', 20), () => new Fail('BUSY', 'later', 20))
    await alice.dm(identity.agentId, 'one')
    expect(contents(await seen)).toEqual(['one'])
    await bob.drain()
    expect(asked()).toBe(3)
    await using again = await clientOf(relay, { identity })
    expect(await cursorOf(again)).toBe(1)
    await alice.close()
  })

  test('hears of it on the next connection, where this one is cut meanwhile: once', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    const { transport, cut } = breakable()
    await using bob = newClient(relay, { identity, transport })
    const seen: string[] = []
    bob.on('message', ({ content }) => seen.push(content))
    await bob.connect()
    const { asked } = refusals(relay, () => new Fail('BUSY', 'later', 1e9))
    await alice.dm(identity.agentId, 'one')
    await expect.poll(asked).toBe(1)
    await bob.request('PING', {})
    cut()
    await expect.poll(() => cursorOf(bob)).toBe(1)
    expect([seen, asked()]).toEqual([['one'], 2])
    await alice.close()
  })

  test.each([1, 2])('and is cut, %i times: mentions and steps of deals that were handled do not come twice', async times => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    await alice.join('#general')
    const { transport, cut } = breakable()
    await using bob = newClient(relay, { identity, transport, reconnect: { minMs: 1, maxMs: 1 } })
    const seen: string[] = []
    bob.on('message', ({ content }) => seen.push(content))
    bob.on('PROPOSAL', ({ task }) => seen.push(task))
    let isRefusing = true
    let refused = 0
    relay.store.tamper = (method, [, state]) => {
      if (method !== 'progress' || state !== 'received' || !isRefusing) return
      refused++
      throw new Fail('BUSY', 'later', 1e9)
    }
    await bob.connect()
    const mention = `you there, ${identity.agentId}?`
    await alice.send('#general', mention)
    await expect.poll(() => seen).toEqual([mention])
    await alice.trade.propose(identity.agentId, { task: 'write it' })
    await expect.poll(() => seen).toEqual([mention, 'write it'])
    for (let i = 1; i <= times; i++) {
      // Offered again, and told anew.
      await expect.poll(() => refused).toBe(i)
      isRefusing = i < times
      cut()
    }
    await alice.dm(identity.agentId, 'the last')
    await expect.poll(() => cursorOf(bob)).toBe(3)
    expect(seen).toEqual([mention, 'write it', 'the last'])
    await alice.close()
  })
})

describe('by hand', () => {
  test('what was acknowledged counts once everything before it was; what was given back comes again', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    const positions = new MemoryPositions()
    await using bob = newClient(relay, { identity, positions, ack: 'manual' })
    const messages = bob.messages()
    await bob.connect()
    for (const text of ['one', 'two', 'three']) await alice.dm(identity.agentId, text)
    const [one, two, three] = [await next(messages), await next(messages), await next(messages)]
    const state = async () => {
      await bob.request('PING', {})
      return [positions.get(alice.agentId!), await cursorOf(bob)]
    }
    expect(await state()).toEqual([undefined, 0])
    three!.ack()
    one!.ack()
    await expect.poll(state).toEqual([1, 1])
    two!.nack(5)
    two!.ack()
    const again = await next(messages)
    expect([again.content, again.attempt, two!.attempt]).toEqual(['two', 2, 1])
    expect(await state()).toEqual([1, 1])
    again.ack()
    await expect.poll(state).toEqual([3, 3])
    // Nothing more comes of saying it twice.
    again.ack()
    three!.nack(0)
    expect(await state()).toEqual([3, 3])
    await alice.close()
  })

  test('a listener gets what it gave back once more', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    await using bob = newClient(relay, { identity })
    const seen: unknown[] = []
    bob.on('message', message => {
      seen.push([message.content, message.attempt])
      if (message.attempt < 3) message.nack(1)
    })
    await bob.connect()
    await alice.dm(identity.agentId, 'hard')
    await expect.poll(() => seen).toEqual([['hard', 1], ['hard', 2], ['hard', 3]])
    await expect.poll(() => cursorOf(bob)).toBe(1)
    await alice.close()
  })
})

describe('several who listen', () => {
  test('a message is handled when all who had it are done with it, and one who leaves does not hold it back', async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { name: 'alice' })
    await alice.join('#general')
    const positions = new MemoryPositions()
    await using bob = await clientOf(relay, { positions, ack: 'manual' })
    await bob.join('#general', { since: 0 })
    const all = bob.messages()
    const general = bob.messages('#general')
    const other = bob.messages('#help')
    const given: Message[] = []
    bob.on('message', message => {
      given.push(message)
    })
    for (const text of ['one', 'two', 'three']) await alice.send('#general', text)
    const one = [await next(all), await next(general)]
    await expect.poll(() => given.length).toBe(3)
    one[0]!.ack()
    one[1]!.ack()
    expect(positions.get('#general')).toBe(0)
    given[0]!.ack()
    expect(positions.get('#general')).toBe(1)
    // The listener leaves what it has; the loops have it still.
    given[2]!.ack()
    const rest = [await next(all), await next(general), await next(all), await next(general)]
    for (const message of rest.slice(0, 3)) message.ack()
    await general.return!()
    expect(positions.get('#general')).toBe(1)
    given[1]!.ack()
    expect(positions.get('#general')).toBe(3)
    await other.return!()
  })

  test('what only one of them wanted is for others when it leaves', async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { name: 'alice' })
    await alice.join('#general')
    const positions = new MemoryPositions()
    await using bob = await clientOf(relay, { positions })
    await bob.join('#general', { since: 0 })
    const first = bob.messages('#general')
    for (const text of ['one', 'two', 'three']) await alice.send('#general', text)
    expect((await next(first)).content).toBe('one')
    expect((await next(first)).content).toBe('two')
    await first.return!()
    expect(positions.get('#general')).toBe(1)
    expect(contents(await collect(bob, 2))).toEqual(['two', 'three'])
    expect(positions.get('#general')).toBe(3)
  })
})

/** A line that tells how many messages came over it, and whether it is read. */
const counting = () => {
  const line = { messages: 0, pauses: 0, isPaused: false, most: 0 }
  const transport: Transport = (url, handlers) => {
    line.isPaused = false
    const socket = wsTransport(url, {
      ...handlers,
      message: text => {
        if (text.startsWith('{"type":"MSG"')) line.messages++
        handlers.message(text)
      },
    })
    return {
      ...socket,
      pause: () => {
        line.pauses++
        line.isPaused = true
        socket.pause!()
      },
      resume: () => {
        line.isPaused = false
        socket.resume!()
      },
    }
  }
  return { line, transport }
}

describe('what waits is bounded', () => {
  const say = async (client: Client, count: number, text = ''): Promise<void> => {
    await Promise.all(Array.from({ length: count }, (_, i) => client.send('#general', `${i + 1}${text}`)))
  }
  const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => String(i + 1))

  test('the connection is not read while as much waits as may, and nothing is lost of the rest', async () => {
    await using relay = await startTestRelay({ maxPendingBytes: 64 * 1024 * 1024 })
    await using alice = await clientOf(relay, { name: 'alice' })
    await alice.join('#general')
    const { line, transport } = counting()
    await using bob = await clientOf(relay, { transport, bufferSize: 10 })
    const messages = bob.messages('#general')
    await bob.join('#general')
    const padding = ' '.repeat(20_000)
    await say(alice, 300, padding)
    await expect.poll(() => line.isPaused).toBe(true)
    await new Promise(resolve => setTimeout(resolve, 50))
    // What one chunk of the socket holds may come on top.
    expect(line.messages).toBeLessThan(20)
    const seen: string[] = []
    for await (const { content } of messages) {
      seen.push(content.trim())
      if (seen.length === 300) break
    }
    expect(seen).toEqual(numbers(300))
    expect(line.pauses).toBeGreaterThan(0)
    expect(await relay.metric('agentchat_connections')).toBe(2)
  })

  test('who awaits an answer to go on gets it, though as much waits as may', async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { name: 'alice' })
    await alice.join('#general')
    const { line, transport } = counting()
    await using bob = await clientOf(relay, { transport, bufferSize: 5 })
    const messages = bob.messages('#general')
    await bob.join('#general')
    await say(alice, 30)
    await expect.poll(() => line.isPaused).toBe(true)
    const seen: string[] = []
    for await (const { content, mine } of messages) {
      if (mine) continue
      seen.push(content)
      expect((await bob.send('#general', `heard ${content}`)).seq).toBeGreaterThan(30)
      await bob.listAgents('#general')
      if (seen.length === 30) break
    }
    expect(seen).toEqual(numbers(30))
  })

  test('on a line that cannot be stopped what does not fit is let go, and read again when there is room', async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { name: 'alice' })
    await alice.join('#general')
    const { transport } = breakable()
    await using bob = await clientOf(relay, { transport, bufferSize: 5 })
    let lost = 0
    bob.on('status', status => {
      if (status.kind === 'lost') lost++
    })
    const messages = bob.messages('#general')
    await bob.join('#general')
    await say(alice, 200)
    await bob.request('PING', {})
    const seen: string[] = []
    for await (const { content } of messages) {
      seen.push(content)
      if (seen.length === 200) break
    }
    expect(seen).toEqual(numbers(200))
    // Eight times as much as may wait, each time.
    expect(lost).toBeGreaterThanOrEqual(3)
    expect(lost).toBeLessThanOrEqual(200 / 20)
  })

  test('what is missing is read from the log no faster than it is handled', async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { name: 'alice' })
    await alice.join('#general')
    let pages = 0
    // Of all messages only the last one gets through.
    const transport: Transport = (url, handlers) => {
      const socket = breakable().transport(url, {
        ...handlers,
        message: text => {
          if (!text.startsWith('{"type":"MSG"') || text.includes('"seq":1001')) handlers.message(text)
        },
      })
      return {
        ...socket,
        send: text => {
          if (text.includes('"HISTORY"')) pages++
          socket.send(text)
        },
      }
    }
    await using bob = await clientOf(relay, { transport, bufferSize: 20 })
    const messages = bob.messages('#general')
    await bob.join('#general')
    await say(alice, 1_001)
    await expect.poll(() => pages).toBe(1)
    const seen: string[] = []
    for await (const { content } of messages) {
      seen.push(content)
      // A page holds 200.
      expect(pages).toBeLessThanOrEqual(Math.floor((seen.length + 20) / 200) + 1)
      if (seen.length === 1_001) break
    }
    expect(seen).toEqual(numbers(1_001))
  })

  test('of what nobody listens for no more is kept than that, and who listens then gets all of it from the relay', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    await alice.join('#general')
    const positions = new MemoryPositions()
    const { transport, cut } = breakable()
    await using bob = await clientOf(relay, { identity, positions, bufferSize: 10, transport })
    await bob.join('#general', { limit: 0 })
    const direct = bob.messages(alice.agentId)
    await say(alice, 40)
    await alice.dm(identity.agentId, 'are you there?')
    // Somebody else goes on meanwhile, over a reconnect too.
    expect((await next(direct)).content).toBe('are you there?')
    const again = statusOf(bob, 'connected')
    cut()
    await again
    await bob.request('PING', {})
    expect(positions.get('#general')).toBe(0)
    expect(contents(await collect(bob, 40, '#general'))).toEqual(numbers(40))
    expect(positions.get('#general')).toBe(40)
    await alice.close()
  })
})

describe('over a reconnect', () => {
  test('what is being handled does not come twice, and counts once it is done', async () => {
    await using relay = await startTestRelay()
    const { identity, alice } = await pairOf(relay)
    await alice.join('#general')
    await alice.join('#help')
    const { transport, cut } = breakable()
    const positions = new MemoryPositions()
    await using bob = newClient(relay, { identity, positions, transport, ack: 'manual' })
    const messages = bob.messages()
    const deals: string[] = []
    let dealt = () => undefined as void
    bob.on('PROPOSAL', ({ task }) => {
      deals.push(task)
      return new Promise<void>(resolve => {
        dealt = resolve
      })
    })
    await bob.connect()
    await bob.join('#general', { since: 0 })
    await alice.send('#general', 'one')
    await alice.dm(identity.agentId, 'two')
    await alice.send('#help', `${identity.agentId} three`)
    await alice.trade.propose(identity.agentId, { task: 'four' })
    const before = [await next(messages), await next(messages), await next(messages)]
    await expect.poll(() => deals).toEqual(['four'])
    for (let i = 0; i < 3; i++) {
      const again = statusOf(bob, 'connected')
      cut()
      await again
      await bob.request('PING', {})
    }
    await alice.dm(identity.agentId, 'five')
    const five = await next(messages)
    expect(contents([...before, five])).toEqual(['one', 'two', `${identity.agentId} three`, 'five'])
    expect(await cursorOf(bob)).toBe(0)
    for (const message of [...before, five]) message.ack()
    await expect.poll(() => cursorOf(bob)).toBe(2)
    dealt()
    await expect.poll(() => cursorOf(bob)).toBe(4)
    expect([positions.get('#general'), positions.get(alice.agentId!), deals]).toEqual([1, 2, ['four']])
    await alice.close()
  })

  test('another life of the log does not take what was handled of the old one', async () => {
    const positions = new MemoryPositions()
    const old = await startTestRelay()
    const port = Number(new URL(old.url).port)
    await using bob = await clientOf(old, { positions, ack: 'manual' })
    await bob.join('#general', { since: 0 })
    const messages = bob.messages()
    await bob.send('#general', 'old')
    const message = await next(messages)
    const changed = statusOf(bob, 'epoch-changed')
    await old.drain()
    await using _relay = await startTestRelay({ port })
    await changed
    message.ack()
    expect(positions.get('#general')).toBeUndefined()
  })
})

test('the end of a replay is told once what was there has been handled', async () => {
  await using relay = await startTestRelay()
  await using alice = await clientOf(relay, { name: 'alice' })
  await alice.join('#general')
  for (const text of ['one', 'two']) await alice.send('#general', text)
  await using bob = await clientOf(relay)
  const told: unknown[] = []
  bob.on('status', status => {
    if (status.kind === 'end-of-replay') told.push([status.channel, status.seq])
  })
  const messages = bob.messages('#general')
  await bob.join('#help')
  expect(told).toEqual([['#help', 0]])
  await bob.join('#general', { since: 0 })
  expect((await next(messages)).replay).toBe(true)
  expect((await next(messages)).content).toBe('two')
  // What is said before the relay has replayed all is replayed too.
  await bob.request('PING', {})
  expect(told.length).toBe(1)
  await alice.send('#general', 'three')
  expect((await next(messages)).replay).toBe(false)
  expect(told.slice(1)).toEqual([['#general', 2]])
})
