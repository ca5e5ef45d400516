// The client's connection: closed for good, tried again, waited for, and what programs asked for in between.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { AgentChatClient, ConnectionError, RelayError, TimeoutError, type ClientStatus } from '../lib/index.ts'
import type { Transport } from '../lib/client/transport.ts'
import { wsTransport } from '../lib/node/index.ts'
import { breakable, clientOf, collect, newClient, newIdentity, statusOf } from './kit/client.ts'
import { newFolder } from './kit/folder.ts'
import { freePort } from './kit/port.ts'
import { startTestRelay } from './kit/relay.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setTimeout(resolve, 2))
}

/** A transport whose sockets do nothing by themselves: the test is the relay. */
const scripted = () => {
  const sockets: {
    readonly sent: string[]
    open(): void
    say(frame: object): void
    end(code?: number): void
    isClosed: boolean
  }[] = []
  const transport: Transport = (_url, handlers) => {
    const line = {
      sent: [] as string[],
      isClosed: false,
      open: () => handlers.open(),
      say: (frame: object) => handlers.message(JSON.stringify({ ts: 1, ...frame })),
      end: (code = 1_006) => handlers.close(code, ''),
    }
    sockets.push(line)
    return {
      send: text => line.sent.push(text),
      close: () => {
        line.isClosed = true
        queueMicrotask(() => handlers.close(1_000, ''))
      },
    }
  }
  const limits = { max_frame_bytes: 1_000, msg_rate: 0, msg_burst: 1, max_page: 200, max_pending_bytes: 1, ping_interval_ms: 1 }
  const welcome = { type: 'WELCOME', agent_id: '@k3x9q2ab', name: 'a', server: 's', protocol: 'agentchat/1', epoch: 'e', limits }
  return { transport, sockets, welcome }
}

describe('a client that is closed stays closed', () => {
  test('while it connects for the first time', async () => {
    await using relay = await startTestRelay()
    const client = newClient(relay)
    const connecting = client.connect()
    connecting.catch(() => undefined)
    await client.close()
    await expect(connecting).rejects.toMatchObject({ name: 'ConnectionError', code: 'CLOSED' })
    await turns()
    expect(client.state).toBe('closed')
    expect(await relay.metric('agentchat_connections')).toBe(0)
    await expect(client.connect()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(client.connect({ wait: true })).rejects.toMatchObject({ code: 'CLOSED' })
  })

  const steps = ['dialled', 'identified', 'waiting', 'dialled again', 'identified again'] as const
  test.each(steps)('when it is %s', async step => {
    const { transport, sockets, welcome } = scripted()
    const client = new AgentChatClient({ server: 'ws://relay', name: 'a', transport, random: () => 0 })
    const ended = statusOf(client, 'ended')
    const connecting = client.connect()
    connecting.catch(() => undefined)
    const at = steps.indexOf(step)
    if (at >= 1) sockets[0]!.open()
    if (at >= 2) {
      sockets[0]!.say(welcome)
      await connecting
      sockets[0]!.end()
    }
    if (at >= 3) await expect.poll(() => sockets.length).toBe(2)
    if (at >= 4) sockets[1]!.open()
    await client.close()
    expect(await ended).toEqual({ kind: 'ended', error: undefined })
    // What the sockets bring now is nobody's business.
    for (const socket of sockets) {
      socket.open()
      socket.say(welcome)
      socket.end()
    }
    await turns()
    expect(client.state).toBe('closed')
    expect(sockets.length).toBe(at >= 3 ? 2 : 1)
    // The first one ended by itself.
    expect(sockets.map(({ isClosed }) => isClosed)).toEqual(at === 2 ? [false] : at > 2 ? [false, true] : [true])
  })

  test.each(['lost', 'connected'] as const)('when who is told that it is %s closes it', async kind => {
    const { transport, sockets, welcome } = scripted()
    const client = new AgentChatClient({ server: 'ws://relay', name: 'a', transport, random: () => 0 })
    client.on('status', status => {
      if (status.kind === kind) void client.close()
    })
    const connecting = client.connect()
    connecting.catch(() => undefined)
    sockets[0]!.open()
    sockets[0]!.say(welcome)
    sockets[0]!.end()
    await turns()
    expect(client.state).toBe('closed')
    expect(sockets.length).toBe(1)
  })

  test('its iterations are over, those that begin later too', async () => {
    await using relay = await startTestRelay()
    const client = await clientOf(relay)
    const before = client.messages()
    const waiting = [before.next(), before.next()]
    await client.close()
    const over = { value: undefined, done: true }
    expect(await Promise.all(waiting)).toEqual([over, over])
    expect(await before.next()).toEqual(over)
    expect(await client.messages().next()).toEqual(over)
    for await (const message of client.messages('#general')) expect.unreachable(message.content)
  })

  test('its calls say so', async () => {
    await using relay = await startTestRelay()
    const client = await clientOf(relay)
    await client.close()
    await expect(client.send('#general', 'x')).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(client.request('PING', {})).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('connecting', () => {
  test('can be tried again after it failed', async () => {
    const port = await freePort()
    await using client = newClient(`ws://127.0.0.1:${port}`)
    await expect(client.connect()).rejects.toMatchObject({ code: 'UNREACHABLE' })
    expect(client.state).toBe('idle')
    await expect(client.send('#general', 'x')).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
    await using relay = await startTestRelay({ port })
    expect((await client.connect()).agentId).toBe(client.agentId)
    // Who connects a client that is connected has what it wants.
    expect((await client.connect()).agentId).toBe(client.agentId)
    expect(await relay.metric('agentchat_connections')).toBe(1)
  })

  test('waits for the first connection, where that is wanted', async () => {
    const port = await freePort()
    await using client = newClient(`ws://127.0.0.1:${port}`)
    const failures: ClientStatus[] = []
    client.on('status', status => {
      if (status.kind === 'lost') failures.push(status)
    })
    const connecting = client.connect({ wait: true })
    const sent = client.send('#general', 'early')
    const listed = client.listChannels()
    sent.catch(() => undefined)
    await expect.poll(() => failures.length).toBeGreaterThan(2)
    await using relay = await startTestRelay({ port })
    expect((await connecting).agentId).toBe(client.agentId)
    // What was asked meanwhile was kept, in its order.
    expect((await listed).length).toBeGreaterThan(0)
    await expect(sent).rejects.toMatchObject({ code: 'NOT_INVITED' })
    expect(relay.url).toContain(String(port))
  })

  test('ends with its signal, and with a refusal that is for good', async () => {
    const port = await freePort()
    await using client = newClient(`ws://127.0.0.1:${port}`)
    const abort = new AbortController()
    const lost = statusOf(client, 'lost')
    const connecting = client.connect({ wait: true, signal: abort.signal })
    connecting.catch(() => undefined)
    await lost
    abort.abort(new Error('enough'))
    await expect(connecting).rejects.toThrow('enough')
    expect(client.state).toBe('idle')
    await using relay = await startTestRelay({ port })
    await using refused = newClient(relay, { name: 'admin' })
    await expect(refused.connect({ wait: true })).rejects.toMatchObject({ code: 'INVALID_NAME' })
    expect(refused.state).toBe('idle')
    await client.connect()
    expect(client.state).toBe('open')
  })

  test.each(['', 'nonsense', 'http://relay', 'ws://', 'ws://127.0.0.1:99999', '/relative'])('to %j is refused once, by its kind',
    async server => {
      const stray: unknown[] = []
      const note = (error: unknown) => stray.push(error)
      process.on('uncaughtException', note).on('unhandledRejection', note)
      for (const transport of [wsTransport, undefined]) {
        const client = new AgentChatClient({ server, name: 'a', requestTimeoutMs: 20, ...(transport !== undefined && { transport }) })
        const error: unknown = await client.connect({ wait: true }).catch((error: unknown) => error)
        expect(error).toBeInstanceOf(ConnectionError)
        expect(error).toMatchObject({ code: 'BAD_URL', message: expect.stringContaining(JSON.stringify(server)) })
        expect((error as ConnectionError).shouldRetry()).toBe(false)
        expect(client.state).toBe('idle')
      }
      await turns()
      process.off('uncaughtException', note).off('unhandledRejection', note)
      expect(stray).toEqual([])
    })

  test('a transport that throws is a relay that cannot be reached', async () => {
    const transport: Transport = () => {
      throw new Error('no sockets today')
    }
    const client = new AgentChatClient({ server: 'ws://relay', name: 'a', transport, requestTimeoutMs: 20 })
    await expect(client.connect()).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('no sockets today') })
    await turns()
  })

  test('a relay that asks for two signatures gets one', async () => {
    const { transport, sockets } = scripted()
    const client = new AgentChatClient({ server: 'ws://relay', identity: newIdentity('alice'), legacyLogin: true, transport })
    const connecting = client.connect()
    connecting.catch(() => undefined)
    sockets[0]!.open()
    for (const challenge of ['chal_1', 'chal_2']) {
      sockets[0]!.say({ type: 'CHALLENGE', challenge_id: challenge, nonce: 'ab'.repeat(16), expires_at: 5 })
      await turns()
    }
    await expect(connecting).rejects.toMatchObject({ name: 'ProtocolError', code: 'OUT_OF_TURN' })
    expect(sockets[0]!.sent.filter(text => text.includes('signature')).length).toBe(1)
  })
})

describe('while it reconnects', () => {
  test('a login of its own that it gave up may come late, and displace it: it comes back once, and leaves its place to others', async () => {
    const { transport, sockets, welcome } = scripted()
    const options = { server: 'ws://relay', name: 'a', transport, random: () => 0, reconnect: { minMs: 1, maxMs: 1 } }
    await using client = new AgentChatClient(options)
    const next = async (count: number) => {
      await expect.poll(() => sockets.length).toBe(count)
      sockets[count - 1]!.open()
      return sockets[count - 1]!
    }
    const connecting = client.connect()
    const first = await next(1)
    first.say(welcome)
    await connecting
    const ended = statusOf(client, 'ended')
    first.end() // Of this one nobody knows how far it came.
    ;(await next(2)).end()
    const third = await next(3)
    third.say(welcome)
    third.end(4_500)
    const fourth = await next(4)
    fourth.say(welcome)
    expect(client.state).toBe('open')
    fourth.end(4_500)
    expect(await ended).toMatchObject({ error: { closeCode: 4_500 } })
    await turns()
    expect(sockets.length).toBe(4)
  })

  test('requests wait as sends do, and what was asked of the old connection is told that it is lost', async () => {
    await using relay = await startTestRelay()
    const { transport, cut } = breakable()
    await using client = await clientOf(relay, { transport, reconnect: { minMs: 5, maxMs: 5 } })
    await client.join('#general')
    relay.store.hold()
    const inFlight = client.setTopic('#general', 'x')
    inFlight.catch(() => undefined)
    cut()
    relay.store.release()
    expect(client.state).toBe('waiting')
    const [listed, pong] = [client.listAgents('#general'), client.request('PING', {})]
    await expect(inFlight).rejects.toMatchObject({ code: 'LOST' })
    // The channel is entered again before anything that was asked meanwhile.
    expect((await listed).map(({ id }) => id)).toEqual([client.agentId])
    expect(await pong).toMatchObject({ type: 'PONG' })
  })

  test('within their timeout, whose error carries the id', async () => {
    const { transport, sockets, welcome } = scripted()
    await using client = newClient('ws://relay', { transport, reconnect: { minMs: 60_000 }, random: () => 0.99, requestTimeoutMs: 30 })
    const connecting = client.connect()
    sockets[0]!.open()
    sockets[0]!.say(welcome)
    await connecting
    sockets[0]!.end()
    const error: unknown = await client.request('PING', {}).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(TimeoutError)
    expect((error as TimeoutError).id).toMatch(/^[\w-]+$/)
    await expect(client.send('#general', 'x', { id: 'mine', timeoutMs: 10 })).rejects.toMatchObject({ code: 'TIMEOUT', id: 'mine' })
  })

  test('a queued message that has become too long is refused, and the rest goes on', async () => {
    using data = newFolder()
    const first = await startTestRelay({ data: data.path })
    const port = Number(new URL(first.url).port)
    await using client = await clientOf(first, { identity: newIdentity('alice') })
    await client.join('#general')
    let lost = 0
    client.on('status', status => {
      if (status.kind === 'lost' && status.error.code === 'LOST') lost++
    })
    const gone = statusOf(client, 'lost')
    await first.drain()
    await gone
    const long = client.send('#general', 'x'.repeat(5_000))
    const longRequest = client.setTopic('#general', 'y'.repeat(5_000))
    const short = client.send('#general', 'short')
    for (const call of [long, longRequest]) call.catch(() => undefined)
    await using second = await startTestRelay({ data: data.path, port, maxFrameBytes: 4_096 })
    await expect(long).rejects.toMatchObject({ code: 'INVALID_MSG', message: expect.stringContaining('4096') })
    await expect(longRequest).rejects.toMatchObject({ code: 'INVALID_MSG' })
    expect((await short).seq).toBe(1)
    expect(lost).toBe(1)
    expect(await second.metric('agentchat_connections')).toBe(1)
  })

  test('presence and watches come back, also when the relay cannot just then', async () => {
    await using relay = await startTestRelay()
    const { transport, cut } = breakable()
    await using alice = await clientOf(relay, { identity: newIdentity('alice'), transport })
    await using bob = await clientOf(relay, { name: 'bob' })
    await alice.people.setPresence('busy', 'deep in thought')
    await alice.people.watch([bob.agentId!])
    const again = statusOf(alice, 'connected')
    const watching = new Promise(resolve => alice.on('WATCHING', resolve))
    cut()
    await again
    await watching
    await expect.poll(async () => (await bob.whois(alice.agentId!)).presence).toBe('busy')
    const changed = new Promise<string>(resolve => alice.on('PRESENCE_CHANGED', ({ presence }) => resolve(presence)))
    await bob.people.setPresence('away')
    expect(await changed).toBe('away')
  })

  test('a browser that comes back on line tries at once, and one that changes its network asks whether the relay is there', async () => {
    let tell: (isOnline: boolean) => void = () => undefined
    const connectivity = {
      onChange: (listener: (isOnline: boolean) => void) => {
        tell = listener
        return () => {
          tell = () => undefined
        }
      },
    }
    const { transport, sockets, welcome } = scripted()
    const client = newClient('ws://relay', {
      transport,
      connectivity,
      reconnect: { minMs: 3_600_000, maxMs: 3_600_000 },
      random: () => 0.99,
    })
    const connecting = client.connect()
    sockets[0]!.open()
    sockets[0]!.say(welcome)
    await connecting
    const pings = () => sockets.at(-1)!.sent.filter(text => text.includes('"PING"')).length
    tell(false)
    expect(pings()).toBe(1)
    sockets[0]!.end()
    expect(client.state).toBe('waiting')
    tell(false)
    expect(sockets.length).toBe(1)
    tell(true)
    expect(sockets.length).toBe(2)
    sockets[1]!.open()
    sockets[1]!.say(welcome)
    expect(client.state).toBe('open')
    await client.close()
    tell(true)
    expect(sockets.length).toBe(2)
  })
})

describe('times', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([2 ** 31, 2 ** 31 + 5_000, 10 ** 12])('a timeout of %d ms is one', async timeoutMs => {
    vi.useFakeTimers()
    const { transport, sockets, welcome } = scripted()
    const client = newClient('ws://relay', { transport, heartbeatMs: 0 })
    const connecting = client.connect()
    sockets[0]!.open()
    sockets[0]!.say(welcome)
    await connecting
    let ended: unknown
    for (const call of [client.request('PING', {}, { timeoutMs }), client.send('#general', 'x', { timeoutMs })])
      call.catch((error: unknown) => {
        ended = error
      })
    await vi.advanceTimersByTimeAsync(timeoutMs - 1)
    expect(ended).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toBeInstanceOf(TimeoutError)
    await client.close()
  })

  test('Infinity is for ever: of a call, a login, a heartbeat', async () => {
    vi.useFakeTimers()
    const { transport, sockets, welcome } = scripted()
    const client = newClient('ws://relay', { transport, heartbeatMs: Infinity, requestTimeoutMs: Infinity })
    const connecting = client.connect()
    await vi.advanceTimersByTimeAsync(2 ** 33)
    sockets[0]!.open()
    sockets[0]!.say(welcome)
    await connecting
    const call = client.request('PING', {})
    call.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(2 ** 33)
    expect(sockets.length).toBe(1)
    expect(client.state).toBe('open')
    expect(sockets[0]!.sent.filter(text => text.includes('"PING"')).length).toBe(1)
    sockets[0]!.say({ type: 'PONG', re: (JSON.parse(sockets[0]!.sent.at(-1)!) as { id: string }).id })
    expect(await call).toMatchObject({ type: 'PONG' })
    await client.close()
  })

  test(
    'a session that is to go on waits four seconds for a socket that does not open, longer each time, and for the first one as long as asked',
    async () => {
      vi.useFakeTimers()
      const { transport, sockets, welcome } = scripted()
      const client = newClient('ws://relay', { transport, heartbeatMs: 0, requestTimeoutMs: 15_000, random: () => 0 })
      const connecting = client.connect()
      await vi.advanceTimersByTimeAsync(14_000)
      expect(sockets.map(({ isClosed }) => isClosed)).toEqual([false])
      sockets[0]!.open()
      sockets[0]!.say(welcome)
      await connecting
      sockets[0]!.end()
      const isClosed = (n: number) => sockets[n]?.isClosed === true
      const until = async (isSo: () => boolean) => {
        const since = Date.now()
        while (!isSo() && Date.now() < since + 20_000) await vi.advanceTimersByTimeAsync(10)
        return Date.now() - since
      }
      for (const [attempt, dialMs] of [4_000, 8_000, 12_000, 15_000].entries()) {
        await until(() => sockets.length > attempt + 1)
        expect(Math.round(await until(() => isClosed(attempt + 1)) / 100) * 100).toBe(dialMs)
      }
      await until(() => sockets.length > 5)
      // One that opened has the time of a login.
      sockets.at(-1)!.open()
      await vi.advanceTimersByTimeAsync(14_000)
      sockets.at(-1)!.say(welcome)
      expect(client.state).toBe('open')
      const { length } = sockets
      await vi.advanceTimersByTimeAsync(20_000)
      expect(sockets.length).toBe(length)
      await client.close()
    },
  )

  test('a heartbeat of more than a timer holds does not become a busy loop', async () => {
    vi.useFakeTimers()
    const { transport, sockets, welcome } = scripted()
    const client = newClient('ws://relay', { transport, heartbeatMs: 2 ** 31 })
    const connecting = client.connect()
    sockets[0]!.open()
    sockets[0]!.say(welcome)
    await connecting
    await vi.advanceTimersByTimeAsync(2 ** 31 * 1.5)
    expect(sockets[0]!.sent.filter(text => text.includes('"PING"')).length).toBe(0)
    await vi.advanceTimersByTimeAsync(2 ** 31)
    expect(sockets[0]!.sent.filter(text => text.includes('"PING"')).length).toBe(1)
    await client.close()
  })
})

describe('listeners', () => {
  test('a promise that rejects is a listener-error, and who fails at hearing of that is not told for ever', async () => {
    await using relay = await startTestRelay()
    await using client = await clientOf(relay)
    const stray: unknown[] = []
    const note = (error: unknown) => stray.push(error)
    process.on('unhandledRejection', note)
    client.on('PONG', () => Promise.reject(new Error('mine')))
    client.on('message', async () => {
      await Promise.resolve()
      throw new Error('mine too')
    })
    const errors: string[] = []
    let calls = 0
    client.on('status', status => {
      if (status.kind === 'listener-error') errors.push((status.error as Error).message)
    })
    client.on('status', async ({ kind }) => {
      if (kind !== 'listener-error') return
      calls++
      throw new Error('always')
    })
    client.on('status', ({ kind }) => {
      if (kind === 'listener-error') throw new Error('always')
    })
    await client.request('PING', {})
    await client.join('#general')
    await client.send('#general', 'x')
    await expect.poll(() => errors).toEqual(['mine', 'mine too'])
    await turns()
    process.off('unhandledRejection', note)
    expect(stray).toEqual([])
    expect(calls).toBe(2)
    expect(client.state).toBe('open')
  })
})

test('several next() at once are served in the order in which they were asked', async () => {
  await using relay = await startTestRelay()
  await using client = await clientOf(relay)
  await client.join('#general')
  const messages = client.messages('#general')
  const asked = Array.from({ length: 5 }, () => messages.next())
  for (let i = 0; i < 7; i++) await client.send('#general', String(i))
  const early = await Promise.all(asked)
  const late = await Promise.all([messages.next(), messages.next()])
  expect([...early, ...late].map(({ value }) => (value as { content: string }).content)).toEqual(['0', '1', '2', '3', '4', '5', '6'])
  const rest = [messages.next(), messages.next()]
  await client.close()
  expect((await Promise.all(rest)).map(({ done }) => done)).toEqual([true, true])
  expect(await collect(client, 1)).toEqual([])
})

test('errors carry codes of one table each', () => {
  expect(new RelayError('NOT_INVITED', 'm')).toMatchObject({ code: 'NOT_INVITED', wireCode: 'NOT_INVITED' })
  expect(new RelayError('FROM_THE_FUTURE', 'm')).toMatchObject({ code: 'UNKNOWN', wireCode: 'FROM_THE_FUTURE' })
})
