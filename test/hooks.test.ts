// Webhooks in: what a service posts is said once, in an agent's name, and nothing of whoever cannot prove itself.
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RequestInput } from '../lib/protocol/index.ts'
import { hookText } from '../src/doors/http/hook-text.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

const adminKey = 'a-key-of-32-characters-and-more-x'
const logged: string[] = []
const log = (...line: readonly unknown[]) => void logged.push(JSON.stringify(line))
let relay: TestRelay
let key: Key
let ada: Wire
let bob: Wire
beforeAll(async () => {
  relay = await startTestRelay({ adminKey, addressRate: 0 }, {
    log: { trace: log, debug: log, info: log, warn: log, error: log, isLevelEnabled: () => true } as never,
  })
  key = newKey()
  ada = await relay.login('ada', { key })
  bob = await relay.login('bob')
})
afterAll(() => relay[Symbol.asyncDispose]())

type Made = Omit<RequestInput<'HOOK_CREATE'>, 'type' | 'id'>
const make = (asked: Partial<Made> & Pick<Made, 'kind'>) => ada.ask({ type: 'HOOK_CREATE', to: '#general', ...asked }, 'HOOK_CREATED')

const post = async (path: string, body: string, headers: Readonly<Record<string, string>> = {}) => {
  const response = await fetch(`${relay.httpUrl}${path}`, { method: 'POST', body, headers })
  const told = JSON.parse(await response.text()) as Record<string, unknown>
  return { status: response.status, code: told['code'], told, headers: response.headers }
}

const byGithub = (secret: string, body: string, id: string) => ({
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  'x-github-delivery': id,
})

const byStandard = (secret: string, body: string, id: string, at = relay.clock.now()) => {
  const time = String(Math.floor(at / 1_000))
  const signature = createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${time}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': `v1,AAAA v1a,x v1,${signature}` }
}

const body = '{"ref":"main","sender":{"login":"max"},"commits":[{"id":"c0ffee"}]}'

test('each kind is taken, said once for each delivery, and told with its door', async () => {
  const github = await make({ kind: 'github', template: '{{sender.login}} pushed {{commits.0.id}} to {{ref}}{{nothing.here}}' })
  const first = await post(github.path, body, byGithub(github.secret, body, 'd1'))
  expect(first).toMatchObject({ status: 202, told: { msg_id: expect.any(String) as string, seq: expect.any(Number) as number } })
  expect(await bob.next('MSG')).toMatchObject({ from: key.id, content: 'max pushed c0ffee to main', via: 'hook' })
  const again = await post(github.path, body, byGithub(github.secret, body, 'd1'))
  expect(again).toMatchObject({ status: 202, told: first.told })
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  const standard = await make({ kind: 'standard' })
  expect(standard.secret).toMatch(/^whsec_[\w+/]{43}=$/)
  expect(await post(standard.path, 'plain `text`', byStandard(standard.secret, 'plain `text`', 'm1'))).toMatchObject({ status: 202 })
  expect(await bob.next('MSG')).toMatchObject({ content: '```\nplain `text`\n```', via: 'hook' })
  const plain = await make({ kind: 'plain' })
  expect(await post(plain.path, 'up', { 'idempotency-key': 'k' })).toMatchObject({ status: 202 })
  expect(await post(plain.path, 'up', { 'idempotency-key': 'k' })).toMatchObject({ status: 202 })
  expect(await bob.next('MSG')).toMatchObject({ content: '```\nup\n```' })
  await bob.hearsNothing()
})

test('what is not signed, or wrongly, or long ago, or too large, is refused and not said', async () => {
  const github = await make({ kind: 'github' })
  const standard = await make({ kind: 'standard' })
  const plain = await make({ kind: 'plain' })
  const signed = byStandard(standard.secret, body, 'm2')
  const large = 'x'.repeat(65 * 1024)
  const cases: readonly (readonly [number, string, string, Readonly<Record<string, string>>?])[] = [
    [401, github.path, body],
    [401, github.path, body, byGithub('another-secret', body, 'd2')],
    [401, github.path, `${body} `, byGithub(github.secret, body, 'd2')],
    [401, github.path, body, { 'x-hub-signature-256': 'sha256=00' }],
    [401, `${github.path}/${github.secret}`, body, byGithub(github.secret, body, 'd2')],
    [413, github.path, large, byGithub(github.secret, large, 'd2')],
    [401, standard.path, body],
    [401, standard.path, body, { ...signed, 'webhook-id': 'm3' }],
    [401, standard.path, body, { ...signed, 'webhook-id': 'x'.repeat(300) }],
    [401, standard.path, body, { ...signed, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` }],
    [401, standard.path, body, { ...signed, 'webhook-signature': 'v1, '.repeat(500) }],
    [401, standard.path, body, byStandard(standard.secret, body, 'm2', relay.clock.now() - 310_000)],
    [401, standard.path, body, byStandard(standard.secret, body, 'm2', relay.clock.now() + 310_000)],
    [401, `/hooks/${plain.hook_id}`, body],
    [401, `${plain.path}x`, body],
    [401, `/hooks/${plain.hook_id}/${github.secret}`, body],
    [404, '/hooks/0123456789', body, byGithub(github.secret, body, 'd2')],
    [404, '/hooks/', body],
    [404, `/hooks/${'x'.repeat(500)}`, body],
  ]
  for (const [status, path, sent, headers] of cases) expect([path, (await post(path, sent, headers)).status]).toEqual([path, status])
  expect((await fetch(`${relay.httpUrl}${plain.path}`)).status).toBe(405)
  const wanting = await make({ kind: 'plain', template: '{{title}}' })
  expect(await post(wanting.path, 'no json')).toMatchObject({ status: 415 })
  expect(await post(wanting.path, '{"other":1}')).toMatchObject({ status: 400 })
  await bob.hearsNothing()
})

test('a hook says so much a minute, and nothing when it is removed, or its agent is banned or gives up its key', async () => {
  const other = newKey()
  await using wire = await relay.login('eve', { key: other })
  await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  const { path, hook_id } = await wire.ask({ type: 'HOOK_CREATE', to: '#general', kind: 'plain' }, 'HOOK_CREATED')
  relay.clock.stop()
  for (let i = 0; i < 60; i++) expect((await post(path, `${i}`)).status).toBe(202)
  const late = await post(path, 'late')
  expect([late.status, late.headers.get('retry-after')]).toEqual([429, '1'])
  relay.clock.advance(2_000)
  expect((await post(path, 'later')).status).toBe(202)
  await ada.ask({ type: 'ADMIN_BAN', agent_id: other.id, admin_key: adminKey }, 'ADMIN_RESULT')
  relay.clock.advance(2_000)
  expect(await post(path, 'banned')).toMatchObject({ status: 403, code: 'BANNED' })
  await ada.ask({ type: 'ADMIN_UNBAN', agent_id: other.id, admin_key: adminKey }, 'ADMIN_RESULT')
  relay.clock.advance(2_000)
  expect((await post(path, 'back')).status).toBe(202)
  const mine = await make({ kind: 'plain' })
  await ada.ask({ type: 'HOOK_REMOVE', hook_id: mine.hook_id }, 'OK')
  expect((await post(mine.path, 'gone')).status).toBe(404)
  // Another's is not removed.
  await ada.ask({ type: 'HOOK_REMOVE', hook_id }, 'OK')
  relay.clock.advance(2_000)
  expect((await post(path, 'still')).status).toBe(202)
})

test('a hook is over for good with the key that made it', async () => {
  const [first, second] = [newKey(), newKey()]
  await using before = await relay.login('fay', { key: first })
  await before.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  const { path } = await before.ask({ type: 'HOOK_CREATE', to: '#general', kind: 'plain' }, 'HOOK_CREATED')
  expect((await post(path, 'one')).status).toBe(202)
  await using after = await relay.login('fay2', { key: second })
  const record = { old_pubkey: first.pem, new_pubkey: second.pem, timestamp: new Date(0).toISOString() }
  await after.ask({ type: 'ROTATION', ...record, signature: signWith(first, JSON.stringify(record)) }, 'OK')
  relay.clock.advance(2_000)
  expect(await post(path, 'two')).toMatchObject({ status: 410, code: 'HOOK_OVER' })
  // Whoever does not know the secret is not told so much.
  expect((await post(`${path}x`, 'two')).status).toBe(401)
})

test('a hook that a token made is listed with it, goes on when its time is over, and ends when it is revoked', async () => {
  const made = async (scopes = ['read', 'manage'], ttl_ms = 60_000) => {
    const { token, token_id } = await ada.ask({ type: 'TOKEN_CREATE', scopes, ttl_ms }, 'TOKEN_CREATED')
    const response = await fetch(`${relay.httpUrl}/v1/hooks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': `h-${token_id}` },
      body: JSON.stringify({ to: '#general', kind: 'plain' }),
    })
    expect(response.status).toBe(201)
    return { token_id, ...await response.json() as { readonly path: string, readonly hook_id: string } }
  }
  const listed = async (id: string) => (await ada.ask({ type: 'HOOKS' }, 'HOOKS')).list.find(({ hook_id }) => hook_id === id)
  const [stolen, old, own] = [await made(), await made(), await make({ kind: 'plain' })]
  expect(await listed(stolen.hook_id)).toMatchObject({ token_id: stolen.token_id })
  expect(await listed(own.hook_id)).not.toHaveProperty('token_id')
  await ada.ask({ type: 'TOKEN_REVOKE', token_id: stolen.token_id }, 'OK')
  expect((await post(stolen.path, 'x')).status).toBe(404)
  relay.clock.advance(120_000)
  // Those that are over are forgotten when the next one is made.
  await ada.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
  expect((await post(old.path, 'x')).status).toBe(202)
  expect((await post(own.path, 'x')).status).toBe(202)
})

test('deliveries without an id are not taken for one', async () => {
  const github = await make({ kind: 'github' })
  for (const text of ['{"n":1}', '{"n":2}']) {
    const { told } = await post(github.path, text, byGithub(github.secret, text, ''))
    expect((await ada.ask({ type: 'HISTORY', channel: '#general', after: Number(told['seq']) - 1 }, 'HISTORY')).events[0])
      .toMatchObject({ content: `\`\`\`\n${text}\n\`\`\`` })
  }
})

test('no log has a secret, and the table has none that can be read', async () => {
  const plain = await make({ kind: 'plain' })
  const github = await make({ kind: 'github', secret: 'that-of-the-service' })
  expect((await post(github.path, body, byGithub('that-of-the-service', body, 'd9'))).status).toBe(202)
  await post(plain.path, body)
  await post(`${plain.path}x`, body)
  expect(logged.filter(line => line.includes(plain.secret) || line.includes('that-of-the-service'))).toEqual([])
  const rows = await relay.store.read.tables<{ hooks: { secret: string } }>().selectFrom('hooks').selectAll().execute()
  expect(rows.length).toBeGreaterThan(1)
  expect(JSON.stringify(rows)).not.toContain(plain.secret)
  expect(JSON.stringify(rows)).not.toContain('that-of-the-service')
  const said = await ada.ask({ type: 'MSG', to: '#general', content: `use ${plain.path} and ${(await make({ kind: 'standard' })).secret}` },
    'ACK')
  const { events } = await ada.ask({ type: 'HISTORY', channel: '#general', after: said.seq! - 1 }, 'HISTORY')
  expect(events).toMatchObject([{ content: `use /hooks/${plain.hook_id}/[REDACTED:agentchat-hook] and [REDACTED:webhook-secret]` }])
})

test('by the command line: made, listed, removed', async () => {
  using cli = new Cli()
  cli.env['AGENTCHAT_URL'] = relay.url
  const file = cli.at('cy.json')
  await cli.run(['identity', 'generate', '-n', 'cy', '-f', file])
  const run = (...args: string[]) => cli.run(['hook', ...args, '-i', file, '--json'])
  const { json: [made], stderr } = await run('create', '#general', 'plain', '--name', 'alarm', '--template', '{{title}}')
  expect(made, stderr).toMatchObject({
    name: 'alarm',
    kind: 'plain',
    path: expect.stringMatching(/^\/hooks\/\w{10}\/ahs_[\w-]{43}$/) as string,
  })
  expect((await post(String(made!['path']), '{"title":"disk full"}')).status).toBe(202)
  const { json: [list] } = await run('list')
  expect(list).toMatchObject([{ hook_id: made!['hook_id'], template: '{{title}}' }])
  expect(JSON.stringify(list)).not.toContain('ahs_')
  expect((await run('remove', String(made!['hook_id']))).code).toBe(0)
  expect((await run('list')).json).toEqual([[]])
  expect((await run('create', '#general', 'carrier-pigeon')).code).not.toBe(0)
})

test('a template takes own fields only, so much of each, and no fence is closed from inside', () => {
  expect(hookText('{"a":{"b":[1,{"c":"x"}]}}', '{{a.b.1.c}} {{ a.b.0 }} {{a.b}} {{constructor}} {{a.__proto__}} {{}}'))
    .toBe('x 1 [1,{"c":"x"}]   {{}}')
  expect(hookText(JSON.stringify({ a: 'x'.repeat(5_000) }), '{{a}}')).toBe(`${'x'.repeat(999)}…`)
  expect(hookText(JSON.stringify({ a: 'x'.repeat(5_000) }), '{{a}}'.repeat(400))!.length).toBe(4_096)
  expect(hookText('```\nout', null)).toBe('````\n```\nout\n````')
  expect(hookText('😀'.repeat(5_000), null)!.length).toBeLessThanOrEqual(4_096 + 8)
  expect(hookText('no', '{{a}}')).toBeUndefined()
})

test('a template that names many objects, or one that is nested without end, costs no more than a few', () => {
  const [body, fields] = [
    JSON.stringify({ a: { b: 'x'.repeat(60_000) }, ...Object.fromEntries([...'cdefghijkl'].map(name => [name, {}])) }),
    400,
  ]
  const written: unknown[] = []
  const stringify = JSON.stringify
  JSON.stringify = ((value: never) => {
    written.push(value)
    return stringify(value)
  }) as typeof stringify
  try {
    expect(hookText(body, '{{a}}'.repeat(fields))).toHaveLength(4_096)
    expect(written).toHaveLength(1)
    expect(hookText(body, [...'cdefghijkl'].map(name => `{{${name}}}`).join(''))).toBe(`${'{}'.repeat(8)}……`)
    expect(written).toHaveLength(9)
  } finally {
    JSON.stringify = stringify
  }
  expect(hookText(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'a: {{a}}')).toBe('a: …')
})
