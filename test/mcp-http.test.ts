// The tools over HTTP: who is let in, both eras, sessions that outlive the process that made them, and what strangers can do to all that.
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import type { AgentChatClient } from '../lib/index.ts'
import { InsideSeat } from '../src/doors/mcp/inside-seat.ts'
import { sendWeb } from '../src/doors/mcp/node-http.ts'
import { Reader } from '../src/doors/mcp/reader.ts'
import { Sessions } from '../src/doors/mcp/sessions.ts'
import { tokenMemory } from '../src/doors/mcp/token-memory.ts'
import { toolSets } from '../src/doors/mcp/tools.ts'
import { StorageError } from '../src/store/store.ts'
import { clientOf, newIdentity } from './kit/client.ts'
import { httpHost, knownAgent, openDoor } from './kit/mcp-http.ts'
import { eras } from './kit/mcp.ts'
import { startTestRelay } from './kit/relay.ts'
import { HeldStore } from './kit/store.ts'

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'h', version: '1' } },
}
const listTools = { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} }

const post = (url: string, token: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'accept': 'application/json, text/event-stream',
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

describe.each(eras)('in the era of %s', era => {
  test('a question is asked, waited for and answered; what it stored says through which door', async () => {
    await using relay = await startTestRelay()
    const known = new Map<string, string>()
    const [ada, max] = [await knownAgent(relay, 'ada', known), await knownAgent(relay, 'max', known)]
    await using door = await openDoor(relay, { known })
    await using host = await httpHost(door.url, ada.token, era)
    await using other = await httpHost(door.url, max.token, era)
    expect(host.host.getNegotiatedProtocolVersion()).toBe(era)
    expect((await host.host.listTools()).tools).toHaveLength(9)
    const asked = host.call('send', { to: max.id, text: 'what is 2 + 2?', wait_s: 20 })
    const heard = await other.call('receive', { wait_s: 20 }, { onprogress: () => undefined })
    expect(heard.text).toMatch(
      /1 @\w+\/ada \d\d-\d\dT\d\d:\d\d unsigned key-age=\d+\w+ trust=known hops=1 via-mcp id=\S+\n<(\w{6})>what is 2 \+ 2\?<\/\1>/,
    )
    await other.call('send', { to: ada.id, text: '4', reply_to: /id=(\S+)/.exec(heard.text)![1]! })
    expect((await asked).text).toContain('>4</')
    expect((await host.call('receive')).text).toBe('Nothing waits.')
    expect((await other.call('receive')).text).toBe('Nothing waits.')
    await using wire = await clientOf(relay, { identity: newIdentity('eve') })
    await host.call('channel', { do: 'join', channel: '#general' })
    await host.call('send', { to: '#general', text: 'hello' })
    expect((await wire.history({ channel: '#general' })).frame.events).toMatchObject([{ content: 'hello', via: 'mcp', auth: 'token' }])
    expect(await host.call('deal', { do: 'propose', to: max.id, task: 'x', confirm: 'x' })).toMatchObject({ isError: true })
    expect(await host.call('announce', { skills: [] })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^SIGNATURE_REQUIRED: .*agentchat skills/),
    })
    expect(door.failures).toEqual([])
  })

  test('a host goes on when the door was closed and opened again, without a new client', async () => {
    await using relay = await startTestRelay()
    const known = new Map<string, string>()
    const ada = await knownAgent(relay, 'ada', known)
    const before = await openDoor(relay, { known })
    await using host = await httpHost(before.url, ada.token, era)
    expect((await host.call('receive')).text).toBe('Nothing waits.')
    const port = Number(new URL(before.url).port)
    await before[Symbol.asyncDispose]()
    await using after = await openDoor(relay, { known, port })
    /** What was sent on a line that is dead by now is sent again, as hosts do. */
    const again = async (name: string): Promise<{ readonly text: string }> => host.call(name).catch(() => again(name))
    expect((await again('receive')).text).toBe('Nothing waits.')
    expect((await host.call('send', { to: ada.id, text: 'me' })).text).toMatch(/^Stored as/)
    expect(after.failures).toEqual([])
  })

  test('changes of inbox, channels and deals are told to who subscribed, and nothing else', async () => {
    await using relay = await startTestRelay()
    const known = new Map<string, string>()
    const ada = await knownAgent(relay, 'ada', known)
    await using max = await clientOf(relay, { identity: newIdentity('max') })
    await max.join('#general')
    await max.createChannel('#garden')
    const { proposalId } = await max.trade.propose(ada.id, { task: 'x' })
    await using door = await openDoor(relay, { known })
    await using host = await httpHost(door.url, ada.token, era)
    for (const channel of ['#general', '#garden']) await host.call('channel', { do: 'join', channel })
    const told: string[] = []
    let wake = () => {}
    host.host.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      told.push(params.uri)
      wake()
    })
    const uris = ['agentchat://inbox', 'agentchat://channel/general', `agentchat://deal/${proposalId}`, 'file:///etc/passwd']
    if (era === '2026-07-28') await host.host.listen({ resourceSubscriptions: uris })
    else {
      for (const uri of uris.slice(0, 3)) await host.host.subscribeResource({ uri })
      await expect(host.host.subscribeResource({ uri: uris[3]! })).rejects.toThrow(/no such resource/)
    }
    /** What is said until it is told: a stream may begin after the subscription was answered. */
    const until = async (uri: string, say: (attempt: number) => Promise<unknown>) => {
      for (let attempt = 0; !told.includes(uri); attempt++) {
        await say(attempt)
        await Promise.race([new Promise<void>(resolve => wake = resolve), new Promise(resolve => setTimeout(resolve, 1_000))])
      }
    }
    await until('agentchat://channel/general', i => Promise.all([max.send('#garden', `${i}`), max.send('#general', `${i}`)]))
    await until('agentchat://inbox', i => max.send(ada.id, `${i}`))
    await until(`agentchat://deal/${proposalId}`, () => max.trade.cancel(proposalId))
    expect(told.every(uri => uris.includes(uri))).toBe(true)
    expect(door.failures).toEqual([])
  })
})

describe('who is let in', () => {
  test('nobody without a token, whatever the method; and a challenge says of what kind', async () => {
    await using relay = await startTestRelay()
    await using door = await openDoor(relay, { known: new Map() })
    for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
      const answer = await fetch(door.url, { method })
      expect([method, answer.status, answer.headers.get('www-authenticate')]).toEqual([method, 401, 'Bearer realm="agentchat"'])
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
    }
    expect((await post(door.url, 'wrong', listTools)).status).toBe(401)
  })

  test('no page of a foreign origin', async () => {
    await using relay = await startTestRelay()
    const known = new Map<string, string>()
    const { token } = await knownAgent(relay, 'ada', known)
    await using door = await openDoor(relay, { known })
    expect((await post(door.url, token, initialize, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await post(door.url, token, initialize, { origin: new URL(door.url).origin })).status).toBe(200)
  })
})

describe('sessions of the older era', () => {
  test('known ones live, genuine ones are served without, false and ended and others’ ones are not there', async () => {
    await using relay = await startTestRelay()
    const known = new Map<string, string>()
    const [ada, eve] = [await knownAgent(relay, 'ada', known), await knownAgent(relay, 'eve', known)]
    await using door = await openDoor(relay, { known })
    const begun = await post(door.url, ada.token, initialize)
    const session = begun.headers.get('mcp-session-id')!
    expect(session).toMatch(/^[0-9a-f-]{36}\.[\w-]{22}$/)
    const ask = (token: string, id: string) =>
      post(door.url, token, listTools, { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' })
    expect((await ask(ada.token, session)).status).toBe(200)
    expect((await ask(eve.token, session)).status).toBe(404)
    const forged = `${session.slice(0, -1)}${session.endsWith('A') ? 'B' : 'A'}`
    for (const id of [forged, 'nonsense', `${session}x`, 'x'.repeat(8_000)]) expect((await ask(ada.token, id)).status).toBe(404)
    await using elsewhere = await openDoor(relay, { known })
    const there = await post(elsewhere.url, ada.token, listTools, { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' })
    expect([there.status, await there.text()]).toEqual([200, expect.stringContaining('"receive"')])
    const stream = await fetch(elsewhere.url, {
      headers: { 'authorization': `Bearer ${ada.token}`, 'mcp-session-id': session, 'accept': 'text/event-stream' },
    })
    expect(stream.status).toBe(405)
    const otherSecret = await openDoor(relay, { known, secret: 'another' })
    expect((await post(otherSecret.url, ada.token, listTools, { 'mcp-session-id': session })).status).toBe(404)
    await otherSecret[Symbol.asyncDispose]()
    const end = await fetch(door.url, { method: 'DELETE', headers: { 'authorization': `Bearer ${ada.token}`, 'mcp-session-id': session } })
    expect(end.status).toBe(200)
    expect((await ask(ada.token, session)).status).toBe(404)
    expect(door.door.sessionCount).toBe(0)
  })

  test('are few for each caller and bounded in all, and those that nobody uses go', () => {
    const closed: string[] = []
    const sessions = new Sessions<string>(id => closed.push(id), { perCaller: 2, inAll: 3, idleMs: 100 })
    for (const [i, caller] of ['a', 'a', 'a', 'b', 'c'].entries()) sessions.add(`s${i}`, caller, `s${i}`, i)
    expect(closed).toEqual(['s0', 's1'])
    expect(sessions.use('s2', 'b', 5)).toBe(undefined)
    expect(sessions.use('s2', 'a', 50)).toBe('s2')
    sessions.sweep(120)
    expect([closed, sessions.size]).toEqual([['s0', 's1', 's3', 's4'], 1])
    sessions.drop('s2')
    expect([closed.at(-1), sessions.size]).toEqual(['s2', 0])
  })
})

test.each([
  ['no JSON', '{', 400],
  ['nothing', '', 400],
  ['a number', '7', 400],
  ['a megabyte and more', JSON.stringify({ ...listTools, x: 'x'.repeat(1024 * 1024) }), 413],
  ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
  ['deep nesting in a call', JSON.stringify(listTools).replace('{}', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`), 200],
  ['null', 'null', 400],
  ['many calls in one request', JSON.stringify(Array.from({ length: 100 }, (_, id) => ({ ...listTools, id }))), 400],
  ['an unknown method', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'rm', params: {} }), 200],
] as const)('%s is answered, and nothing breaks', async (_name, body, status) => {
  await using relay = await startTestRelay()
  const known = new Map<string, string>()
  const { token } = await knownAgent(relay, 'ada', known)
  await using door = await openDoor(relay, { known })
  expect((await post(door.url, token, body)).status).toBe(status)
  expect((await post(door.url, token, initialize)).status).toBe(200)
  expect(door.failures).toEqual([])
})

test.each([['2026-07-28', true], ['2025-11-25', false]] as const)('a call of %s is read once, and makes no schema',
  async (revision, isNew) => {
    await using relay = await startTestRelay()
    const known = new Map<string, string>()
    const { token } = await knownAgent(relay, 'ada', known)
    await using door = await openDoor(relay, { known })
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': revision,
      'io.modelcontextprotocol/clientInfo': { name: 'h', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'receive', arguments: {}, ...(isNew && { _meta }) } }
    const headers = { 'mcp-protocol-version': revision, ...(isNew && { 'mcp-method': 'tools/call', 'mcp-name': 'receive' }) }
    const made = toolSets.all.map(({ input }) => vi.spyOn(input, 'strict'))
    const parsed = vi.spyOn(JSON, 'parse')
    try {
      const answer = await post(door.url, token, call, headers)
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('Nothing waits.')])
      expect(parsed.mock.calls.filter(([text]) => text === JSON.stringify(call))).toHaveLength(1)
      expect(made.some(spy => spy.mock.calls.length > 0)).toBe(false)
    } finally {
      vi.restoreAllMocks()
    }
  })

test('a stream ends with the token that it was opened with', async () => {
  await using relay = await startTestRelay()
  const known = new Map<string, string>()
  const { token } = await knownAgent(relay, 'ada', known)
  await using door = await openDoor(relay, { known })
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const begun = await post(door.url, token, initialize)
    const headers = {
      'authorization': `Bearer ${token}`,
      'mcp-session-id': begun.headers.get('mcp-session-id')!,
      'accept': 'text/event-stream',
    }
    const stream = await fetch(door.url, { headers })
    expect(stream.status).toBe(200)
    const over = stream.text()
    await vi.advanceTimersByTimeAsync(20_000)
    known.delete(token)
    await vi.advanceTimersByTimeAsync(20_000)
    await expect(over).rejects.toThrow()
    expect(door.failures).toEqual([])
  } finally {
    vi.useRealTimers()
  }
})

test('an answer that nobody reads is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let isCancelled = false
  const endless = new ReadableStream({
    pull: controller => controller.enqueue(Buffer.alloc(65_536)),
    cancel: () => {
      isCancelled = true
    },
  })
  const server = createServer((_, response) => void sendWeb(new Response(endless), response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const deaf = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  try {
    deaf.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    const [socket] = await once(server, 'connection') as [Socket]
    while (!(socket.writableNeedDrain && vi.getTimerCount() > 0)) await new Promise(resolve => setImmediate(resolve))
    vi.advanceTimersByTime(29_000)
    expect(socket.destroyed).toBe(false)
    vi.advanceTimersByTime(2_000)
    await once(socket, 'close')
    expect([isCancelled, vi.getTimerCount()]).toEqual([true, 0])
  } finally {
    vi.useRealTimers()
    deaf.destroy()
    server.close()
  }
})

test('a host that goes while it waits leaves nobody waiting', async () => {
  await using relay = await startTestRelay()
  const known = new Map<string, string>()
  const { token, id } = await knownAgent(relay, 'ada', known)
  await using max = await clientOf(relay, { identity: newIdentity('max') })
  await using door = await openDoor(relay, { known })
  const gone = new AbortController()
  const call = { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'receive', arguments: { wait_s: 50 } } }
  const waiting = fetch(door.url, {
    method: 'POST',
    signal: gone.signal,
    headers: { 'content-type': 'application/json', 'accept': 'application/json, text/event-stream', 'authorization': `Bearer ${token}` },
    body: JSON.stringify(call),
  }).then(answer => answer.text())
  await new Promise(resolve => setTimeout(resolve, 200))
  gone.abort()
  await expect(waiting).rejects.toThrow()
  await max.send(id, 'still there')
  await using host = await httpHost(door.url, token, '2025-11-25')
  expect((await host.call('receive', { wait_s: 5 })).text).toContain('>still there</')
})

describe('what is claimed', () => {
  const broke = () => new StorageError('broke off', 'Wait.', undefined, true)

  /** Somebody who was told something, and a door whose storage is held alone. */
  const scene = async () => {
    const relay = await startTestRelay()
    const known = new Map<string, string>()
    const { token, id } = await knownAgent(relay, 'ada', known)
    const max = await clientOf(relay, { identity: newIdentity('max') })
    await max.send(id, 'hello')
    const store = new HeldStore(relay.store)
    const closing = new AbortController()
    const of = { store, incarnation: 'this one', secret: 'secret', closing: closing.signal }
    const caller = { agent: id, via: 'mcp', auth: 'token', address: '127.0.0.1' } as const
    const seat = new InsideSeat(relay.inside, { caller, lacks: () => undefined }, tokenMemory(of, token).said)
    return {
      token,
      id,
      max,
      store,
      /** As one call at the door after the other. */
      reader: () => new Reader(tokenMemory(of, token).shown),
      look: (reader: Reader, signal = ever) => reader.waiting(10, { seat, acknowledge: true, signal }),
      open: () => openDoor({ inside: relay.inside, store }, { known }),
      async [Symbol.asyncDispose]() {
        closing.abort()
        await max.close()
        await relay[Symbol.asyncDispose]()
      },
    }
  }
  const ever = new AbortController().signal
  const told = Promise.resolve(true)

  test('for a host that gave up is shown with the next call; and till it is taken back, nobody acknowledges it', async () => {
    await using at = await scene()
    const { look } = at
    const reader = at.reader()
    const gone = new AbortController()
    const found = await look(reader, gone.signal)
    at.store.hold()
    const showing = reader.show(found, 1, { signal: gone.signal, told: Promise.resolve(false) })
    await at.store.reached()
    gone.abort(new Error('gone'))
    at.store.tamper = () => {
      throw broke()
    }
    at.store.release()
    await expect(showing).rejects.toThrow('gone')
    for (const each of [reader, at.reader()]) await expect(look(each)).rejects.toMatchObject({ code: 'BUSY', retryAfterMs: 1_000 })
    at.store.tamper = undefined
    const again = async (): Promise<Awaited<ReturnType<typeof look>>> => look(reader).catch(again)
    const next = await again()
    expect(next.entries).toMatchObject([{ seq: 1, event: { content: 'hello' } }])
    expect(await reader.show(next, 1, { signal: ever, told })).toBe(true)
    // It was looked at before that.
    expect(await reader.show(found, 1, { signal: ever, told })).toBe(false)
    expect((await look(reader)).entries).toEqual([])
  })

  test('and may be stored, or not, is told to nobody yet: it is shown with the next call', async () => {
    await using at = await scene()
    await using door = await at.open()
    await using host = await httpHost(door.url, at.token, '2026-07-28')
    at.store.doubt = broke()
    expect((await host.call('receive')).text).toMatch(/^STORAGE_UNAVAILABLE: /)
    expect((await host.call('receive')).text).toContain('>hello</')
    expect((await host.call('receive')).text).toBe('Nothing waits.')
  })

  test('of an answer that cannot be shown now is left to receive: what was said is stored', async () => {
    await using at = await scene()
    await using door = await at.open()
    await using host = await httpHost(door.url, at.token, '2026-07-28')
    await host.call('receive')
    at.max.on('message', async message => {
      if (message.content !== 'well?') return
      at.store.doubt = broke()
      await message.reply('well.')
    })
    expect(await host.call('send', { to: at.max.agentId, text: 'well?', wait_s: 20 })).toMatchObject({
      isError: false,
      text: expect.stringMatching(/^Stored as .*\nThe answer is there, id=\S+: receive has it\.$/s),
    })
    expect((await host.call('receive')).text).toContain('>well.</')
  })

  test('is written before the answer, and behind it that it was told, for which nobody here waits', async () => {
    await using at = await scene()
    await using door = await at.open()
    await using host = await httpHost(door.url, at.token, '2026-07-28')
    let writes = 0
    at.store.tamper = () => void writes++
    expect((await host.call('receive')).text).toContain('>hello</')
    await expect.poll(() => writes).toBe(2)
    expect((await host.call('receive')).text).toBe('Nothing waits.')
    expect(writes).toBe(2)
    await at.max.send(at.id, 'again')
    at.store.tamper = () => {
      if (++writes > 3) throw broke()
    }
    expect((await host.call('receive')).text).toContain('>again</')
    await expect.poll(() => writes).toBeGreaterThan(3)
    expect((await host.call('receive')).text).toBe('Nothing waits.')
  })
})

test('a storage that does not answer is told as such: by tools, and of sessions', async () => {
  await using relay = await startTestRelay()
  const known = new Map<string, string>()
  const { token } = await knownAgent(relay, 'ada', known)
  await using door = await openDoor(relay, { known })
  const session = (await post(door.url, token, initialize)).headers.get('mcp-session-id')!
  const call = { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'receive', arguments: {} } }
  relay.store.unreadable = new StorageError('away', 'Wait.')
  try {
    const answer = await post(door.url, token, call, { 'mcp-session-id': session })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await (await post(door.url, token, call)).text()).toContain(
      'STORAGE_UNAVAILABLE: The relay cannot reach its storage now (retry after',
    )
  } finally {
    relay.store.unreadable = undefined
  }
  expect(await (await post(door.url, token, call, { 'mcp-session-id': session })).text()).toContain('Nothing waits.')
  expect(door.failures).toEqual([])
})

describe('on the relay itself', () => {
  const tokenOf = async (client: AgentChatClient, scopes?: readonly ('read' | 'send' | 'deals' | 'manage')[]) =>
    (await client.request('TOKEN_CREATE', { name: 'host', ...(scopes && { scopes: [...scopes] }) })) as {
      readonly token: string
      readonly token_id: string
    }

  test('whoever has a token is its agent, within its scopes, until it is ended', async () => {
    await using relay = await startTestRelay()
    await using ada = await clientOf(relay, { identity: newIdentity('ada') })
    const { token, token_id } = await tokenOf(ada, ['read', 'send'])
    const url = `${relay.httpUrl}/mcp`
    await using host = await httpHost(url, token, '2026-07-28')
    expect(host.host.getInstructions()).toContain(ada.agentId)
    expect((await host.call('send', { to: ada.agentId!, text: 'me' })).text).toMatch(/^Stored as/)
    expect((await host.call('receive')).text).toContain('via-mcp')
    expect(await host.call('channel', { do: 'create', channel: '#den' })).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^SCOPE_MISSING: .*manage/),
    })
    expect(await host.call('deals')).toMatchObject({ isError: true, text: expect.stringMatching(/^SCOPE_MISSING: .*deals/) })
    await ada.request('TOKEN_REVOKE', { token_id })
    const over = await post(url, token, initialize)
    expect([over.status, over.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="agentchat", error="invalid_token"'])
  })

  describe.each(eras)('each address is asked from for itself, whosever token it brings, in the era of %s', era => {
    const adminKey = 'a-key-of-32-characters-and-more-x'
    const [first, second, third] = ['192.0.2.1', '198.51.100.2', '203.0.113.3'] as const
    const setUp = async () => {
      const relay = await startTestRelay({ adminKey, trustedProxies: ['127.0.0.1'], addressRate: 1, addressBurst: 100 })
      // Nothing is given back.
      relay.clock.stop()
      const ada = await clientOf(relay, { identity: newIdentity('ada') })
      const { token } = await tokenOf(ada)
      let from: string = first
      const host = await httpHost(`${relay.httpUrl}/mcp`, token, era, () => from)
      const left = (address: string) =>
        relay.inside.left({ agent: ada.agentId!, via: 'mcp', address }).find(({ name }) => name === 'address')!.remaining
      return {
        ...{ ada, host, left },
        move: (address: string) => from = address,
        ban: async (address: string) => {
          await using boss = await relay.login('boss')
          await boss.ask({ type: 'ADMIN_BAN', address, admin_key: adminKey }, 'ADMIN_RESULT')
        },
        async [Symbol.asyncDispose]() {
          await host[Symbol.asyncDispose]()
          await ada.close()
          await relay[Symbol.asyncDispose]()
        },
      }
    }

    test('it pays for what came from it', async () => {
      await using here = await setUp()
      const { host, ada, left, move } = here
      expect((await host.call('receive')).text).toBe('Nothing waits.')
      move(second)
      const [atFirst, atSecond] = [left(first), left(second)]
      expect((await host.call('send', { to: ada.agentId!, text: 'me' })).text).toMatch(/^Stored as/)
      expect(left(first)).toBe(atFirst)
      expect(left(second)).toBeLessThan(atSecond)
    })

    test('it is banned for itself, also while one call waits and another comes from elsewhere', async () => {
      await using here = await setUp()
      const { host, ada, ban, move } = here
      let told = (): void => undefined
      const begun = new Promise<void>(resolve => told = resolve)
      const waiting = host.call('receive', { wait_s: 40 }, { onprogress: () => told() })
      await begun
      move(second)
      expect((await host.call('history', { of: ada.agentId! })).isError).toBe(false)
      await ban(second)
      await ada.send(ada.agentId!, 'hello')
      expect((await waiting).text).toContain('>hello</')
    })

    test('another one goes on where the first one is banned', async () => {
      await using here = await setUp()
      const { host, ada, ban, move } = here
      expect((await host.call('receive')).text).toBe('Nothing waits.')
      await ban(first)
      move(second)
      expect((await host.call('send', { to: ada.agentId!, text: 'me' })).text).toMatch(/^Stored as/)
      move(third)
      expect((await host.host.readResource({ uri: 'agentchat://inbox' })).contents).toHaveLength(1)
    })
  })

  test('without one nobody is, and nothing there looks like an authorization server', async () => {
    await using relay = await startTestRelay()
    const url = `${relay.httpUrl}/mcp`
    for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
      const answer = await fetch(url, { method })
      expect([method, answer.status, answer.headers.get('www-authenticate')]).toEqual([method, 401, 'Bearer realm="agentchat"'])
    }
    for (
      const path of ['oauth-authorization-server', 'oauth-authorization-server/mcp', 'oauth-protected-resource/mcp', 'openid-configuration']
    ) {
      const answer = await fetch(`${relay.httpUrl}/.well-known/${path}`)
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, 404, 'application/problem+json'])
    }
    const foreign = await fetch(url, { method: 'POST', headers: { origin: 'https://evil.example' } })
    expect(foreign.status).toBe(403)
    const rebound = await rawGet(relay.httpUrl, '/mcp', 'evil.example')
    expect(rebound).toBe(403)
    const card = await fetch(`${relay.httpUrl}/mcp/server-card`)
    expect([card.status, card.headers.get('content-type'), card.headers.get('access-control-allow-origin')])
      .toEqual([200, 'application/mcp-server-card+json', '*'])
    expect(await card.json()).toMatchObject({
      name: expect.stringMatching(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
      remotes: [{
        type: 'streamable-http',
        url: expect.stringMatching(/^http:\/\/[\w.]+:\d+\/mcp$/),
        supportedProtocolVersions: [...eras],
      }],
    })
    const catalog = await fetch(`${relay.httpUrl}/.well-known/ai-catalog.json`)
    expect([catalog.status, catalog.headers.get('content-type')]).toEqual([200, 'application/ai-catalog+json'])
    const { entries } = await catalog.json() as { readonly entries: readonly { readonly type: string, readonly url: string }[] }
    const { url: cardUrl } = entries.find(({ type }) => type === 'application/mcp-server-card+json')!
    expect((await fetch(cardUrl)).status).toBe(200)
    expect((await fetch(`${relay.httpUrl}/mcp-conformance`)).status).toBe(404)
  })

  test('its card has the address that the relay was told, in both documents', async () => {
    await using relay = await startTestRelay({ publicUrls: ['wss://relay.example/'], name: 'Workshop' })
    const card = await (await fetch(`${relay.httpUrl}/mcp/server-card`)).json()
    expect(card).toMatchObject({ name: 'example.relay/agentchat', title: 'Workshop', remotes: [{ url: 'https://relay.example/mcp' }] })
    expect(await (await fetch(`${relay.httpUrl}/.well-known/ai-catalog.json`)).text()).toContain('"https://relay.example/mcp/server-card"')
  })

  test('programs ask for fields, and models are told words, at the same place', async () => {
    await using relay = await startTestRelay()
    await using ada = await clientOf(relay, { identity: newIdentity('ada') })
    const { token } = await tokenOf(ada)
    await using model = await httpHost(`${relay.httpUrl}/mcp`, token, '2026-07-28')
    await using program = await httpHost(`${relay.httpUrl}/mcp?structured=1`, token, '2025-11-25')
    await ada.send(ada.agentId!, 'hello')
    expect((await model.host.callTool({ name: 'receive' })).structuredContent).toBe(undefined)
    expect((await program.host.listTools()).tools[0]!.outputSchema).toMatchObject({ required: ['items', 'notes'] })
    // What the one was shown is received when the other asks: they are one agent.
    expect((await program.host.callTool({ name: 'receive' })).structuredContent).toEqual({ items: [], notes: ['Nothing waits.'] })
  })

  test('where the door is off there is nothing', async () => {
    await using relay = await startTestRelay({ mcp: false })
    for (const path of ['/mcp', '/mcp/server-card']) expect((await fetch(`${relay.httpUrl}${path}`)).status).toBe(404)
    expect(await (await fetch(`${relay.httpUrl}/.well-known/ai-catalog.json`)).text()).not.toContain('mcp')
  })

  test('fixtures answer on the loopback alone', async () => {
    await expect(startTestRelay({ conformanceFixtures: true, host: '0.0.0.0' })).rejects.toThrow(/loopback/)
  })

  test('a token that asks too fast is told when to come back, and others go on', async () => {
    await using relay = await startTestRelay()
    await using ada = await clientOf(relay, { identity: newIdentity('ada') })
    await using max = await clientOf(relay, { identity: newIdentity('max') })
    const [fast, calm] = [await tokenOf(ada), await tokenOf(max)]
    const url = `${relay.httpUrl}/mcp`
    const answers = []
    for (let i = 0; i < 60; i++) answers.push(await post(url, fast.token, listTools))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]!.headers.get('retry-after')).toBe('1')
    expect((await post(url, calm.token, listTools)).status).toBe(200)
  })
})

/** The status of a GET with a Host of one's own. */
const rawGet = (base: string, path: string, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base)
    get({ hostname, port, path, headers: { host } }, response => {
      response.resume()
      resolve(response.statusCode!)
    }).on('error', reject)
  })
