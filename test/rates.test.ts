// What one agent or one address may use: message rates with their exact waits, and every cap of the relay.
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { loginText } from '../lib/identity/index.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { expectExchange, metricsOf } from './kit/vitals.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

describe('message rates', () => {
  // Time stands still but for `relay.clock.advance`, so that every wait is exact.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const message = (content: string, to = '#general') => ({ type: 'MSG', to, content })

  test('a burst passes, then one message per token; the wait that is told is the wait that helps', async () => {
    await using relay = await startTestRelay({ msgRate: 2, msgBurst: 3 })
    await using ann = await relay.login('ann')
    for (let seq = 1; seq <= 3; seq++) expect(await ann.ask(message(`burst ${seq}`), 'ACK')).toMatchObject({ seq })
    const refused = await ann.refusal(message('too soon'))
    expect(refused).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'Too many messages (your own, msgRate and msgBurst); try again in 500 ms',
      retry_after_ms: 500,
    })
    relay.clock.advance(refused.retry_after_ms! - 1)
    expect(await ann.refusal(message('a ms too soon'))).toMatchObject({ retry_after_ms: 1 })
    relay.clock.advance(1)
    expect(await ann.ask(message('in time'), 'ACK')).toMatchObject({ seq: 4 })
    expect(await ann.refusal(message('again too soon'))).toMatchObject({ retry_after_ms: 500 })
    expect(await metricsOf(relay.httpUrl)).toMatchObject({ agentchat_rate_limited_total: 3, agentchat_messages_stored_total: 4 })
  })

  test('WELCOME publishes what is enforced', async () => {
    await using relay = await startTestRelay({ msgRate: 2, msgBurst: 3 })
    await using stranger = await relay.connect()
    expect((await stranger.ask({ type: 'IDENTIFY', name: 'ann' }, 'WELCOME')).limits).toMatchObject({
      msg_rate: 2,
      msg_burst: 3,
      max_frame_bytes: 2 * 1024 * 1024,
    })
  })

  test('sessions of one agent share its allowance, also one that is opened anew; other agents have their own', async () => {
    await using relay = await startTestRelay({ msgRate: 1, msgBurst: 2 })
    const key = newKey()
    await using desk = await relay.login('ann', { key, session: 'desk' })
    await using phone = await relay.login('ann', { key, session: 'phone' })
    await desk.ask({ ...message('one'), id: '1' }, 'ACK')
    await phone.ask({ ...message('two'), id: '2' }, 'ACK')
    await phone.close()
    await using again = await relay.login('ann', { key, session: 'phone' })
    for (const session of [desk, again])
      expect(await session.refusal(message('three'))).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: 1_000 })
    await using bob = await relay.login('bob')
    await bob.ask(message('mine'), 'ACK')
  })

  test('requests that write share the allowance, reads cost nothing', async () => {
    await using relay = await startTestRelay({ msgRate: 1, msgBurst: 1 })
    await using ann = await relay.login('ann')
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#mine' }, 'JOINED')
    for (
      const request of [
        message('x'),
        { type: 'CREATE_CHANNEL', channel: '#more' },
        { type: 'INVITE', channel: '#mine', agent: '@someone' },
        { type: 'SET_TOPIC', channel: '#mine', topic: 'x' },
        { type: 'FILE_CHUNK', to: ann.id, content: 'x' },
      ]
    ) expect(await ann.refusal(request)).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: 1_000 })
    await ann.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    await ann.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')
  })

  test('agents of one address share its allowance, and a refusal there costs the agent nothing', async () => {
    await using relay = await startTestRelay({ msgRate: 1, msgBurst: 2, addressRate: 10, addressBurst: 3 })
    await using ann = await relay.login('ann')
    await using bob = await relay.login('bob')
    await ann.ask(message('1'), 'ACK')
    await bob.ask(message('2'), 'ACK')
    await bob.ask(message('3'), 'ACK')
    const refused = await ann.refusal(message('4'))
    const ofAddress = 'Too many messages (all of your address, addressRate and addressBurst); try again in 100 ms'
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', message: ofAddress, retry_after_ms: 100 })
    expect(await ann.refusal(message('4'))).toMatchObject({ retry_after_ms: 100 })
    relay.clock.advance(refused.retry_after_ms!)
    await ann.ask(message('4'), 'ACK')
    // Both are empty now: the longer wait is the one that helps.
    expect(await ann.refusal(message('5'))).toMatchObject({ message: expect.stringContaining('your own, msgRate'), retry_after_ms: 900 })
  })

  test('what is refused says whose limit it was, how long to wait and which setting: of what costs several, and over HTTP', async () => {
    await using relay = await startTestRelay({ msgRate: 1, msgBurst: 3, addressRate: 1, addressBurst: 4 })
    await using ann = await relay.login('ann')
    await ann.ask(message('x'), 'ACK')
    const large = message('x'.repeat(10_000))
    await ann.ask(large, 'ACK')
    expect((await ann.refusal(large)).message)
      .toBe(
        'This message costs as much as 2, by its size and the rules of this relay (your own, msgRate and msgBurst); try again in 2000 ms',
      )
    await using bob = await relay.login('bob')
    expect((await bob.refusal(large)).message).toContain('(all of your address, addressRate and addressBurst); try again in 1000 ms')
    await bob.ask(message('x'), 'ACK')
    const unknown = await fetch(`${relay.httpUrl}/v1/me`, { headers: { authorization: 'Bearer none' } })
    expect(unknown.status).toBe(429)
    expect(await unknown.json()).toMatchObject({
      detail: 'Too many requests of this address (addressRate, addressBurst); try again in 1000 ms',
      retry_after_ms: 1_000,
    })
    expect(await (await fetch(`${relay.httpUrl}/stats`)).text()).toContain('addressRate')
  })

  test('a rate of 0 refuses nothing', async () => {
    await using relay = await startTestRelay({ msgRate: 0, addressRate: 0 })
    await using ann = await relay.login('ann')
    for (let seq = 1; seq <= 200; seq++) expect(await ann.ask(message('x'), 'ACK')).toMatchObject({ seq })
  })
})

describe('connections', () => {
  /** Opens a socket as if a proxy had passed it on; gives its first frame or its close code. */
  const arrive = async (
    relay: TestRelay,
    forwardedFor?: string,
  ): Promise<{ readonly ws: WebSocket, readonly outcome: 'open' | number }> => {
    const ws = new WebSocket(relay.url, forwardedFor === undefined ? {} : { headers: { 'X-Forwarded-For': forwardedFor } })
    const outcome = await new Promise<'open' | number>(resolve => {
      ws.once('open', () => ws.send('{"type":"PING"}'))
      ws.once('message', () => resolve('open'))
      ws.once('close', code => resolve(code))
    })
    return { ws, outcome }
  }
  const leave = async (ws: WebSocket): Promise<void> => {
    const closed = once(ws, 'close')
    ws.close()
    await closed
  }

  test('more than an address may have are closed with 4004 until one leaves', async () => {
    await using relay = await startTestRelay({ maxConnectionsPerIp: 2 })
    const first = await arrive(relay)
    const second = await arrive(relay)
    expect((await arrive(relay)).outcome).toBe(4004)
    await leave(first.ws)
    expect((await arrive(relay)).outcome).toBe('open')
    await leave(second.ws)
  })

  test('more than the relay takes in all are closed with 4004', async () => {
    await using relay = await startTestRelay({ maxConnections: 2, maxConnectionsPerIp: 0 })
    await arrive(relay)
    await arrive(relay)
    expect((await arrive(relay)).outcome).toBe(4004)
  })

  test('a cap of 0 is none', async () => {
    await using relay = await startTestRelay({ maxConnectionsPerIp: 0 })
    for (let i = 0; i < 300; i++) expect((await arrive(relay)).outcome).toBe('open')
  })

  test('X-Forwarded-For of a stranger is not believed', async () => {
    await using relay = await startTestRelay({ maxConnectionsPerIp: 1 })
    expect((await arrive(relay, '203.0.113.1')).outcome).toBe('open')
    expect((await arrive(relay, '203.0.113.2')).outcome).toBe(4004)
  })

  test('a trusted proxy is believed: the last address that is not a proxy counts, whatever came before it', async () => {
    await using relay = await startTestRelay({ maxConnectionsPerIp: 1, trustedProxies: ['127.0.0.0/8', '10.0.0.1'] })
    expect((await arrive(relay, '203.0.113.1')).outcome).toBe('open')
    expect((await arrive(relay, '203.0.113.2')).outcome).toBe('open')
    expect((await arrive(relay, '198.51.100.7, 203.0.113.1')).outcome).toBe(4004)
    expect((await arrive(relay, '203.0.113.1, 10.0.0.1')).outcome).toBe(4004)
    expect((await arrive(relay, '198.51.100.8, 203.0.113.1:4000')).outcome).toBe(4004)
    expect((await arrive(relay, '2001:db8::1')).outcome).toBe('open')
    expect((await arrive(relay, '198.51.100.9, [2001:db8::ffff:1]:4000')).outcome).toBe(4004)
    expect((await arrive(relay, '198.51.100.9, unknown')).outcome).toBe('open')
    expect((await arrive(relay, 'nonsense, , 999.1.1.1')).outcome).toBe(4004)
    // Which counted as the proxy's own.
    expect((await arrive(relay)).outcome).toBe(4004)
  })
})

describe('caps', () => {
  const refusalOf = async (wire: Wire, request: { readonly type: string, readonly [field: string]: unknown }) =>
    (await wire.refusal(request)).code

  /** A login with the right key that the relay turns down. */
  const loginRefusal = async (relay: TestRelay, key: Key, fields: object = {}) => {
    await using wire = await relay.connect()
    const { challenge_id, nonce } = await wire.ask({ type: 'IDENTIFY', name: 'ann', pubkey: key.pem, ...fields }, 'CHALLENGE')
    const timestamp = Date.now()
    return await wire.refusal({
      type: 'VERIFY_IDENTITY',
      challenge_id,
      timestamp,
      signature: signWith(key, loginText({ nonce, challengeId: challenge_id, timestamp })),
    })
  }

  test('channels', async () => {
    await using relay = await startTestRelay({ channels: ['#general'], autoJoin: ['#general'], verifiedChannels: [], maxChannels: 3 })
    await using ann = await relay.login('ann')
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#two' }, 'JOINED')
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#three' }, 'JOINED')
    expect(await refusalOf(ann, { type: 'CREATE_CHANNEL', channel: '#four' })).toBe('LIMIT_REACHED')
    await expectExchange(relay.url)
  })

  test('members', async () => {
    await using relay = await startTestRelay({ maxMembersPerChannel: 2, autoJoin: [] })
    await using ann = await relay.login('ann')
    await using bob = await relay.login('bob')
    await using eve = await relay.login('eve')
    for (const wire of [ann, bob]) await wire.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
    expect(await eve.refusal({ type: 'JOIN', channel: '#help' })).toMatchObject({
      code: 'LIMIT_REACHED',
      message: '#help has 2 members connected, as many as a channel may (maxMembersPerChannel)',
    })
    await ann.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
    await bob.ask({ type: 'LEAVE', channel: '#help' }, 'LEFT')
    await eve.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
  })

  test('open invitations, of which a used or repeated one is none', async () => {
    await using relay = await startTestRelay({ maxInvitationsPerChannel: 2 })
    await using ann = await relay.login('ann', { key: newKey() })
    await using bob = await relay.login('bob')
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#den', invite_only: true }, 'JOINED')
    const invite = (agent: string) => ({ type: 'INVITE', channel: '#den', agent })
    await ann.ask(invite(bob.id), 'OK')
    await ann.ask(invite('@stranger'), 'OK')
    await ann.ask(invite('@stranger'), 'OK')
    expect(await refusalOf(ann, invite('@another'))).toBe('LIMIT_REACHED')
    await bob.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
    await ann.ask(invite('@another'), 'OK')
  })

  test('sessions of one agent', async () => {
    await using relay = await startTestRelay({ maxSessionsPerAgent: 2 })
    const key = newKey()
    await using one = await relay.login('ann', { key, session: '1' })
    await using two = await relay.login('ann', { key, session: '2' })
    expect(await loginRefusal(relay, key, { session: '3' })).toMatchObject({
      code: 'LIMIT_REACHED',
      message: expect.stringContaining('2 sessions at once (maxSessionsPerAgent)'),
    })
    // The same label takes the place of its former session.
    await using anew = await relay.login('ann', { key, session: '2' })
    await two.next('SESSION_DISPLACED')
    expect(await two.closed()).toMatchObject({ code: 4500 })
    await Promise.all([one, anew].map(wire => wire.barrier()))
  })

  test('two holders of one key do not displace each other for ever', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    for (let i = 0; i < 6; i++) await relay.login('ann', { key })
    const refused = await loginRefusal(relay, key)
    expect(refused).toMatchObject({ code: 'RATE_LIMITED' })
    expect(refused.retry_after_ms).toBeGreaterThan(0)
  })
})
