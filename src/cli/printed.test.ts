import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Printed } from './printed.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A stdout that takes so many lines before its reader goes, and no more than `room` before it is full. */
const stdout = ({ isPipe = true, reads = Infinity, room = Infinity } = {}) => {
  const written: string[] = []
  const counted: string[] = []
  const printed = new Printed({
    isPipe,
    now: Date.now,
    write: async text => {
      if (written.length >= reads) throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
      if (written.length >= room) await new Promise(() => undefined)
      written.push(text)
    },
  })
  const line = (text: string) => printed.line(text, () => counted.push(text))
  /** Prints them one after the other, as far as it goes. */
  const lines = async (count: number): Promise<void> => {
    for (let i = 1; i <= count; i++) await line(String(i))
  }
  return { printed, written, counted, lines }
}

const first = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1))

test('what a file or a terminal has taken counts', async () => {
  const { lines, written, counted } = stdout({ isPipe: false })
  await lines(3)
  expect([written, counted]).toEqual([first(3), first(3)])
})

test('in a pipe the first line goes alone, and each counts once its reader has had the time to go', async () => {
  const { lines, written, counted } = stdout()
  const printing = lines(10)
  await vi.advanceTimersByTimeAsync(249)
  expect([written, counted]).toEqual([['1'], []])
  await vi.advanceTimersByTimeAsync(1)
  await printing
  // The newest is held back, to find out whether anybody is still there.
  expect([written, counted]).toEqual([first(9), ['1']])
  await vi.advanceTimersByTimeAsync(250)
  expect([written, counted]).toEqual([first(10), first(9)])
  await vi.advanceTimersByTimeAsync(250)
  expect(counted).toEqual(first(10))
})

test('a reader that goes after its first line has had that one, and no other', async () => {
  const { lines, printed, counted } = stdout({ reads: 1 })
  const printing = lines(10)
  const failed = expect(printing).rejects.toMatchObject({ code: 'EPIPE' })
  await vi.advanceTimersByTimeAsync(1_000)
  await failed
  printed.stop()
  expect(counted).toEqual(['1'])
})

test('of what a pipe took at once nothing counts when its reader goes', async () => {
  const { lines, printed, written, counted } = stdout({ reads: 9 })
  const printing = lines(10)
  await vi.advanceTimersByTimeAsync(2_000)
  await printing
  expect(written).toEqual(first(9))
  printed.stop()
  expect(counted).toEqual(['1'])
})

test('at the end everything is written and counts; at a sudden one what was taken', async () => {
  const orderly = stdout()
  const printing = orderly.lines(5)
  await vi.advanceTimersByTimeAsync(250)
  await printing
  await orderly.printed.end()
  expect([orderly.written, orderly.counted]).toEqual([first(5), first(5)])

  const sudden = stdout()
  const more = sudden.lines(5)
  await vi.advanceTimersByTimeAsync(250)
  await more
  sudden.printed.stop()
  expect([sudden.written, sudden.counted]).toEqual([first(4), first(4)])
})

test('while a pipe is full no further line is asked for, and what it did not take does not count', async () => {
  const { lines, printed, written, counted } = stdout({ room: 3 })
  let isOver = false
  void lines(100).then(() => {
    isOver = true
  })
  await vi.advanceTimersByTimeAsync(10_000)
  printed.stop()
  expect([written, isOver]).toEqual([first(3), false])
  expect(counted).toEqual(first(3))
})
