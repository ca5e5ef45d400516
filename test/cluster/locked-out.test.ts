// Who is locked out at one process stores nothing at another from the answer on, by whatever way it writes: what was on its way is stored
// before the answer or not at all. Held in its hand once for each way, at a process that hears nothing of it, and by chance: here once each, a
// thousand times in all with LOCKOUTS=1000.
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revocationText, rotationText, signHttpRequest } from '../../lib/identity/index.ts'
import { startTestCluster, type TestCluster } from '../kit/cluster.ts'
import type { TestRelay } from '../kit/relay.ts'
import { identityOf, newKey, signWith, type Key, type Wire } from '../kit/wire.ts'

const inAll = Number(process.env['LOCKOUTS'] ?? 1)
/** Writes of one writer that are under way at once, and those that are stored before it is locked out. */
const lanes = 4
const before = 8

/** Two processes: the first decides who is locked out, the second stores. */
interface Place {
  readonly cluster: TestCluster
  readonly boss: Wire
  readonly decides: TestRelay
  readonly stores: TestRelay
}

const placeOf = async (allowlistStrict: boolean): Promise<Place> => {
  const key = newKey()
  const limits = { addressRate: 0, addressFrameRate: 0, frameRate: 0 }
  const cluster = await startTestCluster(2, { adminAgents: [key.id], allowlistStrict, ...limits })
  const [decides, stores] = cluster.nodes
  const boss = await decides!.login('boss', { key, autojoin: false })
  return { cluster, boss, decides: decides!, stores: stores! }
}

/** One where anybody is admitted, and one where only approved keys are. */
const places: Place[] = []
beforeAll(async () => {
  for (const isStrict of [false, true]) places.push(await placeOf(isStrict))
}, 60_000)
afterAll(async () => {
  for (const { cluster } of places) await cluster[Symbol.asyncDispose]()
})

/** Each is at an address of her own. */
let addresses = 0

interface Eve {
  readonly place: Place
  readonly address: string
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
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** The status of the answer, and what it says. */
const post = (to: TestRelay, localAddress: string, { path, headers = {}, body }: Sent): Promise<{ status: number, text: string }> =>
  new Promise((resolve, reject) => {
    const asking = httpRequest(`${to.httpUrl}${path}`, { method: 'POST', headers, localAddress }, response => {
      let text = ''
      response.on('data', (data: Buffer) => text += data.toString()).on('end', () => resolve({ status: response.statusCode!, text }))
    })
    asking.on('error', reject)
    asking.end(body)
  })

/** @throws Error where it is left open whether that was stored */
const send = async ({ place: { stores }, address }: Eve, sent: Sent): Promise<number> => {
  const { status, text } = await post(stores, address, sent)
  if (status === 503) throw new Error(text)
  return status
}

const path = '/v1/channels/general/messages'
const json = { 'content-type': 'application/json' }

/** Ways to write in her name: each says whether it was stored. */
const ways = {
  'a WebSocket': async ({ there }, n) => (await there.answer({ type: 'MSG', to: '#general', content: `${n}`, id: `w${n}` })).type === 'ACK',
  'a token': async (eve, n) =>
    await send(eve, { path, headers: { ...json, authorization: `Bearer ${eve.token.token}` }, body: JSON.stringify({ content: `${n}` }) })
      === 201,
  'a signature': async (eve, n) => {
    const { key, place: { stores, cluster } } = eve
    const body = JSON.stringify({ content: `${n}` })
    const headers: Record<string, string> = { ...json, 'content-length': String(Buffer.byteLength(body)) }
    const signed = signHttpRequest(identityOf(key), {
      method: 'POST',
      authority: new URL(stores.httpUrl).host,
      path,
      query: '',
      header: name => headers[name],
      body: Buffer.from(body),
    }, cluster.clock.now())
    return await send(eve, { path, headers: { ...headers, ...signed }, body }) === 201
  },
  'a hook': async (eve, n) => await send(eve, { path: eve.hook.path, body: `${n}` }) === 202,
  'a hook that a token made': async (eve, n) => await send(eve, { path: eve.madeHook.path, body: `${n}` }) === 202,
} satisfies Record<string, (eve: Eve, n: number) => Promise<boolean>>

type Way = keyof typeof ways
const all: readonly Way[] = ['a WebSocket', 'a token', 'a signature', 'a hook']

/** What is asked at the first process, and which ways it closes. */
const lockouts: Readonly<Record<string, { readonly closes: readonly Way[], readonly isStrict?: true, ask(eve: Eve): Promise<unknown> }>> = {
  ADMIN_BAN: {
    closes: all,
    ask: ({ place: { boss }, key }) => boss.ask({ type: 'ADMIN_BAN', agent_id: key.id }, 'ADMIN_RESULT'),
  },
  'ADMIN_BAN of an address': {
    closes: all,
    ask: ({ place: { boss }, address }) => boss.ask({ type: 'ADMIN_BAN', address }, 'ADMIN_RESULT'),
  },
  ADMIN_REVOKE: {
    closes: all,
    isStrict: true,
    ask: ({ place: { boss }, key }) => boss.ask({ type: 'ADMIN_REVOKE', agent_id: key.id }, 'ADMIN_RESULT'),
  },
  REVOCATION: {
    closes: all,
    ask: ({ place: { boss, cluster }, key }) => {
      const notice = { pubkey: key.pem, agent_id: key.id.slice(1), reason: 'lost', timestamp: new Date(cluster.clock.now()).toISOString() }
      const signature = signWith(key, revocationText({ type: 'REVOCATION', ...notice }))
      return boss.ask({ type: 'REVOCATION', ...notice, signature }, 'OK')
    },
  },
  ROTATION: {
    closes: all,
    ask: async ({ place: { decides, cluster }, key }) => {
      const next = newKey()
      await using heir = await decides.login('heir', { key: next, autojoin: false })
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

const newEve = async (isStrict = false): Promise<Eve> => {
  const place = places[isStrict ? 1 : 0]!
  const { decides, stores, boss } = place
  const key = newKey()
  const address = `127.1.${++addresses >> 8}.${addresses & 255}`
  if (isStrict) await boss.ask({ type: 'ADMIN_APPROVE', pubkey: key.pem }, 'ADMIN_RESULT')
  const own = await decides.login('eve', { key, session: 'own', autojoin: false, from: address })
  const token = await own.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'send', 'manage'] }, 'TOKEN_CREATED')
  await own.ask({ type: 'JOIN', channel: '#general', limit: 0 }, 'JOINED')
  const hook = await own.ask({ type: 'HOOK_CREATE', to: '#general', kind: 'plain' }, 'HOOK_CREATED')
  const made = await post(decides, address, {
    path: '/v1/hooks',
    headers: { ...json, authorization: `Bearer ${token.token}` },
    body: JSON.stringify({ to: '#general', kind: 'plain' }),
  })
  expect(made.status).toBe(201)
  const there = await stores.login('eve', { key, session: 'there', frames: 0, from: address })
  return { place, address, key, own, token, hook, madeHook: JSON.parse(made.text) as { readonly path: string }, there }
}

const storedOf = async ({ place: { cluster }, key }: Eve): Promise<number> =>
  Number((await cluster.database.ask<{ n: number }>(`SELECT count(*)::int AS n FROM events WHERE author = '${key.id}'`))[0]!.n)

/** Whether somebody waits for another one's transaction. */
const isWaitedFor = async ({ cluster }: Place): Promise<boolean> => {
  const [row] = await cluster.database.ask<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  )
  return Number(row!.n) > 0
}

const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 10))
}

/** Resolves when each process knows all there is of the other. */
const areEven = async ({ cluster: { nodes } }: Place): Promise<void> => {
  for (const { httpUrl } of nodes)
    await comesTrue(async () => (await (await fetch(`${httpUrl}/health`)).json() as { nodes: { behind: number } }).nodes.behind === 0)
}

const cases = Object.entries(lockouts).flatMap(([request, { closes, isStrict }]) => closes.map(way => ({ request, way, isStrict })))
const tries = Math.ceil(inAll / cases.length)

describe.each(cases)('$request against $way', ({ request, way, isStrict }) => {
  test('what is about to be stored is stored before the answer, or not', async () => {
    const eve = await newEve(isStrict)
    const { cluster, stores } = eve.place
    const { store } = stores
    expect(await ways[way](eve, 0)).toBe(true)
    // Nothing of the process's own is what stands there.
    cluster.clock.stop()
    await store.write(() => undefined)
    store.hold()
    // She may be closed before she is answered: what was stored is, all the same.
    const first = ways[way](eve, 1).catch(() => undefined)
    await store.reached()
    // Behind it, past all that is looked at before it is its turn.
    const second = ways[way](eve, 2).catch(() => false)
    await comesTrue(async () => await stores.metric('agentchat_queue_frames') > 0)
    let isAnswered = false
    const asked = lockouts[request]!.ask(eve).then(async () => {
      isAnswered = true
      return storedOf(eve)
    })
    await comesTrue(async () => isAnswered || await isWaitedFor(eve.place))
    store.release()
    expect(await first).not.toBe(false)
    const then = await asked
    await second
    expect(then).toBeGreaterThanOrEqual(2)
    expect(await storedOf(eve)).toBe(then)
    cluster.clock.go()
    await eve.own[Symbol.asyncDispose]()
    await eve.there[Symbol.asyncDispose]()
  })

  test('what was stored and not yet answered is not told as refused', async () => {
    const eve = await newEve(isStrict)
    const { store } = eve.place.stores
    store.holdAnswers()
    const sent = ways[way](eve, 0).catch(() => undefined)
    await comesTrue(async () => await storedOf(eve) === 1)
    await lockouts[request]!.ask(eve)
    // Where she is closed at once, that is her answer.
    await Promise.race([sent, areEven(eve.place)])
    store.release()
    expect(await sent).not.toBe(false)
    await eve.own[Symbol.asyncDispose]()
    await eve.there[Symbol.asyncDispose]()
  })

  test('a process that hears nothing of it stores nothing after the answer', async () => {
    const eve = await newEve(isStrict)
    const { cluster: { buses, clock } } = eve.place
    expect(await ways[way](eve, 0)).toBe(true)
    // It does not look either.
    clock.stop()
    buses[0]!.isCut = true
    await lockouts[request]!.ask(eve)
    const then = await storedOf(eve)
    for (let n = 1; n < 3; n++) expect(await ways[way](eve, n).catch(() => false)).toBe(false)
    expect(await storedOf(eve)).toBe(then)
    buses[0]!.mend()
    clock.go()
    await areEven(eve.place)
    await eve.own[Symbol.asyncDispose]()
    await eve.there[Symbol.asyncDispose]()
  })

  test(`nothing is stored after the answer, in ${tries} tries`, async () => {
    for (let n = 0; n < tries; n++) {
      const eve = await newEve(isStrict)
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
