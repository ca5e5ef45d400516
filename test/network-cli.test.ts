// The command line at several relays: addresses with a host, who is there, as whom, and what is refused.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { readBy } from '../src/cli/addressed.ts'
import { exits } from '../src/cli/exit.ts'
import { addressGuard } from '../src/outbound/guard.ts'
import { Cli } from './kit/cli.ts'
import { paperRelay } from './kit/describe.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

let cli: Cli
beforeEach(() => {
  cli = new Cli()
  mkdirSync(cli.at('.agentchat'))
  onTestFinished(() => cli[Symbol.dispose]())
})

const relayOf = async (name: string): Promise<TestRelay> => {
  const relay = await startTestRelay({ name })
  onTestFinished(() => relay.drain())
  return relay
}
const hostOf = ({ url }: { readonly url: string }): string => new URL(url).host
const own = (...urls: readonly string[]) =>
  writeFileSync(cli.at('.agentchat/servers.json'), JSON.stringify({
    version: 1,
    servers: urls.map((url, n) => ({ name: `r${n}`, url, description: '', region: '' })),
  }))

test('a message goes to the relay that its address names, as who talks at home', async () => {
  const [home, there] = await Promise.all(['home', 'there'].map(relayOf)) as [TestRelay, TestRelay]
  own(there.url)
  const key = cli.at('work.json')
  const { json: [made] } = await cli.run(['identity', 'generate', '--file', key, '--json'])
  expect((await cli.run(['context', 'add', 'work', home.url, '--identity', key])).code).toBe(0)
  const sent = await cli.run(['send', `#general@${hostOf(there)}`, 'hello', '--json'])
  expect(sent, sent.stderr).toMatchObject({ code: 0, json: [{ to: '#general', seq: 1 }] })
  const read = async (target: string) => (await cli.run(['history', target, '--json'])).json[0]
  expect(await read(`#general@${hostOf(there)}`)).toMatchObject([{ content: 'hello', signature: 'valid', from: made!['agent_id'] }])
  expect(await read('#general')).toEqual([])
  expect(await read(`#general@${hostOf(home)}`)).toEqual([])
  const { msg_id: id } = (await read(`#general@${hostOf(there)}`) as unknown as readonly { msg_id: string }[])[0]!
  const edited = await cli.run(['edit', `${id}@${hostOf(there)}`, 'hello again', '--json'])
  expect(edited, edited.stderr).toMatchObject({ code: 0 })
  // Whose key it is was kept.
  expect(JSON.parse(readFileSync(cli.at('.agentchat/known-relays.json'), 'utf8'))).toMatchObject({ [there.url]: there.serverId })
})

test('a host that nobody here knows is asked only by TLS and in public; a relay named in front is asked for any address', async () => {
  const relay = await relayOf('relay')
  const private_ = await cli.run(['send', `#general@${hostOf(relay)}`, 'hello', '--guest'])
  expect(private_).toMatchObject({ code: exits.auth.code, stderr: expect.stringContaining('agentchat discover add') as string })
  const allowed = await cli.run(['send', `#general@${hostOf(relay)}`, 'hello', '--guest'], {
    env: { AGENTCHAT_OUTBOUND_ALLOW: '127.0.0.0/8' },
  })
  expect(allowed, allowed.stderr).toMatchObject({ code: 0 })
  const linked = await cli.run(['send', relay.url, '#general@other.example', 'hello', '--guest'])
  expect(linked).toMatchObject({ code: exits.notFound.code, stderr: expect.stringContaining('HOST_UNKNOWN') as string })
})

test('several relays in one listener: each line says of which it is, and each relay has a place of its own in the cursor', async () => {
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(relayOf)) as [TestRelay, TestRelay, TestRelay]
  own(b.url, c.url)
  cli.env['AGENTCHAT_URL'] = a.url
  expect((await cli.run(['identity', 'generate'])).code).toBe(0)
  const [there, elsewhere] = [`#general@${hostOf(b)}`, `#general@${hostOf(c)}`]
  const cursor = cli.at('cursor.json')
  const listening = cli.run(['listen', there, '#general', elsewhere, '--cursor', cursor, '-m', '3', '--since', 'all', '--json'])
  await listening.prints('Connected as')
  for (const target of ['#general', there, elsewhere]) expect((await cli.run(['send', target, `to ${target}`])).code).toBe(0)
  const heard = await listening
  expect(heard, heard.stderr).toMatchObject({ code: 0 })
  const byHost = (lines: readonly Record<string, unknown>[]) =>
    Object.fromEntries(lines.map(({ host = '', to, content, signature }) => [host, { to, content, signature }]))
  expect(byHost(heard.json)).toEqual({
    '': { to: '#general', content: 'to #general', signature: 'valid' },
    [hostOf(b)]: { to: '#general', content: `to ${there}`, signature: 'valid' },
    [hostOf(c)]: { to: '#general', content: `to ${elsewhere}`, signature: 'valid' },
  })
  expect(readdirSync(cli.at('.')).filter(name => name.startsWith('cursor')).sort())
    .toEqual(['cursor.json', ...[b, c].map(relay => `cursor.json.${hostOf(relay).replace(':', '_')}`)].sort())
  // What was heard does not come again, at any of them.
  for (const target of ['#general', there, elsewhere]) expect((await cli.run(['send', target, 'again'])).code).toBe(0)
  const more = await cli.run(['listen', there, '#general', elsewhere, '--cursor', cursor, '-m', '3', '--json'])
  expect(more.json.map(({ content }) => content)).toEqual(['again', 'again', 'again'])
  // For eyes a line has the address, which can be answered to.
  const shown = await cli.run(['listen', there, '--since', 'all', '-m', '1'], { isTTY: true })
  expect(shown.stdout).toContain(`${there}`)
  expect(await cli.run(['listen', there, '#general', '--thread', '1-1-5b1f0c'])).toMatchObject({ code: exits.usage.code })
})

test('a relay that ends a listener of several ends it; one that is away is said, with its exit code', async () => {
  const [a, b] = await Promise.all(['a', 'b'].map(relayOf)) as [TestRelay, TestRelay]
  own(b.url, 'ws://127.0.0.1:1')
  cli.env['AGENTCHAT_URL'] = a.url
  const away = await cli.run(['listen', '#general', '#general@127.0.0.1:1', '--guest'])
  expect(away).toMatchObject({ code: exits.unreachable.code, stderr: expect.stringContaining('127.0.0.1:1') as string })
})

test('deals are made and held at the relay that their addresses name', async () => {
  const [home, there] = await Promise.all(['home', 'there'].map(relayOf)) as [TestRelay, TestRelay]
  own(there.url)
  cli.env['AGENTCHAT_URL'] = home.url
  const host = hostOf(there)
  const keys = Object.fromEntries(await Promise.all(['ann', 'bob'].map(async name => {
    const made = await cli.run(['identity', 'generate', '--file', cli.at(`${name}.json`), '--name', name, '--json'])
    return [name, made.json[0]!['agent_id'] as string]
  })))
  const as = async (name: string, ...args: readonly string[]) => {
    const ran = await cli.run([...args, '-i', cli.at(`${name}.json`), '--json'])
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    return ran.json[0]!
  }
  await as('bob', 'send', `#general@${host}`, 'here')
  expect(await as('ann', 'who', `${keys['bob']}@${host}`)).toMatchObject({ name: 'bob', agent_id: keys['bob'] })
  const { proposal_id: id } = await as('ann', 'propose', `${keys['bob']}@${host}`, 'write it')
  expect(await as('bob', 'accept', `${id as string}@${host}`, '--yes')).toMatchObject({ status: 'accepted' })
  expect(await as('ann', 'proposals', 'show', `${id as string}@${host}`)).toMatchObject({ proposal: { status: 'accepted' } })
  expect(await cli.run(['proposals', 'show', id as string, '-i', cli.at('ann.json')])).toMatchObject({ code: exits.notFound.code })
})

test("the admin key of the environment is told to the relay of one's own, and to none that a name leads to", async () => {
  const adminKey = 'the same at both, so that whoever is told it obeys'
  const [home, there] = await Promise.all(['home', 'there'].map(async name => {
    const relay = await startTestRelay({ name, adminKey })
    onTestFinished(() => relay.drain())
    return relay
  })) as [TestRelay, TestRelay]
  own(there.url)
  Object.assign(cli.env, { AGENTCHAT_URL: home.url, AGENTCHAT_ADMIN_KEY: adminKey })
  const ban = (host: string, ...more: readonly string[]) => cli.run(['admin', 'ban', `@8addfe276526c9f6@${host}`, '--guest', ...more])
  const refused = await ban(hostOf(there))
  expect(refused, refused.stderr).toMatchObject({ code: exits.refused.code, stderr: expect.stringContaining('--admin-key') as string })
  for (const done of [await ban(hostOf(there), '--admin-key', adminKey), await ban(hostOf(home))])
    expect(done, done.stderr).toMatchObject({ code: 0 })
})

test('names at two relays are for `listen` alone', async () => {
  const ran = await cli.run(['invite', '#a@one.example', '@8addfe276526c9f6@two.example'])
  expect(ran).toMatchObject({ code: exits.usage.code, stderr: expect.stringContaining('one.example, two.example') as string })
})

test('another key than before is refused, and taken when somebody says so', async () => {
  const relay = await relayOf('relay')
  own(relay.url)
  writeFileSync(cli.at('.agentchat/known-relays.json'), JSON.stringify({ [relay.url]: '0'.repeat(64) }))
  const target = `#general@${hostOf(relay)}`
  const refused = await cli.run(['send', target, 'hello', '--guest'])
  expect(refused).toMatchObject({ code: exits.auth.code, stderr: expect.stringContaining('ANOTHER KEY THAN BEFORE') as string })
  expect((await cli.run(['history', target, '--guest', '--accept-new-relay-key', '--json'])).json).toEqual([[]])
  expect((await cli.run(['send', target, 'hello', '--guest'])).code).toBe(0)
})

test('what is at a host and is no relay is told with what to do next, and nothing of it reaches the terminal', async () => {
  const odd = paperRelay('odd')
  let answer: (url: string) => unknown = () => undefined
  const server = createServer((request, response) => {
    const said = answer(`ws://${request.headers.host}`)
    if (typeof said === 'number') response.writeHead(said, { location: 'http://127.0.0.1:1/' }).end()
    else response.end(typeof said === 'string' ? said : JSON.stringify(said))
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  own(url)
  const cases: readonly (readonly [(url: string) => unknown, keyof typeof exits, string])[] = [
    [() => 302, 'notFound', 'answers 302'],
    [() => 'x'.repeat(1_000_000), 'notFound', 'bytes came back'],
    [() => '<html>\u001b[31m', 'notFound', 'no relay that describes itself'],
    [url => ({ ...odd.describe({ urls: [url] }), name: 'better' }), 'auth', 'not signed by its key'],
    [url => odd.describe({ urls: [url], issued_at: Date.now() - 7_200_000 }), 'auth', 'is over'],
    [() => odd.describe({ urls: ['wss://other.example'] }), 'auth', 'it is at wss://other.example'],
  ]
  for (const [said, exit, text] of cases) {
    answer = said
    const ran = await cli.run(['send', `#general@${hostOf({ url })}`, 'hello', '--guest'])
    expect(ran.stderr).toContain(text)
    expect(ran.stderr).not.toContain('\u001b')
    expect(ran.code, text).toBe(exits[exit].code)
  }
})

test('which relay is at a host is told, and its key is kept', async () => {
  const relay = await relayOf('there')
  own(relay.url)
  const found = await cli.run(['discover', 'find', `#general@${hostOf(relay)}`, '--json'])
  expect(found, found.stderr).toMatchObject({
    code: 0,
    json: [{ host: hostOf(relay), url: relay.url, server_id: relay.serverId, name: 'there', urls: [relay.url] }],
  })
  expect(JSON.parse(readFileSync(cli.at('.agentchat/known-relays.json'), 'utf8'))).toEqual({ [relay.url]: relay.serverId })
  expect((await cli.run(['discover', 'find', hostOf(relay)], { isTTY: true })).stdout).toContain(relay.serverId)
  expect(await cli.run(['discover', 'find', '#general'])).toMatchObject({ code: exits.usage.code })
  expect(await cli.run(['discover', 'find', '10.0.0.1'])).toMatchObject({ code: exits.auth.code })
})

test('a name that leads to a private address is not asked', async () => {
  const asked: string[] = []
  const inside = addressGuard({ allow: [] }, name => {
    asked.push(name)
    return Promise.resolve([{ address: '203.0.113.1', family: 4 }, { address: '10.0.0.1', family: 4 }])
  })
  const reading = readBy(inside, undefined, 'chat.example')('https://chat.example/.well-known/agentchat.json', {
    maxBytes: 1_000,
    signal: new AbortController().signal,
  })
  await expect(reading).rejects.toMatchObject({ name: 'AddressError', code: 'HOST_REFUSED', host: 'chat.example' })
  expect(asked).toEqual(['chat.example'])
})
