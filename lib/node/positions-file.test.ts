import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PositionsFile } from './positions-file.ts'

let file: string
let dir: string
let open: PositionsFile[]
const opened = (...args: ConstructorParameters<typeof PositionsFile>): PositionsFile => {
  const positions = new PositionsFile(...args)
  open.push(positions)
  return positions
}
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'agentchat-positions-'))
  file = join(dir, 'cursor.json')
  open = []
})
afterEach(() => {
  for (const positions of open) positions.close()
  rmSync(dir, { recursive: true })
})

test('what was saved is there again, in a private file', () => {
  const first = opened(file)
  expect([first.epoch, first.get('#a')]).toEqual([undefined, undefined])
  first.reset('e1')
  first.set('#a', 5)
  first.set('@0123456789abcdef', 2)
  first.save()
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const second = opened(file)
  expect([second.epoch, second.get('#a'), second.get('@0123456789abcdef')]).toEqual(['e1', 5, 2])
  second.reset('e2')
  second.save()
  expect(opened(file).get('#a')).toBeUndefined()
})

test('changes are saved together, by themselves', async () => {
  const positions = opened(file, { saveEveryMs: 5 })
  positions.reset('e')
  for (let seq = 1; seq <= 1_000; seq++) positions.set('#a', seq)
  await expect.poll(() => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  }).toBe('{"epoch":"e","positions":{"#a":1000}}\n')
})

test('a file of something else is refused, not overwritten', () => {
  for (const text of ['', 'x', '{}', '{"epoch":"e","positions":{"#a":-1}}', '{"epoch":"e","positions":{"#a":"1"}}']) {
    writeFileSync(file, text)
    expect(() => opened(file)).toThrow()
    expect(readFileSync(file, 'utf8')).toBe(text)
  }
})

test('a position of a former life is kept with it until the stream is entered', () => {
  writeFileSync(file, '{"epoch":"e1","positions":{"#a":5,"#b":{"seq":7,"epoch":"home"},"@0123456789abcdef":2}}')
  const first = opened(file)
  expect([first.get('#a'), first.get('#b'), first.former('#b')]).toEqual([5, undefined, { seq: 7, epoch: 'home' }])
  first.enter('#b', 'home')
  expect(first.get('#b')).toBe(7)
  first.reset('e2')
  first.save()
  const second = opened(file)
  expect([second.epoch, second.get('#a'), second.former('#a')]).toEqual(['e2', undefined, { seq: 5, epoch: 'e1' }])
  expect(second.former('@0123456789abcdef')).toBeUndefined()
  second.enter('#a', 'e2')
  second.set('#a', 1)
  expect([...second.entries(), second.former('#b')]).toEqual([['#a', 1], { seq: 7, epoch: 'home' }])
})
