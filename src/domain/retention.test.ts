import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keepsEverything, lastToGo, type Retention } from './retention.ts'

const forever: Retention = { ageMs: 0, count: 0, bytes: 0 }
const oldest = [1, 2, 3, 4, 5].map(seq => ({ seq, ts: seq * 1_000, bytes: 100 }))
const facts = { oldest, newest: 5, bytes: 500, now: 10_000 }

test.each<[string, Partial<Retention>, number]>([
  ['nothing by default', {}, 0],
  ['what is older than the age', { ageMs: 7_000 }, 2],
  ['not what is exactly as old', { ageMs: 8_000 }, 1],
  ['all but the newest of a count', { count: 2 }, 3],
  ['nothing when there are fewer', { count: 9 }, 0],
  ['the oldest until the rest fits', { bytes: 250 }, 3],
  ['nothing that fits exactly', { bytes: 500 }, 0],
  ['the newest too, when it alone is too large', { bytes: 99 }, 5],
  ['the newest too, when it is too old', { ageMs: 1 }, 5],
  ['by whichever limit asks for more', { ageMs: 8_000, count: 2 }, 3],
])('%s', (_, policy, last) => expect(lastToGo({ ...forever, ...policy }, facts)).toBe(last))

test('0 is no limit', () => {
  expect(keepsEverything(forever)).toBe(true)
  for (const key of ['ageMs', 'count', 'bytes'] as const) expect(keepsEverything({ ...forever, [key]: 1 })).toBe(false)
})

test('what stays is within every limit, and what goes is a prefix', () => {
  const events = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 50 }), bytes: fc.integer({ min: 1, max: 50 }) }), {
    minLength: 1,
    maxLength: 40,
  })
  const policy = fc.record({
    ageMs: fc.integer({ min: 0, max: 500 }),
    count: fc.integer({ min: 0, max: 50 }),
    bytes: fc.integer({ min: 0, max: 500 }),
  })
  fc.assert(fc.property(events, policy, (gaps, retention) => {
    let ts = 0
    const log = gaps.map(({ gap, bytes }, i) => ({ seq: i + 1, ts: ts += gap, bytes }))
    const now = ts + 1
    const sum = (rows: typeof log) => rows.reduce((total, { bytes }) => total + bytes, 0)
    const kept = log.slice(lastToGo(retention, { oldest: log, newest: log.length, bytes: sum(log), now }))
    expect(retention.count === 0 || kept.length <= retention.count).toBe(true)
    expect(retention.bytes === 0 || sum(kept) <= retention.bytes).toBe(true)
    expect(retention.ageMs === 0 || kept.every(event => event.ts >= now - retention.ageMs)).toBe(true)
    // Not one more than needed: with the last that went, some limit would be passed.
    const next = log.slice(log.length - kept.length - 1)
    if (next.length > kept.length) {
      const isOver = (retention.count > 0 && next.length > retention.count) || (retention.bytes > 0 && sum(next) > retention.bytes)
        || (retention.ageMs > 0 && next[0]!.ts < now - retention.ageMs)
      expect(isOver).toBe(true)
    }
  }))
})
