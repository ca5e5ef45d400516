// Relays that describe themselves, and directories that list them: announced, asked back, listed, looked at, forgotten; and
// everything that must not get in.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { serverDocumentProblem } from '../lib/identity/index.ts'
import { ServerDocument } from '../lib/protocol/index.ts'
import { StorageError } from '../src/app.ts'
import { paperRelay } from './kit/describe.ts'
import { freePort } from './kit/port.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

interface Entry {
  readonly document: ServerDocument
  readonly status: {
    readonly state: string
    readonly online: boolean
    readonly problem: string | null
    readonly uptime_day: number | null
    readonly uptime_week: number | null
    readonly agents: number | null
    readonly latency_ms: number | null
  }
}
interface Listing {
  readonly format: string
  readonly total: number
  readonly servers: readonly Entry[]
  readonly next?: string
}

/** Twenty times as often as ever. */
const pace = { sweepMs: 50 }
const loopback = { outboundAllow: ['127.0.0.1'] }
const startDirectory = (overrides: Parameters<typeof startTestRelay>[0] = {}) =>
  startTestRelay({ directory: true, name: 'directory', ...loopback, ...overrides }, { pace })

const get = async <T>(relay: TestRelay, path: string): Promise<T> => await (await fetch(`${relay.httpUrl}${path}`)).json() as T
const self = (relay: TestRelay) => get<ServerDocument>(relay, '/.well-known/agentchat.json')
const list = (relay: TestRelay, query = '') => get<Listing>(relay, `/directory/servers${query}`)
const entry = (relay: TestRelay, id: string) => get<Entry>(relay, `/directory/servers/${id}`)
const post = (relay: TestRelay, body: unknown) =>
  fetch(`${relay.httpUrl}/directory/servers`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })
const refusal = async (response: Response) => [response.status, (await response.json() as { error: string }).error]

/** Asks again until it holds: probes and sweeps take their turns. */
const eventually = async <T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => {
  for (let tries = 0;; tries++) {
    const value = await ask()
    if (holds(value)) return value
    if (tries === 200) throw new Error(`waited in vain; last: ${JSON.stringify(value)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
const listed = (directory: TestRelay, id: string, state = 'listed') =>
  eventually(() => entry(directory, id), found => (found as Partial<Entry>).status?.state === state)

const site = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

describe('a relay describes itself', () => {
  test('signed by its key, with an end, and in agreement with /health', async () => {
    await using relay = await startTestRelay({
      name: 'workshop',
      description: 'Where builders meet',
      region: 'eu',
      contact: 'mailto:ops@relay.example',
      publicUrls: ['wss://relay.example'],
      retentionCount: 500,
    })
    await using alice = await relay.login('alice')
    const document = await self(relay)
    expect(ServerDocument.parse(document)).toEqual(document)
    expect(serverDocumentProblem(document, { now: relay.clock.now() })).toBeUndefined()
    const health = await get<
      {
        server: string
        version: string
        status: string
        agents: { connected: number, with_identity: number }
        channels: { total: number, public: number }
        started_at: string
        uptime_seconds: number
      }
    >(relay, '/health')
    expect(document).toMatchObject({
      server_id: relay.serverId,
      name: 'workshop',
      description: 'Where builders meet',
      region: 'eu',
      urls: ['wss://relay.example'],
      protocol: 'agentchat/1',
      policies: { registration: 'open', retention: { count: 500 }, contact: 'mailto:ops@relay.example' },
      version: health.version,
      status: health.status,
      started_at: Date.parse(health.started_at),
      counts: {
        agents: health.agents.connected,
        with_identity: health.agents.with_identity,
        channels: health.channels.total,
        public_channels: health.channels.public,
      },
    })
    expect(document.counts.agents).toBe(1)
    expect(Math.abs(document.uptime_seconds - health.uptime_seconds)).toBeLessThanOrEqual(1)
    expect(document.expires_at).toBeGreaterThan(document.issued_at)
    expect(await (await fetch(`${relay.httpUrl}/readyz`)).text()).toBe('ready\n')
    for (const change of [{ name: 'other' }, { urls: ['wss://elsewhere.example'] }, { added: 1 }])
      expect(serverDocumentProblem({ ...document, ...change }, { now: relay.clock.now() })).toBe('signature')
    expect(serverDocumentProblem({ ...document, pubkey: paperRelay().publicKey }, { now: relay.clock.now() })).toBe('key')
    expect(serverDocumentProblem(document, { now: document.expires_at })).toBe('expired')
    expect(serverDocumentProblem(document, { now: document.issued_at - 10 * 60_000 })).toBe('early')
    await alice.barrier()
  })

  test('healthy, draining, or unable to write: every page says the same', async () => {
    await using relay = await startTestRelay()
    await using alice = await relay.login('alice')
    const states = async () => [
      (await self(relay)).status,
      (await get<{ status: string }>(relay, '/health')).status,
      (await fetch(`${relay.httpUrl}/readyz`)).status,
      (await fetch(`${relay.httpUrl}/healthz`)).status,
    ]
    expect(await states()).toEqual(['healthy', 'healthy', 200, 200])
    relay.store.tamper = method => {
      if (method === 'append') throw new StorageError('disk full', 'free some space')
    }
    await alice.refusal({ type: 'MSG', to: '#general', content: 'x' })
    expect(await states()).toEqual(['degraded', 'degraded', 503, 200])
    relay.store.tamper = undefined
    await alice.close()
  })

  test('and stands in a catalog for agents that look there', async () => {
    await using relay = await startDirectory({ publicUrls: ['wss://relay.example'] })
    const response = await fetch(`${relay.httpUrl}/.well-known/ai-catalog.json`)
    expect(response.headers.get('content-type')).toBe('application/ai-catalog+json')
    expect(await response.json()).toMatchObject({
      specVersion: '1.0',
      host: { displayName: 'directory' },
      entries: [{ type: 'application/vnd.agentchat.server+json', url: 'https://relay.example/.well-known/agentchat.json' }, {
        url: 'https://relay.example/directory/servers',
      }, { type: 'application/mcp-server-card+json', url: 'https://relay.example/mcp/server-card' }],
    })
  })
})

describe('a directory', () => {
  test('lists a relay once it has answered with the announced key; announced by itself, by HTTP and over the wire', async () => {
    await using directory = await startDirectory()
    await using scheduled = await startTestRelay({ name: 'scheduled', announce: [directory.httpUrl], ...loopback }, { pace })
    await using posted = await startTestRelay({ name: 'posted' })
    await using wired = await startTestRelay({ name: 'wired' })
    const response = await post(directory, await self(posted))
    expect([response.status, response.headers.get('location')]).toEqual([202, `/directory/servers/${posted.serverId}`])
    await using alice = await directory.login('alice')
    expect(await alice.ask({ type: 'ANNOUNCE', server: await self(wired) }, 'ANNOUNCED')).toMatchObject({
      server_id: wired.serverId,
      status: 'pending',
    })
    for (const relay of [scheduled, posted, wired]) {
      const { document, status } = await listed(directory, relay.serverId)
      expect(serverDocumentProblem(document, { now: Date.now() })).toBeUndefined()
      expect(status).toMatchObject({ online: true, problem: null, uptime_day: 1, uptime_week: 1, agents: 0 })
    }
    expect((await list(directory)).servers.map(({ document }) => document.name).sort()).toEqual(['posted', 'scheduled', 'wired'])
    expect((await post(directory, await self(posted))).status).toBe(200)
    await using elsewhere = await posted.login('bob')
    expect(await elsewhere.refusal({ type: 'ANNOUNCE', server: await self(wired) })).toMatchObject({
      code: 'INVALID_MSG',
      message: 'This relay is no directory',
    })
    expect((await fetch(`${posted.httpUrl}/directory/servers`)).status).toBe(404)
  })

  test('asks back: what is not at its address, or somebody else there, is not listed', async () => {
    await using directory = await startDirectory()
    await using real = await startTestRelay({ name: 'real' })
    const [realUrl] = (await self(real)).urls
    const impostor = paperRelay('impostor')
    const absent = paperRelay('absent')
    await using silent = await site((_request, response) => response.end('hello'))
    await using away = await site((_request, response) =>
      response.writeHead(302, { location: `${real.httpUrl}/.well-known/agentchat.json` }).end()
    )
    const elsewhere = paperRelay('elsewhere')
    expect((await post(directory, impostor.describe({ urls: [realUrl!] }))).status).toBe(202)
    expect((await post(directory, absent.describe({ urls: [silent.url] }))).status).toBe(202)
    expect((await post(directory, elsewhere.describe({ urls: [away.url] }))).status).toBe(202)
    expect((await listed(directory, impostor.serverId, 'refused')).status.problem).toBe('another key answers at its address')
    // Whoever announces again is told why.
    expect(await (await post(directory, impostor.describe({ urls: [realUrl!], issued_at: Date.now() + 1 }))).json()).toMatchObject({
      status: 'pending',
      problem: 'another key answers at its address',
    })
    const waiting = await eventually(() => entry(directory, absent.serverId), found => found.status.problem !== null)
    expect(waiting.status).toMatchObject({ state: 'pending', problem: 'it answers 200, and not in JSON' })
    expect((await eventually(() => entry(directory, elsewhere.serverId), found => found.status.problem !== null)).status.problem).toBe('it '
      + 'answers 302')
    expect((await list(directory)).total).toBe(0)
  })

  test('does not reach where it must not: private, link-local and wrapped addresses', async () => {
    await using directory = await startDirectory({ outboundAllow: [] })
    await using real = await startTestRelay({ name: 'real' })
    const ids: string[] = []
    for (
      const url of [(await self(real)).urls[0]!, 'ws://169.254.169.254', 'ws://[::ffff:127.0.0.1]:80', 'ws://10.0.0.1', 'ws://localhost:1']
    ) {
      const relay = paperRelay()
      ids.push(relay.serverId)
      expect((await post(directory, relay.describe({ urls: [url] }))).status).toBe(202)
    }
    for (const id of ids)
      expect((await eventually(() => entry(directory, id), found => found.status.problem !== null)).status.problem).toMatch(
        /may not be reached/,
      )
  })

  test('refuses what is forged, replayed, over, from the future, too large or no description, with its error', async () => {
    await using directory = await startDirectory()
    const relay = paperRelay()
    const now = directory.clock.now()
    const good = relay.describe({ issued_at: now, urls: ['wss://relay.example'] })
    expect(await refusal(await post(directory, { ...good, name: 'forged' }))).toEqual([403, 'VERIFICATION_FAILED'])
    expect(await refusal(await post(directory, paperRelay().describe({ server_id: relay.serverId })))).toEqual([403, 'VERIFICATION_FAILED'])
    expect(await refusal(await post(directory, relay.describe({ issued_at: now - 7_200_000 })))).toEqual([409, 'VERIFICATION_EXPIRED'])
    expect(await refusal(await post(directory, relay.describe({ issued_at: now + 3_600_000 })))).toEqual([409, 'VERIFICATION_EXPIRED'])
    expect(await refusal(await post(directory, relay.describe({ urls: [] })))).toEqual([400, 'INVALID_MSG'])
    expect(await refusal(await post(directory, { ...good, half: '\ud800' }))).toEqual([403, 'VERIFICATION_FAILED'])
    expect(await refusal(await post(directory, { ...good, pubkey: 'no key' }))).toEqual([403, 'VERIFICATION_FAILED'])
    for (
      const wrong of [
        'not JSON',
        '[]',
        '{}',
        { ...good, format: 'agentchat-server/2' },
        relay.describe({ name: 'red \u001b[31m' }),
        relay.describe({ name: 'turned \u202e' }),
        relay.describe({ urls: ['http://relay.example'] }),
        relay.describe({ urls: ['wss://user:secret@relay.example'] }),
        relay.describe({ padding: 'x'.repeat(20_000) }),
        relay.describe({ deep: JSON.parse('['.repeat(40) + ']'.repeat(40)) as unknown }),
      ]
    ) expect(await refusal(await post(directory, wrong))).toEqual([400, 'INVALID_MSG'])
    expect((await post(directory, 'x'.repeat(70_000))).status).toBe(413)
    expect((await post(directory, good)).status).toBe(202)
    expect((await post(directory, good)).status).toBe(202)
    expect(await refusal(await post(directory, relay.describe({ issued_at: now - 1_000 })))).toEqual([409, 'VERIFICATION_EXPIRED'])
  })

  test('bounds what waits of one announcer, and what it holds in all; what is over makes room', async () => {
    await using directory = await startDirectory({ outboundAllow: [] })
    directory.clock.stop()
    const answers: number[] = []
    for (let n = 0; n < 22; n++)
      answers.push(
        (await post(directory, paperRelay().describe({ issued_at: directory.clock.now(), urls: [`wss://r${n}.example`] }))).status,
      )
    expect(answers).toEqual([...Array<number>(20).fill(202), 429, 429])
    await using small = await startDirectory({ maxServers: 3, outboundAllow: [] })
    small.clock.stop()
    const next = () => post(small, paperRelay().describe({ issued_at: small.clock.now(), urls: ['wss://r.example'] }))
    for (let n = 0; n < 3; n++) expect((await next()).status).toBe(202)
    expect(await refusal(await next())).toEqual([503, 'LIMIT_REACHED'])
    small.clock.advance(3_600_000 + 1)
    expect((await next()).status).toBe(202)
  })

  test('pages are paced by the address that asks', async () => {
    await using directory = await startDirectory({ msgRate: 1, addressRate: 1, addressBurst: 3 })
    const answers = []
    for (let n = 0; n < 5; n++) answers.push((await fetch(`${directory.httpUrl}/directory/servers`)).status)
    expect(answers.slice(0, 3)).toEqual([200, 200, 200])
    expect(answers).toContain(429)
    expect((await fetch(`${directory.httpUrl}/health`)).status).toBe(200)
  })

  test('takes off who announces itself no more, remembers its uptime, and lists it again when it is back', async () => {
    await using directory = await startDirectory({ probeEveryMs: 1_000 })
    await using relay = await startTestRelay({ name: 'relay' })
    await post(directory, await self(relay))
    await listed(directory, relay.serverId)
    directory.clock.advance(3_600_000 + 1_000)
    expect((await list(directory)).total).toBe(0)
    expect((await entry(directory, relay.serverId)).status.state).toBe('expired')
    relay.clock.advance(3_600_000 + 1_000)
    expect((await post(directory, await self(relay))).status).toBe(200)
    const { servers } = await list(directory)
    expect(servers[0]!.status.uptime_day).toBe(1)
    directory.clock.advance(8 * 24 * 3_600_000)
    await eventually(() => fetch(`${directory.httpUrl}/directory/servers/${relay.serverId}`), ({ status }) => status === 404)
  })

  test('sees who is gone, and who is another now: the address belongs to the key that answers there', async () => {
    await using directory = await startDirectory({ probeEveryMs: 1_000 })
    await using relay = await startTestRelay({ name: 'first' })
    const port = Number(new URL(relay.url).port)
    await post(directory, await self(relay))
    await listed(directory, relay.serverId)
    await relay.drain()
    const gone = await eventually(() => entry(directory, relay.serverId), ({ status }) => !status.online)
    expect(gone.status).toMatchObject({ state: 'listed', problem: expect.stringContaining('ECONNREFUSED') as string })
    expect(gone.status.uptime_day).toBeLessThan(1)
    expect((await list(directory, '?online=true')).total).toBe(0)
    expect((await list(directory, '?online=false')).total).toBe(1)
    await using other = await startTestRelay({ name: 'second', port })
    await post(directory, await self(other))
    await listed(directory, other.serverId)
    expect((await listed(directory, relay.serverId, 'refused')).status.problem).toMatch(/another/)
    expect((await list(directory)).servers.map(({ document }) => document.name)).toEqual(['second'])
  })

  test('is searched, paged, and told apart by its fingerprint', async () => {
    await using directory = await startDirectory()
    const relays = await Promise.all(
      [['alpha', 'eu'], ['beta', 'us'], ['gamma', 'eu']].map(([name, region]) =>
        startTestRelay({ name: name!, region: region!, description: `${name} for Builders`, directory: name === 'beta' })
      ),
    )
    for (const relay of relays) await post(directory, await self(relay))
    for (const relay of relays) await listed(directory, relay.serverId)
    const names = async (query: string) => (await list(directory, query)).servers.map(({ document }) => document.name).sort()
    expect(await names('?q=builders')).toEqual(['alpha', 'beta', 'gamma'])
    expect(await names('?q=BETA%20for')).toEqual(['beta'])
    expect(await names('?region=EU')).toEqual(['alpha', 'gamma'])
    expect(await names('?feature=directory')).toEqual(['beta'])
    expect(await names('?feature=proposals,escrow&region=us')).toEqual(['beta'])
    expect(await names('?q=%25_')).toEqual([])
    const first = await list(directory, '?limit=2&q=builders')
    expect([first.total, first.servers.length]).toEqual([3, 2])
    const second = await get<Listing>(directory, first.next!)
    expect([second.servers.length, second.next]).toEqual([1, undefined])
    expect(new Set([...first.servers, ...second.servers].map(({ document }) => document.server_id)).size).toBe(3)
    for (const query of ['?limit=0', '?limit=x', '?online=maybe', '?after=1'])
      expect((await fetch(`${directory.httpUrl}/directory/servers${query}`)).status).toBe(400)
    const etag = (await fetch(`${directory.httpUrl}/directory/servers?q=beta`)).headers.get('etag')!
    const again = await fetch(`${directory.httpUrl}/directory/servers?q=beta`, { headers: { 'if-none-match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    for (const relay of relays) await relay.drain()
  })

  test('feeds another and is fed by it: signatures are kept, and a circle brings nothing new', async () => {
    const port = await freePort()
    await using left = await startDirectory({ name: 'left', probeEveryMs: 1_000, directoryPeers: [`http://127.0.0.1:${port}`] })
    await using right = await startDirectory({ name: 'right', probeEveryMs: 1_000, directoryPeers: [left.httpUrl] })
    await using third = await startDirectory({
      name: 'third',
      port,
      probeEveryMs: 1_000,
      directoryPeers: [right.httpUrl, left.httpUrl, 'http://127.0.0.1:1'],
    })
    await using relay = await startTestRelay({ name: 'relay' })
    const document = await self(relay)
    await post(left, document)
    for (const directory of [right, third]) {
      const found = await listed(directory, relay.serverId)
      expect(found.document).toEqual(document)
      expect(found.status.online).toBe(true)
    }
    for (const directory of [left, right, third]) expect((await list(directory)).total).toBe(1)
    // What another directory forged does not pass.
    const forged = paperRelay('forged')
    await using liar = await site((_request, response) =>
      response.end(
        JSON.stringify({
          servers: [
            { document: { ...forged.describe(), name: 'better' } },
            { document: forged.describe({ issued_at: Date.now() - 1 }) },
            null,
            7,
            {},
          ],
        }),
      )
    )
    await using fed = await startDirectory({ directoryPeers: [liar.url], outboundAllow: ['127.0.0.1'] })
    expect((await eventually(() => entry(fed, forged.serverId), found => (found as Partial<Entry>).document !== undefined)).document.name)
      .toBe('forged')
  })
})
