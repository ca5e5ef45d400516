import { expect, test } from 'vitest'
import { planReplay } from './replay-plan.ts'

const plan = (seq: number, oldest: number, since?: number, limit?: number) =>
  planReplay({ head: { seq, oldest }, since, limit, defaultLimit: 20 })

test('without a position the newest few are replayed and nothing is promised', () => {
  expect(plan(100, 1)).toEqual({ after: 80, recovered: false })
  expect(plan(5, 1)).toEqual({ after: 0, recovered: false })
  expect(plan(100, 1, undefined, 0)).toEqual({ after: 100, recovered: false })
})

test('with a position exactly what came after it is replayed', () => {
  expect(plan(100, 1, 41)).toEqual({ after: 41, recovered: true })
  expect(plan(100, 1, 0)).toEqual({ after: 0, recovered: true })
  expect(plan(100, 1, 100)).toEqual({ after: 100, recovered: true })
  expect(plan(0, 0, 0)).toEqual({ after: 0, recovered: true })
})

test('a limit below what was missed leaves a hole and says so', () => {
  expect(plan(100, 1, 41, 10)).toEqual({ after: 90, recovered: false })
  expect(plan(100, 1, 95, 10)).toEqual({ after: 95, recovered: true })
})

test('erased events and a position from the future are not recovered', () => {
  expect(plan(100, 60, 41)).toEqual({ after: 41, recovered: false })
  expect(plan(100, 42, 41)).toEqual({ after: 41, recovered: true })
  expect(plan(100, 1, 101)).toEqual({ after: 80, recovered: false })
})

test('nothing of a channel that was deleted is replayed, or taken for recovered, in the empty one that follows it', () => {
  expect(plan(43, 44)).toEqual({ after: 43, recovered: false })
  expect(plan(43, 44, 0)).toEqual({ after: 43, recovered: false })
  expect(plan(43, 44, 42)).toEqual({ after: 43, recovered: false })
  expect(plan(43, 44, 43)).toEqual({ after: 43, recovered: true })
  expect(plan(43, 44, 44)).toEqual({ after: 43, recovered: false })
  expect(plan(45, 44, 42)).toEqual({ after: 42, recovered: false })
})
