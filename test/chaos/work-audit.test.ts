// What the reckoning of a run of work has to find.
import { expect, test } from 'vitest'
import { inOrder, reckoned, type Line } from './work-audit.ts'

const leaseMs = 1_000
const held = (by: string, lease: string, from: number): Line => ({ kind: 'held', by, lease, seq: 7, until: from + leaseMs })
const returns = (by: string, at: number): Line => ({ kind: 'returns', by, lease: '1', at })
const ends = (by: string, at: number): Line => ({ kind: 'ends', by, seq: 7, at })

test.each([
  ['a lease after the end of the one before', [held('a', '1', 0), held('b', '2', 1_000)], 0],
  ['a lease while another runs', [held('a', '1', 0), held('b', '2', 999)], 1],
  ['whatever order they were written in', [held('b', '2', 999), held('a', '1', 0)], 1],
  ['a lease after the work of the one before ended', [held('a', '1', 0), ends('a', 400), held('b', '2', 500)], 0],
  ['a lease while another runs longer than at first', [
    held('a', '1', 0),
    { kind: 'extended', by: 'a', lease: '1', until: 1_500 },
    held('b', '2', 1_200),
  ], 1],
  ['a lease after one that came too late was given back', [held('a', '1', 0), returns('a', 400), held('b', '2', 500)], 0],
  ['a lease after one was given back on which somebody works', [
    held('a', '1', 0),
    { kind: 'begins', by: 'a', seq: 7, at: 100 },
    returns('a', 400),
    held('b', '2', 500),
  ], 1],
] satisfies readonly (readonly [string, readonly Line[], number])[])('%s', (_title, lines, handledTwice) => {
  expect(reckoned(lines, leaseMs).handledTwice).toBe(handledTwice)
})

test.each([
  ['all in order', [1, 2, 3], 0, 0],
  ['one again', [1, 2, 1, 2, 3], 0, 0],
  ['one behind a later one', [1, 3, 2], 1, 0],
  ['one that never came', [1, 3], 0, 1],
] as const)('posts: %s', (_title, came, reordered, lost) => {
  expect(inOrder(came, [1, 2, 3])).toEqual({ reordered, lost })
})
