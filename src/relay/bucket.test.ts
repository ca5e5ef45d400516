import { expect, test } from 'vitest'
import { Bucket, Buckets } from './bucket.ts'

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
