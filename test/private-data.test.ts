// What a relay keeps is its owner's alone, also where it lay open before.
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
