// Growing messages: an allowance of their own, slow readers, large channels; the library's pieces; the command line.
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { growing } from '../lib/client/growing.ts'
import { Grown, RelayError, type AgentId } from '../lib/client/index.ts'
import { growthText } from '../src/cli/message-text.ts'
import { Cli } from './kit/cli.ts'
import { newClient } from './kit/client.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const piece = (n: number, text = 'x') => ({ type: 'DELTA', to: '#general', stream: 's1', n, text })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('20 pieces a second or 64 KiB, from an allowance that messages do not use', async () => {
  await using relay = await startTestRelay({ msgRate: 1, msgBurst: 1 })
  await using ann = await relay.login('ann')
  await ann.ask({ type: 'MSG', to: '#general', content: 'hi' }, 'ACK')
  let n = 0
  for (; n < 40; n++) await ann.ask(piece(n), 'OK')
  expect(await ann.refusal(piece(n))).toMatchObject({
    code: 'RATE_LIMITED',
    message: 'Too many pieces of growing messages (your own, 20 a second, which no setting changes); try again in 50 ms',
    retry_after_ms: 50,
  })
  relay.clock.advance(1_000)
  for (let i = 0; i < 20; i++) await ann.ask(piece(n++), 'OK')
  expect(await ann.refusal(piece(n))).toMatchObject({ retry_after_ms: 50 })
  relay.clock.advance(10_000)
  // 16 KiB cost five of the 40, and the frame around them a little more.
  let taken = 0
  while ((await ann.answer(piece(n++, 'y'.repeat(16 * 1024)))).type === 'OK') taken++
  expect(taken).toBe(7)
  // Two agents do not share it.
  await using bob = await relay.login('bob')
  await bob.ask(piece(0), 'OK')
})

test('who is told of nobody is told of no piece: in large channels the message comes whole', async () => {
  await using relay = await startTestRelay({ announceMaxMembers: 2 })
  await using ann = await relay.login('ann')
  await using bob = await relay.login('bob')
  await ann.ask(piece(0), 'OK')
  expect((await bob.next('DELTA')).n).toBe(0)
  await using cyd = await relay.login('cyd')
  await ann.ask(piece(1), 'OK')
  await ann.ask({ type: 'MSG', to: '#general', content: 'xx', stream: 's1' }, 'ACK')
  expect((await cyd.next('MSG')).stream).toBe('s1')
  await bob.next('MSG')
  expect([...bob.heard, ...cyd.heard].filter(frame => frame.type === 'DELTA' && frame.n === 1)).toEqual([])
})

test('who may not post, or has to wait for it, sends no pieces either', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob', { key: newKey() })
  const to = '#news'
  await ann.ask({ type: 'CREATE_CHANNEL', channel: to }, 'JOINED')
  await bob.ask({ type: 'JOIN', channel: to }, 'JOINED')
  const grown = { ...piece(0), to }
  await ann.answer({ type: 'SET_CHANNEL', channel: to, slow_mode_ms: 10_000 })
  await bob.ask({ type: 'MSG', to, content: 'hi' }, 'ACK')
  expect(await bob.refusal(grown)).toMatchObject({ code: 'RATE_LIMITED' })
  await ann.answer({ type: 'SET_CHANNEL', channel: to, slow_mode_ms: 0, post_by: 'owner' })
  expect(await bob.refusal(grown)).toMatchObject({ code: 'AUTH_REQUIRED' })
  await ann.ask(grown, 'OK')
})

test('a piece is encoded once for all who hear it, and stored nowhere', async () => {
  await using relay = await startTestRelay()
  relay.clock.stop()
  await using ann = await relay.login('ann')
  const others = await Promise.all(['bob', 'cyd', 'dan'].map(name => relay.login(name)))
  const before = await relay.store.read.log.head('#general')
  const stringify = vi.spyOn(JSON, 'stringify')
  ann.send('{"type":"DELTA","to":"#general","stream":"s1","n":0,"text":"x"}')
  for (const wire of others) await wire.next('DELTA')
  expect(stringify.mock.calls.filter(([value]) => Object.hasOwn(Object(value) as object, 'stream'))).toHaveLength(1)
  stringify.mockRestore()
  expect(await relay.store.read.log.head('#general')).toEqual(before)
  for (const wire of others) await wire.close()
})

test('a slow reader does without the pieces, and misses no message', async () => {
  await using relay = await startTestRelay({ maxPendingBytes: 64 * 1024 * 1024, maxContentBytes: 1024 * 1024 })
  await using ann = await relay.login('ann')
  await using deaf = await relay.login('deaf')
  await using bob = await relay.login('bob')
  deaf.pause()
  for (let i = 0; i < 20; i++) await ann.ask({ type: 'MSG', to: '#general', content: 'x'.repeat(1024 * 1024) }, 'ACK')
  await ann.ask(piece(0), 'OK')
  await ann.ask({ type: 'MSG', to: '#general', content: 'x', stream: 's1' }, 'ACK')
  expect((await bob.next('DELTA')).n).toBe(0)
  deaf.resume()
  await deaf.take('MSG', 21)
  await deaf.barrier()
  expect(deaf.heard.filter(({ type }) => type === 'DELTA')).toEqual([])
})

describe('the library', () => {
  beforeEach(() => {
    vi.useRealTimers()
  })

  test('joins what comes within 100 ms to one piece, however many tokens; the message holds them all', async () => {
    await using relay = await startTestRelay()
    await using bob = await relay.login('bob')
    await using client = newClient(relay)
    await client.connect()
    await client.join('#general')
    const message = await client.stream('#general')
    for (let i = 0; i < 500; i++) message.write(`token ${i} `)
    expect((await bob.next('DELTA')).text).toBe('token 0 ')
    // All the others: more than 4 KiB in no piece.
    const pieces = [await bob.next('DELTA'), await bob.next('DELTA')]
    expect(pieces.map(({ n }) => n)).toEqual([1, 2])
    const { frame } = await message.end()
    const said = await bob.next('MSG')
    expect(said).toMatchObject({ msg_id: frame.msg_id, content: message.text, stream: pieces[0]!.stream })
    expect(`token 0 ${pieces.map(({ text }) => text).join('')}`).toBe(message.text)
  })

  test('what the relay refuses for now goes with the next piece, and nothing is missing', async () => {
    const asked: { n: number, text: string }[] = []
    let refusals = 2
    const message = growing({
      request: (_: 'DELTA', body: { n: number, text: string }) => {
        if (refusals-- > 0) return Promise.reject(new RelayError('RATE_LIMITED', 'later', 5))
        asked.push({ n: body.n, text: body.text })
        return Promise.resolve({ type: 'OK', ts: 0 })
      },
      send: () => Promise.reject(new Error('not sent')),
    } as never, '#general', {})
    message.write('a')
    message.write('b\ud83d')
    await vi.waitFor(() => expect(asked).toEqual([{ n: 0, text: 'ab' }]))
    // Half a character waits for its other half.
    message.write('\ude00c')
    await vi.waitFor(() => expect(asked).toEqual([{ n: 0, text: 'ab' }, { n: 1, text: '😀c' }]))
  })

  test.each([['while a piece is on its way', false], ['between two pieces', true]])('no piece goes behind the end, %s',
    async (_, isAnswered) => {
      vi.useFakeTimers()
      let answer = () => {}
      const request = vi.fn(() => new Promise(resolve => answer = () => resolve({ type: 'OK', ts: 0 })))
      const send = vi.fn(() => Promise.resolve({}))
      const message = growing({ request, send } as never, '#general', { id: 'm1' })
      message.write('one ')
      message.write('two')
      if (isAnswered) {
        answer()
        await vi.advanceTimersByTimeAsync(50)
      }
      await message.end()
      answer()
      message.write(' three')
      await vi.advanceTimersByTimeAsync(1_000)
      expect(request).toHaveBeenCalledTimes(1)
      expect(send).toHaveBeenCalledExactlyOnceWith('#general', 'one two', { id: 'm1', stream: 'm1' })
      expect(vi.getTimerCount()).toBe(0)
    })

  test('an older relay that knows no pieces is asked once, and gets the message', async () => {
    const request = vi.fn(() => Promise.reject(new RelayError('INVALID_MSG', 'unknown type DELTA')))
    const send = vi.fn(() => Promise.resolve({}))
    const message = growing({ request, send } as never, '#general', { id: 'm1', inReplyTo: 'x' })
    message.write('one ')
    await Promise.resolve()
    message.write('two')
    await message.end()
    expect(request).toHaveBeenCalledTimes(1)
    expect(send).toHaveBeenCalledWith('#general', 'one two', { id: 'm1', inReplyTo: 'x', stream: 'm1' })
  })

  test('a reader puts pieces together as far as none is missing, whatever comes', () => {
    const grown = new Grown()
    const piece = (n: number, text: string, from: AgentId = '@ann') => ({ from, to: '#c', stream: 's', n, text } as const)
    expect(grown.add(piece(0, 'a'))).toBe('a')
    expect(grown.add(piece(0, 'a'))).toBe(undefined)
    expect(grown.add(piece(2, 'c'))).toBe(undefined)
    expect(grown.add(piece(1, 'x', '@eve'))).toBe(undefined)
    expect(grown.add(piece(1, 'b'))).toBe('ab')
    const end = (stream: string | undefined) => ({ from: '@ann', to: '#c', frame: { stream } } as never)
    expect(grown.end(end(undefined))).toBe(false)
    expect(grown.end(end('s'))).toBe(true)
    for (const n of [0, 1, 2, 3]) expect(grown.add(piece(n, 'after the end'))).toBe(undefined)
    // However many grow, and however long they get, it holds no more than it may.
    for (let i = 0; i < 10_000; i++) grown.add({ ...piece(0, 'x'), stream: `s${i}` })
    expect(grown.add({ ...piece(1, 'y'), stream: 's9999' })).toBe('xy')
    expect(grown.add({ ...piece(1, 'y'), stream: 's1' })).toBe(undefined)
    expect(grown.add(piece(0, 'x'.repeat(512 * 1024), '@long'))).toBeDefined()
    expect(grown.add(piece(1, 'x', '@long'))).toBe(undefined)
  })
})

describe('the command line', () => {
  beforeEach(() => {
    vi.useRealTimers()
  })

  test('send --stream pipes a model; listen shows it grow on a terminal, and in a pipe prints the message alone', async () => {
    await using relay = await startTestRelay()
    using cli = new Cli()
    const seen = cli.run(['listen', relay.url, '#general', '-m', '1'], { isTTY: true, env: { NO_COLOR: '1' } })
    const piped = cli.run(['listen', relay.url, '#general', '-m', '1'])
    await Promise.all([seen.prints('Connected as'), piped.prints('Connected as')])
    await vi.waitFor(async () =>
      expect((await (await relay.login('look')).ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list.length).toBeGreaterThan(2)
    )
    const model = new PassThrough()
    const sent = cli.run(['send', relay.url, '#general', '--stream', '-', '-n', 'model'], { stdin: model })
    model.write('The \u001b[31msky')
    await seen.prints('The \\u001b[31msky')
    model.write(' is blue')
    await seen.prints('sky is blue')
    model.end('.')
    expect((await sent).code).toBe(0)
    const [onTerminal, inPipe] = await Promise.all([seen, piped])
    expect(onTerminal.stdout).toMatch(/ The \\u001b\[31msky is blue\.\n$/)
    expect(inPipe.json).toMatchObject([{ type: 'MSG', content: 'The \u001b[31msky is blue.' }])
    expect(inPipe.stderr).not.toContain('sky')
  })

  test('a growing message takes one line, however long it gets', () => {
    expect(growthText({ to: '#c', fromName: 'ann' }, 'x'.repeat(500), 40)).toBe(`#c ann … ${'x'.repeat(30)}`)
    expect([...growthText({ to: '#c', fromName: 'ann' }, '界'.repeat(500), 40)].length).toBe(9 + 15)
  })

  test('no input is no message; what is no text, or too long, is refused', async () => {
    await using relay = await startTestRelay({ maxContentBytes: 1_024 })
    using cli = new Cli()
    const send = (stdin: string | Uint8Array) => cli.run(['send', relay.url, '#general', '--stream'], { stdin })
    expect(await send('')).toMatchObject({ code: 2, stderr: expect.stringContaining('is empty') as string })
    expect((await send(new Uint8Array([0xc3, 0x28]))).stderr).toContain('not UTF-8')
    expect((await send('x'.repeat(1_025))).stderr).toContain('longer than a message may be')
    expect(await cli.run(['send', relay.url, '#general', '--stream', '--whole'], { stdin: 'x' })).toMatchObject({ code: 2 })
  })
})
