// What HTTP itself lets pass and what it does not: headers that are sent twice, and how long a connection is kept for whom.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { portOf } from './kit/raw-socket.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

let relay: TestRelay
let token: string
beforeAll(async () => {
  relay = await startTestRelay({ addressRate: 0, trustedProxies: ['127.0.0.2'] })
  await using wire = await relay.login('ada', { key: newKey() })
  ;({ token } = await wire.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED'))
  await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
})
afterAll(() => relay[Symbol.asyncDispose]())

/** Lines as they are, and all that comes back until the relay hangs up. */
const told = (head: readonly string[], body = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(portOf(relay.url), '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => text += part).on('error', reject).on('close', () => resolve(text))
    socket.write(`${[...head, 'Connection: close', '', ''].join('\r\n')}${body}`)
  })

const body = '{"content":"twice"}'
const head = () => [
  'POST /v1/channels/general/messages HTTP/1.1',
  'Host: localhost',
  `Authorization: Bearer ${token}`,
  'Content-Type: application/json',
  `Content-Length: ${body.length}`,
]

test('a header that says who asks what, sent twice, is refused, the same twice or another, and nothing is done', async () => {
  expect(await told(head(), body)).toMatch(/^HTTP\/1\.1 201 /)
  const count = async () => {
    await using bob = await relay.login('bob')
    return (await bob.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).events.length
  }
  const before = await count()
  const twice = [
    `Authorization: Bearer ${token}`,
    'Authorization: Bearer act_0000000000_0000000000000000000000000000000000000000000',
    'Idempotency-Key: a',
    'Signature-Input: a=("@method");created=1',
    'Signature: a=:AA==:',
    'Content-Digest: sha-256=:AA==:',
    'content-TYPE: application/json',
    'Pubkey: :AA==:',
    'Host: localhost',
  ]
  for (const line of twice) {
    const answer = await told([...head(), line, line], body)
    expect([line, answer.split('\r\n')[0]]).toEqual([line, 'HTTP/1.1 400 Bad Request'])
    const { code, detail } = JSON.parse(answer.slice(answer.indexOf('{'))) as { readonly code: string, readonly detail: string }
    expect([code, detail.toLowerCase()]).toEqual(['INVALID_MSG', `${line.split(':')[0]!.toLowerCase()}: once`])
  }
  expect(await count()).toBe(before)
})

test('lengths that do not agree are no HTTP: what is behind them is not read as another request', async () => {
  const smuggled = 'GET /v1 HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const length = head()
  for (
    const lines of [[...length, 'Content-Length: 0'], [...length, `Content-Length: ${body.length}`], [
      ...length,
      'Transfer-Encoding: chunked',
    ]]
  ) {
    const answer = await told(lines, `${body}${smuggled}`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nconnection: close\r\n/)
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
  }
  expect(await told(['GET / HTTP/1.1', 'Host: localhost', `X: ${'x'.repeat(70_000)}`])).toMatch(/^HTTP\/1\.1 431 /)
  expect((await fetch(`${relay.httpUrl}/v1`)).status).toBe(200)
})

test('a connection of a trusted proxy is kept for longer than proxies keep theirs, a stranger’s for a moment', async () => {
  const accepted: Socket[] = []
  const hear = (message: unknown): void => void accepted.push((message as { readonly socket: Socket }).socket)
  subscribe('net.server.socket', hear)
  try {
    const keptFor = async (from: string): Promise<readonly [told: string | undefined, ms: number | undefined]> => {
      accepted.length = 0
      const socket = connect({ port: portOf(relay.url), host: '127.0.0.1', localAddress: from })
      let text = ''
      socket.setEncoding('utf8').on('data', (part: string) => text += part)
      socket.write('GET /v1 HTTP/1.1\r\nHost: localhost\r\n\r\n')
      while (!text.includes('}}')) await new Promise(resolve => socket.once('data', resolve))
      // The answer is over by the time another one on the same connection begins.
      socket.write('GET /v1 HTTP/1.1\r\nHost: localhost\r\n\r\n')
      const first = text.length
      while (text.length < 2 * first) await new Promise(resolve => socket.once('data', resolve))
      await new Promise(setImmediate)
      const [at] = accepted.filter(each => each.remotePort === socket.localPort)
      const found = [/keep-alive: (timeout=\d+)/i.exec(text)?.[1], at?.timeout] as const
      socket.destroy()
      return found
    }
    expect(await keptFor('127.0.0.2')).toEqual(['timeout=75', 75_000])
    const [announced, ms] = await keptFor('127.0.0.1')
    expect(announced).toBe('timeout=5')
    expect(ms).toBeLessThanOrEqual(6_000)
  } finally {
    unsubscribe('net.server.socket', hear)
  }
})
