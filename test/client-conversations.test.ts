// What conversations are made of: questions and their answers, replies, values as JSON, and the ends of listening.
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { AgentChatClient, ContentError, type Message, type StandardSchema } from '../lib/index.ts'
import { wsTransport } from '../lib/node/index.ts'
import type { Transport } from '../lib/client/transport.ts'
import { breakable, clientOf, collect, newClient, newIdentity } from './kit/client.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

/** Not within a time that a busy machine may need. */
const soon = (check: () => void | Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 20_000 })

const cursorOf = async (client: AgentChatClient): Promise<number> => (await client.request('INBOX', {})).cursor!

const pairOf = async (relay: TestRelay, options: Parameters<typeof clientOf>[1] = {}) => {
  const [alice, bob] = [
    await clientOf(relay, { identity: newIdentity('alice'), ...options }),
    await clientOf(relay, {
      identity: newIdentity('bob'),
    }),
  ]
  return { alice, bob, aliceId: alice.agentId!, bobId: bob.agentId! }
}

/** A transport that keeps back acknowledgements while a test wants it. */
const withoutAcks = () => {
  let held: (() => void)[] | undefined
  return {
    transport: ((url, handlers) =>
      wsTransport(url, {
        ...handlers,
        message: text =>
          held !== undefined && text.startsWith('{"type":"ACK"') ? held.push(() => handlers.message(text)) : handlers.message(text),
      })) satisfies Transport as Transport,
    hold: () => {
      held = []
    },
    release: () => {
      const texts = held ?? []
      held = undefined
      for (const text of texts) text()
    },
  }
}

describe('a question', () => {
  test('resolves with its answer, which is for who asked alone, and was received', async () => {
    await using relay = await startTestRelay()
    const { alice, bob, bobId } = await pairOf(relay)
    const others: string[] = []
    alice.on('message', ({ content, mine }) => mine || others.push(content))
    bob.on('message', async message => {
      if (message.mine) return
      await bob.send(message.from, 'one moment')
      await message.reply(`heard: ${message.content}`)
    })
    const answer = await alice.ask(bobId, 'How are you?')
    expect(answer).toMatchObject({ content: 'heard: How are you?', from: bobId, mine: false, signature: 'valid', attempt: 1 })
    await soon(async () => expect(await cursorOf(alice)).toBe(2))
    expect(others).toEqual(['one moment'])
    await Promise.all([alice.close(), bob.close()])
  })

  test('may be answered before it is acknowledged, and what answers something else is for those who listen', async () => {
    await using relay = await startTestRelay({ msgRate: 0 })
    const { transport, hold, release } = withoutAcks()
    const { alice, bob, aliceId, bobId } = await pairOf(relay, { transport })
    const others: string[] = []
    alice.on('message', ({ content, mine }) => mine || others.push(content))
    const asked = collect(bob, 2)
    hold()
    const first = alice.ask(bobId, 'first?')
    const second = alice.ask(bobId, 'second?')
    const [one, two] = await asked
    await bob.send(aliceId, 'to something else', { inReplyTo: 'another' })
    await two!.reply('to the second')
    await one!.reply('to the first')
    await bob.send(aliceId, 'the end')
    await soon(() => expect(others).toContain('the end'))
    release()
    expect((await first).content).toBe('to the first')
    expect((await second).content).toBe('to the second')
    await soon(() => expect(others.toSorted()).toEqual(['the end', 'to something else']))
    await Promise.all([alice.close(), bob.close()])
  })

  test('that is not answered ends by its time, its signal or its client, and can be asked again under its id', async () => {
    await using relay = await startTestRelay()
    const { alice, bob, bobId } = await pairOf(relay)
    const asked = collect(bob, 1)
    await expect(alice.ask(bobId, 'hello?', { id: 'q1', timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT', id: 'q1' })
    const stop = new AbortController()
    const aborted = alice.ask(bobId, 'hello?', { id: 'q1', signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    const again = alice.ask(bobId, 'hello?', { id: 'q1' })
    await (await asked)[0]!.reply('here')
    expect((await again).content).toBe('here')
    const closed = alice.ask(bobId, 'and now?')
    closed.catch(() => undefined)
    await alice.close()
    await expect(closed).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(alice.ask(bobId, 'and now?')).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(bob.ask('@0123456789abcdef', 'who are you?')).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
    await bob.close()
  })

  test('whose answer comes too late leaves it to those who listen', async () => {
    await using relay = await startTestRelay()
    const { alice, bob, bobId } = await pairOf(relay)
    const asked = collect(bob, 1)
    await expect(alice.ask(bobId, 'hello?', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    const [heard] = await Promise.all([collect(alice, 2, bobId), (await asked)[0]!.reply('late')])
    expect(heard.map(({ content }) => content)).toEqual(['hello?', 'late'])
    await Promise.all([alice.close(), bob.close()])
  })

  test('outlives the connection it was asked on', async () => {
    await using relay = await startTestRelay()
    const { transport, cut } = breakable()
    const { alice, bob, bobId } = await pairOf(relay, { transport })
    const asked = collect(bob, 1)
    const answer = alice.ask(bobId, 'still there?')
    const [question] = await asked
    cut()
    await question!.reply('yes')
    expect(await answer).toMatchObject({ content: 'yes' })
    await Promise.all([alice.close(), bob.close()])
  })

  test('is answered though as much waits as may', async () => {
    await using relay = await startTestRelay({ msgRate: 0 })
    const { alice, bob, aliceId, bobId } = await pairOf(relay, { bufferSize: 2 })
    bob.on('message', async message => {
      if (message.content !== 'shall I go on?') return
      for (let number = 0; number < 6; number++) await bob.send(aliceId, `noise ${number}`)
      await message.reply('yes')
    })
    await bob.send(aliceId, 'begin')
    for await (const message of alice.messages(bobId)) {
      expect(message.content).toBe('begin')
      expect((await alice.ask(bobId, 'shall I go on?')).content).toBe('yes')
      message.ack()
      break
    }
    await Promise.all([alice.close(), bob.close()])
  })

  test('is not for a client that hears no direct messages', async () => {
    await using relay = await startTestRelay()
    await using client = await clientOf(relay, { inbox: 'none' })
    await expect(client.ask('@0123456789abcdef', 'hello?')).rejects.toMatchObject({ code: 'NO_INBOX' })
  })
})

test('a reply goes where its message came from', async () => {
  await using relay = await startTestRelay()
  const { alice, bob, aliceId, bobId } = await pairOf(relay)
  await Promise.all([alice.join('#general'), bob.join('#general')])
  const heard = collect(bob, 1, '#general')
  const { msgId } = await alice.send('#general', 'in a channel')
  const inChannel = collect(alice, 2, '#general')
  await (await heard)[0]!.reply('to the channel')
  expect((await inChannel)[1]).toMatchObject({ to: '#general', content: 'to the channel', inReplyTo: msgId })

  // An own message is answered to the other agent.
  const [own] = await Promise.all([collect(alice, 1, bobId), alice.send(bobId, 'hello')])
  const more = collect(bob, 2, aliceId)
  await own[0]!.reply('and this')
  expect((await more)[1]).toMatchObject({ content: 'and this', inReplyTo: own[0]!.id })
  await Promise.all([alice.close(), bob.close()])
})

describe('values as JSON', () => {
  test('are sent, answered and read, by the schemas of any library', async () => {
    await using relay = await startTestRelay()
    const { alice, bob, bobId } = await pairOf(relay)
    const Task = z.object({ task: z.string(), at: z.number().transform(ms => new Date(ms)) })
    /** A library of its own, whose checks take their time. */
    const Count: StandardSchema<number> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async value =>
          typeof value === 'number' ? { value } : { issues: [{ message: 'no number', path: ['a', { key: 1 }] }, { message: 'at all' }] },
      },
    }
    bob.on('message', async message => {
      const { task, at } = await message.json(Task)
      await expect(message.json(Count)).rejects.toMatchObject({
        code: 'INVALID',
        issues: [{ message: 'no number' }, { message: 'at all' }],
      })
      await expect(message.json(Count)).rejects.toThrow('a.1: no number; at all')
      await message.reply({ json: at.getTime() + task.length })
    })
    const answer = await alice.ask(bobId, { json: { task: 'review', at: 5, left: undefined } })
    const sum: number = await answer.json(Count)
    expect(sum).toBe(11)
    await expect(answer.json(Task)).rejects.toThrow(ContentError)
    await Promise.all([alice.close(), bob.close()])
  })

  test('what JSON cannot say is not sent, and what is no JSON, or too much of it, is not read', async () => {
    await using relay = await startTestRelay()
    await using client = await clientOf(relay)
    await client.join('#general')
    const circle: Record<string, unknown> = {}
    circle['circle'] = circle
    for (const json of [undefined, () => 1, circle, 1n])
      await expect(client.send('#general', { json })).rejects.toMatchObject({ code: 'NOT_JSON' })
    const texts = ['{"a":', '', '['.repeat(20_000) + ']'.repeat(20_000), '__proto__']
    const heard = collect(client, texts.length)
    for (const text of texts) await client.send('#general', text)
    for (const message of await heard) await expect(message.json(z.unknown())).rejects.toMatchObject({ code: 'NOT_JSON' })
  })
})

describe('the next of an event', () => {
  test('comes once, and a message counts as handled', async () => {
    await using relay = await startTestRelay()
    const { alice, bob, aliceId, bobId } = await pairOf(relay)
    const first = alice.once('message')
    await bob.send(aliceId, 'one')
    await bob.send(aliceId, 'two')
    expect((await first).content).toBe('one')
    expect((await alice.once('message')).content).toBe('two')
    await soon(async () => expect(await cursorOf(alice)).toBe(2))
    const shown = alice.once('PRESENCE_CHANGED', { timeoutMs: 5_000 })
    await alice.people.watch([bobId])
    await bob.people.setPresence('busy')
    expect((await shown).presence).toBe('busy')
    await Promise.all([alice.close(), bob.close()])
  })

  test('ends by its time, its signal and the end of the client, and listens no more then', async () => {
    await using relay = await startTestRelay()
    await using client = await clientOf(relay)
    await expect(client.once('TYPING', { timeoutMs: 5 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    const stop = new AbortController()
    const aborted = client.once('message', { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    await client.join('#general')
    await client.send('#general', 'for who listens next')
    expect((await client.once('message')).content).toBe('for who listens next')
    const [message, status] = [client.once('message'), client.once('status')]
    message.catch(() => undefined)
    await client.close()
    await expect(message).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await status).toEqual({ kind: 'ended', error: undefined })
  })
})

describe('ending gently', () => {
  test('what is here is handled and what was sent is acknowledged; what comes then is offered to the next session', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('alice')
    const { alice, bob, aliceId, bobId } = await pairOf(relay, { identity })
    const handled: string[] = []
    const messages = alice.messages(bobId)
    for (const text of ['one', 'two']) await bob.send(aliceId, text)
    await soon(async () => expect((await alice.request('INBOX', {})).items.length).toBe(2))
    const loop = (async () => {
      for await (const { content, mine } of messages) {
        await alice.send(bobId, `done: ${content}`)
        if (!mine) handled.push(content)
      }
    })()
    await soon(() => expect(handled).toEqual(['one', 'two']))
    const sent = alice.send(bobId, 'last words')
    await Promise.all([alice.drain(), loop, sent])
    expect(alice.state).toBe('closed')
    await bob.send(aliceId, 'three')
    await using again = await clientOf(relay, { identity })
    expect((await again.once('message')).content).toBe('three')
    await soon(async () => expect(await cursorOf(again)).toBe(3))
    await bob.close()
  })

  test('what does not end is given up in time, and the client is closed all the same', async () => {
    await using relay = await startTestRelay()
    const { alice, bob, aliceId } = await pairOf(relay)
    const busy = new Promise<Message>(resolve =>
      alice.on('message', message => {
        resolve(message)
        return new Promise(() => undefined)
      })
    )
    await bob.send(aliceId, 'work')
    await busy
    await expect(alice.drain({ timeoutMs: 30 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(alice.state).toBe('closed')
    await bob.close()
  })

  test('a client that was declared with `await using` is closed with its block', async () => {
    await using relay = await startTestRelay()
    let client: AgentChatClient
    {
      await using inner = new AgentChatClient({ server: relay.url, transport: wsTransport, name: 'agent' })
      await inner.connect()
      client = inner
      expect(client.state).toBe('open')
    }
    expect(client.state).toBe('closed')
  })
})

test("a browser's own word of being on line ends the wait for the next attempt", async () => {
  await using relay = await startTestRelay()
  const browser = new EventTarget()
  vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser))
  vi.stubGlobal('removeEventListener', browser.removeEventListener.bind(browser))
  try {
    const { transport, cut } = breakable()
    await using client = newClient(relay, { transport, reconnect: { minMs: 3_600_000, maxMs: 3_600_000 }, random: () => 0.99 })
    await client.connect()
    cut()
    expect(client.state).toBe('waiting')
    browser.dispatchEvent(new Event('offline'))
    expect(client.state).toBe('waiting')
    const back = client.once('status')
    browser.dispatchEvent(new Event('online'))
    expect(await back).toMatchObject({ kind: 'connected', again: true })
  } finally {
    vi.unstubAllGlobals()
  }
})
