// The HTTP door: every request of the protocol by token, with the answers of the wire.
import { createPrivateKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { keyHeaderOf, signHttpRequest } from '../lib/identity/index.ts'
import { errors, requests, type RequestType } from '../lib/protocol/index.ts'
import { createLogger } from '../src/base/log.ts'
import { openapi } from '../src/doors/http/openapi.ts'
import { statusOf } from '../src/doors/http/problem.ts'
import { resources } from '../src/doors/http/resources.ts'
import { needs } from '../src/doors/http/scopes.ts'
import { StorageError } from '../src/store/failure.ts'
import { forgetAnswers } from '../src/store/answers.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newTrader } from './kit/trade.ts'
import { connect, identityOf, newKey, signWith, type Key, type Wire } from './kit/wire.ts'

interface Told {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
  readonly text: string
}

class Web {
  readonly #relay: TestRelay
  readonly token: string

  constructor(relay: TestRelay, token: string) {
    this.#relay = relay
    this.token = token
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Told> {
    const response = await fetch(`${this.#relay.httpUrl}${path}`, {
      method,
      headers: {
        ...(this.token !== '' && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? {} : JSON.parse(text) as Record<string, unknown>,
    }
  }
}

const login = async (relay: TestRelay, name: string, scopes?: readonly string[]): Promise<{ key: Key, wire: Wire, web: Web }> => {
  const key = newKey()
  const wire = await relay.login(name, { key })
  const { token } = await wire.ask({ type: 'TOKEN_CREATE', ...(scopes !== undefined && { scopes }) }, 'TOKEN_CREATED')
  return { key, wire, web: new Web(relay, token) }
}

test('a message goes in by HTTP, once per key, and is read by both ways with its door', async () => {
  await using relay = await startTestRelay()
  const { key, web } = await login(relay, 'ada')
  await using bob = await relay.login('bob')
  expect(await web.ask('PUT', '/v1/channels/general/members/me')).toMatchObject({ status: 200, body: { type: 'JOINED' } })
  const once = { 'idempotency-key': 'k1' }
  const first = await web.ask('POST', '/v1/channels/general/messages', { content: 'hi' }, once)
  expect(first).toMatchObject({ status: 201, body: { type: 'ACK', seq: 1 } })
  expect(first.headers.get('location')).toMatch(/^\/v1\/messages\/.+\/status$/)
  const again = await web.ask('POST', '/v1/channels/general/messages', { content: 'hi' }, once)
  expect(again).toMatchObject({ status: 201, body: { msg_id: first.body['msg_id'] } })
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(await web.ask('POST', '/v1/channels/general/messages', { content: 'other' }, once)).toMatchObject({ status: 422 })
  expect(await bob.next('MSG')).toMatchObject({ from: key.id, content: 'hi', via: 'http', auth: 'token' })
  for (let i = 2; i <= 5; i++) await web.ask('POST', '/v1/call/MSG', { to: '#general', content: `${i}` })
  const page = await web.ask('GET', '/v1/channels/general/messages?after=0&limit=2')
  expect(page.body['items']).toMatchObject([{ seq: 1 }, { seq: 2 }])
  expect(page.headers.get('link')).toBe('</v1/channels/general/messages?after=2&limit=2>; rel="next"')
  expect((await web.ask('GET', `/v1/agents/${key.id}/key`)).body).toMatchObject({ type: 'WHOIS' })
})

test('whoever has no token, a wrong, an ended or a revoked one, or too little scope, is told which', async () => {
  await using relay = await startTestRelay({ adminKey: 'a-key-of-32-characters-and-more-x' })
  const { key, wire, web } = await login(relay, 'ada', ['read'])
  const call = (token: string, type = 'LIST_CHANNELS') => new Web(relay, token).ask('POST', `/v1/call/${type}`, {})
  const none = await call('')
  expect(none).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED', type: '/v1/errors/AUTH_REQUIRED' } })
  expect(none.headers.get('www-authenticate')).toMatch(/^Bearer/)
  expect(none.headers.get('content-type')).toBe('application/problem+json')
  expect(await call(web.token.slice(0, -1) + (web.token.endsWith('a') ? 'b' : 'a'))).toMatchObject({
    status: 401,
    body: { code: 'TOKEN_INVALID' },
  })
  expect(await call(web.token)).toMatchObject({ status: 200 })
  expect(await web.ask('POST', '/v1/call/MSG', { to: '#general', content: 'x' })).toMatchObject({
    status: 403,
    body: { code: 'SCOPE_MISSING' },
  })
  expect(await call(web.token, 'TOKEN_CREATE')).toMatchObject({ status: 403, body: { code: 'SIGNATURE_REQUIRED' } })
  expect(await call(web.token, 'ADMIN_KICK')).toMatchObject({ status: 403, body: { code: 'NOT_ALLOWED' } })
  expect(await call(web.token, 'NO_SUCH')).toMatchObject({ status: 404 })
  const [{ token_id } = { token_id: '' }] = (await wire.ask({ type: 'TOKENS' }, 'TOKENS')).list
  await wire.ask({ type: 'TOKEN_REVOKE', token_id }, 'OK')
  expect(await call(web.token)).toMatchObject({ status: 401 })
  const { token } = await wire.ask({ type: 'TOKEN_CREATE', ttl_ms: 60_000 }, 'TOKEN_CREATED')
  expect(await call(token)).toMatchObject({ status: 200 })
  relay.clock.advance(60_001)
  expect(await call(token)).toMatchObject({ status: 401 })
  const { token: last } = await wire.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
  await using op = await relay.login('op')
  await op.ask({ type: 'ADMIN_BAN', agent_id: key.id, admin_key: 'a-key-of-32-characters-and-more-x' }, 'ADMIN_RESULT')
  expect(await call(last)).toMatchObject({ status: 403, body: { code: 'BANNED' } })
})

test('what is no request is a problem with a code: body, type, size, path, method, query', async () => {
  await using relay = await startTestRelay({ maxFrameBytes: 4_096 })
  const { web } = await login(relay, 'ada')
  const cases: readonly (readonly [number, string, string, unknown?, Record<string, string>?])[] = [
    [400, 'POST', '/v1/call/MSG', '{'],
    [400, 'POST', '/v1/call/MSG', '[1]'],
    [400, 'POST', '/v1/call/MSG', { to: 7 }],
    [400, 'POST', '/v1/call/MSG', `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`],
    [415, 'POST', '/v1/call/MSG', 'x', { 'content-type': 'text/plain' }],
    [413, 'POST', '/v1/call/MSG', { to: '#general', content: 'x'.repeat(5_000) }],
    [404, 'GET', '/v1/nothing'],
    [404, 'GET', '/v1/channels/none/messages'],
    [405, 'DELETE', '/v1/channels'],
    [405, 'GET', '/v1/call/MSG'],
    [400, 'GET', '/v1/channels/general/messages?limit=0'],
    [400, 'GET', '/v1/channels/general/messages?access_token=x'],
    [400, 'GET', '/v1/channels/general/messages?limit=1&limit=2'],
    [400, 'POST', '/v1/call/MSG', { to: '#general', content: 'x' }, { 'idempotency-key': 'x'.repeat(65) }],
  ]
  for (const [status, method, path, body, headers] of cases) {
    const told = await web.ask(method, path, body, headers)
    expect([path, told.status]).toEqual([path, status])
    expect(told.headers.get('content-type')).toBe('application/problem+json')
    expect(told.body).toMatchObject({ status, code: expect.any(String) as string, detail: expect.any(String) as string })
  }
  expect((await web.ask('GET', '/v1')).status).toBe(200)
})

test('a page elsewhere may ask, and a relay without the door does not have it', async () => {
  await using relay = await startTestRelay()
  const options = await new Web(relay, '').ask('OPTIONS', '/v1/call/MSG')
  expect(options.status).toBe(204)
  expect(options.headers.get('access-control-allow-origin')).toBe('*')
  expect(options.headers.get('access-control-allow-credentials')).toBeNull()
  await using closed = await startTestRelay({ http: false })
  expect((await fetch(`${closed.httpUrl}/v1`)).status).toBe(404)
})

test('a private channel is not there for who does not belong to it, and messages share one allowance with the socket', async () => {
  await using relay = await startTestRelay({ msgRate: 1, msgBurst: 4 })
  const owner = await login(relay, 'eve', ['manage', 'read'])
  const { wire, web } = await login(relay, 'ada')
  expect(await owner.web.ask('POST', '/v1/channels', { channel: '#secret', invite_only: true })).toMatchObject({ status: 201 })
  for (const path of ['messages', 'members'])
    expect(await web.ask('GET', `/v1/channels/secret/${path}`)).toMatchObject({ status: 404, body: { code: 'CHANNEL_NOT_FOUND' } })
  expect(await web.ask('PUT', '/v1/channels/secret/members/me')).toMatchObject({ status: 404 })
  await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  wire.send(...[1, 2, 3].map(i => ({ type: 'MSG', to: '#general', content: `${i}` })))
  await wire.barrier()
  const said = [
    await web.ask('POST', '/v1/call/MSG', { to: '#general', content: 'a' }),
    await web.ask('POST', '/v1/call/MSG', { to: '#general', content: 'b' }),
  ]
  expect(said.map(({ status }) => status)).toEqual([200, 429])
  expect(Number(said[1]!.headers.get('retry-after'))).toBeGreaterThan(0)
})

describe('what the door says of itself', () => {
  test('every request of the protocol has its place, every error its status, every resource fits its path', async () => {
    expect(Object.keys(needs).sort()).toEqual(Object.keys(requests).sort())
    for (const code of Object.keys(errors) as (keyof typeof errors)[]) expect(statusOf(code)).toBeGreaterThanOrEqual(400)
    for (const { path, type, inPath = {}, fixed = {} } of resources) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(match => inPath[match[1]!] ?? match[1]!)
      for (const name of [...names, ...Object.keys(fixed)])
        expect(Object.keys(requests[type].body.shape), `${path}: ${name}`).toContain(name)
      expect(needs[type]).not.toBe('closed')
    }
    await using relay = await startTestRelay()
    const response = await fetch(`${relay.httpUrl}/v1/openapi.json`)
    const document = await response.json() as { readonly paths: Record<string, object> }
    expect(document.paths).toEqual(JSON.parse(JSON.stringify(openapi('x'))).paths)
    const etag = response.headers.get('etag')!
    expect((await fetch(`${relay.httpUrl}/v1/openapi.json`, { headers: { 'if-none-match': etag } })).status).toBe(304)
    const paths = new Set(Object.keys(document.paths))
    for (const type of Object.keys(requests) as RequestType[]) expect(paths.has(`/v1/call/${type}`)).toBe(needs[type] !== 'closed')
    for (const { path, method } of resources) expect(document.paths[path]).toHaveProperty(method.toLowerCase())
    expect((await fetch(`${relay.httpUrl}/v1/errors/RATE_LIMITED`)).status).toBe(200)
    expect((await fetch(`${relay.httpUrl}/v1/errors/NOPE`)).status).toBe(404)
  })
})

test('another port is the same relay, for sockets too, and both close when it stops', async () => {
  const relay = await startTestRelay({ webPort: 0 })
  const port = relay.webPort!
  expect(port).not.toBe(Number(new URL(relay.httpUrl).port))
  expect((await fetch(`http://127.0.0.1:${port}/v1`)).status).toBe(200)
  const wire = await connect(`ws://127.0.0.1:${port}`)
  await wire.barrier()
  await using taken = await startTestRelay()
  await expect(startTestRelay({ webPort: Number(new URL(taken.httpUrl).port) })).rejects.toMatchObject({ name: 'ListenError' })
  await relay.drain()
  await wire.closed()
  await expect(fetch(`http://127.0.0.1:${port}/v1`)).rejects.toThrow()
})

test('what the protocol cannot read is refused at once, whatever stands in the place of its id', async () => {
  await using relay = await startTestRelay({ addressRate: 0 })
  const { web } = await login(relay, 'ada')
  const deep = JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`) as unknown
  for (const id of ['', 7, null, {}, 'x'.repeat(300), deep])
    expect(await web.ask('POST', '/v1/call/MSG', { to: '#general', content: 'hi', id })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_MSG' },
    })
  expect(await web.ask('POST', '/v1/call/MSG', { to: '#general', content: deep })).toMatchObject({ status: 400 })
  // Too deep to be written again; what nobody reads is dropped, as on the wire.
  const endless = (levels: number) => `{"to":"#general","content":"hi","x":${'['.repeat(levels)}${']'.repeat(levels)}}`
  await web.ask('PUT', '/v1/channels/general/members/me')
  expect(await web.ask('POST', '/v1/call/MSG', endless(7_000))).toMatchObject({ status: 200, body: { type: 'ACK' } })
  expect(await web.ask('POST', '/v1/call/MSG', endless(70_000))).toMatchObject({ status: 400, body: { code: 'INVALID_MSG' } })
  const { web: managing } = await login(relay, 'max', ['manage'])
  const channel = `{"channel":"#deep","x":${'['.repeat(7_000)}${']'.repeat(7_000)}}`
  for (let i = 0; i < 2; i++)
    expect(await managing.ask('POST', '/v1/channels', channel, { 'idempotency-key': 'deep' })).toMatchObject({ status: 201 })
})

test('what was made once under a key is answered again by the next life of the relay, and of nobody else', async () => {
  using data = newFolder()
  const once = { 'idempotency-key': 'made-1' }
  const path = '/v1/hooks'
  const asked = { to: '#general', kind: 'standard', name: 'ci' }
  let token = ''
  let adaId = ''
  let first: Told
  {
    await using relay = await startTestRelay({ data: data.path })
    const { key, wire, web } = await login(relay, 'ada', ['read', 'send', 'manage'])
    token = web.token
    adaId = key.id
    await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    first = await web.ask('POST', path, asked, once)
    expect(first).toMatchObject({ status: 201, body: { secret: expect.stringMatching(/^whsec_/) as string } })
  }
  await using relay = await startTestRelay({ data: data.path, adminKey: 'a-key-of-32-characters-and-more-x' })
  const web = new Web(relay, token)
  // In another order of its fields, too.
  const again = await web.ask('POST', path, { name: 'ci', kind: 'standard', to: '#general' }, once)
  const told = expect.any(Number) as number
  expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([201, { ...first.body, ts: told }, 'true'])
  expect(await web.ask('POST', path, { ...asked, name: 'other' }, once)).toMatchObject({ status: 422, body: { code: 'ID_REUSED' } })
  expect((await web.ask('GET', path)).body['items']).toHaveLength(1)
  const { web: other } = await login(relay, 'bob', ['manage', 'send'])
  await other.ask('PUT', '/v1/channels/general/members/me')
  const theirs = await other.ask('POST', path, asked, once)
  expect([theirs.status, theirs.headers.get('idempotency-replayed')]).toEqual([201, null])
  await using op = await relay.login('op')
  const ban = { agent_id: adaId, admin_key: 'a-key-of-32-characters-and-more-x' }
  await op.ask({ type: 'ADMIN_BAN', ...ban }, 'ADMIN_RESULT')
  expect(await web.ask('POST', path, asked, once)).toMatchObject({ status: 403, body: { code: 'BANNED' } })
  await op.ask({ type: 'ADMIN_UNBAN', ...ban }, 'ADMIN_RESULT')
  relay.clock.advance(25 * 60 * 60_000)
  await relay.store.write(tx => forgetAnswers(tx, relay.clock.now() - 24 * 60 * 60_000))
  expect((await web.ask('POST', path, asked, once)).headers.get('idempotency-replayed')).toBeNull()
})

test('a storage that fails is told as that, at each door, and not as a fault', async () => {
  await using relay = await startTestRelay()
  const { web } = await login(relay, 'ada')
  relay.store.unreadable = new StorageError('The database does not answer', 'Start it')
  expect(await web.ask('GET', '/v1/channels')).toMatchObject({ status: 503, body: { code: 'STORAGE_UNAVAILABLE', retry_after_ms: 1_000 } })
  expect((await web.ask('POST', '/mcp', {})).status).toBe(503)
  expect((await web.ask('POST', '/hooks/0123456789', {})).status).toBe(503)
  relay.store.unreadable = undefined
  expect((await web.ask('GET', '/v1/channels')).status).toBe(200)
})

test('a fault is told with the number under which the log says more', async () => {
  const lines: string[] = []
  await using relay = await startTestRelay({ logLevel: 'error' }, {
    log: createLogger({ level: 'error', format: 'json', destination: { write: line => void lines.push(line) } }),
  })
  const { web } = await login(relay, 'ada')
  relay.store.unreadable = new Error('something nobody thought of')
  const { status, body } = await web.ask('GET', '/v1/channels')
  relay.store.unreadable = undefined
  expect([status, body['code']]).toEqual([500, 'INTERNAL'])
  const [, incident] = /^urn:agentchat:incident:([0-9a-f]{12})$/.exec(String(body['instance']))!
  expect(body['detail']).toContain(incident)
  expect(lines.filter(line => line.includes(incident!))).toHaveLength(1)
})

test('one deal, and the key that a guest makes for itself', async () => {
  await using relay = await startTestRelay()
  const ann = await newTrader(relay, 'ann')
  const bob = await newTrader(relay, 'bob')
  const { proposal_id: id } = await ann.do('PROPOSAL', { to: bob.id, task: 'write it' })
  const { token } = await ann.wire.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
  const mine = new Web(relay, token)
  expect(await mine.ask('GET', `/v1/proposals/${id}`)).toMatchObject({ status: 200, body: { proposal_id: id, task: 'write it' } })
  expect(await mine.ask('GET', '/v1/proposals/prop_nothing')).toMatchObject({ status: 404, body: { code: 'PROPOSAL_NOT_FOUND' } })
  const carol = await login(relay, 'carol')
  expect(await carol.web.ask('GET', `/v1/proposals/${id}`)).toMatchObject({ status: 404 })
  const reveal = { nonce: 'a secret until now' }
  // Whoever may see the deal is told what to sign.
  expect(await mine.ask('POST', `/v1/proposals/${id}/dispute-reveal`, reveal)).toMatchObject({ body: { code: 'SIGNATURE_REQUIRED' } })
  expect(await carol.web.ask('POST', `/v1/proposals/${id}/dispute-reveal`, reveal)).toMatchObject({ body: { code: 'PROPOSAL_NOT_FOUND' } })

  const { body: guest } = await new Web(relay, '').ask('POST', '/v1/agents', { name: 'guest' })
  const own = newKey()
  const record = { old_pubkey: guest['public_key'], new_pubkey: own.pem, timestamp: new Date(relay.clock.now()).toISOString() }
  const signature = signWith({ privateKey: createPrivateKey(String(guest['private_key'])) }, JSON.stringify(record))
  const claim = JSON.stringify({ ...record, signature })
  const plain: Record<string, string> = { 'content-type': 'application/json' }
  const signed = signHttpRequest(identityOf(own), {
    method: 'POST',
    authority: new URL(relay.httpUrl).host,
    path: '/v1/me/claim',
    query: '',
    header: name => plain[name],
    body: Buffer.from(claim),
  }, relay.clock.now())
  const told = await new Web(relay, '').ask('POST', '/v1/me/claim', claim, {
    ...signed,
    pubkey: keyHeaderOf({ publicKey: own.pem, name: 'own' }),
  })
  expect(told).toMatchObject({ status: 200, body: { type: 'OK' } })
  // The old key is none any more, and what knew it leads to the new one.
  expect((await new Web(relay, String(guest['token'])).ask('GET', '/v1/me')).status).toBeGreaterThanOrEqual(400)
  expect((await carol.web.ask('GET', `/v1/agents/${own.id}/key`)).body).toMatchObject({ agent_id: own.id })
})

test('a token that was looked up is known, until anybody’s standing or tokens are others', async () => {
  await using relay = await startTestRelay({ adminKey: 'a-key-of-32-characters-and-more-x' })
  const { wire, web } = await login(relay, 'ada')
  const { wire: other } = await login(relay, 'bob')
  // Made of the token alone.
  const status = async (isReadable = true) => {
    relay.store.unreadable = isReadable ? undefined : new StorageError('The database does not answer', 'Start it')
    const { status } = await web.ask('POST', '/v1/events/tickets')
    relay.store.unreadable = undefined
    return status
  }
  const [, id] = /^act_(\w{10})_/.exec(web.token)!
  expect([await status(), await status(false)]).toEqual([201, 201])
  const changes = [
    () => other.ask({ type: 'TOKEN_REVOKE', token_id: 'nothing' }, 'OK'),
    () => other.ask({ type: 'ADMIN_BAN', agent_id: newKey().id, admin_key: 'a-key-of-32-characters-and-more-x' }, 'ADMIN_RESULT'),
  ]
  for (const change of changes) {
    await change()
    expect([await status(false), await status(), await status(false)]).toEqual([503, 201, 201])
  }
  // What this process is not told counts a little later.
  relay.clock.advance(10_000)
  expect([await status(false), await status()]).toEqual([503, 201])
  await wire.ask({ type: 'TOKEN_REVOKE', token_id: id! }, 'OK')
  expect([await status(), await status(false)]).toEqual([401, 503])
})
