import { expect, test } from 'vitest'
import { dealsOf } from './ordinary-deal.ts'

const paid = (client: string, minor: number, currency = 'USD') => ({ client, provider: '@p', currency, minor, at: 1 })
const volumes = (payments: Parameters<typeof dealsOf>[0]) => dealsOf(payments, new Set(['@anchor'])).map(({ volume }) => volume)

test('an ordinary deal is what anchors pay, whatever others do', () => {
  expect(volumes([paid('@anchor', 100), paid('@anchor', 200), paid('@anchor', 900), paid('@x', 400)])).toEqual([0.5, 1, 4.5, 2])
  expect(volumes([paid('@anchor', 100), ...Array.from({ length: 50 }, () => paid('@x', 1)), paid('@y', 1e9)]).slice(0, 2)).toEqual([
    1,
    0.01,
  ])
})

test('each currency by itself; one that no anchor pays in by its own median', () => {
  expect(volumes([paid('@anchor', 100), paid('@x', 50), paid('@x', 7, 'SATS'), paid('@x', 70, 'SATS'), paid('@x', 140, 'SATS')])).toEqual([
    1,
    0.5,
    0.1,
    1,
    2,
  ])
  expect(volumes([])).toEqual([])
})
