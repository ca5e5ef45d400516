// What leaves the relay by itself: where to, how long, how much, and signed how.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { addressGuard } from './guard.ts'
import { paymentProcessor, type ProcessorCall } from './processor.ts'
import { sendRequest } from './request.ts'
import { isSigned, signBody, signatureHeader } from './signing.ts'
import { webhookSender } from './webhooks.ts'

const serve = async (listener: RequestListener) => {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
const local = addressGuard({ allow: ['127.0.0.1'] })
const bounds = { method: 'GET', timeoutMs: 2_000, maxBytes: 1_000 } as const

describe('where to', () => {
  const guard = addressGuard({ allow: ['10.1.0.0/16', 'fd00::5'] })
  test.each(['8.8.8.8', '2606:4700::1111', '10.1.2.3', '::ffff:10.1.2.3', 'fd00::5'])('%s may be reached',
    address => expect(guard.mayReach(address)).toBe(true))
  test.each([
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '10.2.0.1',
    '172.20.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'fd00::6',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'ff02::1',
    'localhost',
    '',
    '1.2.3',
  ])('%s may not', address => expect(guard.mayReach(address)).toBe(false))

  test('a name is judged by what it is found to be, and what was found is what is connected to', async () => {
    await using server = await serve((_request, response) => response.end('in'))
    let lookups = 0
    const rebinding = addressGuard({ allow: [] },
      () => Promise.resolve(++lookups === 1 ? [{ address: '127.0.0.1', family: 4 }] : [{ address: '8.8.8.8', family: 4 }]))
    await expect(sendRequest(rebinding, { url: `http://trick.example:${server.port}/`, ...bounds })).rejects.toMatchObject({
      kind: 'address',
    })
    expect(lookups).toBe(1)
    const mixed = addressGuard({ allow: [] },
      () => Promise.resolve([{ address: '8.8.8.8', family: 4 }, { address: '169.254.169.254', family: 4 }]))
    await expect(sendRequest(mixed, { url: 'http://mixed.example/', ...bounds })).rejects.toMatchObject({ kind: 'address' })
    const pinned = addressGuard({ allow: ['127.0.0.1'] }, () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]))
    expect((await sendRequest(pinned, { url: `http://pinned.example:${server.port}/`, ...bounds })).body.toString()).toBe('in')
  })

  test.each([
    'http://127.0.0.1:1/',
    'http://[::1]:1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'file:///etc/passwd',
    'ftp://example.com/',
    'http://user:pass@example.com/',
    'nonsense',
  ])('%s is refused before anything is sent', async url => {
    await expect(sendRequest(addressGuard({ allow: [] }), { url, ...bounds })).rejects.toMatchObject({ kind: 'address' })
  })
})

describe('how much', () => {
  test('a redirect is an answer, not a way to go', async () => {
    await using server = await serve((_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end())
    expect((await sendRequest(local, { url: server.url, ...bounds })).status).toBe(302)
  })
  test('too many bytes, too long, cut in the middle', async () => {
    await using large = await serve((_request, response) => response.end('x'.repeat(1_001)))
    await expect(sendRequest(local, { url: large.url, ...bounds })).rejects.toMatchObject({ kind: 'too-large' })
    await using slow = await serve((_request, response) => response.write('x'))
    await expect(sendRequest(local, { url: slow.url, ...bounds, timeoutMs: 50 })).rejects.toMatchObject({ kind: 'timeout' })
    await using cut = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('x', () => response.destroy())
    })
    await expect(sendRequest(local, { url: cut.url, ...bounds })).rejects.toMatchObject({ kind: 'failed' })
  })
})

describe('signed', () => {
  test('for its body, its time, its question and its secret, and nothing else', () => {
    const signature = signBody('secret', 'body', 1_000_000, 'question')
    expect(isSigned('secret', 'body', signature, 1_000_000 + 300_000, 'question')).toBe(true)
    expect(isSigned('secret', 'body', signature, 1_000_000 + 300_001, 'question')).toBe(false)
    expect(isSigned('other', 'body', signature, 1_000_000, 'question')).toBe(false)
    expect(isSigned('secret', 'body2', signature, 1_000_000, 'question')).toBe(false)
    expect(isSigned('secret', 'body', signature, 1_000_000, 'question2')).toBe(false)
    expect(isSigned('secret', 'body', signature.replace('t=1', 't=2'), 1_000_000, 'question')).toBe(false)
    for (const wrong of [undefined, '', 't=,v1=', 'v1=00']) expect(isSigned('secret', 'body', wrong, 1_000_000)).toBe(false)
  })

  const call: ProcessorCall = {
    key: 'k',
    op: 'fund',
    proposal_id: 'p',
    currency: 'USD',
    exponent: 2,
    amount_minor: 1,
    client: '@a',
    provider: '@b',
  }
  const processorAt = (url: string) => paymentProcessor({ url, secret: 'secret', allow: ['127.0.0.1'], now: () => 1_000_000 })
  const answering = (body: string, sign: (question: string) => string | undefined) =>
    serve((request, response) => {
      const signature = sign(String(request.headers[signatureHeader]))
      response.writeHead(200, signature === undefined ? {} : { [signatureHeader]: signature }).end(body)
    })

  test('a processor is believed only where its answer is signed for this question', async () => {
    const done = '{"status":"done"}'
    await using good = await answering(done, question => signBody('secret', done, 1_000_000, question))
    expect(await processorAt(good.url).ask(call)).toEqual({ status: 'done' })
    for (
      const sign of [
        () => undefined,
        () => signBody('secret', done, 1_000_000),
        (question: string) => signBody('guess', done, 1_000_000, question),
        () => signBody('secret', done, 1_000_000, 'another question'),
      ]
    ) {
      await using bad = await answering(done, sign)
      await expect(processorAt(bad.url).ask(call)).rejects.toThrow('not signed')
    }
  })
})

describe('webhooks', () => {
  test('a receiver that hangs is given up; one that goes on for ever, or stands still behind its status, is not waited for', async () => {
    const post = (url: string, timeoutMs = 2_000) =>
      webhookSender({ allow: ['127.0.0.1'], timeoutMs }).post({ url, id: 'wh_1', body: '{}', secrets: [`whsec_${'A'.repeat(32)}`], at: 0 })
    await using silent = await serve(() => undefined)
    expect(await post(silent.url, 50)).toEqual({ kind: 'later', problem: 'no answer in time', retryAfterMs: 0 })
    await using slow = await serve((_request, response) => void response.writeHead(200).write('x'))
    // Long before the time of a POST is over, which is beyond that of this test; what comes bit by bit makes it no longer.
    expect(await post(slow.url, 600_000)).toEqual({ kind: 'done', status: 200 })
    await using dribbling = await serve((_request, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 100)
      response.on('close', () => clearInterval(timer))
    })
    expect(await post(dribbling.url, 600_000)).toEqual({ kind: 'done', status: 200 })
    let written = 0
    await using endless = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) written += 64 * 1024
      }
      response.writeHead(503, { 'retry-after': 'Thu, 01 Jan 1970 00:02:00 GMT' }).on('drain', more)
      more()
    })
    expect(await post(endless.url)).toEqual({ kind: 'later', status: 503, problem: 'it answers 503', retryAfterMs: 120_000 })
    expect(written).toBeLessThan(16 * 1024 * 1024)
  })

  test('public addresses by TLS alone, others where the operator named them', async () => {
    const sender = webhookSender({ allow: ['10.1.0.0/16'], resolve: () => Promise.resolve([{ address: '8.8.8.8', family: 4 }]) })
    const problems = await Promise.all(
      ['https://a.example/', 'http://10.1.2.3/', 'https://10.1.2.3/', 'http://a.example/', 'https://10.2.0.1/'].map(
        url => sender.check(url),
      ),
    )
    expect(problems.map(problem => problem === undefined)).toEqual([true, true, true, false, false])
  })
})
