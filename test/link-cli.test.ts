// Links from a shell: made, listed, looked at, trusted and ended, by whoever has the admin key; and what is said where that does not go.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cli } from './kit/cli.ts'
import { adminKey, mirrored, startLinkable, until } from './kit/linked.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const cli = new Cli()
const host = 'b.example'
let here: TestRelay
let home: TestRelay

beforeAll(async () => {
  here = await startLinkable()
  home = await startLinkable()
  cli.env['AGENTCHAT_URL'] = here.url
  cli.env['AGENTCHAT_ADMIN_KEY'] = adminKey
})
afterAll(async () => {
  await here[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
  cli[Symbol.dispose]()
})

const link = (...words: readonly string[]) => cli.run(['link', ...words])
/** What somebody at a terminal sees. */
const shown = async (...words: readonly string[]) => {
  const { stdout, stderr } = await cli.run(['link', ...words], { isTTY: true, env: { NO_COLOR: '1' } })
  return stdout + stderr
}
const listed = async () => JSON.parse((await link('list', '--json')).stdout) as readonly unknown[]

test('a link is added, listed, looked at, trusted with more and with nothing, and removed', async () => {
  expect(await link('list')).toMatchObject({ code: 0, stdout: '', stderr: 'No relay is linked\n' })
  expect(await listed()).toEqual([])
  const added = await link('add', host, '--url', home.url, '--key', home.serverId, '--channel', '#general', '--json')
  const mirrors = [{ channel: `#general@${host}`, state: 'waiting', seq: 0 }]
  expect(added).toMatchObject({ code: 0, json: [{ host, url: home.url, server_id: home.serverId, trust: 'read', waiting: 0, mirrors }] })
  await mirrored(here, `#general@${host}`, 0)
  expect(await until(async () => {
    const ran = await link('status', host, '--json')
    return ran.code === 0 && ran
  })).toMatchObject({ stderr: '' })
  expect(await shown('status', host)).toContain(`#general@${host}  following  0 messages`)
  expect(await shown('trust', host, 'both')).toContain(`${host}: both`)
  expect(await link('trust', host, 'off', '--json')).toMatchObject({ code: 0, json: [{ host, trust: 'off' }] })
  expect(await shown('list')).toMatch(/^b\.example +off /m)
  expect(await shown('remove', host)).toContain(`${host} is not linked any more`)
  expect(await link('remove', host, '--json')).toMatchObject({ code: 0, json: [{ host, removed: true }] })
  expect(await listed()).toEqual([])
})

test('what does not go on is told, with 10', async () => {
  await using gone = await startLinkable()
  const { url, serverId } = gone
  await gone.drain()
  await link('add', 'c.example', '--url', url, '--key', serverId, '--channel', '#general')
  const ran = await link('status', 'c.example')
  expect(ran).toMatchObject({ code: 10, json: [{ host: 'c.example', mirrors: [{ state: 'waiting' }] }] })
  expect(ran.stderr).toMatch(/^error: /)
  await link('remove', 'c.example')
})

test.each([
  ['no command', [], 2, 'link wants a command'],
  ['no key for a new link', ['add', host], 5, 'is not linked yet'],
  ['a key that is none', ['add', host, '--key', 'abc'], 5, 'key'],
  ['a host that is none', ['add', 'not a host', '--key', '0'.repeat(64)], 5, 'host'],
  ['a host that is not linked', ['status', 'c.example'], 4, 'c.example is not linked'],
  ['a trust that is none', ['trust', host, 'blind'], 2, '"blind" is neither read, both nor off'],
] as const)('%s is refused with what to do', async (_title, words, code, why) => {
  const ran = await link(...words)
  expect([ran.code, ran.stdout]).toEqual([code, ''])
  expect(ran.stderr).toContain(why)
  const told = await link(...words, '--json')
  expect(told.code).toBe(code)
  expect(JSON.parse(told.stderr)).toMatchObject({ message: expect.stringContaining(why) as string })
})

test('without the admin key, or where links are off, nothing is done', async () => {
  const without = await cli.run(['link', 'list'], { env: { AGENTCHAT_ADMIN_KEY: 'another key than the right one' } })
  expect(without.code).not.toBe(0)
  await using other = await startTestRelay({ adminKey })
  const off = await cli.run(['link', 'list'], { env: { AGENTCHAT_URL: other.url } })
  expect(off.code).not.toBe(0)
  expect(off.stderr).toContain('no links to others')
})
