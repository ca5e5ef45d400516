// The CLI as a process: what only a process can show. What commands say and do is in test/cli.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newFolder, type Folder } from '../kit/folder.ts'
import { Program, ServeProgram, builtBin } from '../kit/process.ts'
import { rawSocket } from '../kit/raw-socket.ts'
import { loaders } from '../../src/cli/commands/index.ts'

const bin = builtBin()
let home: Folder

beforeAll(() => {
  home = newFolder()
})
afterAll(() => home[Symbol.dispose]())

const env = () => ({ HOME: home.path })
const agentchat = (...args: string[]) => new Program(process.execPath, [bin, ...args], { env: env() })
const shell = (script: string) => new Program('bash', ['-c', script], { env: { ...env(), NODE: process.execPath, BIN: bin } })

describe('start-up', () => {
  /** Prints the packages that a run has loaded, when it ends. */
  const listing = `data:text/javascript,${
    encodeURIComponent(`
    import { createRequire } from 'node:module'
    const { cache } = createRequire('/')
    process.on('exit', () => process.stderr.write('\\nLOADED ' + [...new Set(Object.keys(cache).map(file => /node_modules.((?:@[^/\\\\]+.)?[^/\\\\]+)/.exec(file)?.[1]))].join(' ') + '\\n'))`)
  }`
  const loadedBy = async (...args: string[]): Promise<readonly string[]> => {
    await using run = new Program(process.execPath, ['--import', listing, bin, ...args], { env: env() })
    expect(await run.ended).toEqual({ code: 0, signal: null })
    return /LOADED (.*)/.exec(run.stderr)![1]!.split(' ')
  }
  const heavy = ['better-sqlite3', 'kysely', 'pino', 'prom-client', 'ws', 'yaml']

  test.each([['--help'], ['--version'], ...Object.keys(loaders).map(name => [name, '--help'])])('%s %s loads nothing that it does not need',
    async (...args) => {
      const loaded = await loadedBy(...args)
      expect(loaded).toContain('commander')
      expect(loaded.filter(name => heavy.includes(name))).toEqual([])
    })

  test('a send needs a socket, and nothing of the relay', async () => {
    await using relay = new ServeProgram(bin, ['--port', '0', '--data', ':memory:'], { env: env() })
    const loaded = await loadedBy('send', await relay.url, '#general', 'hi')
    expect(loaded.filter(name => heavy.includes(name))).toEqual(['ws'])
  })
})

describe('a process among others', () => {
  let relay: ServeProgram
  let url: string

  beforeAll(async () => {
    relay = new ServeProgram(bin, ['--port', '0', '--data', ':memory:', '--msg-rate', '0'], { env: env() })
    url = await relay.url
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  test('words that are no UTF-8 are refused, not sent in another form; the sign that stands for such is a text', async () => {
    await using broken = shell(`"$NODE" "$BIN" send ${url} '#agents' $'caf\\xe9'`)
    expect(await broken.ended).toEqual({ code: 2, signal: null })
    expect(broken.stderr).toContain('Argument 4 is not UTF-8')
    await using whole = shell(`"$NODE" "$BIN" send ${url} '#agents' $'caf\\xc3\\xa9 \\xef\\xbf\\xbd'`)
    expect(await whole.ended, whole.stderr).toEqual({ code: 0, signal: null })
  })

  test('a reader that has had enough ends listen quietly, with 0', async () => {
    await using send = shell(`seq 1 2000 | "$NODE" "$BIN" send ${url} '#general' -`)
    expect(await send.ended).toEqual({ code: 0, signal: null })
    await using run = shell(`"$NODE" "$BIN" listen ${url} '#general' --since all --content | head -2; echo "\${PIPESTATUS[0]}"`)
    // It learns of it at its next word.
    await run.until('head to end', () => run.stdout.startsWith('1\n2\n'))
    await using more = agentchat('send', url, '#general', 'one more')
    await more.ended
    expect(await run.ended).toEqual({ code: 0, signal: null })
    expect(run.stdout).toBe('1\n2\n0\n')
    expect(run.stderr).toMatch(/^Connected as @\w+\n$/)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends a listener with 130', async signal => {
    await using listen = agentchat('listen', url)
    await listen.prints(/Connected/)
    listen.signal(signal)
    expect(await listen.ended).toEqual({ code: 130, signal: null })
  })

  test('standard input that stays open does not keep a failed send alive', async () => {
    await using send = agentchat('send', url, '#nowhere', '-')
    send.stdin.write('hi\n')
    expect(await send.ended).toEqual({ code: 4, signal: null })
  })
})

test('serve --json says where it is in one document on stdout', async () => {
  await using relay = new ServeProgram(bin, ['--port', '0', '--data', ':memory:', '--json', '--log-level', 'silent'], { env: env() })
  await relay.url
  await relay.until('the document', () => relay.stdout.endsWith('\n'))
  expect(relay.jsonLines).toEqual([{
    url: expect.stringMatching(/^ws:\/\/localhost:\d+$/),
    port: expect.any(Number),
    server_id: expect.stringMatching(/^[0-9a-f]{64}$/),
    console_url: expect.stringMatching(/^http:\/\/localhost:\d+\/console\/$/),
  }])
  relay.signal('SIGTERM')
  expect(await relay.ended).toEqual({ code: 0, signal: null })
})

test('a second signal ends a relay that still waits for its clients', async () => {
  await using relay = new ServeProgram(bin, ['--port', '0', '--data', ':memory:', '--drain-ms', '60000'], { env: env() })
  // A client that never answers anything, a goodbye neither.
  const socket = await rawSocket(await relay.url)
  try {
    relay.signal('SIGTERM')
    await relay.prints(/draining/)
    relay.signal('SIGTERM')
    expect(await relay.ended).toEqual({ code: null, signal: 'SIGTERM' })
  } finally {
    socket.destroy()
  }
})
