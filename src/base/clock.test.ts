import { expect, test } from 'vitest'
import { SharedClock } from './clock.ts'

test('a shared clock goes on from what it was told, whatever the clock of the machine does meanwhile', () => {
  let own = 1_000
  let elapsed = 50
  const clock = new SharedClock({ now: () => own }, () => elapsed)
  expect(clock.now()).toBe(1_000)
  // Asked at 50 and answered at 70: the other clock said 5,000 in between.
  own = 1_020
  elapsed = 70
  clock.set(5_000, 50)
  expect([clock.now(), clock.aheadMs]).toEqual([5_010, 3_990])
  own += 30_000
  elapsed += 7
  expect([clock.now(), clock.elapsed()]).toEqual([5_017, 77])
  own -= 60_000
  elapsed += 3
  expect(clock.now()).toBe(5_020)
})
