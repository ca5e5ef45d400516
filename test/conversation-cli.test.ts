// What happens to messages after they were said, from a shell: edit, retract, threads, groups, searching by files.
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { conversation } from '../lib/index.ts'
import { Cli } from './kit/cli.ts'
import { clientOf } from './kit/client.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

let relay: TestRelay
let cli: Cli
let me: string
let rooms = 0
let channel: string

beforeAll(async () => {
  relay = await startTestRelay({ createChannels: 'anyone' })
  cli = new Cli()
  cli.env['AGENTCHAT_URL'] = relay.url
  me = String((await cli.run(['identity', 'generate', '--name', 'ann', '--json'])).json[0]!['agent_id'])
})
afterAll(async () => {
  cli[Symbol.dispose]()
  await relay.drain()
})
beforeEach(async () => {
  channel = `#room-${++rooms}`
  expect(await cli.run(['create', channel])).toMatchObject({ code: 0 })
})

const send = async (text: string, ...more: string[]): Promise<string> =>
  String((await cli.run(['send', channel, text, '--json', ...more])).json[0]!['msg_id'])
const said = async (
  ...more: string[]
) => (JSON.parse((await cli.run(['history', channel, '--json', ...more])).stdout) as Record<string, unknown>[])
const contents = async (...more: string[]) => (await said(...more)).map(({ content }) => content)

test('edit says a message anew, signed; from standard input too; not what another said, nor what is not there', async () => {
  const id = await send('Friday')
  expect(await cli.run(['edit', id, 'Monday'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining(`Stored in ${channel} as 2`),
  })
  expect(await cli.run(['edit', id, '-', '--json'], { stdin: 'Tuesday,\nor later' })).toMatchObject({ code: 0 })
  expect(await contents()).toEqual(['Friday', 'Monday', 'Tuesday,\nor later'])
  const shown = (await cli.run(['history', channel], { isTTY: true })).stdout
  expect(shown).toContain(`(edits ${id})`)
  await using bob = await clientOf(relay)
  const talk = conversation(bob)
  for (const { frame } of (await talk.edits(id)).slice(1)) expect(await talk.signatureOf(frame as never)).toBe('valid')
  // Another agent, and another message.
  expect(await cli.run(['edit', id, 'mine', '--guest'])).toMatchObject({ code: 3, stderr: expect.stringContaining('author') })
  expect(await cli.run(['edit', '1-99-abcdef', 'mine'])).toMatchObject({ code: 4 })
  expect(await contents()).toHaveLength(3)
})

test('edit keeps the files, and takes off those that are named; search finds what has some', async () => {
  writeFileSync(cli.at('a.txt'), 'a file')
  const id = await send('numbers', '--file', cli.at('a.txt'))
  const files = async () => (await said()).map(each => (each['files'] as { readonly name: string }[] | undefined)?.map(({ name }) => name))
  await cli.run(['edit', id, 'numbers, kept'])
  expect(await cli.run(['edit', id, 'numbers, dropped', '--drop-file', 'b.txt'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('no file'),
  })
  await cli.run(['edit', id, 'numbers, dropped', '--drop-file', 'a.txt'])
  expect(await files()).toEqual([['a.txt'], ['a.txt'], []])
  const found = await cli.run(['search', 'numbers', '--has', 'file', '-c', channel, '--json'])
  expect((JSON.parse(found.stdout) as { readonly snippet: string }[]).map(({ snippet }) => snippet)).toEqual(['numbers, kept', 'numbers'])
})

test("retract takes back what a message and its edits said; a channel's owner what others did", async () => {
  const id = await send('a secret')
  await cli.run(['edit', id, 'a better secret'])
  expect(await cli.run(['retract', id, '--guest'])).toMatchObject({ code: 3 })
  expect(await cli.run(['retract', id])).toMatchObject({ code: 0, stderr: expect.stringContaining(`${id} is gone from ${channel}`) })
  expect(await contents()).toEqual(['', '', ''])
  expect(await cli.run(['retract', id])).toMatchObject({ code: 4 })
  await using bob = await clientOf(relay)
  await bob.join(channel as '#x')
  const { msgId } = await bob.send(channel as '#x', 'not here, please')
  expect(await cli.run(['retract', msgId])).toMatchObject({ code: 0 })
  expect(await contents()).toEqual(['', '', '', '', ''])
})

test('history --thread and listen --thread show one thread, named by any message of it', async () => {
  const root = await send('root')
  await send('beside it')
  const answer = await send('answer', '--reply-to', root)
  await send('deeper', '--reply-to', answer)
  expect(await contents('--thread', answer)).toEqual(['root', 'answer', 'deeper'])
  expect(await contents('--thread', root, '--after', '1', '--limit', '1')).toEqual(['answer'])
  expect(await cli.run(['history', channel, '--thread', root, '--before', '3'])).toMatchObject({ code: 2 })
  expect(await cli.run(['history', channel, '--thread', '1-99-abcdef'])).toMatchObject({ code: 4 })
  await using watcher = await relay.login('watcher', { autojoin: false })
  const listening = cli.run(['listen', channel, '--thread', answer, '--since', 'now', '-m', '2'])
  await expect.poll(async () => (await watcher.ask({ type: 'LIST_AGENTS', channel }, 'AGENTS')).list.length).toBe(1)
  await send('beside it, too')
  await send('deepest', '--reply-to', answer)
  await cli.run(['edit', root, 'the root'])
  expect((await listening).json.map(({ content }) => content)).toEqual(['deepest', 'the root'])
  expect(await cli.run(['listen', channel, '--thread', '1-99-abcdef', '-m', '1'])).toMatchObject({ code: 4 })
})

test('channel group makes names that mention several, lists and removes them', async () => {
  const other = newKey()
  await using bob = await relay.login('bob', { key: other, autojoin: false, inbox: 'manual' })
  await bob.ask({ type: 'JOIN', channel, limit: 0 }, 'JOINED')
  expect(await cli.run(['channel', 'group', 'set', channel, 'reviewers', other.id, me])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('@reviewers'),
  })
  expect(await cli.run(['channel', 'group', 'set', channel, 'here', other.id])).toMatchObject({ code: 5 })
  expect(JSON.parse((await cli.run(['channel', 'group', 'list', channel, '--json'])).stdout)).toEqual([
    { group: 'reviewers', members: [other.id, me].sort() },
  ])
  await send('@reviewers: have a look')
  expect((await bob.ask({ type: 'INBOX' }, 'INBOX')).items).toHaveLength(1)
  expect(await cli.run(['channel', 'group', 'remove', channel, 'reviewers'])).toMatchObject({ code: 0 })
  expect(await cli.run(['channel', 'group', 'list', channel])).toMatchObject({
    stderr: expect.stringContaining(`${channel} has no groups`),
  })
})
