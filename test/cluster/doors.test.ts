// The doors at several processes: what ends at one ends at the others, and what one began another one goes on with.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Browser, Passkey } from '../kit/authenticator.ts'
import { startTestCluster, type TestCluster } from '../kit/cluster.ts'
import { Source } from '../kit/event-source.ts'
import type { TestRelay } from '../kit/relay.ts'
import { newKey } from '../kit/wire.ts'

let cluster: TestCluster
let one: TestRelay
let two: TestRelay
beforeAll(async () => {
  cluster = await startTestCluster(2, {
    accounts: true,
    publicUrls: ['ws://localhost:6667', 'ws://127.0.0.1'],
    adminKey: 'open sesame, please',
  })
  one = cluster.nodes[0]!
  two = cluster.nodes[1]!
})
afterAll(() => cluster[Symbol.asyncDispose]())

const withToken = async (at: TestRelay, name: string) => {
  const key = newKey()
  const wire = await at.login(name, { key })
  const { token, token_id: id } = await wire.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
  return { key, wire, token, id, headers: { authorization: `Bearer ${token}` } }
}

const follow = async (at: TestRelay, headers: Record<string, string>) => {
  const source = new Source()
  expect((await source.open(`${at.httpUrl}/v1/events?inbox=1`, headers)).status).toBe(200)
  await source.until(() => source.heard.length > 0)
  return source
}

test.each(['heard of', 'not heard of'])('a stream ends at one process when its token is revoked at another: %s', async how => {
  const { wire, id, headers } = await withToken(one, 'ada')
  const source = await follow(two, headers)
  cluster.buses[1]!.isCut = how === 'not heard of'
  await wire.ask({ type: 'TOKEN_REVOKE', token_id: id }, 'OK')
  await source.until(() => source.isOver)
  expect(source.heard.at(-1)).toMatchObject({ event: 'bye', data: { reason: 'TOKEN_INVALID' } })
  cluster.buses[1]!.mend()
  expect((await fetch(`${two.httpUrl}/v1/me`, { headers })).status).toBe(401)
})

test('a stream ends at one process when its agent is banned at another, and its token lets nobody in', async () => {
  const { wire, key, headers } = await withToken(one, 'eve')
  const source = await follow(two, headers)
  await wire.ask({ type: 'ADMIN_BAN', agent_id: key.id, admin_key: 'open sesame, please' }, 'ADMIN_RESULT').catch(() => undefined)
  await source.until(() => source.isOver)
  expect(source.heard.at(-1)).toMatchObject({ event: 'bye', data: { reason: 'BANNED' } })
  expect((await fetch(`${two.httpUrl}/v1/me`, { headers })).status).toBeGreaterThanOrEqual(400)
})

test('a stream of MCP ends at one process when its token is revoked at another', async () => {
  const { wire, id, headers } = await withToken(one, 'max')
  const url = `${two.httpUrl}/mcp`
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const begun = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', 'accept': 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  })
  expect(begun.status).toBe(200)
  await begun.text()
  const session = begun.headers.get('mcp-session-id')!
  const stream = await fetch(url, { headers: { ...headers, 'mcp-session-id': session, 'accept': 'text/event-stream' } })
  expect(stream.status).toBe(200)
  const over = stream.text()
  await wire.ask({ type: 'TOKEN_REVOKE', token_id: id }, 'OK')
  await expect(over).rejects.toThrow()
})

test('a browser that is signed out at one process hears nothing more at the others', async () => {
  const origin = one.setUpUrl!.split('/account')[0]!
  const at = (node: TestRelay) => new Browser(() => node.httpUrl, origin)
  const passkey = new Passkey(origin)
  const ada = at(one)
  await ada.setUp(one.setUpUrl!, passkey, 'Ada')
  const elsewhere = at(two)
  await elsewhere.signIn(passkey)
  const wire = await two.connect(undefined, { origin, cookie: elsewhere.cookie })
  const stays = await two.connect()
  expect((await ada.post('/signout', { everywhere: true })).status).toBe(204)
  expect(await wire.closed()).toMatchObject({ code: 4505 })
  await stays.ask({ type: 'PING' }, 'PONG')
  await stays.close()
})
