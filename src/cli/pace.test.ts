import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bucket } from '../relay/bucket.ts'
import { Pace } from './pace.ts'

test('a burst goes at once, then one per interval', () => {
  const pace = new Pace({ perSecond: 2, burst: 3 })
  expect([1, 2, 3, 4, 5].map(() => pace.take(0))).toEqual([0, 0, 0, 500, 1_000])
})

test('a pause refills the burst, and no more than that', () => {
  const pace = new Pace({ perSecond: 1, burst: 2 })
  for (let i = 0; i < 4; i++) pace.take(0)
  expect([1, 2, 3].map(() => pace.take(60_000))).toEqual([0, 0, 1_000])
})

test('without a rate nothing waits', () => {
  const pace = new Pace({ perSecond: 0, burst: 1 })
  expect(Array.from({ length: 1_000 }, () => pace.take(0)).every(wait => wait === 0)).toBe(true)
})

test("who keeps the pace is never refused by the relay's own bucket", () => {
  fc.assert(
    fc.property(fc.record({ perSecond: fc.constantFrom(0.5, 1, 2, 5, 10), burst: fc.integer({ min: 1, max: 20 }) }),
      fc.array(fc.nat(3_000), { maxLength: 200 }), (rate, gapsMs) => {
      const pace = new Pace(rate)
      const bucket = new Bucket(rate, 0)
      let now = 0
      for (const gapMs of gapsMs) {
        now += gapMs
        now += pace.take(now)
        expect(bucket.take(now)).toBe(0)
      }
    }),
  )
})
