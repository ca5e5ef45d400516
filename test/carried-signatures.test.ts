// Signatures that somebody carries elsewhere: a relay that hands on another one's challenge, one that claims another one's identity, and
// relays that are not where they were. What the victim signs is good nowhere but where it is.
import { expect, test } from 'vitest'
import {
  AgentChatClient,
  MemoryKnownRelays,
  ProtocolError,
  RelayDoubtError,
  RelayError,
  type AgentId,
  type ClientOptions,
  type RelayDoubt,
} from '../lib/index.ts'
import { generateKeyPair } from '../lib/identity/index.ts'
import { createVerify, nodeIdentity, wsTransport } from '../lib/node/index.ts'
import { exits } from '../src/cli/exit.ts'
import { Cli } from './kit/cli.ts'
import { statusOf } from './kit/client.ts'
import { startGoBetween, type Trick } from './kit/go-between.ts'
import { freePort } from './kit/port.ts'
import { startTestRelay } from './kit/relay.ts'
import { adminKey, newTrader } from './kit/trade.ts'
import { newKey } from './kit/wire.ts'

const newIdentity = (name: string) => nodeIdentity(generateKeyPair().privateKey, { name })

const clientOf = (server: string, options: Partial<ClientOptions> = {}): AgentChatClient & AsyncDisposable => {
  const client = new AgentChatClient({ server, transport: wsTransport, verify: createVerify(), reconnect: false, ...options })
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

/** What a hostile relay may try so that its visitor signs something that is good at the other one. */
const tricks = (relayUrl: string): Readonly<Record<string, Trick>> => ({
  'hands everything on': {},
  'begins the login by the older text': { toRelay: ({ nonce: _, origin: __, ...frame }) => frame },
  'begins the login for the address of the other relay': {
    toRelay: frame => frame.type === 'IDENTIFY' ? { ...frame, origin: relayUrl } : frame,
  },
  'leaves the proof out': {
    toRelay: frame => frame.type === 'IDENTIFY' ? { ...frame, origin: relayUrl } : frame,
    toVisitor: ({ relay_sig: _, relay_key: __, ...frame }) => frame,
  },
  'leaves everything newer out': {
    toRelay: ({ nonce: _, origin: __, ...frame }) => frame,
    toVisitor: ({ server_id: _, relay_sig: __, relay_key: ___, ...frame }) => frame,
  },
})

const trickNames = Object.keys(tricks(''))

test.each(trickNames)('a relay that %s is not logged in at another relay as its visitor', async name => {
  await using relay = await startTestRelay()
  const identity = newIdentity('alice')
  await using between = await startGoBetween(relay.url, tricks(relay.url)[name])
  await using alice = clientOf(between.url, { identity })
  const error: unknown = await alice.connect().catch((error: unknown) => error)
  expect(error instanceof ProtocolError || error instanceof RelayError).toBe(true)
  expect(['RELAY_UNPROVED', 'ORIGIN_UNKNOWN']).toContain((error as ProtocolError | RelayError).code)
  expect(between.asked.map(({ type }) => type)).toEqual(['IDENTIFY'])
  expect(between.isIn).toBe(false)
  expect(await relay.metric('agentchat_agents')).toBe(0)
  // Where the visitor wanted to be, nothing stands in its way.
  await using there = clientOf(relay.url, { identity })
  expect(await there.connect()).toMatchObject({ agentId: identity.agentId })
  expect(there.relayId).toBe(relay.serverId)
})

test('who is told to sign older texts is logged in elsewhere, by both of them, unless the other relay takes none', async () => {
  for (
    const [settings, name, isIn] of [
      [{}, 'begins the login by the older text', true],
      [{}, 'leaves everything newer out', true],
      [{ legacyLogin: false }, 'begins the login by the older text', false],
      [{ legacyLogin: false }, 'leaves everything newer out', false],
    ] as const
  ) {
    await using relay = await startTestRelay(settings)
    await using between = await startGoBetween(relay.url, tricks(relay.url)[name])
    await using alice = clientOf(between.url, { identity: newIdentity('alice'), legacyLogin: true })
    await alice.connect().catch(() => undefined)
    expect(between.isIn, JSON.stringify(settings)).toBe(isIn)
  }
})

test('an admin that visits a hostile relay credits nobody', async () => {
  const identity = newIdentity('admin')
  await using relay = await startTestRelay({ adminAgents: [identity.agentId] })
  await using mallory = await newTrader(relay, 'mallory')
  for (const name of trickNames) {
    await using between = await startGoBetween(relay.url, tricks(relay.url)[name])
    await using admin = clientOf(between.url, { identity })
    await admin.connect().catch(() => undefined)
    between.say({ type: 'ADMIN_CREDIT', agent_id: mallory.id, currency: 'USD', amount_minor: 5_000, note: 'from nowhere', id: 'credit' })
    between.say({ type: 'PING', id: 'after' })
    await expect.poll(() => between.heard.find(({ re }) => re === 'after')).toBeDefined()
    expect(between.heard.find(({ re }) => re === 'credit'), name).toMatchObject({ type: 'ERROR' })
  }
  expect(await mallory.balance()).toEqual([0, 0])
})

test('a transfer that is signed on a relay which claims the identity of another one moves no money there', async () => {
  await using relay = await startTestRelay({ adminKey })
  const identity = newIdentity('alice')
  await using mallory = await newTrader(relay, 'mallory')
  {
    await using alice = clientOf(relay.url, { identity })
    await alice.connect()
    await alice.request('ADMIN_CREDIT', {
      admin_key: adminKey,
      agent_id: identity.agentId,
      currency: 'USD',
      amount_minor: 5_000,
      note: 'for the test',
    })
  }
  // Its own key, the name of the other: the most that it can prove.
  await using claiming = await startTestRelay()
  for (
    const claim of [
      (frame: object) => ({ ...frame, ...('server_id' in frame && { server_id: relay.serverId }) }),
      (frame: object) => ({
        ...frame,
        ...('server_id' in frame && { server_id: relay.serverId, relay_key: undefined, relay_sig: undefined }),
      }),
    ]
  ) {
    await using between = await startGoBetween(claiming.url, { toVisitor: frame => claim(frame) as typeof frame })
    await using alice = clientOf(between.url, { identity })
    const moved = alice.connect().then(() => alice.trade.transfer(mallory.id as AgentId, 5_000, 'USD'))
    await expect(moved).rejects.toThrow()
    expect(between.asked.filter(({ type }) => type === 'TRANSFER')).toEqual([])
  }
  expect(await mallory.balance()).toEqual([0, 0])
  await using alice = clientOf(relay.url, { identity })
  await alice.connect()
  expect(await alice.trade.balance()).toMatchObject([{ currency: 'USD', amountMinor: 5_000 }])
})

test('a transfer that was signed in one session is good in no other, at no other relay', async () => {
  await using relay = await startTestRelay({ adminKey })
  await using other = await startTestRelay({ adminKey })
  const key = newKey()
  await using mallory = await newTrader(relay, 'mallory')
  await using alice = await newTrader(relay, 'alice', { USD: 5_000 }, key, 3)
  await using visiting = await newTrader(other, 'alice', { USD: 5_000 }, key, 3)
  const fields = { to: mallory.id, currency: 'USD', amount_minor: 5_000 }
  // As it was signed there; and there with this relay's name in it, as a client would that believes what it is told.
  for (const stamp of [{}, { relay: relay.serverId }]) {
    const carried = visiting.sign('TRANSFER', fields, stamp)
    expect((await alice.wire.refusal(carried)).code).toBe('VERIFICATION_FAILED')
  }
  expect(await mallory.balance()).toEqual([0, 0])
})

test('another relay than the one that was known at an address gets no signature until that is confirmed', async () => {
  const port = await freePort()
  const url = `ws://127.0.0.1:${port}`
  const knownRelays = new MemoryKnownRelays()
  const identity = newIdentity('alice')
  const doubts: RelayDoubt[] = []
  const connect = async (options: Partial<ClientOptions> = {}) => {
    await using client = clientOf(url, { identity, knownRelays, ...options })
    return (await client.connect()).serverId
  }
  let serverId: string
  {
    await using relay = await startTestRelay({ port })
    serverId = relay.serverId
    expect(await connect()).toBe(serverId)
    // By another name of this machine it is the same address.
    expect(knownRelays.get(`ws://localhost:${port}`)).toBe(serverId)
  }
  {
    await using moved = await startTestRelay({ port })
    const refused = await connect().catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(RelayDoubtError)
    expect((refused as RelayDoubtError).doubt).toEqual({ kind: 'changed', url: url, serverId: moved.serverId, known: serverId })
    // Without a key there is nothing to lose: it is told, and not remembered.
    await using guest = clientOf(url, { name: 'guest', knownRelays })
    const told = statusOf(guest, 'relay-doubt')
    await guest.connect()
    expect((await told).doubt).toMatchObject({ kind: 'changed', known: serverId })
    expect(knownRelays.get(url)).toBe(serverId)
    const confirmRelay = (doubt: RelayDoubt) => {
      doubts.push(doubt)
      return doubts.length > 1
    }
    await expect(connect({ confirmRelay })).rejects.toBeInstanceOf(RelayDoubtError)
    expect(await connect({ confirmRelay })).toBe(moved.serverId)
    expect(await connect()).toBe(moved.serverId)
    expect(doubts).toHaveLength(2)
  }
})

test('a relay at a second address of its own is known there once it is confirmed', async () => {
  const port = await freePort()
  await using first = await startGoBetween(`ws://127.0.0.1:${port}`)
  await using second = await startGoBetween(`ws://127.0.0.1:${port}`)
  // Two doors of one relay: both named by its operator, so that it proves itself behind either.
  await using relay = await startTestRelay({ port, publicUrls: [first.url, second.url] })
  const knownRelays = new MemoryKnownRelays()
  const identity = newIdentity('alice')
  const connect = async (url: string, options: Partial<ClientOptions> = {}) => {
    await using client = clientOf(url, { identity, knownRelays, ...options })
    await client.connect()
  }
  await connect(first.url)
  const error = await connect(second.url).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'RELAY_ELSEWHERE', doubt: { kind: 'elsewhere', url: second.url, serverId: relay.serverId } })
  await connect(second.url, { confirmRelay: ({ kind }) => kind === 'elsewhere' })
  await connect(second.url)
  await connect(first.url)
})

test('agentchat: what it refuses it explains, and both switches are said by hand', async () => {
  using cli = new Cli()
  await cli.run(['identity', 'generate', '--name', 'ann', '-f', cli.at('ann.json')])
  const ann = ['-i', cli.at('ann.json')]
  {
    await using relay = await startTestRelay({ publicUrls: ['wss://chat.example'] })
    expect(await cli.run(['channels', relay.url, ...ann])).toMatchObject({
      code: exits.auth.code,
      stderr: expect.stringMatching(/answers for wss:\/\/chat\.example.*publicUrls.*\n.*--public-urls/) as string,
    })
    await using old = await startGoBetween(relay.url, tricks('')['begins the login by the older text'])
    expect(await cli.run(['channels', old.url, ...ann])).toMatchObject({
      code: exits.auth.code,
      stderr: expect.stringContaining('--legacy-login') as string,
    })
    expect((await cli.run(['channels', old.url, '--legacy-login', ...ann])).code).toBe(0)
    // What is not proved is not remembered.
    await using other = await startGoBetween(relay.url, tricks('')['begins the login by the older text'])
    expect((await cli.run(['channels', other.url, '--legacy-login', ...ann])).code).toBe(0)
  }
  const port = await freePort()
  await using first = await startGoBetween(`ws://127.0.0.1:${port}`)
  await using second = await startGoBetween(`ws://127.0.0.1:${port}`)
  await using _relay = await startTestRelay({ port, publicUrls: [first.url, second.url] })
  expect((await cli.run(['channels', first.url, ...ann])).code).toBe(0)
  expect(await cli.run(['channels', second.url, ...ann])).toMatchObject({
    code: exits.auth.code,
    stderr: expect.stringMatching(/IS THE ONE THAT IS KNOWN AT.*\n.*--accept-new-relay-key/) as string,
  })
  // Without a key it is told, and goes on.
  expect(await cli.run(['channels', second.url])).toMatchObject({ code: 0, stderr: expect.stringContaining('IS KNOWN AT') as string })
  expect((await cli.run(['channels', second.url, '--accept-new-relay-key', ...ann])).code).toBe(0)
  expect((await cli.run(['channels', second.url, ...ann])).code).toBe(0)
})
