// What is asked under one Idempotency-Key at two processes at once is done once, and both are answered with what was done.
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signHttpRequest } from '../../lib/identity/index.ts'
import { startTestCluster, type TestCluster } from '../kit/cluster.ts'
import type { TestRelay } from '../kit/relay.ts'
import { identityOf, newKey, type Key } from '../kit/wire.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startTestCluster(2, { addressRate: 0, webhooks: true, outboundAllow: ['127.0.0.1'] })
}, 60_000)
afterAll(() => cluster[Symbol.asyncDispose]())

interface Asked {
  readonly path: string
  readonly body: object
}

/** A signed request, under the key `once`. */
const ask = async (at: TestRelay, key: Key, { path, body: fields }: Asked) => {
  const body = JSON.stringify(fields)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'idempotency-key': 'once',
  }
  const signed = signHttpRequest(identityOf(key), {
    method: 'POST',
    authority: new URL(at.httpUrl).host,
    path,
    query: '',
    header: name => headers[name],
    body: Buffer.from(body),
  }, cluster.clock.now())
  const response = await fetch(`${at.httpUrl}${path}`, { method: 'POST', headers: { ...headers, ...signed }, body })
  // Of an event the stamp is the first one's, of others it is when it was told.
  const { ts: _ts, duplicate: _duplicate, ...told } = await response.json() as Readonly<Record<string, unknown>>
  return { status: response.status, told, isReplayed: response.headers.get('idempotency-replayed') === 'true' }
}

/** How many wait for what another transaction holds. */
const waiting = async (): Promise<number> => {
  const [row] = await cluster.database.ask<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  )
  return Number(row!.n)
}

const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 10))
}

/** What is asked, what there is of it then, and where its key is noted. */
const asked: Readonly<Record<string, Asked & { readonly made: string, readonly keys?: string }>> = {
  'a message': {
    path: '/v1/channels/general/messages',
    body: { content: 'hello' },
    made: "events WHERE author = '@AGENT'",
    keys: 'publish_keys',
  },
  'a channel': { path: '/v1/channels', body: { channel: '#once' }, made: "channels WHERE name = '#once'" },
  'a hook': { path: '/v1/hooks', body: { to: '#general', kind: 'plain' }, made: "hooks WHERE agent = '@AGENT'" },
  'a webhook': { path: '/v1/webhooks', body: { url: 'http://127.0.0.1:1/hook' }, made: "webhooks WHERE agent = '@AGENT'" },
  'a token': { path: '/v1/tokens', body: { scopes: ['read'] }, made: "door_tokens WHERE agent = '@AGENT'" },
}

test.each(Object.entries(asked))('%s', async (_, { made, keys = 'door_answers', ...request }) => {
  const { nodes, database } = cluster
  const key = newKey()
  await using wire = await nodes[0]!.login('ann', { key })
  await wire.barrier()
  const count = async () =>
    Number((await database.ask<{ n: number }>(`SELECT count(*)::int AS n FROM ${made.replace('@AGENT', key.id)}`))[0]!.n)
  // Both stand where the key is noted, or behind the one that does.
  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  await holder.query(`BEGIN; LOCK TABLE ${keys} IN EXCLUSIVE MODE`)
  const asking = nodes.map(node => ask(node, key, request))
  await comesTrue(async () => await waiting() === 2)
  await holder.query('COMMIT')
  await holder.end()
  const answers = await Promise.all(asking)
  const { status, told } = answers[0]!
  expect(status).toBe(201)
  expect(answers).toEqual(expect.arrayContaining([{ status, told, isReplayed: false }, { status, told, isReplayed: true }]))
  expect(await count()).toBe(1)
  // And behind it, at each.
  for (const node of nodes) expect(await ask(node, key, request)).toEqual({ status, told, isReplayed: true })
  expect(await count()).toBe(1)
})
