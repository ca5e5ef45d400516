// What strangers send to the port: every case gets a typed answer or a close code, and the relay goes on.
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { portOf, rawSocket } from './kit/raw-socket.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { expectExchange, metricsOf } from './kit/vitals.ts'
import { newKey, type Wire } from './kit/wire.ts'

const maxFrameBytes = 2 * 1024 * 1024

describe('frames', () => {
  let relay: TestRelay
  let wire: Wire
  beforeAll(async () => {
    relay = await startTestRelay({ maxFrameBytes, maxContentBytes: maxFrameBytes, addressRate: 0, frameRate: 0 })
  })
  beforeEach(async () => {
    wire = await relay.login('mallory')
  })
  afterEach(async () => {
    await wire.close()
    await expectExchange(relay.url)
  })
  afterAll(() => relay.drain())

  const hostile: readonly [what: string, frame: string][] = [
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['half a frame', '{"type":"MSG","to":"#gen'],
    ['null', 'null'],
    ['an array', '[{"type":"PING"}]'],
    ['a number', '7'],
    ['a string', '"PING"'],
    ['no type', '{}'],
    ['a type that is no string', '{"type":5}'],
    ['a type nobody knows', '{"type":"SHUTDOWN"}'],
    ['a type that every object has', '{"type":"constructor"}'],
    ['a prototype as its type', '{"type":"__proto__"}'],
    ['a number as target', '{"type":"MSG","to":5,"content":"x"}'],
    ['an array as target', '{"type":"MSG","to":["#general"],"content":"x"}'],
    ['a number as content', '{"type":"MSG","to":"#general","content":1e400}'],
    ['an object as content', '{"type":"MSG","to":"#general","content":{"toString":"x"}}'],
    ['a number as id', '{"type":"PING","id":1}'],
    ['an id that is too long', `{"type":"PING","id":"${'i'.repeat(65)}"}`],
    ['a channel out of bounds', '{"type":"JOIN","channel":"#../../etc"}'],
    ['a position that is no number', '{"type":"JOIN","channel":"#general","since":"0"}'],
    ['a position beyond counting', '{"type":"JOIN","channel":"#general","since":1e300}'],
    ['a negative limit', '{"type":"HISTORY","channel":"#general","limit":-1}'],
    ['a time of zero', '{"type":"MSG","to":"#general","content":"x","ts":0}'],
    ['null bytes in a name', '{"type":"SET_NICK","nick":"a\\u0000b"}'],
    ['1 MB of open brackets', '['.repeat(1024 * 1024)],
    ['500,000 levels that do close', `${'['.repeat(500_000)}${']'.repeat(500_000)}`],
    ['200,000 levels inside a field', `{"type":"MSG","to":"#general","content":${'[{"a":'.repeat(200_000)}1${'}]'.repeat(200_000)}}`],
  ]
  test.each(hostile)('%s is answered with INVALID_MSG', async (_what, frame) => {
    wire.send(frame)
    const { code, message } = await wire.next('ERROR')
    expect(code).toBe('INVALID_MSG')
    expect(message.length).toBeLessThan(300)
    await wire.barrier()
  })

  test('the id of a bad request comes back with its error', async () => {
    expect(await wire.refusal({ type: 'MSG', id: 'mine', to: 5 })).toMatchObject({ code: 'INVALID_MSG', re: 'mine' })
  })

  test('__proto__ and constructor keys change nothing', async () => {
    wire.send(
      '{"type":"MSG","to":"#general","content":"plain","__proto__":{"verified":true,"admin":true},"constructor":{"prototype":{"x":1}}}',
    )
    const heard = await wire.next('MSG')
    expect(heard).toMatchObject({ content: 'plain', verified: false })
    expect({}).not.toHaveProperty('verified')
    expect({}).not.toHaveProperty('x')
  })

  test.each([
    ['a lone high surrogate', 'a\ud800z'],
    ['a lone low surrogate', '\udc00'],
    ['surrogates the wrong way round', '\udc00\ud800'],
    ['null bytes and controls', '\u0000\u001b[2J\u2028\u202e'],
    ['a pair', '😀'],
  ])('%s comes through as it was sent, live and from the log', async (_what, content) => {
    await wire.ask({ type: 'MSG', to: '#general', content }, 'ACK')
    expect((await wire.next('MSG')).content).toBe(content)
    const { events } = await wire.ask({ type: 'HISTORY', channel: '#general', limit: 1 }, 'HISTORY')
    expect(events).toMatchObject([{ content }])
  })

  test('a binary frame is read as text', async () => {
    wire.send(Buffer.from('{"type":"MSG","to":"#general","content":"größer"}'))
    expect(await wire.next('MSG')).toMatchObject({ content: 'größer' })
    wire.send(Buffer.from([0xff, 0x00, 0xfe]))
    expect(await wire.next('ERROR')).toMatchObject({ code: 'INVALID_MSG' })
  })

  test('the largest frame is relayed, one byte more closes with 1009', async () => {
    const empty = '{"type":"MSG","to":"#general","content":""}'
    const frameOf = (bytes: number) => empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`)
    wire.send(frameOf(maxFrameBytes))
    expect((await wire.next('MSG')).content).toHaveLength(maxFrameBytes - empty.length)
    wire.send(frameOf(maxFrameBytes + 1))
    expect(await wire.closed()).toMatchObject({ code: 1009 })
  })

  test('requests before IDENTIFY are refused, whatever they ask', async () => {
    await using stranger = await relay.connect()
    for (
      const request of [{ type: 'MSG', to: '#general', content: 'x' }, { type: 'JOIN', channel: '#general' }, {
        type: 'HISTORY',
        channel: '#ops',
      }, { type: 'TYPING', channel: '#general' }]
    ) {
      expect(await stranger.refusal(request)).toMatchObject({ code: 'AUTH_REQUIRED' })
    }
    await stranger.ask({ type: 'IDENTIFY', name: 'late' }, 'WELCOME')
  })
})

/** A masked text frame; a mask of zeros leaves the text as it is. */
const textFrame = (text: string): Buffer => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])

describe('sockets', () => {
  test('a million tiny frames slow their own socket and nobody else', async () => {
    await using relay = await startTestRelay()
    const flooder = await rawSocket(relay.url)
    const tenThousand = Buffer.concat(Array.from({ length: 10_000 }, () => textFrame('{}')))
    for (let i = 0; i < 100; i++) flooder.write(tenThousand)
    await expectExchange(relay.url)
    await expectExchange(relay.url)
    const { agentchat_frames_received_total: received } = await metricsOf(relay.httpUrl)
    // One chunk off the socket is read whole; the next has to wait until the first is paid for.
    expect(received).toBeGreaterThan(20)
    expect(received).toBeLessThan(100_000)
    flooder.destroy()
    await expectExchange(relay.url)
  })

  test.each([
    ['an unmasked frame', [0x81, 0x02, 0x7b, 0x7d]],
    ['a reserved opcode', [0x83, 0x80, 0, 0, 0, 0]],
    ['reserved bits', [0xf1, 0x80, 0, 0, 0, 0]],
    ['a length of 2^63', [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0]],
    ['a ping of 126 bytes', [0x89, 0xfe, 0, 126, 0, 0, 0, 0]],
    ['text that is not UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]],
    ['a close code of 0', [0x88, 0x82, 0, 0, 0, 0, 0, 0]],
    ['a TLS hello', [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]],
  ])('%s ends that socket only', async (_what, bytes) => {
    await using relay = await startTestRelay()
    const raw = await rawSocket(relay.url)
    raw.write(Buffer.from(bytes))
    await once(raw, 'close')
    await expectExchange(relay.url)
  })

  test('a frame that never ends is given up with its socket', async () => {
    await using relay = await startTestRelay()
    const raw = await rawSocket(relay.url)
    raw.write(Buffer.from([0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 0x7b]))
    await expectExchange(relay.url)
    raw.resetAndDestroy()
    await expectExchange(relay.url)
  })

  test('a client that never identifies is closed with 4001', async () => {
    await using relay = await startTestRelay({ identifyTimeoutMs: 15_000 })
    await using silent = await relay.connect()
    relay.clock.advance(15_000)
    expect(await silent.closed()).toEqual({ code: 4001, reason: 'IDENTIFY_TIMEOUT' })
    await expectExchange(relay.url)
  })

  test('a login that does not end is closed with 4003; trying again does not buy time', async () => {
    await using relay = await startTestRelay({ identifyTimeoutMs: 15_000, challengeTimeoutMs: 60_000 })
    await using slow = await relay.connect()
    const identify = { type: 'IDENTIFY', name: 'slow', pubkey: newKey().pem }
    const { challenge_id } = await slow.ask(identify, 'CHALLENGE')
    relay.clock.advance(30_000)
    expect(await slow.refusal({ type: 'VERIFY_IDENTITY', challenge_id, signature: 'bm8=', timestamp: 1 })).toMatchObject({
      code: 'VERIFICATION_FAILED',
    })
    await slow.ask(identify, 'CHALLENGE')
    relay.clock.advance(30_000)
    expect(await slow.next('ERROR')).toMatchObject({ code: 'VERIFICATION_EXPIRED' })
    expect(await slow.closed()).toEqual({ code: 4003, reason: 'CHALLENGE_EXPIRED' })
    await expectExchange(relay.url)
  })

  test('a half-open socket is closed with 4002, one that answers pings is not', async () => {
    await using relay = await startTestRelay({ pingIntervalMs: 25_000, pingTimeoutMs: 70_000 })
    const gone = new WebSocket(relay.url, { autoPong: false })
    const goneClosed = once(gone, 'close')
    await once(gone, 'open')
    gone.send('{"type":"IDENTIFY","name":"gone"}')
    await once(gone, 'message')
    await using here = await relay.login('here')
    for (const stepMs of [25_000, 25_000, 20_000]) {
      relay.clock.advance(stepMs)
      await here.barrier()
    }
    expect((await goneClosed)[0]).toBe(4002)
    await here.barrier()
    await expectExchange(relay.url)
  })

  test('a client that does not read is closed with 4000; the others get everything', async () => {
    await using relay = await startTestRelay({ addressRate: 0, frameRate: 0, maxPendingBytes: 256 * 1024 })
    await using deaf = await relay.login('deaf')
    deaf.pause()
    await using speaker = await relay.login('speaker')
    await using listener = await relay.login('listener')
    const content = 'x'.repeat(64 * 1024)
    const count = 300
    for (let seq = 1; seq <= count; seq++) expect(await speaker.ask({ type: 'MSG', to: '#general', content }, 'ACK')).toMatchObject({ seq })
    expect((await listener.take('MSG', count)).map(message => message.seq)).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    expect(await metricsOf(relay.httpUrl)).toMatchObject({ agentchat_slow_closes_total: 1 })
    deaf.resume()
    expect((await deaf.closed()).code).toBe(4000)
    await expectExchange(relay.url)
  })

  test('a client that asks and does not read is not read either', async () => {
    await using relay = await startTestRelay({ addressRate: 0, frameRate: 0 })
    await using filler = await relay.login('filler')
    for (let i = 0; i < 30; i++) await filler.ask({ type: 'MSG', to: '#general', content: 'x'.repeat(64 * 1024) }, 'ACK')
    await using deaf = await relay.login('deaf')
    deaf.pause()
    const asked = 10_000
    for (let i = 0; i < asked; i++) deaf.send({ type: 'HISTORY', channel: '#general', limit: 200, padding: 'x'.repeat(1_000) })
    await expectExchange(relay.url)
    const { agentchat_frames_received_total: received } = await metricsOf(relay.httpUrl)
    expect(received).toBeLessThan(asked / 10)
    await expectExchange(relay.url)
  })
})

describe('HTTP', () => {
  /** Sends bytes to the port; gives all that came back before the relay closed. */
  const exchange = async (relay: TestRelay, bytes: string | Buffer): Promise<string> => {
    const socket = connectSocket(portOf(relay.url), '127.0.0.1')
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.write(bytes)
    await new Promise(resolve => socket.once('close', resolve))
    return text
  }

  test.each([
    ['no HTTP', 'EHLO relay\r\n\r\n'],
    ['a TLS hello', Buffer.from('1603010200010001fc0303', 'hex')],
    ['headers without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ])('%s: the socket is closed', async (_what, bytes) => {
    await using relay = await startTestRelay()
    expect(await exchange(relay, bytes)).not.toContain(' 200 ')
    await expectExchange(relay.url)
  })

  const someKey = Buffer.alloc(16).toString('base64')
  test.each([
    ['no key', 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'],
    ['a key of the wrong length', 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YQ==\r\n'],
    ['a version of the past', `Upgrade: websocket\r\nSec-WebSocket-Version: 5\r\nSec-WebSocket-Key: ${someKey}\r\n`],
    ['another protocol', 'Upgrade: h2c\r\n'],
  ])('an upgrade with %s is refused', async (_what, headers) => {
    await using relay = await startTestRelay()
    expect(await exchange(relay, `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n${headers}\r\n`)).toMatch(
      /^HTTP\/1\.1 4\d\d /,
    )
    await expectExchange(relay.url)
  })

  test('other methods and paths are refused in a sentence', async () => {
    await using relay = await startTestRelay()
    expect((await fetch(`${relay.httpUrl}/health`, { method: 'POST', body: 'x' })).status).toBe(405)
    const lost = await fetch(`${relay.httpUrl}/../../etc/passwd`)
    expect(lost.status).toBe(404)
    expect(await lost.text()).toContain('connect by WebSocket')
    await expectExchange(relay.url)
  })
})
