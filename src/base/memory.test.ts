import { expect, test } from 'vitest'
import { memoryLimit } from './memory.ts'

test.each([
  ['a container of 512 MiB', 536_870_912, 536_870_912],
  ['no limit, as control groups of version 2 tell it', 2 ** 64, undefined],
  ['no limit, as those of version 1 do', 9_223_372_036_854_771_712, undefined],
  ['nothing known', 0, undefined],
  ['as much as there is', 8e9, undefined],
])('%s', (_what, constrained, limit) => {
  expect(memoryLimit(constrained, 8e9)).toBe(limit)
})
