// Real processes: three relays, two of them directories that feed each other. One is killed, one comes back with another key,
// one with a wrong clock, and `discover` tells each.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { newFolder } from '../kit/folder.ts'
import { freePort } from '../kit/port.ts'
import { Program, ServeProgram, builtBin } from '../kit/process.ts'

interface Found {
  readonly name: string
  readonly url: string
  readonly status: string
  readonly trust: string | null
  readonly server_id: string | null
  readonly agents: number | null
  readonly latency_ms: number | null
  readonly uptime_week: number | null
  readonly features: readonly string[]
  readonly clock_skew_ms: number | null
  readonly last_seen: number | null
  readonly warnings: readonly string[]
  readonly problem: string | null
  readonly from: readonly string[]
}

const skewed = (ms: number) => ({
  env: {
    NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, '../kit/shifted-clock.mjs')).href}`,
    AGENTCHAT_TEST_SKEW_MS: String(ms),
  },
})

describe('three relays', () => {
  test('killed, with another key, with a wrong clock: each is told as it is', async () => {
    using folder = newFolder()
    mkdirSync(folder.at('home'))
    const [leftPort, rightPort, plainPort] = [await freePort(), await freePort(), await freePort()]
    const [left, right, plain] = [leftPort, rightPort, plainPort].map(port => `ws://127.0.0.1:${port}`) as [string, string, string]
    const flags = (
      name: string,
      port: number,
    ) => [
      '--name',
      name,
      '--port',
      String(port),
      '--data',
      folder.at(name),
      '--outbound-allow',
      '127.0.0.1',
      '--announce-every-ms',
      '20s',
      '--probe-every-ms',
      '1s',
      '--log-level',
      'warn',
      '--json',
    ]
    const serveLeft = (options = {}) =>
      new ServeProgram(builtBin(), [...flags('left', leftPort), '--directory', 'yes', '--directory-peers', right.replace('ws', 'http')],
        options)
    const serveRight = (data: string) =>
      new ServeProgram(builtBin(), [
        ...flags('right', rightPort),
        '--directory',
        '--directory-peers',
        left.replace('ws', 'http'),
        '--data',
        folder.at(data),
        '--announce',
        left.replace('ws', 'http'),
      ])
    const agentchat = async (...args: readonly string[]) => {
      await using program = new Program(process.execPath, [builtBin(), ...args], { env: { HOME: folder.at('home') } })
      const { code } = await program.ended
      return { code, stdout: program.stdout, stderr: program.stderr }
    }
    const discover = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await agentchat('discover', '--json', '--timeout', '20', '--outbound-allow', '127.0.0.1', ...args)
      expect(code, stderr).toBe(0)
      const found = JSON.parse(stdout) as readonly Found[]
      return { stderr, found, at: (url: string) => found.find(server => server.url === url)! }
    }

    let firstRight = serveRight('right')
    await using plainRelay = new ServeProgram(builtBin(), [
      ...flags('plain', plainPort),
      '--region',
      'eu',
      '--description',
      'No directory',
      '--announce',
      left.replace('ws', 'http'),
    ])
    let firstLeft = serveLeft()
    try {
      await Promise.all([firstLeft.url, firstRight.url, plainRelay.url])
      // What was announced to the one arrives at the other.
      const listed = async (query: string) =>
        (await (await fetch(`${right.replace('ws', 'http')}/directory/servers${query}`)).json() as {
          servers: readonly { document: { name: string } }[]
        }).servers.map(({ document }) => document.name)
      const lists = async (query: string, name: string) => {
        let names: readonly string[] = []
        for (let tries = 0; tries < 400; tries++) {
          names = await listed(query)
          if (names.includes(name)) return
          await new Promise(resolve => setTimeout(resolve, 100))
        }
        throw new Error(
          `${right} does not list ${name} for ${query}, only ${
            names.join(', ')
          }; ${firstLeft.stderr} ${firstRight.stderr} ${plainRelay.stderr}`,
        )
      }
      await lists('?online=true', 'plain')

      // Only addresses that the user names lead to the loopback by themselves.
      const guarded = await agentchat('discover', '--json', '--timeout', '20', '--directory', right)
      expect((JSON.parse(guarded.stdout) as readonly Found[]).find(({ url }) => url === plain)).toMatchObject({
        status: 'offline',
        problem: expect.stringContaining('may not be reached') as string,
      })

      expect((await agentchat('discover', 'add', left, '--name', 'links')).code).toBe(0)
      expect((await agentchat('discover', 'add', right)).code).toBe(0)
      expect((await agentchat('discover', 'add', right.replace('ws', 'http'))).code).toBe(0)
      const first = await discover()
      expect(first.at(left)).toMatchObject({ name: 'links', status: 'online', trust: 'new', agents: 0, warnings: [] })
      expect(first.at(plain)).toMatchObject({
        name: 'plain',
        status: 'online',
        trust: 'new',
        from: [right.replace('ws', 'http')],
        features: expect.arrayContaining(['channels', 'escrow']) as string[],
      })
      expect(first.at(plain).latency_ms).toBeGreaterThan(0)
      expect(first.at(plain).uptime_week).toBeGreaterThan(0)
      expect((await discover()).found.every(({ trust }) => trust === 'known')).toBe(true)
      expect((await discover('--feature', 'directory')).found.map(({ url }) => url).sort()).toEqual([left, right].sort())
      expect((await discover('--region', 'eu')).found.map(({ url }) => url)).toEqual([plain])

      // A discovered name stands for its url.
      expect(await agentchat('send', 'plain', '#general', 'by name', '--json')).toMatchObject({ code: 0 })
      const heard = await agentchat('listen', 'plain', '#general', '--since', 'all', '-m', '1')
      expect(JSON.parse(heard.stdout)).toMatchObject({ content: 'by name' })
      expect(await agentchat('channels', 'links')).toMatchObject({ code: 0 })
      expect(await agentchat('send', 'nowhere', '#general', 'hi')).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('No relay is known as "nowhere"') as string,
      })

      plainRelay.signal('SIGKILL')
      await plainRelay.ended
      await lists('?online=false', 'plain')
      expect((await discover()).at(plain)).toMatchObject({
        status: 'offline',
        last_seen: expect.any(Number) as number,
        problem: expect.stringContaining('ECONNREFUSED') as string,
      })

      for (const relay of [firstLeft, firstRight]) {
        relay.signal('SIGTERM')
        await relay.ended
      }
      ;[firstLeft, firstRight] = [serveLeft(skewed(2 * 3_600_000)), serveRight('right-anew')]
      await Promise.all([firstLeft.url, firstRight.url])
      expect((await agentchat('discover', 'add', plain)).code).toBe(0)
      const after = await discover()
      expect(after.at(plain)).toMatchObject({ status: 'offline', trust: null })
      expect(after.at(left)).toMatchObject({
        status: 'online',
        trust: 'known',
        warnings: [expect.stringContaining('its clock is 2 h ahead') as string],
      })
      expect(after.at(left).clock_skew_ms).toBeGreaterThan(7_100_000)
      expect(after.at(right)).toMatchObject({
        status: 'online',
        trust: 'changed',
        warnings: [expect.stringContaining('ITS KEY IS NOT THE ONE FROM BEFORE') as string],
      })
      expect(after.stderr).toContain('ITS KEY IS NOT THE ONE FROM BEFORE')
      expect((await discover('--online')).found.map(({ url }) => url).sort()).toEqual([left, right].sort())

      // The new key is not believed until somebody says so, and a wrong one never.
      expect((await discover()).at(right).trust).toBe('changed')
      expect(await agentchat('discover', 'agents', '--skill', 'review')).toMatchObject({
        code: 0,
        stderr: expect.stringContaining(`${right} is not asked`) as string,
      })
      expect(await agentchat('discover', 'trust', right, '--key', '0'.repeat(64))).toMatchObject({ code: 3 })
      expect(await agentchat('discover', 'trust', right, '--key', after.at(right).server_id!.slice(0, 32))).toMatchObject({ code: 0 })
      expect((await discover()).at(right)).toMatchObject({ trust: 'known', warnings: [] })

      // The list is in the form that existing clients read.
      const file = JSON.parse(readFileSync(folder.at('home/.agentchat/servers.json'), 'utf8')) as {
        version: number
        updated_at: string
        servers: readonly unknown[]
      }
      expect(file).toMatchObject({
        version: 1,
        servers: [{ name: 'links', url: left, description: '', region: '' }, { name: new URL(right).host, url: right }, { url: plain }],
      })
      expect(new Date(file.updated_at).getTime()).toBeGreaterThan(0)
    } finally {
      await firstLeft[Symbol.asyncDispose]()
      await firstRight[Symbol.asyncDispose]()
    }

    // Nobody is there any more: what was found stays readable, and a file is a directory too.
    const cached = await discover('--cached')
    expect(cached.at(left)).toMatchObject({ name: 'links', status: 'online' })
    writeFileSync(folder.at('static.json'), JSON.stringify({
      version: 1,
      servers: [{ name: 'far', url: 'ws://127.0.0.1:9', description: 'from a file', region: 'eu' }, { name: 7 }, null],
    }))
    const alone = await discover('--directory', folder.at('static.json'), '--timeout', '2')
    expect(alone.found.every(({ status }) => status === 'offline')).toBe(true)
    expect(alone.at('ws://127.0.0.1:9').from).toEqual([folder.at('static.json')])
    expect(alone.stderr).toContain('cannot be read')
  }, 120_000)
})
