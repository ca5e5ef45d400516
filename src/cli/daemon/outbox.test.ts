import { appendFileSync, closeSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newFolder, type Folder } from '../../../test/kit/folder.ts'
import { Outbox, countOutbox, maxLineBytes, type OutboxLine } from './outbox.ts'

let folder: Folder
let now: number
beforeEach(() => {
  folder = newFolder()
  now = 1_000_000
})
afterEach(() => folder[Symbol.dispose]())

const opened = (): Outbox => {
  const outbox = new Outbox(folder.path, { now: () => now, random: () => 0.5 })
  outbox.open()
  return outbox
}
const put = (text: string | Buffer) => appendFileSync(folder.at('outbox.jsonl'), text)
const line = (n: number) => JSON.stringify({ to: '#general', content: `${n}` })
/** All that is there, dealt with. */
const all = async (outbox: Outbox): Promise<readonly OutboxLine[]> => {
  const found: OutboxLine[] = []
  for (let next = await outbox.next(); next !== undefined; next = await outbox.next()) {
    found.push(next)
    outbox.done(next)
  }
  return found
}
const texts = async (outbox: Outbox) => (await all(outbox)).map(({ text }) => text)
const takenFiles = () => readdirSync(folder.path).filter(name => /^outbox\..*-/.test(name))

test('a line has the same id for every process, and goes once it is dealt with', async () => {
  put(`${line(1)}\n\n  \n${line(1)}\n`)
  const first = opened()
  const one = (await first.next())!
  expect(await countOutbox(folder.path)).toBe(2)
  // Killed here: nothing was dealt with.
  const second = opened()
  const found = await all(second)
  expect(found.map(({ text }) => text)).toEqual([line(1), line(1)])
  expect(found[0]!.id).toBe(one.id)
  expect(new Set(found.map(({ id }) => id)).size).toBe(2)
  expect(await texts(opened())).toEqual([])
  expect(await countOutbox(folder.path)).toBe(0)
  expect(readFileSync(folder.at('outbox.jsonl'), 'utf8')).toBe('')
})

test('what was not written down as dealt with is there again; what is refused is written down at once', async () => {
  put([1, 2, 3].map(n => `${line(n)}\n`).join(''))
  const outbox = opened()
  outbox.done((await outbox.next())!)
  outbox.done((await outbox.next())!)
  const again = await all(opened())
  expect(again.map(({ text }) => text)).toEqual([line(2), line(3)])
  put(`${line(4)}\n${line(5)}\n`)
  const other = opened()
  other.done((await other.next())!, true)
  expect(await texts(opened())).toEqual([line(5)])
})

test('programs that write while lines are taken lose none: a moment late, or on the same open file for ever', async () => {
  const late = openSync(folder.at('outbox.jsonl'), 'a')
  const outbox = opened()
  put(`${line(1)}\n`)
  expect(await texts(outbox)).toEqual([line(1)])
  put(`${line(2)}\n`)
  expect(await texts(outbox)).toEqual([line(2)])
  writeSync(late, `${line(3)}\n`)
  expect(await texts(outbox)).toEqual([line(3)])
  closeSync(late)
  now += 10_000
  const held = openSync(folder.at(takenFiles().at(-1)!), 'a')
  expect(await texts(outbox)).toEqual([])
  now += 60_000
  expect(await texts(outbox)).toEqual([])
  writeSync(held, `${line(4)}\n`)
  expect(await texts(outbox)).toEqual([line(4)])
  closeSync(held)
  put(`${line(5)}\n`)
  expect(await texts(outbox)).toEqual([line(5)])
  now += 10_000
  await texts(outbox)
  expect(takenFiles()).toHaveLength(1)
})

test('a line without an end is one once it is whole, and refused once nobody can still be writing it; others do not wait for it', async () => {
  const outbox = opened()
  put(line(1))
  expect(await texts(outbox)).toEqual([line(1)])
  put('{"to":"#gen')
  expect(await texts(outbox)).toEqual([])
  put(`${line(2)}\n`)
  expect(await texts(outbox)).toEqual([line(2)])
  now += 10_000
  expect(await texts(outbox)).toEqual(['{"to":"#gen'])
})

test('a line that is too long, or no text, is told with its problem, and the next one comes', async () => {
  put(`${'x'.repeat(maxLineBytes + 1)}\n`)
  put(Buffer.of(0xff, 0xfe, 10))
  put(`${line(1)}\n`)
  const found = await all(opened())
  expect(found.map(({ text, problem }) => [text, problem])).toEqual([
    [undefined, `longer than ${maxLineBytes} bytes`],
    [undefined, 'not UTF-8'],
    [line(1), undefined],
  ])
})

test('a cursor that cannot be read sends all again under the same ids', async () => {
  put(`${line(1)}\n`)
  const [first] = await all(opened())
  appendFileSync(folder.at('outbox.cursor.json'), 'x')
  const [again] = await all(opened())
  expect(again!.id).toBe(first!.id)
})
