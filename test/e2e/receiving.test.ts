// What counts as received, shown by processes that are killed in the middle of their work, and by readers that go.
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { AgentChatClient } from '../../lib/index.ts'
import { generateKeyPair, identityFrom } from '../../lib/identity/index.ts'
import { identityOf, newIdentityFile, nodeIdentity, saveIdentityFile, wsTransport } from '../../lib/node/index.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { builtBin, builtTree, Program, ServeProgram } from '../kit/process.ts'

let home: Folder
let relay: ServeProgram
let url: string
let alice: AgentChatClient

beforeAll(async () => {
  home = newFolder()
  relay = new ServeProgram(builtBin(), ['--port', '0', '--data', ':memory:', '--msg-rate', '0'], {
    env: { HOME: home.path },
  })
  url = await relay.url
})
afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  home[Symbol.dispose]()
})
beforeEach(async () => {
  alice = new AgentChatClient({
    server: url,
    identity: identityFrom(generateKeyPair().privateKey, { name: 'alice' }),
    transport: wsTransport,
  })
  await alice.connect()
})
afterEach(() => alice.close())

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1)
/** Every number in its order; some may come again, none is left out. */
const expectWhole = (told: readonly number[], count: number): void => {
  told.reduce((newest, number) => {
    expect(number).toBeLessThanOrEqual(newest + 1)
    return Math.max(newest, number)
  }, 0)
  expect(new Set(told)).toEqual(new Set(numbers(count)))
}

/** Works 400 ms on each message, and says when it begins and ends. */
const worker = `
  import { AgentChatClient } from ${JSON.stringify(pathToFileURL(join(builtTree, 'dist/lib/index.js')))}
  import { nodeIdentity, PositionsFile, wsTransport } from ${JSON.stringify(pathToFileURL(join(builtTree, 'dist/lib/node/index.js')))}
  const [url, key, cursor, channel] = process.argv.slice(2)
  const client = new AgentChatClient({
    server: url,
    identity: nodeIdentity(key, { name: 'worker' }),
    transport: wsTransport,
    positions: new PositionsFile(cursor, { saveEveryMs: 1 }),
  })
  const messages = client.messages()
  await client.connect()
  if (channel) await client.join(channel, process.env.AGAIN ? {} : { since: 0 })
  for await (const { content } of messages) {
    console.log(JSON.stringify({ begins: Number(content) }))
    await new Promise(resolve => setTimeout(resolve, 400))
    console.log(JSON.stringify({ ends: Number(content) }))
  }
`

test.each(['direct', 'channel'] as const)('%s messages: a worker that is killed in the third of eight finds the third again',
  async kind => {
    const { privateKey } = generateKeyPair()
    const identity = nodeIdentity(privateKey, { name: 'worker' })
    const early = new AgentChatClient({ server: url, identity, transport: wsTransport })
    await early.connect()
    await early.close()
    const channel = `#work-${kind}` as const
    if (kind === 'channel') await alice.createChannel(channel)
    for (const n of numbers(8)) await alice.send(kind === 'channel' ? channel : identity.agentId, String(n))

    const script = home.at(`worker-${kind}.mjs`)
    const cursor = home.at(`worker-${kind}.json`)
    writeFileSync(script, worker)
    const run = (env: Record<string, string> = {}) =>
      new Program(process.execPath, [script, url, privateKey, cursor, kind === 'channel' ? channel : ''], { env })
    await using first = run()
    await first.until('the third to begin', () => first.stdout.includes('"begins":3}'))
    first.signal('SIGKILL')
    await first.ended
    const { positions } = JSON.parse(readFileSync(cursor, 'utf8')) as { positions: Record<string, number> }
    expect(positions[kind === 'channel' ? channel : alice.agentId!] ?? 0).toBeLessThanOrEqual(2)
    await using second = run({ AGAIN: '1' })
    await second.until('the last to end', () => second.stdout.includes('"ends":8}'))
    second.signal('SIGKILL')
    await second.ended
    const told = (program: Program, what: string) => program.jsonLines.filter(line => what in line).map(line => Number(line[what]))
    expect(told(first, 'ends')).toEqual([1, 2])
    expect(told(second, 'begins')[0]).toBeLessThanOrEqual(3)
    expectWhole([...told(first, 'ends'), ...told(second, 'ends')], 8)
  })

const shell = (script: string) =>
  new Program('bash', ['-c', script], { env: { HOME: home.path, NODE: process.execPath, BIN: builtBin(), URL: url } })

/** What a pipe holds, without waiting for more. */
const drain = (fd: number): string => {
  const parts: Buffer[] = []
  for (;;) {
    const part = Buffer.alloc(65_536)
    let length = 0
    try {
      length = readSync(fd, part)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
    if (length === 0) return Buffer.concat(parts).toString()
    parts.push(part.subarray(0, length))
  }
}

test('lines count that a pipe has taken; while it is full nothing more is read', { timeout: 90_000 }, async () => {
  await alice.createChannel('#big')
  const guest = new AgentChatClient({ server: url, name: 'guest', transport: wsTransport })
  await guest.connect()
  await guest.join('#big')
  const padding = 'x'.repeat(20_000)
  await Promise.all(numbers(1_500).map(n => guest.send('#big', `${n} ${padding}`)))
  await guest.close()
  const fifo = home.at('fifo')
  const cursor = home.at('big.json')
  execFileSync('mkfifo', [fifo])
  // Opened, and not read.
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    await using listen = shell(`exec "$NODE" "$BIN" listen $URL '#big' --since all --content --cursor ${cursor} > ${fifo}`)
    await listen.prints(/Connected/)
    const position = (): number => {
      try {
        return (JSON.parse(readFileSync(cursor, 'utf8')) as { positions: Record<string, number> }).positions['#big'] ?? 0
      } catch {
        return 0
      }
    }
    await expect.poll(position, { timeout: 20_000 }).toBeGreaterThan(0)
    // It would have taken the 30 MB by now.
    await new Promise(resolve => setTimeout(resolve, 1_500))
    const rss = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${listen.pid}/status`, 'utf8'))![1]) * 1_024
    listen.signal('SIGKILL')
    await listen.ended
    const lines = drain(fd).split('\n').slice(0, -1).map(line => Number(line.split(' ')[0]))
    expect(lines).toEqual(numbers(lines.length))
    expect(position()).toBeGreaterThan(0)
    expect(position()).toBeLessThanOrEqual(lines.length)
    expect(lines.length).toBeLessThan(10)
    expect(rss).toBeLessThan(160 * 1_024 * 1_024)
  } finally {
    closeSync(fd)
  }
})

test('listen --follow-dm | head -1 loses nothing, and goes on with each run', async () => {
  const file = home.at('bob.json')
  const made = newIdentityFile('bob', Date.now())
  saveIdentityFile(file, made)
  const identity = identityOf(made)
  const early = new AgentChatClient({ server: url, identity, transport: wsTransport })
  await early.connect()
  await early.close()
  const count = 40
  for (const n of numbers(count)) await alice.dm(identity.agentId, String(n))
  const told: number[] = []
  const listen = `"$NODE" "$BIN" listen $URL -i ${file} --since now --follow-dm --content`
  for (let run = 0; run < 3; run++) {
    await using program = shell(`${listen} --timeout 20 | head -1`)
    await program.ended
    const [line, ...more] = program.stdout.split('\n')
    expect(more).toEqual([''])
    expect(Number(line)).toBeGreaterThan(told.at(-1) ?? 0)
    told.push(Number(line))
  }
  await using rest = shell(`${listen} --timeout 6 | cat`)
  await rest.ended
  told.push(...rest.stdout.split('\n').slice(0, -1).map(Number))
  expectWhole(told, count)
  await using nothing = shell(`${listen} --timeout 1 | cat`)
  await nothing.ended
  expect(nothing.stdout).toBe('')
})
