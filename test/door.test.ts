// Sockets from the moment they are accepted: how many one address and all may have, how long each step may take, and who is told what.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { newCertificate } from './kit/certificate.ts'
import { newFolder } from './kit/folder.ts'
import { portOf } from './kit/raw-socket.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { expectExchange } from './kit/vitals.ts'
import { login, newKey } from './kit/wire.ts'

/** A TCP connection that says nothing, and what it was told before it ended. */
class Silent implements AsyncDisposable {
  readonly socket: Socket
  readonly ended: Promise<string>

  constructor(url: string, from = '127.0.0.1') {
    this.socket = connect({ host: '127.0.0.1', port: portOf(url), localAddress: from })
    this.socket.on('error', () => undefined)
    let heard = ''
    this.socket.on('data', data => heard += data.toString())
    this.ended = once(this.socket, 'close').then(() => heard)
  }

  get isOpen(): boolean {
    return !this.socket.destroyed
  }

  async connected(): Promise<this> {
    if (this.socket.connecting) await Promise.race([once(this.socket, 'connect'), this.ended])
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.ended
  }
}

const silent = (url: string, count: number, from?: string): Promise<Silent[]> =>
  Promise.all(Array.from({ length: count }, () => new Silent(url, from).connected()))

const leave = async (sockets: readonly Silent[]): Promise<void> => {
  for (const socket of sockets) await socket[Symbol.asyncDispose]()
}

/** A page, as from another address of this machine; each over a socket of its own. */
const ask = async (relay: TestRelay, request: string, from?: string): Promise<string> => {
  const socket = await new Silent(relay.url, from).connected()
  socket.socket.write(`${request.replaceAll('\n', '\r\n')}\r\n`)
  return socket.ended
}
const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\nHost: localhost\nConnection: close\n${headers}\n`

describe('sockets that say nothing', () => {
  test('keep nobody of their own address out: the oldest of them make room', async () => {
    await using relay = await startTestRelay({ maxConnectionsPerIp: 20 })
    const crowd = await silent(relay.url, 100)
    await expectExchange(relay.url)
    await expect.poll(() => crowd.filter(({ isOpen }) => isOpen).length).toBeLessThanOrEqual(20)
    expect(await relay.metric('agentchat_sockets_evicted_total')).toBeGreaterThanOrEqual(80)
    await leave(crowd)
  })

  test('keep nobody else out of a full relay: those of the largest address go first', async () => {
    await using relay = await startTestRelay({ maxConnections: 60, maxConnectionsPerIp: 0 })
    const few = await silent(relay.url, 20, '127.0.0.3')
    const crowd = await silent(relay.url, 500, '127.0.0.2')
    await using ann = await login(relay.url, 'ann')
    await using bob = await login(relay.url, 'bob')
    ann.send({ type: 'MSG', to: '#general', content: 'hi' })
    expect(await bob.next('MSG')).toMatchObject({ content: 'hi' })
    expect(few.filter(({ isOpen }) => isOpen)).toHaveLength(20)
    await expect.poll(() => crowd.filter(({ isOpen }) => isOpen).length).toBeLessThanOrEqual(40)
    await leave([...few, ...crowd])
  })

  test('and that have only begun to ask are ended in time, and so are bodies that do not come', async () => {
    await using relay = await startTestRelay({ identifyTimeoutMs: 300, directory: true })
    await using nothing = await new Silent(relay.url).connected()
    await using half = await new Silent(relay.url).connected()
    half.socket.write('GET /health HTTP/1.1\r\nHost: local')
    await Promise.all([nothing.ended, half.ended])
    // The time of a WebSocket's login begins when it opens.
    const ws = new WebSocket(relay.url)
    await once(ws, 'open')
    relay.clock.advance(400)
    expect((await once(ws, 'close'))[0]).toBe(4001)
  })

  test('do not keep a relay from stopping', async () => {
    const relay = await startTestRelay({ drainMs: 60_000 })
    const crowd = await silent(relay.url, 5)
    await expect.poll(() => ask(relay, get('/healthz'))).toContain(' 200 ')
    await relay.drain()
    for (const { ended } of crowd) await ended
  })
})

describe('TLS', () => {
  test('handshakes count from their first byte, and have a deadline', async () => {
    using folder = newFolder()
    await using relay = await startTestRelay({ ...newCertificate(folder, 'relay'), identifyTimeoutMs: 600, maxConnectionsPerIp: 5 })
    const crowd = await silent(relay.url, 30)
    await expect.poll(() => crowd.filter(({ isOpen }) => isOpen).length).toBeLessThanOrEqual(5)
    // One that shook hands, and says nothing then.
    const secure = connectTls({ host: '127.0.0.1', port: portOf(relay.url), rejectUnauthorized: false })
    secure.on('error', () => undefined)
    await once(secure, 'secureConnect')
    const ws = new WebSocket(relay.url.replace('ws:', 'wss:'), { rejectUnauthorized: false })
    await once(ws, 'open')
    ws.send('{"type":"IDENTIFY","name":"ann"}')
    expect(String((await once(ws, 'message'))[0])).toContain('WELCOME')
    for (const { ended } of crowd) await ended
    if (!secure.closed) await once(secure, 'close')
    expect(ws.readyState).toBe(WebSocket.OPEN)
    ws.terminate()
  })
})

describe('requests', () => {
  const halfPost = (relay: TestRelay) => {
    const socket = new Silent(relay.url)
    socket.socket.write('POST /directory/servers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{')
    return socket.connected()
  }

  test('count like WebSockets: one too many is told so, and probes are answered all the same', async () => {
    await using relay = await startTestRelay({ directory: true, maxConnectionsPerIp: 3 })
    await using ann = await login(relay.url, 'ann')
    const posts = [await halfPost(relay), await halfPost(relay)]
    // They have been read by the time that this is answered, and make room no more.
    await ask(relay, get('/healthz'), '127.0.0.2')
    expect(await ask(relay, get('/health'))).toMatch(/retry-after: 5[^]*Too many connections/i)
    expect(await ask(relay, get('/healthz'))).toContain(' 200 ')
    expect(await ask(relay, get('/readyz'))).toContain(' 200 ')
    const ws = new WebSocket(relay.url)
    expect((await once(ws, 'close'))[0]).toBe(4004)
    expect(await ask(relay, get('/health'), '127.0.0.2')).toContain(' 200 ')
    await leave(posts)
    await expect.poll(() => ask(relay, get('/health'))).toContain(' 200 ')
    expect(ann.isClosed).toBe(false)
  })

  test('through a trusted proxy count where they come from', async () => {
    await using relay = await startTestRelay({ maxConnectionsPerIp: 1, trustedProxies: ['127.0.0.0/8'] })
    const ws = new WebSocket(relay.url, { headers: { 'X-Forwarded-For': '203.0.113.1' } })
    await once(ws, 'open')
    expect(await ask(relay, get('/health', 'X-Forwarded-For: 203.0.113.1\n'))).toContain(' 429 ')
    expect(await ask(relay, get('/health', 'X-Forwarded-For: 9.9.9.9\nX-Forwarded-For: 203.0.113.1\n'))).toContain(' 429 ')
    expect(await ask(relay, get('/health', 'X-Forwarded-For: 203.0.113.2\n'))).toContain(' 200 ')
    ws.terminate()
  })

  test('are paced by address, probes apart', async () => {
    await using relay = await startTestRelay({ msgRate: 1, addressRate: 1, addressBurst: 3 })
    const answers: string[] = []
    for (let i = 0; i < 4; i++) answers.push((await ask(relay, get('/metrics'))).slice(9, 12))
    expect(answers).toEqual(['200', '200', '200', '429'])
    expect(await ask(relay, get('/.well-known/agentchat.json'))).toMatch(/ 429 [^]*retry-after: 1/i)
    for (const path of ['/healthz', '/readyz', '/health']) expect(await ask(relay, get(path))).toContain(' 200 ')
    expect(await ask(relay, get('/metrics'), '127.0.0.2')).toContain(' 200 ')
  })

  test('of one chunk are not run ahead of their answers', async () => {
    await using relay = await startTestRelay()
    const one = 'GET /metrics HTTP/1.1\nHost: localhost\n\n'
    const answers = (text: string) => text.split('HTTP/1.1 200 OK').length - 1
    // One may be asked before the last answer was taken.
    expect(answers(await ask(relay, `${one}${get('/metrics')}`))).toBe(2)
    expect(answers(await ask(relay, one.repeat(500)))).toBeLessThanOrEqual(1)
    await expectExchange(relay.url)
  })

  test('with a body that nobody wants are answered, and not read on', async () => {
    await using relay = await startTestRelay()
    const socket = await new Silent(relay.url).connected()
    socket.socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n')
    expect(await socket.ended).toMatch(/^HTTP\/1\.1 200 OK[^]*connection: close/)
  })
})

test('/health counts public channels as they come and go, private ones apart', async () => {
  await using relay = await startTestRelay()
  const publicCount = async () =>
    (await (await fetch(`${relay.httpUrl}/health`)).json() as { channels: { public: number } }).channels.public
  const before = await publicCount()
  await using ann = await relay.login('ann', { key: newKey() })
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#hidden', invite_only: true }, 'JOINED')
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#shown' }, 'JOINED')
  expect(await publicCount()).toBe(before + 1)
  await ann.ask({ type: 'DELETE_CHANNEL', channel: '#hidden' }, 'OK')
  expect(await publicCount()).toBe(before + 1)
  await ann.ask({ type: 'DELETE_CHANNEL', channel: '#shown' }, 'OK')
  expect(await publicCount()).toBe(before)
})

describe('browsers', () => {
  const outcome = async (relay: TestRelay, headers: Readonly<Record<string, string>>): Promise<string> => {
    const ws = new WebSocket(relay.url, { headers })
    ws.on('error', () => undefined)
    return new Promise(resolve => {
      ws.on('open', () => {
        ws.terminate()
        resolve('open')
      })
      ws.on('unexpected-response', (_request, response) => {
        let text = ''
        response.on('data', data => text += String(data)).on('end', () => resolve(`${response.statusCode} ${text}`))
      })
    })
  }

  test('of pages from elsewhere are refused, and told which setting lets them in', async () => {
    await using relay = await startTestRelay()
    expect(await outcome(relay, { Origin: 'https://evil.example' })).toMatch(/^403 .*allowedOrigins/)
    expect(await outcome(relay, { Origin: 'null' })).toMatch(/^403 /)
    expect(await outcome(relay, { Origin: 'https://chat.example', Host: 'chat.example' })).toBe('open')
    expect(await outcome(relay, { Origin: 'http://localhost:5173' })).toBe('open')
    expect(await outcome(relay, {})).toBe('open')
  })

  test('of pages that the operator names are let in', async () => {
    await using relay = await startTestRelay({ allowedOrigins: ['https://app.example'] })
    expect(await outcome(relay, { Origin: 'https://app.example' })).toBe('open')
    expect(await outcome(relay, { Origin: 'https://evil.example' })).toMatch(/^403 /)
  })
})

describe('/metrics', () => {
  test('is on the public port by default', async () => {
    await using relay = await startTestRelay()
    expect(await ask(relay, get('/metrics'))).toContain('agentchat_connections 0')
  })

  test('has a port of its own where it is told to, and is not on the public one then', async () => {
    await using relay = await startTestRelay({ metricsPort: 0 })
    expect(await ask(relay, get('/metrics'))).toContain(' 404 ')
    const at = `http://127.0.0.1:${relay.metricsPort}`
    expect(await (await fetch(`${at}/metrics`)).text()).toContain('agentchat_connections 0')
    expect((await fetch(`${at}/health`)).status).toBe(404)
    await relay.drain()
    await expect(fetch(`${at}/metrics`)).rejects.toThrow()
  })
})
