// What a relay keeps is its owner's alone, also where it lay open before.
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { openKeeper } from '../src/app.ts'
import { createLogger } from '../src/base/log.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8)
const logTo = () => {
  const lines: string[] = []
  const destination = new PassThrough()
  destination.on('data', data => lines.push(String(data)))
  return { lines, log: createLogger({ level: 'warn', format: 'json', destination }) }
}
const tightenings = (lines: readonly string[]) => lines.filter(line => line.includes('others could read'))

test('new data is 0600 in a directory of 0700, with what SQLite keeps beside it, whatever the umask', async () => {
  using folder = newFolder()
  const former = process.umask(0)
  try {
    await using relay = await startTestRelay({ data: folder.at('data') })
    await using ann = await relay.login('ann')
    await ann.ask({ type: 'MSG', to: '#general', content: 'hi', id: '1' }, 'ACK')
    expect(modeOf(folder.at('data'))).toBe('700')
    const names = readdirSync(folder.at('data'))
    expect(names).toEqual(expect.arrayContaining(['agentchat.db', 'agentchat.db-wal', 'agentchat.db-shm', 'lock.db']))
    for (const name of names) expect(modeOf(folder.at(`data/${name}`)), name).toBe('600')
    const keeper = await openKeeper()
    await keeper.backup({ data: folder.at('data'), target: folder.at('copy.db') })
    await keeper.exportToFile(folder.at('all.jsonl'), { data: folder.at('data'), now: 1 })
    expect([modeOf(folder.at('copy.db')), modeOf(folder.at('all.jsonl'))]).toEqual(['600', '600'])
  } finally {
    process.umask(former)
  }
})

test('data that others could read is taken from them at the start, and the log says so once', async () => {
  using folder = newFolder()
  const data = folder.at('data')
  await (await startTestRelay({ data })).drain()
  writeFileSync(folder.at('data/notes.txt'), 'of somebody')
  writeFileSync(folder.at('elsewhere'), '')
  symlinkSync(folder.at('elsewhere'), folder.at('data/agentchat.db.before-1'))
  for (const name of ['', '/agentchat.db', '/lock.db', '/notes.txt', '/../elsewhere'])
    chmodSync(`${data}${name}`, name === '' ? 0o755 : 0o644)
  const first = logTo()
  await (await startTestRelay({ data }, { log: first.log })).drain()
  expect(['', '/agentchat.db', '/lock.db', '/notes.txt', '/../elsewhere'].map(name => modeOf(`${data}${name}`)))
    .toEqual(['700', '600', '600', '644', '644'])
  expect(tightenings(first.lines)).toHaveLength(1)
  expect(first.lines.join('')).toContain('agentchat.db')
  const second = logTo()
  await (await startTestRelay({ data }, { log: second.log })).drain()
  expect(tightenings(second.lines)).toEqual([])
})

test('a restored relay is as private, in a directory that was not', async () => {
  using folder = newFolder()
  await (await startTestRelay({ data: folder.at('data') })).drain()
  const keeper = await openKeeper()
  await keeper.backup({ data: folder.at('data'), target: folder.at('copy.db') })
  mkdirSync(folder.at('other'), { mode: 0o755 })
  chmodSync(folder.at('other'), 0o755)
  await keeper.restore({ file: folder.at('copy.db'), data: folder.at('other'), force: false, newEpoch: 'b', now: 1 })
  expect([modeOf(folder.at('other')), modeOf(folder.at('other/agentchat.db'))]).toEqual(['700', '600'])
})

test("an export is signed by the relay's key: import says whose it is, and refuses another's", async () => {
  using folder = newFolder()
  const relay = await startTestRelay({ data: folder.at('data') })
  await using ann = await relay.login('ann')
  await ann.ask({ type: 'MSG', to: '#general', content: 'hi', id: '1' }, 'ACK')
  await relay.drain()
  await (await startTestRelay({ data: folder.at('other') })).drain()
  const keeper = await openKeeper()
  const archiveOf = async (data: string): Promise<string> => {
    let text = ''
    await keeper.export({ data: folder.at(data), now: 1, write: piece => void (text += piece) })
    return text
  }
  const take = (text: string, name: string) =>
    keeper.import({
      source: (async function*() {
        yield Buffer.from(text)
      })(),
      data: folder.at(name),
      newEpoch: 'b',
    })
  const [ours, theirs] = [await archiveOf('data'), await archiveOf('other')]
  const endOf = (text: string) => JSON.parse(text.trimEnd().split('\n').at(-1)!) as { readonly signature?: object }
  const withEnd = (text: string, end: object) => `${text.trimEnd().split('\n').slice(0, -1).join('\n')}\n${JSON.stringify(end)}\n`

  expect(await take(ours, 'a')).toMatchObject({ serverId: relay.serverId, isSigned: true })
  const { signature: _, ...unsigned } = endOf(ours)
  expect(await take(withEnd(ours, unsigned), 'b')).toMatchObject({ serverId: relay.serverId, isSigned: false })
  await expect(take(withEnd(ours, { ...unsigned, signature: endOf(theirs).signature }), 'c')).rejects.toThrow(/signature/)
  // Made anew by somebody else, with a hash that is right.
  const forged = ours.replace('"content\\":\\"hi', '"content\\":\\"no')
  expect(forged).not.toBe(ours)
  const body = forged.trimEnd().split('\n').slice(0, -1).join('\n') + '\n'
  const sha256 = createHash('sha256').update(body).digest('hex')
  await expect(take(`${body}${JSON.stringify({ ...endOf(ours), sha256 })}\n`, 'd')).rejects.toThrow(/those that the relay signed/)
})
