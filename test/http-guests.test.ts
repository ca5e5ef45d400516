// The HTTP door beside single requests: newcomers, who asks, what is to be signed, searches, what is left, what is answered at all.
import { createPrivateKey, sign, type KeyObject } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentIdOf, checkTradeEvent } from '../lib/identity/index.ts'
import { accepts } from '../src/doors/http/accept.ts'
import { startTestNodes } from './kit/nodes.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Key } from './kit/wire.ts'

interface Told {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

let relay: TestRelay
beforeAll(async () => {
  relay = await startTestRelay({ addressRate: 0 })
})
afterAll(() => relay[Symbol.asyncDispose]())

const ask = async (
  method: string,
  path: string,
  { token, body, headers = {}, at = relay }: {
    readonly token?: string
    readonly body?: unknown
    readonly headers?: Readonly<Record<string, string>>
    readonly at?: TestRelay
  } = {},
): Promise<Told> => {
  const response = await fetch(`${at.httpUrl}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) as Record<string, unknown> }
}

/** A token of an agent with a key. */
const login = async (name: string, at = relay): Promise<{ readonly key: Key, readonly token: string }> => {
  const key = newKey()
  await using wire = await at.login(name, { key })
  return { key, token: (await wire.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'send', 'manage', 'deals'] }, 'TOKEN_CREATED')).token }
}

const signedBy = (key: KeyObject | string, text: unknown): string =>
  sign(null, Buffer.from(String(text)), typeof key === 'string' ? createPrivateKey(key) : key).toString('base64')

test('who has no key gets one and a token, by the rules of a login, and signs for itself', async () => {
  const made = await ask('POST', '/v1/agents', { body: { name: 'newcomer' } })
  expect(made.status).toBe(201)
  const { agent_id, token, private_key, public_key } = made.body as Readonly<Record<string, string>>
  expect(agentIdOf(public_key!)).toBe(agent_id)
  expect(made.headers.get('location')).toBe(`/v1/agents/${encodeURIComponent(agent_id!)}`)
  expect(await ask('GET', '/v1/me', { token: token! })).toMatchObject({
    status: 200,
    body: { agent_id, scopes: ['read', 'send', 'deals'], token_id: expect.any(String) as string },
  })
  await ask('PUT', '/v1/channels/general/members/me', { token: token! })
  expect(await ask('POST', '/v1/channels/general/messages', { token: token!, body: { content: 'I am new' } })).toMatchObject({
    status: 201,
  })
  const skills = { skills: [{ capability: 'beginning' }] }
  const { body: { text, body } } = await ask('POST', '/v1/me/skills:prepare', { token: token!, body: skills })
  expect(await ask('PUT', '/v1/me/skills', { token: token!, body: { ...body as object, sig: signedBy(private_key!, text) } }))
    .toMatchObject({ status: 200, body: { skills_count: 1 } })
  for (
    const [status, body] of [[400, { name: 'two words' }], [400, { name: 7 }], [400, {}], [400, { name: 'x', more: 1 }], [403, {
      captcha_id: 'x',
      answer: 'y',
    }]] as const
  )
    expect(await ask('POST', '/v1/agents', { body })).toMatchObject({ status })
})

test('a newcomer is asked where the relay asks, and is let in nowhere else than by a login', async () => {
  await using asking = await startTestRelay({ captcha: true, addressRate: 0 })
  const first = await ask('POST', '/v1/agents', { at: asking, body: { name: 'ann' } })
  expect(first).toMatchObject({ status: 401, body: { code: 'CAPTCHA_ASKED', captcha_id: expect.any(String) as string } })
  const { captcha_id, question } = first.body as Readonly<Record<string, string>>
  expect(await ask('POST', '/v1/agents', { at: asking, body: { captcha_id, answer: 'wrong' } })).toMatchObject({
    status: 403,
    body: { code: 'CAPTCHA_FAILED' },
  })
  const { captchaAnswer } = await import('../src/features/talk/session/captcha.ts')
  const again = await ask('POST', '/v1/agents', { at: asking, body: { name: 'ann' } })
  const asked = again.body as Readonly<Record<string, string>>
  expect(
    await ask('POST', '/v1/agents', { at: asking, body: { captcha_id: asked['captcha_id'], answer: captchaAnswer(asked['question']!) } }),
  )
    .toMatchObject({ status: 201, body: { name: 'ann' } })
  expect(question).not.toBe('')
  await using strict = await startTestRelay({ allowlist: true, allowlistStrict: true, adminKey: 'a-key-of-32-characters-and-more-x' })
  expect(await ask('POST', '/v1/agents', { at: strict, body: { name: 'bob' } })).toMatchObject({
    status: 403,
    body: { code: 'NOT_ALLOWED' },
  })
})

test('a question is answered to any process, once: right or wrong, in its time, by who was asked; nothing is kept of those who do not answer', async () => {
  await using nodes = await startTestNodes({ captcha: true, addressRate: 0, maxConnectionsPerIp: 5 })
  const { captchaAnswer } = await import('../src/features/talk/session/captcha.ts')
  type Question = Readonly<Record<string, string>>
  const come = async (at: TestRelay) => (await ask('POST', '/v1/agents', { at, body: { name: 'ann' } })).body as Question
  const answer = (at: TestRelay, { captcha_id, question }: Question, text = captchaAnswer(question!)) =>
    ask('POST', '/v1/agents', { at, body: { captcha_id, answer: text } })
  const { one, two } = nodes
  const first = await come(one)
  const many: Question[] = []
  for (let i = 0; i < 30; i++) many.push(await come(i % 2 === 0 ? one : two))
  expect(many.every(({ code }) => code === 'CAPTCHA_ASKED')).toBe(true)
  const made = await answer(two, first)
  expect(made).toMatchObject({ status: 201, body: { name: 'ann' } })
  expect(await ask('GET', '/v1/me', { at: one, token: String(made.body['token']) })).toMatchObject({
    status: 200,
    body: { agent_id: made.body['agent_id'] },
  })
  const twice = await Promise.all([answer(one, many[0]!), answer(two, many[0]!)])
  expect(twice.map(({ status }) => status).toSorted()).toEqual([201, 403])
  // A wrong answer is one, too, and another's question is not one's own.
  expect(await answer(two, many[1]!, 'wrong')).toMatchObject({ status: 403, body: { code: 'CAPTCHA_FAILED' } })
  expect(await answer(one, many[1]!)).toMatchObject({ status: 403, body: { code: 'CAPTCHA_EXPIRED' } })
  for (const captcha_id of [many[2]!['captcha_id']!.slice(0, -8), 'captcha_mhx1_9f86d081', 'x'.repeat(3_000)])
    expect(await answer(one, { ...many[2]!, captcha_id })).toMatchObject({ status: 403, body: { code: 'CAPTCHA_EXPIRED' } })
  for (const relay of [one, two]) relay.clock.advance(61_000)
  expect(await answer(one, many[3]!)).toMatchObject({ status: 403, body: { code: 'CAPTCHA_EXPIRED' } })
})

test('a Host that is none is the fault of who sent it', async () => {
  for (const host of ['', 'a b', '///', 'x'.repeat(70_000).slice(0, 300) + '%%', '[::1']) {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(relay.httpUrl).port), '127.0.0.1')
      let heard = ''
      socket.on('data', part => heard += String(part)).on('error', reject).on('close', () => resolve(heard))
      socket.write(
        `POST /v1/agents HTTP/1.1\r\nHost: ${host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{"name":"a"}`,
      )
    })
    expect([host, text.slice(0, 12)]).toEqual([host, 'HTTP/1.1 400'])
    expect(text).toContain('ORIGIN_UNKNOWN')
  }
})

test('nothing is prepared for an agent of another relay', async () => {
  const { token } = await login('client')
  const { key } = await login('provider')
  const offer = { to: `${key.id}@relay.elsewhere.example`, task: 'review it', amount: 5, currency: 'USD' }
  expect(await ask('POST', '/v1/proposals:prepare', { token, body: offer })).toMatchObject({ status: 400, body: { code: 'HOST_UNKNOWN' } })
})

test('a step that needs a signature says what to sign; signed so it is taken, and holds for who checks it', async () => {
  const [client, provider] = [await login('client'), await login('provider')]
  const offer = { to: provider.key.id, task: 'review it', amount: 5, currency: 'USD' }
  const refused = await ask('POST', '/v1/proposals', { token: client.token, body: offer })
  expect(refused).toMatchObject({
    status: 403,
    body: { code: 'SIGNATURE_REQUIRED', prepare: { text: expect.stringMatching(/^AGENTCHAT_TRADE_V2\|/) as string } },
  })
  const { body: { text, body, sig_ts } } = await ask('POST', '/v1/proposals:prepare', { token: client.token, body: offer })
  expect(sig_ts).toEqual(expect.any(Number))
  const sent = { ...body as object, sig: signedBy(client.key.privateKey, text) }
  const made = await ask('POST', '/v1/proposals', { token: client.token, body: sent })
  expect(made).toMatchObject({ status: 201 })
  const id = String((made.body['proposal'] as { proposal_id: string } | undefined)?.proposal_id ?? made.body['proposal_id'])
  // Once, and for this step alone.
  expect((await ask('POST', '/v1/proposals', { token: client.token, body: sent })).status).toBe(403)
  const accept = await ask('POST', `/v1/proposals/${id}/accept:prepare`, { token: provider.token, body: {} })
  expect(accept.body).toMatchObject({ proposal: { proposal_id: id, task: 'review it' } })
  const wrong = { ...accept.body['body'] as object, sig: signedBy(client.key.privateKey, accept.body['text']) }
  expect((await ask('POST', `/v1/proposals/${id}/accept`, { token: provider.token, body: wrong })).status).toBe(403)
  const right = { ...accept.body['body'] as object, sig: signedBy(provider.key.privateKey, accept.body['text']) }
  expect((await ask('POST', `/v1/proposals/${id}/accept`, { token: provider.token, body: right })).status).toBe(200)
  const { body: { items } } = await ask('GET', `/v1/proposals/${id}/events`, { token: client.token })
  const events = items as readonly (Record<string, unknown> & { readonly type: string })[]
  expect(
    events.map(
      event => [event.type, checkTradeEvent(event, (event.type === 'PROPOSAL' ? client : provider).key.pem, { relay: relay.serverId })],
    ),
  )
    .toEqual([['PROPOSAL', 'valid'], ['ACCEPT', 'valid']])
  const bad: readonly (readonly [number, string, string, unknown])[] = [
    [404, 'POST', '/v1/proposals/prop_none/accept:prepare', {}],
    [404, 'POST', '/v1/receipts/rcpt_00000000000000000000000000000000/signature:prepare', {}],
    [400, 'POST', '/v1/proposals:prepare', { to: 'nobody' }],
    [400, 'POST', '/v1/channels/general/messages:prepare', { content: 'x' }],
    [405, 'PUT', '/v1/me/skills:prepare', {}],
    [404, 'POST', '/v1/nothing:prepare', {}],
    [404, 'POST', '/v1/call/NOTHING:prepare', {}],
    [401, 'POST', '/v1/proposals:prepare', offer],
  ]
  for (const [status, method, path, body] of bad)
    expect([path, (await ask(method, path, { ...(status !== 401 && { token: client.token }), body })).status]).toEqual([path, status])
  await using other = await startTestRelay({ legacyTrade: false })
  const { token } = await login('max', other)
  expect(await ask('POST', '/v1/call/TRANSFER:prepare', { at: other, token, body: {} })).toMatchObject({
    status: 403,
    body: { code: 'NOT_ALLOWED' },
  })
})

test('agents are searched, filtered, sorted and paged; other pages go on where they end, forward and back', async () => {
  const { key, token } = await login('searcher')
  const skills = Array.from({ length: 5 }, (_, i) => ({ capability: `paging-${i}`, rate: i, currency: 'USD' }))
  const { body: { text, body } } = await ask('POST', '/v1/me/skills:prepare', { token, body: { skills } })
  await ask('PUT', '/v1/me/skills', { token, body: { ...body as object, sig: signedBy(key.privateKey, text) } })
  const page = await ask('GET', '/v1/agents?skill=paging&max_rate=3.5&currency=USD&sort=rate&limit=3', { token })
  expect((page.body['items'] as readonly { capability: string }[]).map(({ capability }) => capability)).toEqual([
    'paging-0',
    'paging-1',
    'paging-2',
  ])
  const link = /<(.+)>; rel="next"/.exec(page.headers.get('link') ?? '')![1]!
  const last = await ask('GET', link, { token })
  expect(last.body['items']).toMatchObject([{ capability: 'paging-3' }])
  expect(last.headers.get('link')).toBeNull()
  expect((await ask('GET', '/v1/agents?sort=beauty', { token })).status).toBe(400)
  expect((await ask('GET', '/v1/agents?query=x', { token })).status).toBe(400)
  await ask('PUT', '/v1/channels/general/members/me', { token })
  for (let i = 0; i < 5; i++) await ask('POST', '/v1/channels/general/messages', { token, body: { content: `page ${i}` } })
  const newest = await ask('GET', '/v1/channels/general/messages?limit=2', { token })
  const before = await ask('GET', /<(.+)>/.exec(newest.headers.get('link')!)![1]!, { token })
  const contents = [before, newest].flatMap(({ body: { items } }) =>
    (items as readonly { content: string }[]).map(({ content }) => content)
  )
  expect(contents).toEqual(['page 1', 'page 2', 'page 3', 'page 4'])
})

test('what is left of the allowance is told with every answer, and what Accept rules out is not sent', async () => {
  await using paced = await startTestRelay({ msgRate: 1, msgBurst: 10 })
  const { token } = await login('max', paced)
  await ask('PUT', '/v1/channels/general/members/me', { at: paced, token })
  paced.clock.stop()
  paced.clock.advance(60_000)
  const told = await ask('POST', '/v1/channels/general/messages', { at: paced, token, body: { content: 'x' } })
  expect(told.status).toBe(201)
  expect(told.headers.get('ratelimit-policy')).toMatch(/^"messages";q=10;w=10(, "address";q=\d+;w=\d+)?$/)
  expect(told.headers.get('ratelimit')).toMatch(/^"messages";r=9;t=1/)
  const refused = await ask('POST', '/v1/channels/nowhere/messages', { at: paced, token, body: { content: 'x' } })
  expect([refused.status, /^"messages";r=8;t=2/.test(refused.headers.get('ratelimit')!)]).toEqual([404, true])
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const traced = await ask('GET', '/v1/me', { at: paced, token, headers: { traceparent: trace } })
  expect([traced.headers.get('traceparent'), /^"messages";r=8;t=2/.test(traced.headers.get('ratelimit')!)]).toEqual([trace, true])
  expect((await ask('GET', '/v1/me', { at: paced, token, headers: { traceparent: 'x' } })).headers.get('traceparent')).toBeNull()
  for (
    const [accept, status] of [['text/html', 406], ['text/html, */*;q=0.1', 200], ['application/*', 200], ['application/json;q=0', 406], [
      'text/event-stream',
      406,
    ]] as const
  )
    expect([accept, (await ask('GET', '/v1/me', { at: paced, token, headers: { accept } })).status]).toEqual([accept, status])
  expect((await ask('GET', '/v1/events?inbox=1', { at: paced, token, headers: { accept: 'application/json' } })).status).toBe(406)
  expect(accepts('*/*;q=0, application/json', 'application/json')).toBe(true)
  expect(accepts(`${'a/b,'.repeat(1_000)}application/json`, 'application/json')).toBe(false)
})

test('what stores no event is made once under its key too: over its repeats, at once, and after a restart', async () => {
  const { token } = await login('maker')
  const make = (key: string, body: object) => ask('POST', '/v1/hooks', { token, body, headers: { 'idempotency-key': key } })
  await ask('PUT', '/v1/channels/general/members/me', { token })
  const hook = { to: '#general', kind: 'plain' }
  const first = await make('h1', hook)
  expect(first.status).toBe(201)
  const again = await make('h1', hook)
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
  expect(again.body).toEqual({ ...first.body, ts: again.body['ts'] })
  expect(await make('h1', { to: '#general', kind: 'github' })).toMatchObject({ status: 422, body: { code: 'ID_REUSED' } })
  const at = await Promise.all([1, 2, 3, 4].map(() => make('h2', hook)))
  for (const { status } of at) expect([201, 409, 503]).toContain(status)
  expect(new Set(at.filter(({ status }) => status === 201).map(({ body }) => body['hook_id'])).size).toBe(1)
  expect((await ask('GET', '/v1/hooks', { token })).body['items']).toHaveLength(2)
  const rows = await relay.store.read.tables<{ door_answers: { key: string, answer: string } }>().selectFrom('door_answers').selectAll()
    .execute()
  expect(rows.map(({ key }) => key).sort()).toEqual(['h1', 'h2'])
  expect(rows[0]!.answer).not.toContain('ahs_')
  // A day later it is forgotten.
  relay.clock.advance(25 * 60 * 60_000)
  await expect.poll(async () =>
    (await relay.store.read.tables<{ door_answers: object }>().selectFrom('door_answers').selectAll().execute()).length
  ).toBe(0)
})
