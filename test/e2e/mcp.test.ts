// agentchat mcp as a host runs it: a process on stdin and stdout, in front of a relay that is killed and comes back; and what else loads of it.
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { newFolder, type Folder } from '../kit/folder.ts'
import { callWith, eras, newHost, type Era } from '../kit/mcp.ts'
import { Program, builtBin } from '../kit/process.ts'

const agentchat = (folder: Folder, ...args: readonly string[]) =>
  new Program(process.execPath, [builtBin(), ...args], { cwd: folder.path, env: { HOME: folder.path } })

/** A port that nothing listens on now: the relay has to come back to it. */
const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

const serve = async (folder: Folder, port: number, ...more: readonly string[]) => {
  const relay = agentchat(folder, 'serve', '--host', '127.0.0.1', '--port', String(port), '--data', folder.at('data'), ...more)
  await relay.prints(/ws:\/\/[\w.-]+:\d+/)
  return relay
}

const keyFile = (folder: Folder, name: string): string => {
  const file = folder.at(`${name}.json`)
  execFileSync(process.execPath, [builtBin(), 'identity', 'generate', '--name', name, '--file', file], {
    stdio: 'ignore',
    env: { HOME: folder.path },
  })
  return file
}

const toolNames = ['receive', 'send', 'history', 'find', 'agent', 'announce', 'channel', 'deals', 'deal']

/** A host with its server, as a process. */
const hostOf = async (folder: Folder, era: Era, ...args: readonly string[]) => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [builtBin(), 'mcp', ...args],
    env: { HOME: folder.path, PATH: process.env['PATH']! },
    stderr: 'ignore',
    cwd: folder.path,
  })
  const host = newHost(era)
  await host.connect(transport)
  return { host, call: callWith(host), pid: transport.pid!, [Symbol.asyncDispose]: () => host.close() }
}

/** A host in front of the relay's own door, by a token of a key of its own. */
const httpHostOf = async (folder: Folder, url: string, name: string, era: Era) => {
  const key = keyFile(folder, name)
  const { token } = JSON.parse(
    execFileSync(process.execPath, [builtBin(), 'token', 'create', url, '--name', 'host', '-i', key, '--json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { HOME: folder.path },
    }),
  ) as { readonly token: string }
  const host = newHost(era)
  const transport = new StreamableHTTPClientTransport(new URL(`${url.replace('ws', 'http')}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await host.connect(transport)
  const id = /You are (@\w+)/.exec(host.getInstructions()!)![1]!
  return { id, host, call: callWith(host), [Symbol.asyncDispose]: () => host.close() }
}
type HttpHost = Awaited<ReturnType<typeof httpHostOf>>

describe.each(eras)('in the era of %s', era => {
  test('a host goes on after the relay was killed, and its question is answered once', { timeout: 120_000 }, async () => {
    using folder = newFolder()
    const port = await freePort()
    const url = `ws://127.0.0.1:${port}`
    await using ada = await hostOf(folder, era, url, '-i', keyFile(folder, 'ada'), '--max-amount', '20 USD')
    // The relay is not there yet: the call says so, and the next one finds it.
    expect(await ada.call('receive')).toMatchObject({ isError: true, text: expect.stringMatching(/^UNREACHABLE|^TIMEOUT/) })
    let relay = await serve(folder, port)
    expect((await ada.host.listTools()).tools.map(({ name }) => name)).toEqual(toolNames)
    expect((await ada.call('receive')).text).toBe('Nothing waits.')
    await using max = await hostOf(folder, era, url, '-i', keyFile(folder, 'max'))
    const id = /You are (@\w+)/.exec(max.host.getInstructions()!)![1]!
    const asked = ada.call('send', { to: id, text: 'are you there?', wait_s: 60 })
    const heard = await max.call('receive', { wait_s: 20 })
    expect(heard.text).toContain('>are you there?</')
    relay.signal('SIGKILL')
    await relay.ended
    relay = await serve(folder, port)
    const from = /(@\w+)\/ada/.exec(heard.text)![1]!
    expect((await max.call('send', { to: from, text: 'yes', reply_to: /id=(\S+)/.exec(heard.text)![1]! })).text).toMatch(
      /^Stored as \S+, number 2\./,
    )
    expect((await asked).text).toContain('>yes</')
    expect((await ada.call('receive')).text).toBe('Nothing waits.')
    expect((await max.call('receive')).text).toBe('Nothing waits.')
    expect((await max.call('history', { of: from })).text.match(/^\d+ @/gm)).toHaveLength(2)
    expect((await ada.call('deal', { do: 'propose', to: id, task: 'x', amount: 50, currency: 'USD' })).text).toMatch(/^OVER_MAX_AMOUNT: /)
    relay.signal('SIGTERM')
    await relay.ended
  })
})

test('over HTTP, in both eras, hosts go on after the relay was killed: nothing is lost, nothing is there twice', { timeout: 120_000 },
  async () => {
    using folder = newFolder()
    const port = await freePort()
    const url = `ws://127.0.0.1:${port}`
    let relay = await serve(folder, port)
    await using ada = await httpHostOf(folder, url, 'ada', eras[0])
    await using max = await httpHostOf(folder, url, 'max', eras[1])
    for (const { host } of [ada, max]) expect((await host.listTools()).tools.map(({ name }) => name)).toEqual(toolNames)
    /** A call that the relay did not live to answer is made again, as hosts do; it has a key where it says something. */
    const again = async (host: HttpHost, name: string, args: Readonly<Record<string, unknown>> = {}) => {
      for (;;) {
        const answer = await host.call(name, args).catch(() => undefined)
        if (answer !== undefined) return answer
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    }
    const shown: string[] = []
    const receive = async (host: HttpHost) => {
      const { text } = await again(host, 'receive')
      shown.push(...[...text.matchAll(/>(\w+ \d)</g)].map(match => match[1]!))
      return text
    }
    for (const [turn, [from, to]] of ([[ada, max], [max, ada]] as const).entries()) {
      await again(from, 'send', { to: to.id, text: `before ${turn}`, key: `before-${turn}` })
      expect(await receive(to)).toContain(`>before ${turn}</`)
      const underway = again(from, 'send', { to: to.id, text: `meanwhile ${turn}`, key: `meanwhile-${turn}` })
      relay.signal('SIGKILL')
      await relay.ended
      relay = await serve(folder, port)
      expect((await underway).text).toMatch(/^Stored (as|before under this key as) /)
      await again(from, 'send', { to: to.id, text: `after ${turn}`, key: `after-${turn}` })
      while (await receive(to) !== 'Nothing waits.');
      const { text } = await again(to, 'history', { of: from.id })
      expect([...text.matchAll(/>(\w+) (\d)</g)].filter(match => match[2] === String(turn)).map(match => match[1])).toEqual([
        'before',
        'meanwhile',
        'after',
      ])
    }
    expect([...new Set(shown)].sort()).toEqual(['after 0', 'after 1', 'before 0', 'before 1', 'meanwhile 0', 'meanwhile 1'])
    // What was said so is seen at the other doors, with how it came.
    await using listener = agentchat(folder, 'listen', url, '#general', '-m', '1', '--json')
    await listener.prints(/onnected|istening/)
    await ada.call('channel', { do: 'join', channel: '#general' })
    await ada.call('send', { to: '#general', text: 'hi' })
    await listener.ended
    expect(JSON.parse(listener.stdout.trim().split('\n').at(-1)!)).toMatchObject({ from: ada.id, content: 'hi', via: 'mcp', auth: 'token' })
    relay.signal('SIGTERM')
    expect(await relay.ended).toMatchObject({ code: 0 })
  })

test('what a host was shown and did not acknowledge is shown again when the host was killed', { timeout: 60_000 }, async () => {
  using folder = newFolder()
  await using relay = await serve(folder, 0)
  const [url] = /ws:\/\/[\w.-]+:\d+/.exec(`${relay.stdout}${relay.stderr}`)!
  const key = keyFile(folder, 'ada')
  {
    await using ada = await hostOf(folder, eras[0], url!, '-i', key)
    const id = /You are (@\w+)/.exec(ada.host.getInstructions()!)![1]!
    await using sender = agentchat(folder, 'send', url!, id, 'remember me')
    expect(await sender.ended).toMatchObject({ code: 0 })
    expect((await ada.call('receive', { wait_s: 10 })).text).toContain('>remember me</')
    process.kill(ada.pid, 'SIGKILL')
  }
  await using again = await hostOf(folder, eras[0], url!, '-i', key)
  expect((await again.call('receive')).text).toContain('>remember me</')
  expect((await again.call('receive')).text).toBe('Nothing waits.')
})

test('the server ends with its host, and a wrong key or relay is told at once', { timeout: 60_000 }, async () => {
  using folder = newFolder()
  await using relay = await serve(folder, 0)
  const [url] = /ws:\/\/[\w.-]+:\d+/.exec(`${relay.stdout}${relay.stderr}`)!
  await using server = agentchat(folder, 'mcp', url!)
  await server.prints(/Connected as @/)
  server.stdin.end()
  expect(await server.ended, server.stderr).toEqual({ code: 0, signal: null })
  expect(server.stdout).toBe('')
  await using broken = agentchat(folder, 'mcp', url!, '-i', 'nowhere.json')
  expect((await broken.ended).code).not.toBe(0)
  expect(broken.stderr).not.toContain('    at ')
})

test('only agentchat mcp and a relay with its door load the SDK', { timeout: 60_000 }, async () => {
  using folder = newFolder()
  writeFileSync(folder.at('hooks.mjs'), `
    import { appendFileSync } from 'node:fs'
    export const resolve = async (name, context, next) => {
      if (name.startsWith('@modelcontextprotocol')) appendFileSync(${JSON.stringify(folder.at('loaded'))}, name + '\\n')
      return next(name, context)
    }`)
  writeFileSync(folder.at('register.mjs'),
    `import { register } from 'node:module'; register(${JSON.stringify(pathToFileURL(folder.at('hooks.mjs')).href)})`)
  writeFileSync(folder.at('loaded'), '')
  const traced = (...args: readonly string[]) =>
    new Program(process.execPath, ['--import', pathToFileURL(folder.at('register.mjs')).href, builtBin(), ...args], {
      cwd: folder.path,
      env: { HOME: folder.path },
    })
  const loaded = () => readFileSync(folder.at('loaded'), 'utf8')
  const ask = (url: string, path: string) => fetch(`${url.replace('ws', 'http')}${path}`).then(({ status }) => status)
  const listens = /ws:\/\/[\w.-]+:\d+/
  {
    await using closed = traced('serve', '--host', '127.0.0.1', '--port', '0', '--data', folder.at('closed'), '--no-http', '--no-mcp')
    const [url] = await closed.prints(listens)
    expect([await ask(url, '/v1'), await ask(url, '/mcp'), await ask(url, '/mcp/server-card')]).toEqual([404, 404, 404])
    await using sent = traced('send', url, '#general', 'hello')
    expect(await sent.ended).toMatchObject({ code: 0 })
    expect(loaded()).toBe('')
  }
  {
    await using open = traced('serve', '--host', '127.0.0.1', '--port', '0', '--data', folder.at('data'))
    const [url] = await open.prints(listens)
    expect(await ask(url, '/mcp')).toBe(401)
    expect(loaded()).toContain('@modelcontextprotocol/server')
    writeFileSync(folder.at('loaded'), '')
    await using sent = traced('send', url, '#general', 'hello')
    expect(await sent.ended).toMatchObject({ code: 0 })
    expect(loaded()).toBe('')
    await using server = traced('mcp', url)
    await server.prints(/Connected as/)
    expect(loaded()).toContain('@modelcontextprotocol/server')
  }
})

test('nine tools take no more than 1,500 tokens of o200k, each at most 220', { timeout: 240_000 }, async () => {
  using folder = newFolder()
  // As for the Nodes of nodes.test.ts: npm has it, or what npm keeps.
  execFileSync('npm', [
    'install',
    '--no-save',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    'gpt-tokenizer@4',
  ], {
    cwd: folder.path,
    stdio: 'pipe',
    timeout: 200_000,
  })
  const { encode } = await import(pathToFileURL(folder.at('node_modules/gpt-tokenizer/esm/encoding/o200k_base.js')).href) as {
    readonly encode: (text: string) => readonly number[]
  }
  const { listed, toolSets } = await import('../../src/doors/mcp/tools.ts')
  const tokens = listed(toolSets.all).map(({ name, description, inputSchema }) =>
    encode(`${name}${description}${JSON.stringify(inputSchema)}`).length
  )
  expect(tokens.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(1_500)
  expect(Math.max(...tokens)).toBeLessThanOrEqual(220)
})
