import { describe, expect, test } from 'vitest'
import { AgentChatClient, ConnectionError, MemoryPositions, ProtocolError, RelayError, TimeoutError } from '../lib/index.ts'
import { generateKeyPair } from '../lib/identity/index.ts'
import { createVerify, nodeIdentity, wsTransport } from '../lib/node/index.ts'
import type { Transport } from '../lib/client/transport.ts'
import { Fail } from '../src/relay/feature.ts'
import { StorageError } from '../src/store/store.ts'
import { breakable, clientOf, collect, holding, newIdentity, statusOf } from './kit/client.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'

describe('talking', () => {
  test('a send resolves with its place in the log, and everybody hears it once, the sender too', async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { name: 'alice' })
    await using bob = await clientOf(relay, { name: 'bob' })
    await Promise.all([alice.join('#general'), bob.join('#general')])
    const heard = [collect(alice, 2), collect(bob, 2, '#general')]
    const acks = await Promise.all([alice.send('#general', 'one'), alice.send('#general', 'two')])
    expect(acks.map(ack => ack.seq)).toEqual([1, 2])
    for (const messages of await Promise.all(heard))
      expect(messages.map(({ content, seq, fromName, signature }) => [content, seq, fromName, signature])).toEqual([[
        'one',
        1,
        'alice',
        'none',
      ], ['two', 2, 'alice', 'none']])
  })

  test('concurrent requests of every kind get their own answers', async () => {
    await using relay = await startTestRelay()
    await using client = await clientOf(relay)
    await client.join('#general')
    const results = await Promise.allSettled([
      client.history({ channel: '#general' }),
      client.join('#nowhere'),
      client.listAgents('#general'),
      client.listChannels(),
      client.join('#help'),
      client.send('#general', 'x'),
      client.whois('@0000000000000000'),
      client.request('PING', {}),
    ])
    expect(
      results.map(result =>
        result.status === 'fulfilled' ? (result.value as { type?: string }).type ?? 'list' : (result.reason as RelayError).code
      ),
    )
      .toEqual(['HISTORY', 'CHANNEL_NOT_FOUND', 'list', 'list', 'JOINED', 'ACK', 'AGENT_NOT_FOUND', 'PONG'])
  })

  test('sends are stored in the order of the calls, also on a relay that limits the rate', async () => {
    await using relay = await startTestRelay({ msgRate: 200, msgBurst: 5 })
    await using client = await clientOf(relay)
    await client.join('#general')
    const acks = await Promise.all(Array.from({ length: 30 }, (_, i) => client.send('#general', String(i))))
    expect(acks.map(ack => ack.seq)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
    const { events } = await client.history({ channel: '#general' }, { limit: 200 })
    expect(events.map(event => event['content'])).toEqual(Array.from({ length: 30 }, (_, i) => String(i)))
  })

  test("a message over the relay's frame limit is refused here, and the connection stays", async () => {
    await using relay = await startTestRelay({ maxFrameBytes: 4_096 })
    await using ann = await clientOf(relay, { name: 'ann' })
    await ann.join('#general')
    await expect(ann.send('#general', '\u0001'.repeat(1_000))).rejects.toMatchObject({ code: 'INVALID_MSG' })
    expect(await ann.send('#general', 'x'.repeat(3_900))).toMatchObject({ seq: 1 })
  })

  test('an ERROR that nobody awaits is a status, and a listener that throws hurts nobody', async () => {
    await using relay = await startTestRelay()
    await using client = await clientOf(relay)
    client.on('PONG', () => {
      throw new Error('mine')
    })
    const listenerError = statusOf(client, 'listener-error')
    await client.request('PING', {})
    expect(((await listenerError).error as Error).message).toBe('mine')
    expect(client.state).toBe('open')
  })

  test('timeouts and aborts end a call and leave the client whole', async () => {
    await using relay = await startTestRelay()
    await using client = await clientOf(relay)
    await client.join('#general')
    relay.store.hold()
    await expect(client.send('#general', 'late', { timeoutMs: 30 })).rejects.toBeInstanceOf(TimeoutError)
    const abort = new AbortController()
    const waiting = client.send('#general', 'aborted', { signal: abort.signal })
    abort.abort(new Error('changed my mind'))
    await expect(waiting).rejects.toThrow('changed my mind')
    relay.store.release()
    expect((await client.send('#general', 'on time')).seq).toBe(3)
  })

  test('before connect and after close a call says so', async () => {
    await using relay = await startTestRelay()
    const client = new AgentChatClient({ server: relay.url, name: 'a', transport: wsTransport })
    await expect(client.send('#general', 'x')).rejects.toBeInstanceOf(ConnectionError)
    await client.connect()
    const rest = collect(client, 1)
    await client.close()
    expect(await rest).toEqual([])
    await expect(client.request('PING', {})).rejects.toThrow(/closed/)
    await expect(new AgentChatClient({ server: 'ws://127.0.0.1:9', name: 'a', transport: wsTransport }).connect()).rejects.toBeInstanceOf(
      ConnectionError,
    )
  })
})

describe('identity', () => {
  test('a keyed agent logs in, signs, and its messages verify at the receiver', async () => {
    await using relay = await startTestRelay({ legacyLogin: false })
    const identity = newIdentity('alice')
    await using alice = await clientOf(relay, { identity, serverId: relay.serverId })
    await using bob = await clientOf(relay, { name: 'bob' })
    expect(alice.agentId).toBe(identity.agentId)
    await Promise.all([alice.join('#general'), bob.join('#general')])
    const heard = collect(bob, 2)
    await alice.send('#general', 'signed')
    await bob.send('#general', 'not signed')
    expect((await heard).map(message => message.signature)).toEqual(['valid', 'none'])
  })

  test("a forged signature is told from a good one, and a key that is not the sender's from both", async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { identity: newIdentity('alice') })
    await using mallory = await clientOf(relay, { name: 'mallory' })
    await using bob = await clientOf(relay, { name: 'bob' })
    for (const client of [alice, mallory, bob]) await client.join('#general')
    const heard = collect(bob, 2)
    await alice.request('MSG', { to: '#general', content: 'changed', ts: 5, sig: newIdentity('x').sign('whatever') })
    await mallory.request('MSG', { to: '#general', content: 'no key', ts: 5, sig: newIdentity('x').sign('whatever') })
    expect((await heard).map(message => message.signature)).toEqual(['invalid', 'unknown-key'])
  })

  test('the key is not used for a relay that is not the expected one', async () => {
    await using relay = await startTestRelay()
    const client = new AgentChatClient({
      server: relay.url,
      identity: newIdentity('alice'),
      serverId: 'f'.repeat(64),
      transport: wsTransport,
    })
    await expect(client.connect()).rejects.toBeInstanceOf(ProtocolError)
    expect(await relay.metric('agentchat_agents')).toBe(0)
  })

  test('a proof is given for a nonce and for nothing else', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('alice')
    await using alice = await clientOf(relay, { identity })
    await using bob = await clientOf(relay, { name: 'bob' })
    const proved = new Promise(resolve => bob.on('VERIFY_SUCCESS', resolve))
    await bob.request('VERIFY_REQUEST', { target: identity.agentId, nonce: 'ab'.repeat(16) })
    expect(await proved).toMatchObject({ agent: alice.agentId, pubkey: identity.publicKey })
  })
})

describe('coming back', () => {
  test('a cut connection resumes: nothing missed, nothing twice, sends included', async () => {
    await using relay = await startTestRelay()
    const { transport, cut } = breakable()
    await using alice = await clientOf(relay, { name: 'alice', transport })
    await using bob = await clientOf(relay, { name: 'bob' })
    await Promise.all([alice.join('#general'), bob.join('#general')])
    const id = alice.agentId
    const total = 60
    const heard = collect(alice, 2 * total)
    const sends: Promise<unknown>[] = []
    for (let i = 0; i < total; i++) {
      sends.push(alice.send('#general', `a${i}`), bob.send('#general', `b${i}`))
      if (i % 15 === 7) cut()
      if (i % 5 === 0) await new Promise(resolve => setTimeout(resolve, 5))
    }
    await Promise.all(sends)
    const messages = await heard
    expect(messages.map(message => message.seq)).toEqual(Array.from({ length: 2 * total }, (_, i) => i + 1))
    for (const who of ['a', 'b'])
      expect(messages.filter(message => message.content.startsWith(who)).map(message => message.content)).toEqual(
        Array.from({ length: total }, (_, i) => `${who}${i}`),
      )
    expect(alice.agentId).toBe(id)
  })

  test('a relay that restarts on the same data is met again by itself', async () => {
    using data = newFolder()
    const first = await startTestRelay({ data: data.path })
    const port = Number(new URL(first.url).port)
    await using client = await clientOf(first, { identity: newIdentity('alice') })
    await client.join('#general')
    await client.send('#general', 'before')
    const lost = statusOf(client, 'lost')
    await first.drain()
    expect((await lost).retryInMs).toBeGreaterThan(0)
    const sent = client.send('#general', 'between')
    await using second = await startTestRelay({ data: data.path, port })
    expect((await sent).seq).toBe(2)
    expect((await client.history({ channel: '#general' })).events.map(event => event['content'])).toEqual(['before', 'between'])
    expect(second.url).toContain(String(port))
  })

  test('a relay that is gone without a word is noticed, and met again', async () => {
    await using relay = await startTestRelay()
    const sockets: { isDeaf: boolean, pings: number }[] = []
    // As when a cable is pulled: nothing gets through any more, in either direction, and no end is told.
    const transport: Transport = (url, handlers) => {
      const line = { isDeaf: false, pings: 0 }
      sockets.push(line)
      const socket = wsTransport(url, {
        open: handlers.open,
        message: text => {
          if (!line.isDeaf) handlers.message(text)
        },
        close: (code, reason) => {
          if (!line.isDeaf) handlers.close(code, reason)
        },
      })
      return {
        send: text => {
          if (text.includes('"PING"')) line.pings++
          if (!line.isDeaf) socket.send(text)
        },
        close: (code, reason) => socket.close(code, reason),
      }
    }
    await using alice = await clientOf(relay, { name: 'alice' })
    await using bob = await clientOf(relay, { name: 'bob', transport, heartbeatMs: 40 })
    await Promise.all([alice.join('#general'), bob.join('#general')])
    const heard = collect(bob, 2)
    // An idle line that answers is kept.
    await expect.poll(() => sockets[0]!.pings).toBeGreaterThan(3)
    expect(sockets.length).toBe(1)
    const lost = statusOf(bob, 'lost')
    sockets[0]!.isDeaf = true
    const sent = bob.send('#general', 'from bob')
    await alice.send('#general', 'from alice')
    expect((await lost).error.message).toContain('nothing was heard')
    await sent
    expect((await heard).map(({ content }) => content).sort()).toEqual(['from alice', 'from bob'])
    expect(sockets.length).toBe(2)
  })

  test('a channel that could not be entered again just then is entered a little later, on the same connection', async () => {
    await using relay = await startTestRelay()
    const { transport, cut } = breakable()
    await using alice = await clientOf(relay, { name: 'alice' })
    await using bob = await clientOf(relay, { name: 'bob', transport })
    await Promise.all([alice.join('#general'), bob.join('#general')])
    const heard = collect(bob, 2)
    await alice.send('#general', 'one')
    // Three joins of bob's fail: for now, without a time to wait, and in the storage.
    const refusals = [
      () => new Fail('RATE_LIMITED', 'later', 1),
      () => new Fail('BUSY', 'later'),
      () => new StorageError('disk full', 'free some space'),
    ]
    relay.store.tamper = method => {
      if (method === 'head' && refusals.length > 0) throw refusals.shift()!()
    }
    const failed: unknown[] = []
    bob.on('status', status => {
      if (status.kind === 'rejoin-failed') failed.push((status.error as RelayError).code)
    })
    const again = statusOf(bob, 'connected')
    cut()
    await again
    await alice.send('#general', 'two')
    expect((await heard).map(({ content }) => content)).toEqual(['one', 'two'])
    expect(failed).toEqual(['RATE_LIMITED', 'BUSY', 'STORAGE_UNAVAILABLE'])
    expect(bob.state).toBe('open')
  })

  test('a channel that another session of the agent left is not entered again', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('alice')
    const { transport, cut } = breakable()
    await using phone = await clientOf(relay, { identity, session: 'phone', transport })
    await using desk = await clientOf(relay, { identity, session: 'desk' })
    await Promise.all([phone.join('#general'), desk.join('#general')])
    const left = new Promise(resolve => phone.on('LEFT', resolve))
    await desk.leave('#general')
    expect(await left).toMatchObject({ channel: '#general' })
    const again = statusOf(phone, 'connected')
    cut()
    await again
    await phone.request('PING', {})
    expect(await phone.listAgents('#general')).toEqual([])
  })

  test('another life of the log makes positions void, and says so', async () => {
    await using relay = await startTestRelay()
    const positions = new MemoryPositions()
    positions.reset('another life')
    positions.set('#general', 500)
    const client = new AgentChatClient({ server: relay.url, name: 'a', transport: wsTransport, positions })
    const changed = statusOf(client, 'epoch-changed')
    await client.connect()
    expect(await changed).toMatchObject({ epoch: client.welcome!.epoch })
    expect(positions.get('#general')).toBeUndefined()
    await client.close()
  })

  test('a displaced session does not fight back', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('alice')
    await using first = await clientOf(relay, { identity })
    const ended = statusOf(first, 'ended')
    await using second = await clientOf(relay, { identity })
    expect(((await ended).error as ConnectionError).closeCode).toBe(4_500)
    expect([first.state, second.state]).toEqual(['closed', 'open'])
    await using third = await clientOf(relay, { identity, session: 'other' })
    await third.request('PING', {})
    expect(second.state).toBe('open')
  })
})

describe('direct messages', () => {
  test('what waits is received once, in order, and not offered again', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('bob')
    await (await clientOf(relay, { identity })).close()
    await using alice = await clientOf(relay, { identity: newIdentity('alice') })
    for (const content of ['one', 'two', 'three']) await alice.dm(identity.agentId, content)
    const bob = new AgentChatClient({ server: relay.url, identity, transport: wsTransport })
    const waiting = collect(bob, 3, alice.agentId)
    await bob.connect()
    expect((await waiting).map(({ content, replay, signature }) => [content, replay, signature])).toEqual([['one', true, 'valid'], [
      'two',
      true,
      'valid',
    ], ['three', true, 'valid']])
    await expect.poll(async () => (await bob.request('INBOX', {})).cursor).toBe(3)
    await bob.close()
    await using again = await clientOf(relay, { identity })
    const next = collect(again, 1)
    await alice.dm(identity.agentId, 'four')
    expect((await next).map(message => message.content)).toEqual(['four'])
  })

  test('a listener that closes the client has had its message, and what comes after it is offered again', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('bob')
    await (await clientOf(relay, { identity })).close()
    await using alice = await clientOf(relay, { name: 'alice' })
    for (const text of ['one', 'two', 'three', 'four']) await alice.dm(identity.agentId, text)
    const take = async (count: number): Promise<readonly string[]> => {
      const bob = new AgentChatClient({ server: relay.url, identity, transport: wsTransport, verify: createVerify() })
      const heard: string[] = []
      const enough = new Promise<void>(resolve => {
        bob.on('message', ({ content }) => {
          heard.push(content)
          if (heard.length === count) resolve(bob.close())
        })
      })
      await bob.connect()
      await enough
      return heard
    }
    expect(await take(1)).toEqual(['one'])
    expect(await take(2)).toEqual(['two', 'three'])
    expect(await take(1)).toEqual(['four'])
  })

  test('a sender follows its message: offered, received, read', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('bob')
    await using bob = await clientOf(relay, { identity })
    await using alice = await clientOf(relay, { identity: newIdentity('alice') })
    const states: string[] = []
    alice.on('STATUS', frame => {
      if (frame.re === undefined) states.push(frame.recipients[0]!.state)
    })
    const heard = collect(bob, 1)
    const { msgId } = await alice.dm(identity.agentId, 'task', { receipts: true, ttlMs: 60_000 })
    const [message] = await heard
    await expect.poll(() => states).toEqual(['offered', 'received'])
    await bob.markRead(message!)
    await expect.poll(() => states).toEqual(['offered', 'received', 'read'])
    expect((await alice.status(msgId)).recipients).toMatchObject([{ agent: identity.agentId, state: 'read' }])
    await expect(bob.status(msgId)).rejects.toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  })

  test('a mention in a channel that the agent is not in comes by its inbox, once; in one it is in, by the channel', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('bob')
    await using alice = await clientOf(relay, { name: 'alice' })
    for (const channel of ['#general', '#help'] as const) await alice.join(channel)
    await (await clientOf(relay, { identity })).close()
    await alice.send('#general', `${identity.agentId} outside`)
    const bob = new AgentChatClient({ server: relay.url, identity, transport: wsTransport })
    const heard = collect(bob, 3)
    await bob.connect()
    await bob.join('#help')
    await alice.send('#help', '@bob inside')
    await alice.send('#general', `${identity.agentId} outside again`)
    expect((await heard).map(({ content, seq, inboxSeq }) => [content, seq, inboxSeq])).toEqual([
      [`${identity.agentId} outside`, 1, 1],
      ['@bob inside', 1, undefined],
      [`${identity.agentId} outside again`, 2, 3],
    ])
    await expect.poll(async () => (await bob.request('INBOX', {})).cursor).toBe(3)
    await bob.close()
  })

  test('a repeat of a stored message is acknowledged, though its author has left the channel and its target is gone', async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { name: 'alice' })
    const bob = await clientOf(relay, { name: 'bob' })
    await alice.join('#general')
    const stored = await alice.send('#general', 'x', { id: 'a' })
    const direct = await alice.dm(bob.agentId!, 'y', { id: 'b' })
    await alice.leave('#general')
    const gone = bob.agentId!
    await bob.close()
    await expect.poll(() => relay.metric('agentchat_agents')).toBe(1)
    expect(await alice.send('#general', 'x', { id: 'a' })).toMatchObject({ msgId: stored.msgId, seq: 1, duplicate: true })
    expect(await alice.dm(gone, 'y', { id: 'b' })).toMatchObject({ msgId: direct.msgId, duplicate: true })
    await expect(alice.dm(gone, 'z', { id: 'c' })).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
    await expect(alice.send('#general', 'other', { id: 'a' })).rejects.toMatchObject({ code: 'ID_REUSED' })
  })

  test('what is read to fill a gap counts as received only once the inbox has come that far', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('bob')
    const positions = new MemoryPositions()
    await using alice = await clientOf(relay, { identity: newIdentity('alice') })
    await using carol = await clientOf(relay, { identity: newIdentity('carol') })
    const first = await clientOf(relay, { identity, positions })
    const one = collect(first, 1)
    await alice.dm(identity.agentId, 'one')
    await one
    await first.close()
    await carol.dm(identity.agentId, 'from carol')
    await alice.dm(identity.agentId, 'two')

    // What waits is on the line still when an own message makes a gap known.
    const { transport, hold } = holding()
    hold()
    const second = await clientOf(relay, { identity, positions, transport })
    const gap = collect(second, 2, alice.agentId)
    await second.dm(alice.agentId!, 'three')
    expect((await gap).map(({ content }) => content)).toEqual(['two', 'three'])
    await second.request('PING', {})
    await second.close()

    await using third = await clientOf(relay, { identity, positions })
    const rest = collect(third, 1)
    expect((await rest).map(({ content }) => content)).toEqual(['from carol'])
    // What had been seen counts as received once it came again.
    await expect.poll(async () => (await third.request('INBOX', {})).cursor).toBe(3)
  })

  test('an own message does not hide those that were sent to the agent before it', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('bob')
    await (await clientOf(relay, { identity })).close()
    await using alice = await clientOf(relay, { identity: newIdentity('alice') })
    for (const content of ['one', 'two']) await alice.dm(identity.agentId, content)
    const { transport, hold, release } = holding()
    hold()
    await using bob = await clientOf(relay, { identity, transport })
    const all = collect(bob, 5)
    await bob.dm(alice.agentId!, 'three')
    release()
    await expect.poll(async () => (await bob.request('INBOX', {})).cursor).toBe(2)
    for (const content of ['four', 'five']) await bob.dm(alice.agentId!, content)
    expect((await all).map(({ content }) => content)).toEqual(['three', 'one', 'two', 'four', 'five'])
  })

  test('a mention that its channel still has to bring does not count as received', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('bob')
    await using alice = await clientOf(relay, { identity: newIdentity('alice') })
    await alice.join('#general')
    const { transport, hold, release, cut } = holding()
    await using bob = await clientOf(relay, { identity, transport })
    await bob.join('#general')
    const one = collect(bob, 1)
    await alice.send('#general', 'one')
    await one
    const [again, two] = [statusOf(bob, 'connected'), collect(bob, 2)]
    hold()
    cut()
    await alice.send('#general', '@bob two')
    await alice.dm(identity.agentId, 'three')
    await again
    await expect.poll(() => bob.state).toBe('open')
    await bob.request('PING', {})
    expect((await bob.request('INBOX', {})).cursor).toBe(0)
    release()
    expect((await two).map(({ content }) => content).sort()).toEqual(['@bob two', 'three'])
    await expect.poll(async () => (await bob.request('INBOX', {})).cursor).toBe(2)
  })

  test('a session that wants no inbox leaves it alone', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('bob')
    await using listener = await clientOf(relay, { identity, session: 'listen' })
    await using sender = await clientOf(relay, { identity, session: 'send', inbox: 'none' })
    await using alice = await clientOf(relay, { name: 'alice' })
    const seen: string[] = []
    sender.on('message', message => seen.push(message.content))
    const heard = collect(listener, 1)
    await alice.dm(identity.agentId, 'for the listener')
    expect((await heard)[0]!.content).toBe('for the listener')
    await sender.request('PING', {})
    expect(seen).toEqual([])
  })
})

test('a gap that cannot be read now is not skipped', async () => {
  await using relay = await startTestRelay()
  await using alice = await clientOf(relay)
  await alice.join('#general')
  // A message is missing on the line, and the first page that would bring it, too.
  const missing = ['"content":"2"', '"type":"HISTORY"']
  const transport: Transport = (url, handlers) =>
    wsTransport(url, {
      ...handlers,
      message: text => {
        if (missing[0] !== undefined && text.includes(missing[0])) missing.shift()
        else handlers.message(text)
      },
    })
  await using bob = await clientOf(relay, { transport, requestTimeoutMs: 300 })
  await bob.join('#general')
  const all = collect(bob, 3)
  for (const content of ['1', '2', '3']) await alice.send('#general', content)
  expect((await all).map(({ content }) => content)).toEqual(['1', '2', '3'])
  expect(missing).toEqual([])
})

describe('a backlog that is larger than what may be held', () => {
  test('is read in several goes, and nothing of it is skipped', async () => {
    await using relay = await startTestRelay({ maxPendingBytes: 64 * 1024 * 1024 })
    await using alice = await clientOf(relay, { identity: nodeIdentity(generateKeyPair().privateKey, { name: 'alice' }) })
    await alice.join('#general')
    const count = 2_050
    await Promise.all(Array.from({ length: count }, (_, i) => alice.send('#general', String(i + 1))))

    // The first signature is not checked before the connection has been given up.
    let giveUp = () => undefined as void
    const givenUp = new Promise<boolean>(resolve => {
      giveUp = () => resolve(true)
    })
    // A line that cannot be stopped, as a browser's: eight times as much as may wait is let go.
    await using bob = await clientOf(relay, {
      verify: (_, text) => text.startsWith('AGENTCHAT_RELAY_V3|') || givenUp,
      transport: breakable().transport,
      bufferSize: 200,
    })
    bob.on('status', status => {
      if (status.kind === 'lost') giveUp()
    })
    const heard: string[] = []
    const all = new Promise<void>(resolve =>
      bob.on('message', ({ content }) => {
        if (heard.push(content) >= count) resolve()
      })
    )
    await bob.join('#general', { since: 0 })
    await all
    expect(heard).toEqual(Array.from({ length: count }, (_, i) => String(i + 1)))
  })
})
