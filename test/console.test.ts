// The console's files over HTTP: how they are sent, and that nothing else can be had there. What is in them: test/web.
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const folder = newFolder()
const script = 'export const answer = 42\n'.repeat(100)
let relay: TestRelay

beforeAll(async () => {
  mkdirSync(join(folder.path, 'web/assets'), { recursive: true })
  writeFileSync(join(folder.path, 'secret.txt'), 'not for the world')
  writeFileSync(join(folder.path, 'web/index.html'), '<!doctype html><title>console</title>')
  writeFileSync(join(folder.path, 'web/assets/page-1a2b3c4d.js.br'), brotliCompressSync(script))
  relay = await startTestRelay({ console: true, webPort: 0 }, { consoleFolder: join(folder.path, 'web') })
})
afterAll(async () => {
  await relay.drain()
  folder[Symbol.dispose]()
})

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

/** As it is on the wire: nothing is unpacked, no path is tidied. */
const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', port?: number) =>
  new Promise<{ status: number, headers: Record<string, string | string[] | undefined>, body: Buffer }>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: port ?? Number(new URL(relay.httpUrl).port), path, method, headers }, response => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) }))
    })
    asked.on('error', reject)
    asked.end()
  })

describe('the door of the console', () => {
  test('serves its page on either port, never from a cache, under rules that let no text become script', async () => {
    for (const port of [undefined, relay.webPort!]) {
      const { status, headers, body } = await ask('/console/', html, 'GET', port)
      expect([status, headers['content-type'], headers['cache-control'], body.toString()]).toEqual(
        [200, 'text/html; charset=utf-8', 'no-cache', '<!doctype html><title>console</title>'],
      )
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin' })
      const rules = String(headers['content-security-policy']).split('; ')
      expect(rules).toEqual(expect.arrayContaining([
        ...["default-src 'self'", "img-src 'self' data: blob:", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
        ...["form-action 'self'", "require-trusted-types-for 'script'"],
      ]))
      expect(String(headers['content-security-policy'])).not.toMatch(/unsafe|\*/)
    }
  })

  test('every path of it is its page, for who wants one; a file that is not there is none', async () => {
    expect((await ask('/console/chat/%23general', html)).body.toString()).toContain('<title>console')
    expect((await ask('/console/assets/gone-00000000.js', { accept: '*/*' })).status).toBe(404)
    expect(await ask('/', html)).toMatchObject({ status: 307, headers: { location: '/console/' } })
    expect((await ask('/', { accept: '*/*' })).body.toString()).toContain('This is an AgentChat relay')
    expect((await ask('/console', html)).headers['location']).toBe('/console/')
  })

  test('what has a name of its own is kept for ever, packed for who can unpack it, and not sent twice', async () => {
    const path = '/console/assets/page-1a2b3c4d.js'
    const plain = await ask(path)
    expect([plain.headers['cache-control'], plain.headers['content-encoding'], plain.body.toString()]).toEqual(
      ['public, max-age=31536000, immutable', undefined, script],
    )
    const packed = await ask(path, { 'accept-encoding': 'gzip, deflate, br;q=0.9' })
    expect([packed.headers['content-encoding'], brotliDecompressSync(packed.body).toString()]).toEqual(['br', script])
    expect((await ask(path, { 'accept-encoding': 'br;q=0, gzip' })).headers['content-encoding']).toBeUndefined()
    const etag = String(packed.headers['etag'])
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect(await ask(path, { 'if-none-match': known })).toMatchObject({ status: 304, body: Buffer.alloc(0) })
    expect((await ask(path, { 'if-none-match': '"x"' })).status).toBe(200)
    const head = await ask(path, {}, 'HEAD')
    expect([head.status, Number(head.headers['content-length']), head.body.length]).toEqual([200, script.length, 0])
  })

  test.each([
    '/console/../secret.txt',
    '/console/..%2fsecret.txt',
    '/console/%2e%2e/secret.txt',
    '/console/assets/../../secret.txt',
    '/console/..\\secret.txt',
    '/console//etc/passwd',
    '/console/%00',
    '/console/assets/page-1a2b3c4d.js.br',
    '/console/__proto__',
    '/console/constructor',
  ])('%s leads nowhere', async path => {
    const found = await ask(path, { accept: '*/*' })
    expect(found.status).toBe(404)
    expect(found.body.toString()).not.toContain('not for the world')
  })

  test('is read, and nothing else', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect(await ask('/console/', html, method)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })

  test('stands in the way of no other door', async () => {
    expect((await ask('/healthz', html)).body.toString()).toBe('ok\n')
    expect((await ask('/metrics', html)).status).toBe(200)
    expect((await ask('/v1/nothing', html)).headers['content-type']).toBe('application/problem+json')
    expect((await ask('/.well-known/agentchat.json', html)).headers['content-type']).toContain('json')
    expect((await ask('/agents/@0000000000000000', html)).headers['content-type']).not.toContain('html')
    expect((await ask('/api/v1/nothing', html)).status).toBe(404)
  })
})

test('switched off it is not there, and where nothing was built the log says so', async () => {
  const warnings: string[] = []
  const note = (_facts: unknown, text?: string) => void warnings.push(String(text ?? _facts))
  const log = {
    fatal: note,
    error: note,
    warn: note,
    info: () => undefined,
    debug: () => undefined,
    isLevelEnabled: (level: string) => level === 'warn',
  } as never
  await using off = await startTestRelay({ console: false }, { consoleFolder: join(folder.path, 'web') })
  expect((await fetch(`${off.httpUrl}/console/`, { headers: html })).status).toBe(404)
  await using bare = await startTestRelay({ console: true }, { consoleFolder: join(folder.path, 'nothing'), log })
  expect((await fetch(`${bare.httpUrl}/console/`, { headers: html })).status).toBe(404)
  expect(warnings.filter(each => each.includes('no console')), JSON.stringify(warnings)).toHaveLength(1)
})

test('agentchat console tells where it is, and says what to do where there is none', async () => {
  using cli = new Cli()
  const ran = await cli.run(['console', relay.url, '--port', String(relay.webPort)])
  expect([ran.code, ran.json]).toEqual([0, [{ url: `http://127.0.0.1:${relay.webPort}/console/` }]])
  expect((await cli.run(['console', relay.url, '--no-open', '--json'], { isTTY: true })).json).toEqual([{
    url: `${relay.httpUrl}/console/`,
  }])
  await using bare = await startTestRelay({ console: false })
  const none = await cli.run(['console', bare.url])
  expect([none.code, none.stderr]).toEqual([4, expect.stringContaining('--console no')])
})

test('a body that nobody wants does not hold the door', async () => {
  const socket = connect(Number(new URL(relay.httpUrl).port), '127.0.0.1')
  const answer = new Promise<string>(resolve => {
    let text = ''
    socket.on('data', part => text += part.toString()).on('close', () => resolve(text))
  })
  socket.write('GET /console/ HTTP/1.1\r\nhost: x\r\naccept: text/html\r\ncontent-length: 100000\r\n\r\nabc')
  const text = await answer
  expect(text).toMatch(/^HTTP\/1\.1 200/)
  expect(text.toLowerCase()).toContain('connection: close')
})
