// Requests that an agent's own key signs (RFC 9421): at the HTTP door, and from the shell.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHash, sign, verify } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { httpbis } from 'http-message-signatures'
import { keyHeaderOf, signHttpRequest } from '../lib/identity/index.ts'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { identityOf, newKey, type Key } from './kit/wire.ts'

type Sent = Readonly<Record<string, string>>
interface Told {
  readonly status: number
  readonly code: unknown
  readonly body: Record<string, unknown>
}

let relay: TestRelay
let key: Key
beforeAll(async () => {
  relay = await startTestRelay({ adminKey: 'a-key-of-32-characters-and-more-x', addressRate: 0 })
  key = newKey()
  await (await relay.login('ada', { key })).close()
})
afterAll(() => relay[Symbol.asyncDispose]())

const send = (method: string, path: string, headers: Sent, body: string): Promise<Told> => sendTo(relay, method, path, headers, body)

const sendTo = ({ httpUrl }: TestRelay, method: string, path: string, headers: Sent, body: string): Promise<Told> =>
  new Promise((resolve, reject) => {
    const asking = httpRequest(`${httpUrl}${path}`, { method, headers }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => text += part).on('end', () => {
        const told = JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>
        resolve({ status: response.statusCode!, code: told['code'], body: told })
      })
    })
    asking.on('error', reject)
    asking.end(body)
  })

interface Given {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  readonly more?: Sent
  readonly at?: number
  readonly by?: Key
  readonly authority?: string
}

const headersOf = (
  {
    method = 'POST',
    path = '/v1/channels/general/messages',
    body = '{"content":"hi"}',
    more = {},
    at = relay.clock.now(),
    by = key,
    authority = new URL(relay.httpUrl).host,
  }: Given = {},
): Sent => {
  const headers: Sent = {
    ...(body !== '' && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...more,
  }
  const url = new URL(path, 'http://any')
  return {
    ...headers,
    ...signHttpRequest(identityOf(by), {
      method,
      authority,
      path: url.pathname,
      query: url.search,
      header: name => headers[name],
      body: Buffer.from(body),
    }, at),
  }
}

const ask = (given: Given = {}, change: Sent = {}): Promise<Told> => {
  const { method = 'POST', path = '/v1/channels/general/messages', body = '{"content":"hi"}' } = given
  return send(method, path, { ...headersOf(given), ...change }, body)
}

test('a signed request is its agent’s, without a token, and may what only the key may', async () => {
  expect(await ask({ method: 'PUT', path: '/v1/channels/general/members/me', body: '' })).toMatchObject({ status: 200 })
  await using bob = await relay.login('bob')
  expect(await ask({ more: { 'idempotency-key': 'k1' } })).toMatchObject({ status: 201, body: { type: 'ACK' } })
  expect(await bob.next('MSG')).toMatchObject({ from: key.id, content: 'hi', via: 'http' })
  expect(bob.texts.at(-1)).not.toContain('"auth"')
  expect(await ask({ method: 'GET', path: '/v1/channels/general/messages?limit=1', body: '' })).toMatchObject({ status: 200 })
  const made = await ask({ path: '/v1/tokens', body: '{"scopes":["read"]}' })
  expect(made).toMatchObject({ status: 201, body: { type: 'TOKEN_CREATED' } })
  const byToken = await send('POST', '/v1/call/TOKEN_CREATE', {
    authorization: `Bearer ${String(made.body['token'])}`,
    'content-length': '0',
  }, '')
  expect(byToken).toMatchObject({ status: 403, code: 'SIGNATURE_REQUIRED' })
  const [listed] = (await ask({ method: 'GET', path: '/v1/tokens', body: '' })).body['items'] as readonly { token_id: string }[]
  expect(await ask({ method: 'DELETE', path: `/v1/tokens/${listed!.token_id}`, body: '' })).toMatchObject({ status: 204 })
  expect((await ask({ method: 'GET', path: '/v1/tokens', body: '' })).body['items']).toEqual([])
})

describe('another implementation of RFC 9421, http-message-signatures', () => {
  const body = '{"content":"said by another"}'
  const path = '/v1/channels/general/messages?none=%20of+it'
  const url = () => `${relay.httpUrl}${path}`
  const digestOf = (text: string) => `sha-256=:${createHash('sha256').update(text).digest('base64')}:`
  const fields = ['@method', '@authority', '@path', '@query', 'content-digest', 'idempotency-key']

  test('verifies what our signer signed, and nothing that was changed', async () => {
    const check = (headers: Sent, method = 'POST', at = url()) =>
      httpbis.verifyMessage({
        keyLookup: ({ keyid }) =>
          Promise.resolve({ id: String(keyid), algs: ['ed25519'], verify: async (data, by) => verify(null, data, key.privateKey, by) }),
        requiredFields: fields,
        requiredParams: ['created', 'keyid', 'nonce', 'tag'],
        notAfter: relay.clock.now() / 1_000 + 300,
      }, { method, url: at, headers: { ...headers } })
    const headers = headersOf({ path, body, more: { 'idempotency-key': 'k' } })
    expect(headers['content-digest']).toBe(digestOf(body))
    expect(await check(headers)).toBe(true)
    expect(await check(headers, 'PUT')).toBe(false)
    expect(await check(headers, 'POST', `${url()}1`)).toBe(false)
    expect(await check({ ...headers, 'content-digest': digestOf('{}') })).toBe(false)
    expect(await check({ ...headers, 'idempotency-key': 'j' })).toBe(false)
  })

  test('signs what our door takes, once, and not with another key', async () => {
    const signed = async ({ id, privateKey }: Key, nonce: string) => {
      const message = await httpbis.signMessage({
        key: { id, alg: 'ed25519', sign: async data => sign(null, data, privateKey) },
        fields,
        params: ['created', 'keyid', 'nonce', 'alg', 'expires', 'tag'],
        paramValues: { created: new Date(relay.clock.now()), expires: new Date(relay.clock.now() + 60_000), nonce, tag: 'agentchat' },
      }, {
        method: 'POST',
        url: url(),
        headers: { 'content-type': 'application/json', 'content-digest': digestOf(body), 'idempotency-key': nonce },
      })
      const headers = Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), String(value)])
      return Object.fromEntries([...headers, ['content-length', String(body.length)]]) as Sent
    }
    const headers = await signed(key, 'a-nonce-of-another')
    expect(await send('POST', path, headers, body)).toMatchObject({ status: 201, body: { type: 'ACK' } })
    expect(await send('POST', path, headers, body)).toMatchObject({ status: 401, code: 'SIGNATURE_INVALID' })
    const forged = await signed({ ...newKey(), id: key.id }, 'a-nonce-of-somebody')
    expect(await send('POST', path, forged, body)).toMatchObject({ status: 401, code: 'SIGNATURE_INVALID' })
  })
})

test('whatever is changed, old, used before or another’s is refused, and nothing of it is done', async () => {
  const before = (await ask({ method: 'GET', path: '/v1/channels/general/messages?limit=200', body: '' }))
    .body['items'] as readonly unknown[]
  const signed = headersOf()
  const refused = async (headers: Sent, body = '{"content":"hi"}', path = '/v1/channels/general/messages', method = 'POST') =>
    expect(await send(method, path, headers, body)).toMatchObject({ status: 401, code: 'SIGNATURE_INVALID' })
  await refused(signed, '{"content":"ho"}')
  await refused(signed, '{"content":"hi"}', '/v1/channels/other/messages')
  await refused(signed, '{"content":"hi"}', '/v1/channels/general/messages?x=1')
  const place = '/v1/channels/general/members/me'
  await refused(headersOf({ method: 'PUT', path: place, body: '' }), '', place, 'DELETE')
  await refused({ ...headersOf({ more: { 'idempotency-key': 'a' } }), 'idempotency-key': 'b' })
  await refused({ ...headersOf(), 'idempotency-key': 'b' })
  await refused(headersOf({ authority: 'other.example' }))
  await refused({ ...headersOf({ authority: 'other.example' }), host: 'other.example' })
  await refused(headersOf({ at: relay.clock.now() + 400_000 }))
  await refused(headersOf({ at: relay.clock.now() - 400_000 }))
  await refused(headersOf({ by: newKey() }))
  await refused({ ...headersOf(), 'signature-input': headersOf()['signature-input']! })
  const after = (await ask({ method: 'GET', path: '/v1/channels/general/messages?limit=200', body: '' }))
    .body['items'] as readonly unknown[]
  expect(after).toHaveLength(before.length)
})

test('a signed body that was left out on the way is refused, and the signature is not used up', async () => {
  const tokens = async () => (await ask({ method: 'GET', path: '/v1/tokens', body: '' })).body['items'] as readonly unknown[]
  const before = await tokens()
  const body = '{"scopes":["read"],"ttl_ms":60000}'
  const signed = headersOf({ path: '/v1/tokens', body })
  const { 'content-length': _, ...unsized } = signed
  for (const headers of [{ ...signed, 'content-length': '0' }, { ...unsized, 'transfer-encoding': 'chunked' }] as const) {
    expect(await send('POST', '/v1/tokens', headers, '')).toMatchObject({
      status: 401,
      code: 'SIGNATURE_INVALID',
      body: { detail: expect.stringContaining('Content-Digest') as string },
    })
  }
  expect(await tokens()).toHaveLength(before.length)
  expect(await send('POST', '/v1/tokens', signed, body)).toMatchObject({ status: 201 })
})

test('a signature changes something once: a copy of it is refused, also where the first one was refused by the relay', async () => {
  const signed = headersOf({ body: '{"content":"once"}' })
  const again = () => send('POST', '/v1/channels/general/messages', signed, '{"content":"once"}')
  expect(await again()).toMatchObject({ status: 201 })
  expect(await again()).toMatchObject({ status: 401, code: 'SIGNATURE_INVALID' })
})

test('of two that come at once with one signature one is done, and a repeat under its key uses a signature up, too', async () => {
  const before = await ask({ method: 'GET', path: '/v1/channels/general/messages?limit=200', body: '' })
  const signed = headersOf({ body: '{"content":"twins"}' })
  const both = await Promise.all([1, 2, 3].map(() => send('POST', '/v1/channels/general/messages', signed, '{"content":"twins"}')))
  expect(both.map(({ status }) => status).toSorted()).toEqual([201, 401, 401])
  const after = await ask({ method: 'GET', path: '/v1/channels/general/messages?limit=200', body: '' })
  expect((after.body['items'] as readonly unknown[]).length - (before.body['items'] as readonly unknown[]).length).toBe(1)
  const make = { path: '/v1/tokens', body: '{"scopes":["read"],"ttl_ms":60000}', more: { 'idempotency-key': 'tok-1' } }
  const first = await ask(make)
  expect(first.status).toBe(201)
  const again = headersOf(make)
  expect(await send('POST', make.path, again, make.body)).toMatchObject({ status: 201, body: { token: first.body['token'] } })
  // Whoever saw that request is not told the token.
  expect(await send('POST', make.path, again, make.body)).toMatchObject({ status: 401 })
})

test('a copy of a signed request is refused by the next life of the relay, too', async () => {
  using data = newFolder()
  const asked = { authority: 'relay.test', at: Date.now() }
  const body = '{"content":"once in all lives"}'
  const signed = { ...headersOf({ ...asked, body }), host: 'relay.test' }
  const started = () => startTestRelay({ data: data.path, publicUrls: ['ws://relay.test'], addressRate: 0 })
  const place = '/v1/channels/general/messages'
  {
    await using first = await started()
    await using wire = await first.login('ada', { key })
    await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    expect(await sendTo(first, 'POST', place, signed, body)).toMatchObject({ status: 201 })
  }
  await using next = await started()
  expect(await sendTo(next, 'POST', place, signed, body)).toMatchObject({ status: 401, code: 'SIGNATURE_INVALID' })
  const anew = { ...headersOf({ ...asked, body }), host: 'relay.test' }
  expect(await sendTo(next, 'POST', place, anew, body)).toMatchObject({ status: 201, body: { seq: 2 } })
})

describe('a key that has not been here', () => {
  const shown = (by: Key, name?: string): Sent => ({ pubkey: keyHeaderOf({ publicKey: by.pem, ...(name !== undefined && { name }) }) })

  test('comes in by its first request, under its name, and is known from then on', async () => {
    const by = newKey()
    const given = { method: 'PUT', path: '/v1/channels/general/members/me', body: '', by }
    expect(await ask(given)).toMatchObject({
      status: 401,
      code: 'SIGNATURE_INVALID',
      body: { detail: expect.stringContaining('Pubkey') as string },
    })
    expect(await ask(given, shown(newKey()))).toMatchObject({ status: 401 })
    expect(await ask(given, { pubkey: ':AAAA:' })).toMatchObject({ status: 401 })
    expect(await ask(given, shown(by, 'cora'))).toMatchObject({ status: 200 })
    await using bob = await relay.login('bob')
    expect(await ask({ by, body: '{"content":"I am new"}' })).toMatchObject({ status: 201 })
    expect(await bob.next('MSG')).toMatchObject({ from: by.id, from_name: 'cora', content: 'I am new' })
    const nameless = newKey()
    expect(await ask({ method: 'GET', path: '/v1/me', body: '', by: nameless }, shown(nameless))).toMatchObject({
      status: 200,
      body: { agent_id: nameless.id, name: `agent-${nameless.id.slice(1, 9)}` },
    })
    expect(await ask({ path: '/v1/tokens', body: '{"scopes":["read"]}', by: nameless })).toMatchObject({ status: 201 })
  })

  test('is held to what a login is: names, bans, approved keys, questions, agents of an address, messages of it', async () => {
    const by = newKey()
    const get = { method: 'GET', path: '/v1/channels', body: '', by }
    expect(await ask(get, shown(by, 'admin'))).toMatchObject({ status: 400, code: 'INVALID_NAME' })
    expect(await ask(get, { pubkey: `${shown(by)['pubkey']!};name="no name"` })).toMatchObject({ status: 401 })
    await using boss = await relay.login('boss')
    await boss.ask({ type: 'ADMIN_BAN', agent_id: by.id, admin_key: 'a-key-of-32-characters-and-more-x' }, 'ADMIN_RESULT')
    expect(await ask(get, shown(by))).toMatchObject({ status: 403, code: 'BANNED' })
    const refusalAt = async (config: Parameters<typeof startTestRelay>[0], keys: readonly Key[]) => {
      await using other = await startTestRelay(config)
      const authority = new URL(other.httpUrl).host
      const told = []
      for (const by of keys)
        told.push(await sendTo(other, 'GET', '/v1/channels', { ...headersOf({ ...get, by, authority }), ...shown(by) }, ''))
      return told
    }
    expect(await refusalAt({ allowlistStrict: true, adminKey: 'a-key-of-32-characters-and-more-x' }, [newKey()]))
      .toMatchObject([{ code: 'NOT_ALLOWED' }])
    expect(await refusalAt({ captcha: true }, [newKey()])).toMatchObject([{ code: 'NOT_ALLOWED' }])
    expect(await refusalAt({ maxAgentsPerAddress: 1 }, [newKey(), newKey()])).toMatchObject([{ status: 200 }, { code: 'LIMIT_REACHED' }])
    const detail = expect.stringMatching(
      /^Too many newcomers of this address \(addressRate, addressBurst\); try again in \d+ ms$/,
    ) as string
    expect(await refusalAt({ addressRate: 1, addressBurst: 1 }, [newKey(), newKey()]))
      .toMatchObject([{ status: 200 }, { code: 'RATE_LIMITED', body: { detail } }])
  })
})

test('an event stream is followed by a key', async () => {
  await using bob = await relay.login('bob')
  const headers = headersOf({ method: 'GET', path: '/v1/channels/general/events', body: '' })
  const heard = new Promise<string>((resolve, reject) => {
    const asking = httpRequest(`${relay.httpUrl}/v1/channels/general/events`, { headers }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if (text.includes('over the stream')) {
          asking.destroy()
          resolve(text)
        } else if (text.includes('event: hello')) {
          bob.send({ type: 'MSG', to: '#general', content: 'over the stream' })
        }
      })
    })
    asking.on('error', reject)
    asking.end()
  })
  expect(await heard).toContain('"from_name":"bob"')
})

test('a ticket that a key drew is good for as long as the key is', async () => {
  const { body: { ticket } } = await ask({ path: '/v1/events/tickets', body: '' })
  const stream = await fetch(`${relay.httpUrl}/v1/events?inbox=1&ticket=${String(ticket)}`)
  expect(stream.status).toBe(200)
  const reader = stream.body!.getReader()
  const first = new TextDecoder().decode((await reader.read()).value)
  expect(first).toContain('event: hello')
  // It does not end by itself.
  await using bob = await relay.login('bob')
  await bob.ask({ type: 'MSG', to: key.id, content: 'still open' }, 'ACK')
  expect(new TextDecoder().decode((await reader.read()).value)).toContain('still open')
  await reader.cancel()
})

test('of an agent that is banned nothing is taken', async () => {
  const lost = newKey()
  await (await relay.login('eve', { key: lost })).close()
  await using boss = await relay.login('boss')
  await boss.ask({ type: 'ADMIN_BAN', agent_id: lost.id, admin_key: 'a-key-of-32-characters-and-more-x' }, 'ADMIN_RESULT')
  expect(await ask({ by: lost })).toMatchObject({ status: 403, code: 'BANNED' })
})

test('agentchat curl speaks it', async () => {
  using cli = new Cli()
  await cli.run(['identity', 'generate', '-n', 'cleo', '-f', cli.at('cleo.json')])
  const as = ['-i', cli.at('cleo.json')]
  // It has not been there before.
  expect((await cli.run(['curl', relay.url, '/v1/channels', ...as])).json).toMatchObject([{
    items: expect.arrayContaining([expect.objectContaining({ name: '#general' })]) as unknown,
  }])
  expect((await cli.run(['curl', relay.url, '-X', 'PUT', '/v1/channels/general/members/me', ...as])).code).toBe(0)
  const sent = ['curl', relay.url, '/v1/channels/general/messages', '-d', '{"content":"from the shell"}', '--key', 'shell-1', ...as]
  const [first, second] = [await cli.run(sent), await cli.run(sent)]
  expect(second.json[0]!['msg_id']).toBe(first.json[0]!['msg_id'])
})
