// `agentchat discover` against relays, and against what only looks like one: every answer is bounded, checked, and shown as what it is.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { oldSkillsTexts } from '../lib/identity/index.ts'
import type { ServerDocument } from '../lib/protocol/index.ts'
import { exits } from '../src/cli/exit.ts'
import { Cli, type Ran } from './kit/cli.ts'
import { paperRelay } from './kit/describe.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith } from './kit/wire.ts'

let cli: Cli
beforeEach(() => {
  cli = new Cli()
  mkdirSync(cli.at('.agentchat'))
  onTestFinished(() => cli[Symbol.dispose]())
})

type Found = Record<string, unknown> & {
  readonly name: string
  readonly url: string
  readonly status: string
  readonly trust: string
  readonly warnings: readonly string[]
  readonly problem: string | null
}

const relayOf = async (overrides: Parameters<typeof startTestRelay>[0] = {}): Promise<TestRelay> => {
  const relay = await startTestRelay(overrides)
  onTestFinished(() => relay.drain())
  return relay
}
const site = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  onTestFinished(() =>
    new Promise<void>(resolve => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  )
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const json = (body: unknown): RequestListener => (request, response) =>
  request.url === '/.well-known/agentchat.json' ? void response.end(JSON.stringify(body)) : void response.writeHead(404).end()

const write = (name: string, value: unknown) =>
  writeFileSync(cli.at(`.agentchat/${name}`), typeof value === 'string' ? value : JSON.stringify(value))
const own = (...urls: readonly string[]) =>
  write('servers.json', {
    version: 1,
    updated_at: '2026-01-01T00:00:00.000Z',
    servers: urls.map((url, n) => ({ name: `r${n}`, url, description: '', region: '' })),
  })
const discover = async (...args: readonly string[]): Promise<Ran & { readonly found: readonly Found[] }> => {
  const ran = await cli.run(['discover', '--json', '--timeout', '2', '--outbound-allow', '127.0.0.1', ...args])
  return { ...ran, found: ran.code === 0 ? JSON.parse(ran.stdout) as readonly Found[] : [] }
}

describe('what only looks like a relay', () => {
  test('is told as what it is, in bounded time, and never believed', async () => {
    const forged = { ...paperRelay().describe(), name: 'better than it is' }
    const expired = paperRelay('old')
    const urls = await Promise.all([
      site(json(forged)),
      site(json({ ...paperRelay().describe(), name: 'red \u001b[31m' })),
      site((request, response) =>
        json(expired.describe({ urls: [`ws://${request.headers.host}`], issued_at: Date.now() - 5 * 3_600_000 }))(request, response)
      ),
      site((_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()),
      site((_request, response) => {
        response.write('{"')
        const timer = setInterval(() => response.write('x'.repeat(4_096)), 1)
        response.on('close', () => clearInterval(timer))
      }),
      site((_request, response) => void response.write('{')),
      site((_request, response) => response.end('<html>')),
      // An older relay: it has its health, and no description.
      site((request, response) =>
        request.url === '/health'
          ? void response.end(
            JSON.stringify({ status: 'healthy', server: 'x', version: '0.36', uptime_seconds: 90, agents: { connected: 3 } }),
          )
          : void response.writeHead(404).end()
      ),
      // What another relay says of itself, handed on.
      site(json(paperRelay('copied').describe())),
    ])
    own(...urls)
    const { found, stderr } = await discover()
    const at = (n: number) => found.find(({ url }) => url === urls[n])!
    expect(at(0)).toMatchObject({ status: 'online', trust: 'invalid', warnings: ['what it says of itself is NOT signed by its key'] })
    expect(at(1)).toMatchObject({ status: 'offline', problem: 'what answers there is no relay' })
    expect(at(2)).toMatchObject({
      status: 'online',
      trust: 'new',
      warnings: [expect.stringContaining('its clock is 5 h behind this one, or an old copy answers') as string],
    })
    expect(at(3).problem).toBe('it answers 302')
    expect(at(4).problem).toBe('More than 65536 bytes came back')
    expect(at(5).problem).toBe('No answer within 2000 ms')
    expect(at(6).problem).toBe('it answers 200, and not in JSON')
    expect(at(7)).toMatchObject({ status: 'online', trust: 'unsigned', agents: 3, uptime_seconds: 90, version: '0.36', server_id: null })
    expect(stderr).toContain('NOT signed by its key')
    expect(at(8)).toMatchObject({ status: 'online', trust: 'new' })
    // Only a key that signed is remembered, and only where it says that it is.
    expect(Object.keys(JSON.parse(readFileSync(cli.at('.agentchat/known-relays.json'), 'utf8')) as object)).toEqual([urls[2]!])
  })

  test('a directory that lies, redirects, never ends, or lists 100,000: bounded, and each relay speaks for itself', async () => {
    const real = await relayOf({ name: 'real' })
    const document = await (await fetch(`${real.httpUrl}/.well-known/agentchat.json`)).json() as ServerDocument
    const impostor = paperRelay('impostor').describe({ urls: [real.url] })
    const elsewhere = paperRelay('elsewhere').describe({ urls: ['ws://127.0.0.1:1', real.url] })
    let pages = 0
    const endless = await site((request, response) => {
      pages++
      const from = Number(new URL(request.url!, 'http://x').searchParams.get('after') ?? 0)
      response.end(
        JSON.stringify({
          servers: Array.from({ length: 100 },
            (_, n) => ({ name: `n${from + n}`, url: `ws://127.0.0.1:${1 + (from + n) % 9}/${from + n}` })),
          next: `/directory/servers?after=${from + 100}`,
        }),
      )
    })
    const lying = await site((_request, response) =>
      response.end(
        JSON.stringify({
          servers: [
            { document: impostor },
            { document: elsewhere },
            { document: { ...document, name: 'forged' } },
            { url: 'file:///etc/passwd' },
            { url: 'http://169.254.169.254/' },
            'x',
            null,
          ],
        }),
      )
    )
    const away = await site((_request, response) => response.writeHead(301, { location: `${real.httpUrl}/directory/servers` }).end())
    own()
    const listed = await discover('--directory', lying.replace('ws', 'http'))
    expect(listed.found.find(({ url }) => url === real.url)).toMatchObject({
      name: 'real',
      status: 'online',
      trust: 'disputed',
      server_id: real.serverId,
      warnings: [expect.stringContaining('a directory names another key for it') as string],
    })
    expect((await discover('--directory', cli.at('.agentchat/discovered.json'))).code).toBe(0)
    expect(listed.found.map(({ url }) => url).sort()).toEqual(['ws://127.0.0.1:1', real.url, 'ws://localhost:6667'].sort())
    const many = await discover('--directory', endless, '--limit-per-directory', '250')
    expect(many.found.length).toBe(251)
    expect(pages).toBe(3)
    expect((await discover('--directory', away)).stderr).toContain('cannot be read: it answers 301')
    expect((await cli.run(['discover', '--directory', cli.at('none.json')])).stderr).toContain('cannot be read: ENOENT')
    // The key that a directory showed first is not the one that is remembered: nobody was believed.
    const direct = await discover('--directory', real.url)
    expect(direct.stderr).toContain('cannot be read: it answers 404')
  })

  test("names that strangers write drive no terminal, and are not taken for one's own", async () => {
    const [one, two] = [await relayOf({ name: 'workshop' }), await relayOf({ name: 'workshop' })]
    write('servers.json', {
      version: 1,
      servers: [{ name: 'evil \u001b[2J\u202e', url: 'ws://127.0.0.1:1', description: '\u0007', region: '' }, {
        name: 'bad',
        url: 'http://127.0.0.1',
      }, 7],
    })
    write('list.json', { servers: [one, two].map(({ url }) => ({ name: "a stranger's word", url })) })
    const shown = await cli.run(['discover', '--outbound-allow', '127.0.0.1', '--directory', cli.at('.agentchat/list.json')], {
      isTTY: true,
      env: { NO_COLOR: '1' },
    })
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/^STATUS +NAME +URL +MS {2}AGENTS {2}UP +WEEK {2}VERSION +REGION\nonline +workshop +ws:/)
    expect(shown.stdout).toContain('evil \\u001b[2J\\u202e')
    expect(shown.stdout).not.toMatch(/[\u0007\u202e]|\u001b\[2J/)
    expect(await cli.run(['channels', 'workshop'])).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('2 relays are called "workshop"') as string,
    })
    expect((await cli.run(['discover', 'add', two.url, '--name', 'workshop'])).code).toBe(0)
    expect(await cli.run(['send', 'workshop', '#general', 'hi', '--json'])).toMatchObject({ code: 0 })
    const heard = await cli.run(['history', two.url, '#general', '--json'])
    expect(heard.stdout).toContain('"content":"hi"')
    expect(await cli.run(['channels'], { env: { AGENTCHAT_URL: 'workshop' } })).toMatchObject({ code: 0 })
    // A plain word stays an argument where there is no room for a relay.
    expect(await cli.run(['send', two.url, 'general', 'hi'])).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('"general" is not a target') as string,
    })
    expect((await cli.run(['skills', 'search', two.url, 'workshop', '--json'])).code).toBe(0)
  })
})

describe('a name stands for the key it was found under', () => {
  test('another key at its address is refused, until it is trusted', async () => {
    const relay = await relayOf({ name: 'shop' })
    const port = Number(new URL(relay.url).port)
    await cli.run(['discover', 'add', relay.url, '--name', 'shop'])
    expect((await discover()).found[0]).toMatchObject({ name: 'shop', trust: 'new' })
    await cli.run(['identity', 'generate', '-n', 'ann', '-f', cli.at('ann.json')])
    expect((await cli.run(['send', 'shop', '#general', 'hi', '-i', cli.at('ann.json')])).code).toBe(0)
    await relay.drain()
    const other = await relayOf({ name: 'shop', port })
    expect(await cli.run(['send', 'shop', '#general', 'hi', '-i', cli.at('ann.json')])).toMatchObject({
      code: exits.auth.code,
      stderr: expect.stringContaining('HAS ANOTHER KEY') as string,
    })
    expect((await discover()).found[0]).toMatchObject({ trust: 'changed', server_id: other.serverId })
    const trusted = await cli.run(['discover', 'trust', 'shop', '--json'])
    expect(trusted.json[0]).toEqual({ url: other.url, server_id: other.serverId, former: relay.serverId })
    expect((await cli.run(['send', 'shop', '#general', 'hi', '-i', cli.at('ann.json')])).code).toBe(0)
  })

  test('add, remove and trust say what is wrong, and keep what others wrote into the file', async () => {
    write('servers.json', {
      version: 1,
      updated_at: 'x',
      theme: 'dark',
      servers: [{ name: 'old one', url: 'wss://old.example', description: 'd', region: 'eu', starred: true }],
    })
    expect((await cli.run(['discover', 'add', 'WSS://New.example/', '-n', 'new', '--region', 'us'])).code).toBe(0)
    expect(JSON.parse(readFileSync(cli.at('.agentchat/servers.json'), 'utf8'))).toEqual({
      version: 1,
      updated_at: expect.stringMatching(/^\d{4}-/) as string,
      theme: 'dark',
      servers: [{ name: 'old one', url: 'wss://old.example', description: 'd', region: 'eu', starred: true }, {
        name: 'new',
        url: 'wss://new.example',
        description: '',
        region: 'us',
      }],
    })
    expect(await cli.run(['discover', 'add', 'wss://third.example', '-n', 'new'])).toMatchObject({ code: exits.refused.code })
    expect(await cli.run(['discover', 'add', 'nonsense'])).toMatchObject({ code: exits.usage.code })
    expect(await cli.run(['discover', 'add', 'https://directory.example'])).toMatchObject({ code: 0 })
    expect(await cli.run(['discover', 'remove', 'old one'])).toMatchObject({ code: 0 })
    expect(await cli.run(['discover', 'remove', 'https://directory.example'])).toMatchObject({ code: 0 })
    expect(await cli.run(['discover', 'remove', 'nobody'])).toMatchObject({ code: exits.notFound.code })
    expect(await cli.run(['discover', 'trust', 'ws://127.0.0.1:1'])).toMatchObject({ code: exits.unreachable.code })
    expect(await cli.run(['discover', 'trust', 'new', '--key', 'xyz'])).toMatchObject({ code: exits.usage.code })
    write('servers.json', 'not JSON')
    expect(await cli.run(['discover'])).toMatchObject({ code: exits.error.code, stderr: expect.stringContaining('Repair it') as string })
  })
})

test('on a terminal it tells how far it is; Ctrl-C ends it', async () => {
  const hanging = await site(() => undefined)
  own(hanging, 'ws://127.0.0.1:1')
  const running = cli.run(['discover', '--timeout', '30'], { isTTY: true, env: { NO_COLOR: '1' } })
  await running.prints('looked at 1 of 2 relays, 0 online')
  running.interrupt()
  expect((await running).code).toBe(exits.interrupted.code)
})

describe('agents', () => {
  test('many relays are asked at once; the same offer is shown once, with all its places', async () => {
    const [left, right, empty] = [await relayOf({ name: 'left' }), await relayOf({ name: 'right' }), await relayOf({ name: 'empty' })]
    const [ann, bob] = [newKey(), newKey()]
    const offer = async (relay: TestRelay, key: typeof ann, skills: readonly object[]) => {
      const wire = await relay.login('x', { key })
      await wire.ask({ type: 'REGISTER_SKILLS', skills, sig: signWith(key, oldSkillsTexts(skills)[0]!) }, 'SKILLS_REGISTERED')
      return wire
    }
    const review = { capability: 'code-review', rate: 5, currency: 'USD' }
    await using here = await offer(left, ann, [review, { capability: 'baking' }])
    await (await offer(right, ann, [review])).close()
    await (await offer(right, bob, [{ capability: 'peer review', rate: 50, currency: 'USD' }])).close()
    own(left.url, right.url, empty.url, 'ws://127.0.0.1:1')
    const search = (...args: readonly string[]) => cli.run(['discover', 'agents', '--json', '--timeout', '5', ...args])
    const all = await search('--skill', 'review')
    expect(all.code).toBe(0)
    const offers = JSON.parse(all.stdout) as readonly {
      readonly agent_id: string
      readonly online: boolean
      readonly relays: readonly { readonly url: string, readonly address: string }[]
    }[]
    expect(offers.map(({ agent_id, online, relays }) => [agent_id, online, relays.map(({ url }) => url).sort()])).toEqual([[
      ann.id,
      true,
      [left.url, right.url].sort(),
    ], [bob.id, false, [right.url]]])
    expect(JSON.parse((await search('--skill', 'review', '--max-rate', '10', '--currency', 'USD')).stdout)).toHaveLength(1)
    expect(JSON.parse((await search('--skill', 'review', '--online')).stdout)).toHaveLength(1)
    expect(JSON.parse((await search('--text', 'baking', '-l', '1')).stdout)).toMatchObject([{ agent_id: ann.id, capability: 'baking' }])
    expect(await search()).toMatchObject({ code: exits.usage.code })
    expect(all.stderr).toContain('2 offer(s) at 3 relay(s)')
    // What was found is a name that other commands take, whatever relay is one's own.
    const { address } = offers[1]!.relays[0]!
    expect(address).toBe(`${bob.id}@${new URL(right.url).host}`)
    const who = await cli.run(['who', address, '--guest', '--json'])
    expect(who, who.stderr).toMatchObject({ code: 0, json: [{ agent_id: bob.id }] })
    await here.barrier()
  })
})
