// Who is waited for: those who say that they know what is told, and nobody who only speaks.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Awaited } from './awaited.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Whether it is over, and the timers that ran until then. */
const waited = (awaited: Awaited, upTo: number) => {
  const wait = { isOver: false }
  void awaited.until(upTo)!.then(() => wait.isOver = true)
  return wait
}

test('a process that let somebody wait in vain is waited for again when it says that it knows something, not when it is heard', async () => {
  const counts = { unanswered: 0 }
  const awaited = new Awaited(counts)
  awaited.alive('two')
  const first = waited(awaited, 1)
  await vi.runOnlyPendingTimersAsync()
  expect([first.isOver, counts.unanswered]).toEqual([true, 1])
  for (let upTo = 2; upTo < 9; upTo++) {
    // It tells the others something, and hears nothing of them.
    awaited.alive('two')
    expect(awaited.until(upTo)).toBeUndefined()
  }
  awaited.knows('two', 5)
  const second = waited(awaited, 9)
  awaited.knows('two', 9)
  await vi.advanceTimersByTimeAsync(0)
  expect([second.isOver, counts.unanswered]).toEqual([true, 1])
  // What it said before comes again.
  const third = waited(awaited, 10)
  await vi.runOnlyPendingTimersAsync()
  expect([third.isOver, counts.unanswered]).toEqual([true, 2])
  awaited.knows('two', 9)
  expect(awaited.until(11)).toBeUndefined()
})

test('one that comes back under its name is waited for', () => {
  const awaited = new Awaited({ unanswered: 0 })
  awaited.alive('two')
  awaited.knows('two', 5)
  awaited.gone('two')
  expect(awaited.until(6)).toBeUndefined()
  awaited.alive('two')
  expect(awaited.until(6)).toBeInstanceOf(Promise)
})
