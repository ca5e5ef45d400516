import { appendFileSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newFolder, type Folder } from '../../../test/kit/folder.ts'
import { KeptLines, fieldOf, type KeptLinesOptions } from './kept-lines.ts'

let folder: Folder
let path: string
beforeEach(() => {
  folder = newFolder()
  path = folder.at('inbox.jsonl')
})
afterEach(() => folder[Symbol.dispose]())

const line = (n: number, more = '') => JSON.stringify({ msg_id: `m${n}`, more })
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i))
const kept = () => readFileSync(path, 'utf8').split('\n').slice(0, -1)
const opened = async (options: KeptLinesOptions = {}): Promise<KeptLines> => {
  const file = new KeptLines(path, { keyOf: fieldOf('msg_id'), ...options })
  await file.load()
  return file
}

test('a line is written once, also by the process after it, and by one that was told of it twice at once', async () => {
  const first = await opened()
  await Promise.all([first.append([line(1), line(2), line(2)]), first.append([line(2), line(3)])])
  const second = await opened()
  await second.append(lines(1, 4))
  expect(kept()).toEqual(lines(1, 4))
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('the newest lines stay, once there are twice as many or too many bytes of them; before that somebody is told', async () => {
  let cuts = 0
  const file = await opened({ lines: 10, maxBytes: 2_000, beforeCut: () => void cuts++ })
  for (let n = 1; n <= 20; n++) await file.append([line(n)])
  expect({ cuts, count: kept().length }).toEqual({ cuts: 0, count: 20 })
  await file.append([line(21), line(15)])
  expect({ cuts, kept: kept() }).toEqual({ cuts: 1, kept: lines(11, 21) })
  await file.append([line(22, 'x'.repeat(2_000))])
  await file.append([line(23)])
  expect({ cuts, kept: kept() }).toEqual({ cuts: 2, kept: [line(23)] })
})

test.each([
  ['cut off', `${line(1)}\n{"msg_id":"m2","mo`, [line(1), line(3)]],
  ['whole, but for its end', `${line(1)}\n${line(2)}`, [line(1), line(2), line(3)]],
  ['no text', Buffer.concat([Buffer.from(`${line(1)}\n`), Buffer.of(0xff, 0xfe)]), [line(1), line(3)]],
])('a last line that is %s', async (_, before, after) => {
  writeFileSync(path, before)
  const file = await opened()
  await file.append([line(1), line(3)])
  expect(kept()).toEqual(after)
})

test('what others do to the file is seen: lines of theirs, another file in its place, none', async () => {
  const file = await opened()
  await file.append([line(1)])
  appendFileSync(path, `${line(2)}\n`)
  await file.append([line(2), line(3)])
  expect(kept()).toEqual(lines(1, 3))
  renameSync(path, folder.at('read.jsonl'))
  await file.append([line(4)])
  expect(kept()).toEqual([line(4)])
})

test('what cannot be written is an error', async () => {
  const file = new KeptLines(folder.path)
  await expect(file.append([line(1)])).rejects.toThrow(/EISDIR/)
})
