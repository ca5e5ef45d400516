// One identity at many relays: addresses with a host, resolved by signed documents over real HTTP, and what only looks like a relay there.
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { get } from 'node:https'
import type { AddressInfo, LookupFunction } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  MemoryKnownRelays,
  Network,
  RelayDoubtError,
  fetchDocument,
  resolveHost,
  type AddressError,
  type AgentId,
  type NetworkMessage,
  type NetworkOptions,
  type ReadDocument,
  type RelayDoubt,
  type ResolveOptions,
} from '../lib/index.ts'
import {
  generateKeyPair,
  identityFrom,
  makeRotation,
  serverDocumentText,
  serverIdOf,
  type LocalIdentity,
  type Rotation,
} from '../lib/identity/index.ts'
import { createVerify, wsTransport, wsTransportWith } from '../lib/node/index.ts'
import { addressGuard } from '../src/outbound/guard.ts'
import { newCertificate } from './kit/certificate.ts'
import { newIdentity } from './kit/client.ts'
import { paperRelay } from './kit/describe.ts'
import { newFolder } from './kit/folder.ts'
import { freePort } from './kit/port.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const threeRelays = async () => {
  const relays = await Promise.all(['a', 'b', 'c'].map(name => startTestRelay({ name })))
  onTestFinished(async () => {
    await Promise.all(relays.map(relay => relay.drain()))
  })
  return relays as [TestRelay, TestRelay, TestRelay]
}
const hostOf = ({ url }: { readonly url: string }): string => new URL(url).host
const newNetwork = (relays: readonly { readonly url: string }[], options: NetworkOptions = {}): Network => {
  const network = new Network({
    transport: wsTransport,
    verify: createVerify(),
    relays: relays.map(({ url }) => url),
    reconnect: false,
    ...options,
  })
  onTestFinished(() => network.close())
  return network
}
const take = async (messages: AsyncIterableIterator<NetworkMessage>, count: number) => {
  const taken: NetworkMessage[] = []
  for await (const message of messages) if (taken.push(message) === count) break
  return taken
}

/** A site that answers what it is told to, and counts what it is asked. */
const site = async (listener: RequestListener) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    listener(request, response)
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  onTestFinished(() =>
    new Promise<void>(resolve => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  )
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, host: hostOf({ url }), asked }
}
const serves = (describe: (url: string) => unknown) =>
  site((request, response) => response.end(JSON.stringify(describe(`ws://${request.headers.host}`))))

const resolving = (url: string, options: Partial<ResolveOptions> = {}) =>
  resolveHost(hostOf({ url }), {
    relays: [url],
    read: fetchDocument,
    knownRelays: new MemoryKnownRelays(),
    now: Date.now,
    timeoutMs: 5_000,
    ...options,
  })

test('names go to the relay that they say, over one connection each', async () => {
  const [a, b, c] = await threeRelays()
  const [ann, bob] = [newIdentity('ann'), newIdentity('bob')]
  const network = newNetwork([b, c], { server: a.url, identity: ann })
  const other = newNetwork([a, b, c], { identity: bob })
  const places = ['#general', `#general@${hostOf(b)}`, `#general@${hostOf(c)}`] as const
  const heard = other.messages([`#general@${hostOf(a)}`, places[1], places[2]])
  for (const host of [a, b, c].map(hostOf)) await other.join(`#general@${host}`, { limit: 0 })
  for (const place of places) {
    await network.join(place)
    expect(await network.send(place, `to ${place}`)).toMatchObject({ to: '#general', seq: 1 })
  }
  const messages = await take(await heard, 3)
  expect(
    messages.map(({ host, content, from, signature }) => ({ host, content, from, signature })).sort((x, y) =>
      x.content < y.content ? -1 : 1
    ),
  )
    .toEqual(
      [[a, places[0]] as const, [b, places[1]] as const, [c, places[2]] as const].map(([relay, place]) => ({
        host: hostOf(relay),
        content: `to ${place}`,
        from: ann.agentId,
        signature: 'valid',
      })).sort((x, y) => x.content < y.content ? -1 : 1),
    )
  // One session each, however much is asked at once.
  const clients = await Promise.all(Array.from({ length: 10 }, () => network.client(hostOf(b))))
  expect(new Set(clients).size).toBe(1)
  expect(network.hosts).toEqual([a, b, c].map(hostOf))
})

test('a host that nobody named is asked only by TLS, by name; every other spelling is refused before anything is asked', async () => {
  const asked: string[] = []
  const read: ReadDocument = url => {
    asked.push(url)
    return Promise.reject(new Error('away'))
  }
  const ask = (host: string) =>
    resolveHost(host, { relays: [], read, knownRelays: new MemoryKnownRelays(), now: Date.now }).then(() => 'found',
      (error: AddressError) => error.code)
  const refused = [
    'localhost',
    'localhost:6667',
    '127.0.0.1:6667',
    '10.0.0.1',
    '169.254.169.254',
    '192.168.1.1:8443',
    '203.0.113.9',
    '2130706433',
    '0x7f.1',
    '127.1',
    'relay',
    'relay:8443',
    'relay.local',
    'metadata.google.internal',
    'printer.lan',
    'x.localhost',
    'chat.example:443',
    'chat.example:99999',
    'a..b:x',
    'chat.example/x',
  ]
  for (const host of refused) expect(await ask(host), host).toBe('HOST_REFUSED')
  expect(asked).toEqual([])
  expect(await ask('chat.example')).toBe('HOST_UNREACHABLE')
  expect(await ask('chat.example:8443')).toBe('HOST_UNREACHABLE')
  expect(asked).toEqual(['https://chat.example/.well-known/agentchat.json', 'https://chat.example:8443/.well-known/agentchat.json'])
})

test('over the network a relay is dialled by TLS, whatever its document says', async () => {
  const paper = paperRelay()
  const found = (urls: readonly string[]) =>
    resolveHost('chat.example', {
      relays: [],
      read: () => Promise.resolve(JSON.stringify(paper.describe({ urls: [...urls] }))),
      knownRelays: new MemoryKnownRelays(),
      now: Date.now,
    })
  expect(await found(['ws://chat.example:80', 'wss://chat.example/relay'])).toMatchObject({
    url: 'wss://chat.example/relay',
    serverId: paper.serverId,
  })
  await expect(found(['ws://chat.example'])).rejects.toMatchObject({ code: 'OTHER_HOST' })
  await expect(found(['wss://chat.example:8443'])).rejects.toMatchObject({ code: 'OTHER_HOST' })
  await expect(found([])).rejects.toMatchObject({ code: 'OTHER_HOST', message: expect.stringContaining('--public-urls') as string })
})

describe('what only looks like the relay of a host', () => {
  const hour = 3_600_000
  const paper = paperRelay()
  test.each<[string, (url: string) => unknown, string]>([
    [
      'is signed by another key',
      url => ({ ...paper.describe({ urls: [url] }), sig: paperRelay().describe({ urls: [url] }).sig }),
      'DOCUMENT_INVALID',
    ],
    ['was changed', url => ({ ...paper.describe({ urls: ['wss://other.example'] }), urls: [url] }), 'DOCUMENT_INVALID'],
    [
      'is under the id of another key',
      url => ({ ...paper.describe({ urls: [url] }), server_id: paperRelay().serverId }),
      'DOCUMENT_INVALID',
    ],
    ['is over', url => paper.describe({ urls: [url], issued_at: Date.now() - 2 * hour }), 'DOCUMENT_EXPIRED'],
    ['is from the future', url => paper.describe({ urls: [url], issued_at: Date.now() + hour }), 'DOCUMENT_EXPIRED'],
    ['is that of another host', () => paper.describe({ urls: ['wss://chat.example'] }), 'OTHER_HOST'],
    ['is that of another port', url => paper.describe({ urls: [url.replace(/\d+$/, '1')] }), 'OTHER_HOST'],
    ['is no document', () => ({ hello: 'world' }), 'NO_DOCUMENT'],
    ['is larger than a document may be', url => ({ ...paper.describe({ urls: [url] }), more: 'x'.repeat(1_000_000) }), 'NO_DOCUMENT'],
    [
      'is nested without end',
      url => ({ ...paper.describe({ urls: [url] }), more: JSON.parse('['.repeat(3_000) + ']'.repeat(3_000)) as unknown }),
      'NO_DOCUMENT',
    ],
  ])('%s', async (_, describe, code) => {
    const { url } = await serves(describe)
    const knownRelays = new MemoryKnownRelays()
    await expect(resolving(url, { knownRelays })).rejects.toMatchObject({ name: 'AddressError', code, host: hostOf({ url }) })
    expect(knownRelays.get(url)).toBeUndefined()
  })

  test('points elsewhere: nobody follows', async () => {
    const inside = await serves(url => paper.describe({ urls: [url] }))
    for (const status of [301, 302, 307, 308]) {
      const { url } = await site((_, response) =>
        response.writeHead(status, { location: `http://${inside.host}/.well-known/agentchat.json` }).end()
      )
      await expect(resolving(url)).rejects.toMatchObject({ code: 'NO_DOCUMENT' })
    }
    expect(inside.asked).toEqual([])
  })

  test('never answers, never ends, or is not there', async () => {
    const silent = await site(() => undefined)
    await expect(resolving(silent.url, { timeoutMs: 50 })).rejects.toMatchObject({ name: 'TimeoutError' })
    let written = 0
    const endless = await site((_, response) => {
      response.write('{"')
      const more = () => {
        if (response.destroyed) return
        written += 4_096
        response.write('x'.repeat(4_096), () => setImmediate(more))
      }
      more()
    })
    await expect(resolving(endless.url)).rejects.toMatchObject({ code: 'NO_DOCUMENT' })
    expect(written).toBeLessThan(16 * 1024 * 1024)
    const stops = await site((_, response) => void response.write('{"format":'))
    await expect(resolving(stops.url, { timeoutMs: 50 })).rejects.toMatchObject({ name: 'TimeoutError' })
    await expect(resolving('ws://127.0.0.1:1')).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
    const gone = new AbortController()
    const waiting = resolving(silent.url, { signal: gone.signal })
    gone.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('a key', () => {
  const keyOf = () => identityFrom(generateKeyPair().privateKey)
  /** What a relay says that had these keys, the last one now. */
  const heir = (keys: readonly LocalIdentity[], url: string, rotations = handovers(keys)) => {
    const now = keys.at(-1)!
    const { sig: _, ...document } = paperRelay().describe({
      urls: [url],
      server_id: serverIdOf(now.publicKey),
      pubkey: now.publicKey,
      rotations: rotations.map(rotation => ({ ...rotation })),
    })
    return { ...document, sig: now.sign(serverDocumentText(document)) }
  }
  const handovers = (keys: readonly LocalIdentity[]) => keys.slice(1).map((next, n) => makeRotation(keys[n]!, next.publicKey, Date.now()))

  test('is kept when it is seen first, and another one is refused until somebody confirms it', async () => {
    let document: (url: string) => unknown = url => paperRelay('first').describe({ urls: [url] })
    const { url } = await serves(url => document(url))
    const [first, second] = [paperRelay(), paperRelay()]
    document = url => first.describe({ urls: [url] })
    const knownRelays = new MemoryKnownRelays()
    expect((await resolving(url, { knownRelays })).serverId).toBe(first.serverId)
    document = url => second.describe({ urls: [url] })
    const doubts: RelayDoubt[] = []
    const refusal = await resolving(url, { knownRelays, confirmRelay: doubt => doubts.push(doubt) < 0 }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(RelayDoubtError)
    expect(refusal).toMatchObject({ code: 'RELAY_CHANGED' })
    expect(doubts).toEqual([{ kind: 'changed', url, serverId: second.serverId, known: first.serverId }])
    expect(knownRelays.get(url)).toBe(first.serverId)
    expect((await resolving(url, { knownRelays, confirmRelay: () => true })).serverId).toBe(second.serverId)
    expect((await resolving(url, { knownRelays })).serverId).toBe(second.serverId)
  })

  test('that the former one signed over to is taken, over several keys too; a chain that lacks one, or is of others, is not', async () => {
    const keys = Array.from({ length: 4 }, keyOf)
    const known = (key: LocalIdentity, url: string) => {
      const knownRelays = new MemoryKnownRelays()
      knownRelays.remember(url, serverIdOf(key.publicKey))
      return knownRelays
    }
    let document: (url: string) => unknown = () => undefined
    const { url } = await serves(url => document(url))
    const refused = { code: 'RELAY_CHANGED' }
    document = url => heir(keys, url)
    for (const key of keys.slice(0, -1)) {
      const knownRelays = known(key, url)
      expect((await resolving(url, { knownRelays })).serverId).toBe(serverIdOf(keys.at(-1)!.publicKey))
      expect(knownRelays.get(url)).toBe(serverIdOf(keys.at(-1)!.publicKey))
    }
    await expect(resolving(url, { knownRelays: known(keyOf(), url) })).rejects.toMatchObject(refused)
    const [one, two, three] = handovers(keys) as [Rotation, Rotation, Rotation]
    const forged = { ...one, new_pubkey: keys[3]!.publicKey }
    const bent: readonly (readonly Rotation[])[] = [
      [],
      [one, two],
      [one, three],
      [two, one, three],
      [three, two, one],
      [forged],
      [{ ...one, signature: two.signature }, two, three],
      [{ ...one, timestamp: '2000-01-01T00:00:00.000Z' }, two, three],
      [one, two, three, makeRotation(keys[3]!, keyOf().publicKey, 0)],
    ]
    for (const rotations of bent) {
      document = url => heir(keys, url, [...rotations])
      await expect(resolving(url, { knownRelays: known(keys[0]!, url) }), JSON.stringify(rotations.length)).rejects.toMatchObject(refused)
    }
  })

  test('is not spoken for by a copy of its document at another host', async () => {
    const [relay] = await threeRelays()
    const copy = await (await fetch(`${relay.httpUrl}/.well-known/agentchat.json`)).json() as object
    const thief = await site((_, response) => response.end(JSON.stringify(copy)))
    const network = newNetwork([thief], { identity: newIdentity('ann') })
    await expect(network.client(thief.host)).rejects.toMatchObject({ code: 'OTHER_HOST' })
    expect(network.hosts).toEqual([])
  })
})

test('two names of this machine are one host; a client that ended is opened anew; a closed network stays closed', async () => {
  const relay = await startTestRelay()
  onTestFinished(() => relay.drain())
  const [numeric, named] = [relay.url, relay.url.replace('127.0.0.1', 'localhost')]
  const network = newNetwork([{ url: numeric }, { url: named }], { identity: newIdentity('ann') })
  const [one, other] = await Promise.all([network.client(hostOf({ url: numeric })), network.client(hostOf({ url: named }))])
  expect(one).toBe(other)
  await one.close()
  const next = await network.client(hostOf({ url: numeric }))
  expect(next).not.toBe(one)
  expect(next.state).toBe('open')
  await network.close()
  expect(next.state).toBe('closed')
  await expect(network.client(hostOf({ url: numeric }))).rejects.toMatchObject({ code: 'CLOSED' })
})

test('what fails is tried again when it is asked for again; no more relays than are allowed; no host and no home is said', async () => {
  const [a, b] = await threeRelays()
  let isAway = true
  const network = newNetwork([a, b], {
    readDocument: (...asked) => isAway ? Promise.reject(new Error('away')) : fetchDocument(...asked),
    maxRelays: 1,
  })
  await expect(network.client(hostOf(a))).rejects.toMatchObject({ code: 'HOST_UNREACHABLE', host: hostOf(a) })
  isAway = false
  expect((await network.client(hostOf(a))).state).toBe('open')
  await expect(network.client(hostOf(b))).rejects.toMatchObject({ code: 'TOO_MANY_RELAYS' })
  await expect(network.send('#general', 'hi')).rejects.toMatchObject({ code: 'NO_HOST' })
})

test('a client that ends takes no other with it that is still being looked for', async () => {
  const [a, b] = await threeRelays()
  let answer: () => void = () => undefined
  const asked = new Promise<void>(resolve => answer = resolve)
  const network = newNetwork([b], {
    server: a.url,
    identity: newIdentity('ann'),
    readDocument: async (...args) => {
      await asked
      return fetchDocument(...args)
    },
    prepare: (client, host) => {
      if (host === hostOf(a)) void client.close()
    },
  })
  const there = network.client(hostOf(b))
  await expect(network.client()).rejects.toMatchObject({ code: 'CLOSED' })
  expect(network.hosts).toEqual([hostOf(b)])
  answer()
  const client = await there
  await network.close()
  expect(client.state).toBe('closed')
})

test('a deal is made at the relay that its address names, and held there', async () => {
  const [a, b] = await threeRelays()
  const [ann, bob] = [newIdentity('ann'), newIdentity('bob')]
  const [payer, worker] = [newNetwork([b], { server: a.url, identity: ann }), newNetwork([b], { identity: bob })]
  await worker.client(hostOf(b))
  const { client, name, host } = await payer.at(`${bob.agentId}@${hostOf(b)}`)
  const { proposalId } = await client.trade.propose(name as AgentId, { task: 'write it' })
  const held = await worker.at(`${proposalId}@${host}`)
  expect(await held.client.trade.accept(held.name)).toMatchObject({ status: 'accepted' })
  await expect((await payer.client()).trade.get(proposalId)).rejects.toMatchObject({ code: 'PROPOSAL_NOT_FOUND' })
})

describe('by TLS', () => {
  /** A relay at `chat.example`, as a certificate has it, and a machine whose names all lead to this one. */
  const scene = async (certified: string, names: readonly string[] = ['chat.example']) => {
    const folder = newFolder()
    onTestFinished(() => folder[Symbol.dispose]())
    const { cert, key } = newCertificate(folder, certified)
    const port = await freePort()
    const hosts = names.map(name => `${name}:${port}`)
    const host = hosts[0]!
    const relay = await startTestRelay({ port, cert, key, publicUrls: hosts.map(host => `wss://${host}`) })
    onTestFinished(() => relay.drain())
    const ca = readFileSync(cert, 'utf8')
    const leadsHere = (allow: readonly string[]) =>
      addressGuard({ allow }, () => Promise.resolve([{ address: '127.0.0.1', family: 4 }])).lookup
    const networkBy = (lookup: LookupFunction) =>
      newNetwork([], {
        identity: newIdentity('ann'),
        transport: wsTransportWith({ ca, lookup }),
        readDocument: url =>
          new Promise((resolve, reject) => {
            get(url, { ca, lookup: leadsHere(['127.0.0.1']), agent: false }, response => {
              response.setEncoding('utf8').toArray().then(parts => resolve(parts.join('')), reject)
            }).on('error', reject)
          }),
      })
    return { host, hosts, relay, networkBy, leadsHere }
  }

  test('a host that nobody named is dialled where its document says', async () => {
    const { host, relay, networkBy, leadsHere } = await scene('chat.example')
    const network = networkBy(leadsHere(['127.0.0.1']))
    await network.join(`#general@${host}`)
    expect(await network.send(`#general@${host}`, 'hello')).toMatchObject({ seq: 1 })
    expect((await network.client(host)).relayId).toBe(relay.serverId)
  })

  test('a relay of two hosts is connected to once, by whichever is asked for first', async () => {
    const { hosts, networkBy, leadsHere } = await scene('*.chat.example', ['eu.chat.example', 'us.chat.example'])
    const network = networkBy(leadsHere(['127.0.0.1']))
    const [one, other] = await Promise.all(hosts.map(host => network.client(host)))
    expect(one).toBe(other)
    expect(one!.state).toBe('open')
    await one!.close()
    expect(network.hosts).toEqual([])
    expect((await network.client(hosts[1])).state).toBe('open')
  })

  test('what has another name on its certificate is not it', async () => {
    const { host, networkBy, leadsHere } = await scene('other.example')
    await expect(networkBy(leadsHere(['127.0.0.1'])).client(host)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  test('a name that leads to a private address when it is dialled is not connected to', async () => {
    const { host, networkBy, leadsHere } = await scene('chat.example')
    await expect(networkBy(leadsHere([])).client(host)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('may not be reached') as string,
    })
  })
})

test('what pages of other origins ask a relay first, they may read, also when it has not changed', async () => {
  const relay = await startTestRelay()
  onTestFinished(() => relay.drain())
  const page = `${relay.httpUrl}/.well-known/agentchat.json`
  const first = await fetch(page)
  expect(first.headers.get('access-control-allow-origin')).toBe('*')
  expect((await fetch(`${relay.httpUrl}/health`)).headers.get('access-control-allow-origin')).toBeNull()
  relay.clock.stop()
  const again = await fetch(page)
  const unchanged = await fetch(page, { headers: { 'if-none-match': again.headers.get('etag')! } })
  expect(unchanged.status).toBe(304)
  expect(unchanged.headers.get('access-control-allow-origin')).toBe('*')
})
