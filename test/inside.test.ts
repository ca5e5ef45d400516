// The inner door: agents without a socket ask, wait and follow by the same rules as those with one.
import { describe, expect, test } from 'vitest'
import type { Caller, Opening } from '../src/relay/inside.ts'
import { reOf } from '../src/relay/local-session.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Key, type Wire } from './kit/wire.ts'

const callerOf = ({ id }: Key, more: Partial<Caller> = {}): Caller => ({
  agent: id,
  via: 'http',
  auth: 'token',
  address: '203.0.113.7',
  ...more,
})

/** An agent that was here once, and is gone. */
const known = async (relay: TestRelay, name: string): Promise<Key> => {
  const key = newKey()
  const wire = await relay.login(name, { key })
  await wire.close()
  return key
}

/** What a stream told, as it came. */
class Heard {
  opening: Opening | undefined
  readonly events: { readonly place: object, readonly text: string }[] = []
  readonly byes: string[] = []
  #wake: (() => void)[] = []

  open = (opening: Opening): void => {
    this.opening = opening
    this.#tell()
  }
  event = (place: object, text: Buffer): boolean => {
    this.events.push({ place, text: text.toString() })
    this.#tell()
    return true
  }
  drained = (): Promise<void> => Promise.resolve()
  bye = ({ reason }: { readonly reason: string }): void => {
    this.byes.push(reason)
    this.#tell()
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>(resolve => this.#wake.push(resolve))
  }
  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

const say = (wire: Wire, content: string) => wire.ask({ type: 'MSG', to: '#general', content }, 'ACK')

describe('who asks', () => {
  test('is answered as on a socket, once per id, and what it says tells by which door it came', async () => {
    await using relay = await startTestRelay()
    const key = await known(relay, 'ada')
    await using bob = await relay.login('bob')
    const ada = callerOf(key)
    const joined = (await relay.inside.ask(ada, 'JOIN', { channel: '#general', limit: 0 })).frame()
    expect(joined).toMatchObject({ type: 'JOINED', channel: '#general' })
    const [first, again] = await Promise.all([
      relay.inside.ask(ada, 'MSG', { to: '#general', content: 'hi', id: 'one' }),
      relay.inside.ask({ ...ada, via: 'mcp' }, 'MSG', { to: '#general', content: 'hi', id: 'one' }),
    ])
    expect(again.frame()).toMatchObject({ msg_id: first.frame().msg_id, duplicate: true })
    const { auth: _, ...byKey } = ada
    await relay.inside.ask(byKey, 'MSG', { to: '#general', content: 'by key' })
    expect(await bob.next('MSG')).toMatchObject({ from: key.id, from_name: 'ada', content: 'hi', via: 'http', auth: 'token' })
    expect(await bob.next('MSG')).toEqual(expect.not.objectContaining({ auth: expect.anything() as string }))
    expect(bob.heard.filter(frame => frame.type === 'MSG')).toHaveLength(2)
    const page = (await relay.inside.ask(ada, 'HISTORY', { channel: '#general' })).frame()
    expect(page.events.map(({ via }) => via)).toEqual(['http', 'http'])
  })

  test('is refused as on a socket: unknown, banned, not there, too much at once', async () => {
    await using relay = await startTestRelay({ adminKey: 'a-key-of-32-characters-and-more-x', msgRate: 1, msgBurst: 2 })
    const key = await known(relay, 'ada')
    const ada = callerOf(key)
    const refusal = (promise: Promise<unknown>) => promise.then(() => undefined, (error: { code: string }) => error.code)
    expect(await refusal(relay.inside.ask(callerOf(newKey()), 'LIST_CHANNELS', {}))).toBe('NOT_ALLOWED')
    expect(await refusal(relay.inside.ask(ada, 'HISTORY', { channel: '#nowhere' }))).toBe('CHANNEL_NOT_FOUND')
    expect(await refusal(relay.inside.ask(ada, 'MSG', { to: '#general' } as never))).toBe('INVALID_MSG')
    await relay.inside.ask(ada, 'JOIN', { channel: '#general', limit: 0 })
    const said = await Promise.all([1, 2, 3].map(i => refusal(relay.inside.ask(ada, 'MSG', { to: '#general', content: `${i}` }))))
    expect(said).toEqual([undefined, undefined, 'RATE_LIMITED'])
    await using admin = await relay.login('op')
    await admin.ask({ type: 'ADMIN_BAN', agent_id: key.id, admin_key: 'a-key-of-32-characters-and-more-x' }, 'ADMIN_RESULT')
    expect(await refusal(relay.inside.ask(ada, 'LIST_CHANNELS', {}))).toBe('BANNED')
  })

  test('has a session for each address that it asks from, and not more than eight', async () => {
    await using relay = await startTestRelay()
    const key = await known(relay, 'ada')
    const before = await relay.metric('agentchat_connections')
    for (let i = 1; i <= 12; i++) {
      const ada = callerOf(key, { address: `203.0.113.${i}` })
      await relay.inside.ask(ada, 'PING', {})
      await relay.inside.ask(ada, 'PING', {})
    }
    expect(await relay.metric('agentchat_connections') - before).toBe(8)
  })

  test('keeps its order, and goes a minute after it asked last', async () => {
    await using relay = await startTestRelay()
    const ada = callerOf(await known(relay, 'ada'))
    await relay.inside.ask(ada, 'JOIN', { channel: '#general', limit: 0 })
    const acks = await Promise.all([...'abcdefgh'].map(content => relay.inside.ask(ada, 'MSG', { to: '#general', content })))
    expect(acks.map(ack => ack.frame().seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    await using bob = await relay.login('bob')
    const online = async () =>
      (await bob.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list.some(({ id }) => id === ada.agent)
    expect(await online()).toBe(true)
    relay.clock.advance(71_000)
    while (await online()) await new Promise(resolve => setTimeout(resolve, 100))
  })

  test('gets its answer by the id at the top of a frame, whatever stands inside', () => {
    const re = (frame: object) => reOf(Buffer.from(JSON.stringify(frame)))
    expect(re({ type: 'ACK', seq: 1, re: 'a' })).toBe('a')
    expect(re({ type: 'ACK', seq: 1, re: 'a"}\\' })).toBe('a"}\\')
    expect(re({ type: 'PROFILE', profile: { x: 1, re: 'forged' } })).toBeUndefined()
    expect(re({ type: 'HISTORY', more: false, re: 'a', events: [{ x: 1, re: 'forged' }] })).toBe('a')
    expect(re({ type: 'MSG', content: ',"re":"forged"}' })).toBeUndefined()
  })
})

describe('who follows', () => {
  test('hears stored bytes from its position on, in order and once, over a restart of its own', async () => {
    await using relay = await startTestRelay()
    const ada = callerOf(await known(relay, 'ada'))
    await using bob = await relay.login('bob')
    await relay.inside.ask(ada, 'JOIN', { channel: '#general', limit: 0 })
    for (const i of [1, 2, 3]) await say(bob, `${i}`)
    const stop = new AbortController()
    const heard = new Heard()
    const done = relay.inside.follow(ada, { channels: new Map([['#general', 1]]) }, heard, stop.signal)
    await heard.until(() => heard.events.length === 2)
    await say(bob, '4')
    await heard.until(() => heard.events.length === 3)
    expect(heard.opening).toMatchObject({ recovered: true, channels: { '#general': { after: 1, oldest: 1, seq: 3 } } })
    expect(heard.events.map(({ place }) => place)).toEqual([2, 3, 4].map(seq => ({ channel: '#general', seq })))
    const stored = (await relay.inside.ask(ada, 'HISTORY', { channel: '#general', after: 1 })).text.toString()
    for (const { text } of heard.events) expect(stored).toContain(text)
    stop.abort()
    await done
  })

  test('is told what is gone, and that a channel of others is not there', async () => {
    await using relay = await startTestRelay()
    const ada = callerOf(await known(relay, 'ada'))
    await relay.inside.ask(ada, 'JOIN', { channel: '#general', limit: 0 })
    const stop = new AbortController()
    const heard = new Heard()
    const done = relay.inside.follow(ada, { epoch: 'f'.repeat(16), channels: new Map([['#general', 7]]) }, heard, stop.signal)
    await heard.until(() => heard.opening !== undefined)
    expect(heard.opening).toMatchObject({ recovered: false, channels: { '#general': { after: 0 } } })
    stop.abort()
    await done
    await using bob = await relay.login('bob', { key: newKey() })
    await bob.ask({ type: 'CREATE_CHANNEL', channel: '#secret', invite_only: true }, 'JOINED')
    const follow = relay.inside.follow(ada, { channels: new Map([['#secret', 0]]) }, new Heard(), new AbortController().signal)
    await expect(follow).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
  })

  test('hears its inbox with the numbers to acknowledge, each once, and waits for what is new', async () => {
    await using relay = await startTestRelay()
    const key = await known(relay, 'ada')
    const ada = callerOf(key)
    await using bob = await relay.login('bob')
    const dm = (content: string) => bob.ask({ type: 'MSG', to: key.id, content }, 'ACK')
    const wait = new AbortController()
    const came = relay.inside.arrival(ada, 0, wait.signal)
    await dm('1')
    expect(await came).toBe(true)
    const stop = new AbortController()
    const heard = new Heard()
    const done = relay.inside.follow(ada, { channels: new Map(), inbox: 'waiting' }, heard, stop.signal)
    await dm('2')
    await heard.until(() => heard.events.length === 2)
    await dm('3')
    await heard.until(() => heard.events.length === 3)
    expect(heard.events.map(({ place }) => place)).toEqual([{ inbox: 1 }, { inbox: 2 }, { inbox: 3 }])
    const beyond = relay.inside.arrival(ada, 3, wait.signal)
    wait.abort()
    expect(await beyond).toBe(false)
    const { cursor } = (await relay.inside.ask(ada, 'INBOX', {})).frame()
    expect(cursor).toBe(0)
    stop.abort()
    await done
  })

  test('hears why it ends: the relay goes away, or the agent is told to', async () => {
    const relay = await startTestRelay()
    const ada = callerOf(await known(relay, 'ada'))
    const heard = new Heard()
    const done = relay.inside.follow(ada, { channels: new Map(), inbox: 'waiting' }, heard, new AbortController().signal)
    await heard.until(() => heard.opening !== undefined)
    await relay.drain()
    await done
    expect(heard.byes).toEqual(['RESTARTING'])
    await expect(relay.inside.ask(ada, 'LIST_CHANNELS', {})).rejects.toMatchObject({ code: 'BUSY' })
  })
})
