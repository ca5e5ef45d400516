// Who is locked out at one process stores nothing at another from the answer on, by whatever way it writes: what was on its way is stored
// before the answer or not at all. Held in its hand once for each way, and by chance: here once each, a thousand times in all with LOCKOUTS=1000.
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revocationText, rotationText, signHttpRequest } from '../../lib/identity/index.ts'
import { startTestCluster, type TestCluster } from '../kit/cluster.ts'
import { identityOf, newKey, signWith, type Key, type Wire } from '../kit/wire.ts'

const adminKey = 'open sesame, please'
const inAll = Number(process.env['LOCKOUTS'] ?? 1)
/** Writes of one writer that are under way at once, and those that are stored before it is locked out. */
const lanes = 4
const before = 8

let cluster: TestCluster
let boss: Wire
beforeAll(async () => {
  cluster = await startTestCluster(2, { adminKey, addressRate: 0, addressFrameRate: 0, frameRate: 0 })
  boss = await cluster.nodes[0]!.login('boss', { autojoin: false })
}, 60_000)
afterAll(() => cluster[Symbol.asyncDispose]())

/** The first process decides who is locked out, the second stores. */
const decides = () => cluster.nodes[0]!
const stores = () => cluster.nodes[1]!

interface Eve {
  readonly key: Key
  /** Her session at the first process, by which she takes back what she gave. */
  readonly own: Wire
  readonly token: { readonly token: string, readonly token_id: string }
  readonly hook: { readonly path: string, readonly hook_id: string }
  /** Made by her token. */
  readonly madeHook: { readonly path: string }
  /** Her session at the second one. */
  readonly there: Wire
}

interface Sent {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** The status of the answer. */
const send = ({ method = 'POST', path, headers = {}, body }: Sent): Promise<number> =>
  new Promise((resolve, reject) => {
    const asking = httpRequest(`${stores().httpUrl}${path}`, { method, headers }, response => {
      response.resume().on('end', () => resolve(response.statusCode!))
    })
    asking.on('error', reject)
    asking.end(body)
  })

const path = '/v1/channels/general/messages'
const json = { 'content-type': 'application/json' }

/** Ways to write in her name: each says whether it was stored. */
const ways = {
  'a WebSocket': async ({ there }, n) => (await there.answer({ type: 'MSG', to: '#general', content: `${n}`, id: `w${n}` })).type === 'ACK',
  'a token': async ({ token: { token } }, n) =>
    await send({ path, headers: { ...json, authorization: `Bearer ${token}` }, body: JSON.stringify({ content: `${n}` }) }) === 201,
  'a signature': async ({ key }, n) => {
    const body = JSON.stringify({ content: `${n}` })
    const headers: Record<string, string> = { ...json, 'content-length': String(Buffer.byteLength(body)) }
    const signed = signHttpRequest(identityOf(key), {
      method: 'POST',
      authority: new URL(stores().httpUrl).host,
      path,
      query: '',
      header: name => headers[name],
      body: Buffer.from(body),
    }, cluster.clock.now())
    return await send({ path, headers: { ...headers, ...signed }, body }) === 201
  },
  'a hook': async ({ hook }, n) => await send({ path: hook.path, body: `${n}` }) === 202,
  'a hook that a token made': async ({ madeHook }, n) => await send({ path: madeHook.path, body: `${n}` }) === 202,
} satisfies Record<string, (eve: Eve, n: number) => Promise<boolean>>

type Way = keyof typeof ways
const all: readonly Way[] = ['a WebSocket', 'a token', 'a signature', 'a hook']

/** What is asked at the first process, and which ways it closes. */
const lockouts: Readonly<Record<string, { readonly closes: readonly Way[], ask(eve: Eve): Promise<unknown> }>> = {
  ADMIN_BAN: {
    closes: all,
    ask: ({ key }) => boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: key.id }, 'ADMIN_RESULT'),
  },
  REVOCATION: {
    closes: all,
    ask: ({ key }) => {
      const notice = { pubkey: key.pem, agent_id: key.id.slice(1), reason: 'lost', timestamp: new Date(cluster.clock.now()).toISOString() }
      const signature = signWith(key, revocationText({ type: 'REVOCATION', ...notice }))
      return boss.ask({ type: 'REVOCATION', ...notice, signature }, 'OK')
    },
  },
  ROTATION: {
    closes: all,
    ask: async ({ key }) => {
      const next = newKey()
      await using heir = await decides().login('heir', { key: next, autojoin: false })
      const record = { old_pubkey: key.pem, new_pubkey: next.pem, timestamp: new Date(cluster.clock.now()).toISOString() }
      await heir.ask({ type: 'ROTATION', ...record, signature: signWith(key, rotationText(record)) }, 'OK')
    },
  },
  TOKEN_REVOKE: {
    closes: ['a token', 'a hook that a token made'],
    ask: ({ own, token: { token_id } }) => own.ask({ type: 'TOKEN_REVOKE', token_id }, 'OK'),
  },
  HOOK_REMOVE: {
    closes: ['a hook'],
    ask: ({ own, hook: { hook_id } }) => own.ask({ type: 'HOOK_REMOVE', hook_id }, 'OK'),
  },
}

const newEve = async (): Promise<Eve> => {
  const key = newKey()
  const own = await decides().login('eve', { key, session: 'own', autojoin: false })
  const token = await own.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'send', 'manage'] }, 'TOKEN_CREATED')
  await own.ask({ type: 'JOIN', channel: '#general', limit: 0 }, 'JOINED')
  const hook = await own.ask({ type: 'HOOK_CREATE', to: '#general', kind: 'plain' }, 'HOOK_CREATED')
  const made = await fetch(`${decides().httpUrl}/v1/hooks`, {
    method: 'POST',
    headers: { ...json, authorization: `Bearer ${token.token}` },
    body: JSON.stringify({ to: '#general', kind: 'plain' }),
  })
  expect(made.status).toBe(201)
  const there = await stores().login('eve', { key, session: 'there', frames: 0 })
  return { key, own, token, hook, madeHook: await made.json() as { readonly path: string }, there }
}

const storedOf = async ({ key }: Eve): Promise<number> =>
  Number((await cluster.database.ask<{ n: number }>(`SELECT count(*)::int AS n FROM events WHERE author = '${key.id}'`))[0]!.n)

/** Whether somebody waits for another one's transaction. */
const isWaitedFor = async (): Promise<boolean> => {
  const [row] = await cluster.database.ask<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  )
  return Number(row!.n) > 0
}

const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 10))
}

const cases = Object.entries(lockouts).flatMap(([request, { closes }]) => closes.map(way => ({ request, way })))
const tries = Math.ceil(inAll / cases.length)

describe.each(cases)('$request against $way', ({ request, way }) => {
  test('what is about to be stored is stored before the answer, or not', async () => {
    const eve = await newEve()
    const { store } = stores()
    expect(await ways[way](eve, 0)).toBe(true)
    // Nothing of the process's own is what stands there.
    cluster.clock.stop()
    await store.write(() => undefined)
    store.hold()
    const first = ways[way](eve, 1)
    await store.reached()
    // Behind it, past all that is looked at before it is its turn.
    const second = ways[way](eve, 2).catch(() => false)
    await comesTrue(async () => await stores().metric('agentchat_queue_frames') > 0)
    let isAnswered = false
    const asked = lockouts[request]!.ask(eve).then(async () => {
      isAnswered = true
      return storedOf(eve)
    })
    await comesTrue(async () => isAnswered || await isWaitedFor())
    store.release()
    expect(await first).toBe(true)
    const then = await asked
    await second
    expect(await storedOf(eve)).toBe(then)
    cluster.clock.go()
    await eve.own[Symbol.asyncDispose]()
    await eve.there[Symbol.asyncDispose]()
  })

  test(`nothing is stored after the answer, in ${tries} tries`, async () => {
    for (let n = 0; n < tries; n++) {
      const eve = await newEve()
      let sent = 0
      let stored = 0
      let tellEnough = () => {}
      const enough = new Promise<void>(resolve => tellEnough = resolve)
      // She goes on and on, until she is refused.
      const lane = async () => {
        while (await ways[way](eve, ++sent).catch(() => false)) {
          stored++
          if (stored === before) tellEnough()
        }
      }
      const flood = Promise.all(Array.from({ length: lanes }, lane))
      await Promise.race([enough, flood.then(() => Promise.reject(new Error(`refused after ${stored}`)))])
      await lockouts[request]!.ask(eve)
      const then = await storedOf(eve)
      await flood
      expect(await storedOf(eve)).toBe(then)
      expect(then).toBeGreaterThanOrEqual(before)
      await eve.own[Symbol.asyncDispose]()
      await eve.there[Symbol.asyncDispose]()
    }
  }, 600_000)
})
