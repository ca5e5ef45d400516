import { expect, test } from 'vitest'
import { Allowance, Bucket, Buckets } from './bucket.ts'

test('a burst passes, then the sustained rate, and the wait that is told is exact', () => {
  const bucket = new Bucket({ perSecond: 2, burst: 3 }, 0)
  expect([0, 0, 0].map(now => bucket.take(now))).toEqual([0, 0, 0])
  const waitMs = bucket.take(0)
  expect(waitMs).toBe(500)
  expect(bucket.take(waitMs - 1)).toBe(1)
  expect(bucket.take(waitMs)).toBe(0)
})

test('a refused request takes nothing', () => {
  const bucket = new Bucket({ perSecond: 1, burst: 1 }, 0)
  bucket.take(0)
  for (let i = 0; i < 50; i++) bucket.take(10)
  expect(bucket.take(1_000)).toBe(0)
})

test('debt adds up and is told in full', () => {
  const bucket = new Bucket({ perSecond: 10, burst: 1 }, 0)
  expect(bucket.owe(0, 1)).toBe(0)
  expect(bucket.owe(0, 5)).toBe(500)
  expect(bucket.owe(0, 5)).toBe(1_000)
})

test('a rate of 0 is no limit', () => {
  const bucket = new Bucket({ perSecond: 0, burst: 1 }, 0)
  for (let i = 0; i < 100; i++) expect(bucket.take(0)).toBe(0)
})

test('a clock that steps back neither fills nor drains', () => {
  const bucket = new Bucket({ perSecond: 1, burst: 2 }, 10_000)
  bucket.take(10_000)
  bucket.take(10_000)
  expect(bucket.take(0)).toBe(1_000)
  expect(bucket.take(1_000)).toBe(0)
})

test('keys do not share tokens, and a full bucket is forgotten', () => {
  const buckets = new Buckets({ perSecond: 1, burst: 1 })
  expect(buckets.take('a', 0)).toBe(0)
  expect(buckets.take('b', 0)).toBe(0)
  expect(buckets.take('a', 0)).toBe(1_000)
  buckets.sweep(500)
  expect(buckets.size).toBe(2)
  buckets.sweep(1_000)
  expect(buckets.size).toBe(0)
})

test('what costs more than a full bucket holds is taken when it is full, and leaves a debt that is waited for', () => {
  const bucket = new Bucket({ perSecond: 1, burst: 10 }, 0)
  bucket.take(0)
  expect(bucket.take(0, 257)).toBe(1_000)
  expect(bucket.take(1_000, 257)).toBe(0)
  expect(bucket.wait(1_000)).toBe(248_000)
  expect(bucket.take(249_000)).toBe(0)
})

test('a debt is no longer than it may be', () => {
  const bucket = new Bucket({ perSecond: 10, burst: 5 }, 0)
  expect(bucket.owe(0, 1_000, 2_000)).toBe(2_000)
  expect(bucket.owe(2_000, 1, 2_000)).toBe(100)
})

test('a price is paid by the agent and by its address, or by neither', () => {
  const allowance = new Allowance({ perSecond: 1, burst: 2 }, { perSecond: 10, burst: 3 })
  const [ann, bob] = [{ address: 'a', agent: { id: '@ann' } }, { address: 'a', agent: { id: '@bob' } }]
  expect(allowance.take(ann, 0, 2)).toBe(0)
  expect(allowance.take(bob, 0, 2)).toBe(100)
  expect(allowance.whoLacks(bob, 0, 2)).toBe('address')
  expect(allowance.take(bob, 0, 1)).toBe(0)
  // The agent's wait is the longer one now.
  expect(allowance.take(ann, 0, 1)).toBe(1_000)
  expect(allowance.whoLacks(ann, 0, 1)).toBe('agent')
  expect(allowance.take({ address: 'b' }, 0, 3)).toBe(0)
  expect(allowance.owe(ann, 0, 1)).toBe(1_000)
  expect(allowance.owe(bob, 0, 1)).toBe(200)
})
