// agentchat daemon: what comes is in a file before it counts as received, what is put into another is sent once; what is wrong is put aside.
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { Cli, type Running } from './kit/cli.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

let relay: TestRelay
let cli: Cli
let ann: { readonly file: string, readonly id: string }
let bob: typeof ann
let channel: string
let channels = 0

beforeAll(async () => {
  relay = await startTestRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

const identity = async (name: string): Promise<typeof ann> => {
  const file = cli.at(`${name}.json`)
  const { json } = await cli.run(['identity', 'generate', '-n', name, '-f', file])
  await cli.run(['channels', '-i', file])
  return { file, id: String(json[0]!['agent_id']) }
}

beforeEach(async () => {
  cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
  cli.env['AGENTCHAT_URL'] = relay.url
  ann = await identity('ann')
  bob = await identity('bob')
  channel = `#d${++channels}`
  expect(await cli.run(['create', channel, '-i', ann.file])).toMatchObject({ code: 0 })
})

const place = (name = '') => join(cli.at('.agentchat/daemons/default'), name)
const jsonLines = (name: string): readonly Record<string, unknown>[] =>
  readFileSync(place(name), 'utf8').split('\n').slice(0, -1).map(line => JSON.parse(line) as Record<string, unknown>)
const contents = (name = 'inbox.jsonl') => jsonLines(name).map(({ content }) => content)
const put = (...lines: readonly (object | string)[]) => {
  mkdirSync(place(), { recursive: true })
  for (const line of lines) appendFileSync(place('outbox.jsonl'), `${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
}
const status = async () => JSON.parse((await cli.run(['daemon', '--status', '--json'])).stdout) as Record<string, unknown>
const say = async (to: string, text: string) => (await cli.run(['send', to, text, '--json', '-i', ann.file])).json[0]!
const saidIn = async (to: string) =>
  (await cli.run(['history', to, '--all', '--field', 'content', '-i', ann.file])).stdout.split('\n').slice(0, -1)

/** A daemon of bob's, ended with the test. */
const started = async (...more: readonly string[]): Promise<{ readonly running: Running }> => {
  const running = cli.run(['daemon', channel, '-i', bob.file, ...more])
  onTestFinished(async () => {
    running.interrupt()
    await running
  })
  await running.prints('Connected as')
  return { running }
}
const stop = async (running: Running) => {
  running.interrupt()
  expect(await running).toMatchObject({ code: 0 })
}
const patient = { timeout: 10_000, interval: 100 }

test('what comes is a line each, with where it comes from; what is put into the outbox is said in its order; a start anew repeats nothing', async () => {
  put({ to: channel, content: 'before the first start' })
  const { running: first } = await started()
  await expect.poll(() => saidIn(channel), patient).toEqual(['before the first start'])
  await say(channel, 'one')
  await say(bob.id, 'two')
  await expect.poll(() => contents().toSorted(), patient).toEqual(['one', 'two'])
  expect(jsonLines('inbox.jsonl').find(({ content }) => content === 'one')).toMatchObject({
    type: 'MSG',
    to: channel,
    from: ann.id,
    signature: 'valid',
    provenance: { trust: 'known', hops: 0 },
  })
  expect(Number(readFileSync(place('newdata'), 'utf8'))).toBeGreaterThan(1e12)
  put({ to: channel, content: 'a' }, { to: ann.id, content: 'b', in_reply_to: 'm' }, { to: channel, content: 'c' })
  await expect.poll(async () => (await status())['waiting'], patient).toBe(0)
  expect(await saidIn(channel)).toEqual(['before the first start', 'one', 'a', 'c'])
  expect(await saidIn(bob.id)).toEqual(['two', 'b'])
  await stop(first)

  await say(channel, 'three')
  await say(bob.id, 'four')
  const { running: second } = await started()
  await expect.poll(() => contents().toSorted(), patient).toEqual(['four', 'one', 'three', 'two'])
  await stop(second)
  expect(await saidIn(channel)).toHaveLength(5)
  // For its owner's eyes.
  for (const name of readdirSync(place())) expect([name, statSync(place(name)).mode & 0o077]).toEqual([name, 0])
  expect(statSync(place()).mode & 0o777).toBe(0o700)
  expect(readFileSync(place('daemon.log'), 'utf8')).toMatch(/Z Connected as @\w+/)
  expect(existsSync(place('daemon.pid'))).toBe(false)
})

test('a bad line is put aside with its reason, and keeps no other one back', async () => {
  await started()
  put(
    'hello',
    { to: 'general', content: 'x' },
    { to: channel },
    { to: '#nowhere', content: 'x' },
    { to: '@0123456789abcdef', content: 'x' },
    { to: channel, content: 'x'.repeat(1_000_000) },
    { to: channel, content: 'mine', id: 'once' },
    { to: channel, content: 'mine', id: 'once' },
    { to: channel, content: 'other', id: 'once' },
    { to: channel, content: 'last' },
  )
  await expect.poll(async () => (await saidIn(channel)).at(-1), patient).toBe('last')
  expect(await saidIn(channel)).toEqual(['mine', 'last'])
  expect(jsonLines('outbox.refused.jsonl').map(({ reason }) => reason)).toEqual([
    expect.stringContaining('not JSON'),
    expect.stringContaining('to: no #channel'),
    expect.stringContaining('content: '),
    expect.stringContaining('CHANNEL_NOT_FOUND'),
    expect.stringContaining('AGENT_NOT_FOUND'),
    expect.stringContaining('INVALID_MSG'),
    expect.stringContaining('ID_REUSED'),
  ])
  expect(jsonLines('outbox.refused.jsonl')[0]).toMatchObject({ line: 'hello', at: expect.any(Number) })
  await expect.poll(status, patient).toMatchObject({ waiting: 0, refused: 7 })
})

test('a line that is there already is recognised by its number: it was on the disk, and its receipt was not told', async () => {
  const { msg_id: known } = await say(bob.id, 'known')
  await say(bob.id, 'new')
  mkdirSync(place(), { recursive: true })
  writeFileSync(place('inbox.jsonl'), `${JSON.stringify({ msg_id: known, content: 'known' })}\n{"msg_id":"half of a li`)
  const { running } = await started()
  await expect.poll(() => contents(), patient).toEqual(['known', 'new'])
  await stop(running)
  const { stdout } = await cli.run(['call', 'STATUS', `msg_id=${String(known)}`, '--json', '-i', ann.file])
  expect(stdout).toContain('"received"')
})

test('what cannot be put on the disk was not received, and ends the daemon', async () => {
  const { running } = await started()
  rmSync(place('inbox.jsonl'))
  mkdirSync(place('inbox.jsonl'))
  await say(bob.id, 'precious')
  expect(await running).toMatchObject({ code: 1, stderr: expect.stringContaining('EISDIR') })
  const { json } = await cli.run(['listen', '--dm', '-m', '1', '--timeout', '10', '-i', bob.file])
  expect(json).toMatchObject([{ content: 'precious' }])
})

test('one daemon has a folder: another one is refused, and the status says who is at work', async () => {
  expect(await cli.run(['daemon', '--status'])).toMatchObject({ code: 4, stderr: expect.stringContaining('--list') })
  const { running } = await started()
  expect(await cli.run(['daemon', channel, '-i', bob.file])).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(new RegExp(`Another daemon is at work in .*process ${process.pid}\\)\n.*--stop`)),
  })
  expect(await status()).toMatchObject({
    instance: 'default',
    running: true,
    pid: process.pid,
    connected: true,
    agent_id: bob.id,
    server: relay.url,
  })
  const other = cli.run(['daemon', channel, '-i', bob.file, '--instance', 'night'])
  await other.prints('Connected as')
  expect((await cli.run(['daemon', '--list'])).json).toMatchObject([{ instance: 'default' }, { instance: 'night', running: true }])
  await stop(other)
  await stop(running)
  expect(await status()).toMatchObject({ running: false, pid: null, connected: false })
  expect((await cli.run(['daemon', '--status'], { isTTY: true })).stdout).toContain('default does not run')
  expect(await cli.run(['daemon', '--stop'])).toMatchObject({ code: 0, stderr: expect.stringContaining('did not run') })
})

test.each([
  ['without a key', ['--guest'], 3, 'needs a key'],
  ['of a name that is a path', ['--instance', '../x'], 2, 'no name of an instance'],
  ['in a channel that is not there', ['#nowhere'], 4, 'CHANNEL_NOT_FOUND'],
])('%s: refused', async (_, flags, code, text) => {
  expect(await cli.run(['daemon', '-i', bob.file, ...flags])).toMatchObject({ code, stderr: expect.stringContaining(text) })
})
