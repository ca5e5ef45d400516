import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { standings, standingsInPieces, type Deal, type Pieces } from './standing.ts'

const now = 1_000 * 24 * 3_600_000
const days = (n: number) => n * 24 * 3_600_000
const deal = (client: string, provider: string, volume = 1, ageDays = 0): Deal => ({ client, provider, volume, at: now - days(ageDays) })
const anchors = new Map([['@anchor', 1]])
const of = (deals: readonly Deal[], agent: string, options = {}) => standings(deals, { anchors, now, ...options }).of(agent)

describe('standing', () => {
  test('comes from anchors, along what was paid', () => {
    const all = standings([deal('@anchor', '@a'), deal('@b', '@a'), deal('@b', '@c'), deal('@x', '@y', 1_000)], { anchors, now })
    // 0.8 from the anchor; from @a to the two who paid it 0.8 × 0.1, half of it each; what went back to the anchor comes again
    expect(all.of('@a').reach).toBe(0.8)
    expect(all.of('@b').reach).toBeCloseTo(0.8 * 0.04 / (1 - 0.8 * 0.04), 6)
    expect(all.of('@c').reach).toBeGreaterThan(0)
    expect(all.of('@x')).toEqual({ agent: '@x', standing: 0, reach: 0, confidence: 0, counterparties: 1 })
    expect(all.leaders(10).map(({ agent }) => agent)).toEqual(['@a', '@b', '@c'])
  })

  test('an agent nobody dealt with has none, and nothing is known of it', () => {
    expect(of([], '@a')).toEqual({ agent: '@a', standing: 0, reach: 0, confidence: 0, counterparties: 0 })
  })

  test('without an anchor that dealt nobody has standing', () => {
    const deals = [deal('@a', '@b'), deal('@c', '@b')]
    expect(standings(deals, { anchors, now }).leaders(10)).toEqual([])
    expect(standings(deals, { anchors: new Map(), now }).of('@b')).toMatchObject({ standing: 0, confidence: 0 })
  })

  test('an anchor has no standing of its own making', () => {
    expect(of([deal('@anchor', '@a'), deal('@a', '@anchor', 3)], '@anchor')).toMatchObject({ standing: 0 })
    const two = new Map([['@anchor', 1], ['@other', 1]])
    expect(of([deal('@anchor', '@a'), deal('@other', '@anchor')], '@anchor', { anchors: two }).reach).toBe(0.8)
  })

  test('what goes to and fro between two agents cancels out', () => {
    const others = [deal('@anchor', '@a', 5), deal('@anchor', '@b', 5)]
    const once = of([...others, deal('@a', '@b', 4)], '@b').reach
    expect(of([...others, deal('@a', '@b', 10), deal('@b', '@a', 6)], '@b').reach).toBe(once)
    expect(of([...others, deal('@a', '@b', 7), deal('@b', '@a', 7)], '@b').reach).toBe(of(others, '@b').reach)
  })

  test('more and more work with one counterparty counts less and less', () => {
    const share = (volume: number) => of([deal('@anchor', '@a', volume), deal('@anchor', '@b', 10)], '@a').reach
    const gains = [10, 20, 30, 40].map((volume, i, all) => share(volume) - share(all[i - 1] ?? 0))
    expect(gains).toEqual([...gains].sort((a, b) => b - a))
    // It counts as 10 at most, against the 5 that the other's 10 count as.
    expect(share(1e9)).toBeLessThan(0.6)
    expect(share(Infinity)).toBe(share(1e9))
  })

  test('deals fade: after a half-life one counts half, and confidence goes with it', () => {
    const fresh = of([deal('@anchor', '@a'), deal('@anchor', '@b')], '@a')
    const old = of([deal('@anchor', '@a', 1, 90), deal('@anchor', '@b', 0.5)], '@a')
    expect(old.reach).toBe(fresh.reach * 2 / 2)
    expect(old.confidence).toBeLessThan(fresh.confidence)
    expect(of([deal('@anchor', '@a', 1, 10), deal('@anchor', '@b', 0.5)], '@a', { halfLifeDays: 10 }).reach).toBe(fresh.reach)
    expect(of([deal('@anchor', '@a', 1, -10_000)], '@a').reach).toBe(0.8)
  })

  test('confidence counts counterparties by their standing', () => {
    const crowd = (name: string) => Array.from({ length: 20 }, (_, i) => `@${name}${i}`)
    const known = crowd('known')
    const deals = [...known.map(agent => deal(agent, '@a')), ...crowd('fake').map(agent => deal(agent, '@b'))]
    const all = standings(deals, { anchors: new Map(known.map(agent => [agent, 1])), now })
    expect(all.of('@a').confidence).toBeGreaterThan(0.6)
    expect(all.of('@b')).toMatchObject({ standing: 0, confidence: 0, counterparties: 20 })
  })

  test('numbers that are none, and deals with oneself, are left out', () => {
    expect(of([deal('@anchor', '@a', NaN), deal('@anchor', '@a', -5), deal('@anchor', '@anchor', 5), deal('@anchor', '@b')], '@a').reach)
      .toBe(0)
  })
})

describe('rings', () => {
  const honest = ['@anchor', '@h1', '@h2', '@h3', '@h4']
  const fakes = ['@f0', '@f1', '@f2', '@f3']
  const dealOf = (clients: readonly string[], providers: readonly string[]) =>
    fc.record({
      client: fc.constantFrom(...clients),
      provider: fc.constantFrom(...providers),
      volume: fc.double({ min: 0.01, max: 1_000, noNaN: true }),
      at: fc.constant(now),
    })
  const outside = fc.tuple(fc.array(dealOf(honest, honest), { maxLength: 25 }), fc.array(dealOf(honest, fakes), { maxLength: 6 }),
    fc.array(dealOf(fakes, honest), { maxLength: 6 }))
    .map(parts => parts.flat())
  const inside = fc.array(dealOf(fakes, fakes), { maxLength: 40 })

  test('whatever fakes do among themselves, none gets more than outsiders gave them all', () => {
    fc.assert(fc.property(outside, inside, (given, ring) => {
      const before = standings(given, { anchors, now })
      const after = standings([...given, ...ring], { anchors, now })
      const entrance = fakes.reduce((sum, fake) => sum + before.of(fake).reach, 0)
      for (const fake of fakes) expect(after.of(fake).reach).toBeLessThanOrEqual(entrance + 1e-5)
    }), { numRuns: 300 })
  })

  test('nobody raises himself by dealing with agents of his own making', () => {
    fc.assert(fc.property(outside, fc.array(dealOf(['@f0', '@s1', '@s2'], ['@f0', '@s1', '@s2']), { maxLength: 20 }), (given, own) => {
      expect(of([...given, ...own], '@f0').reach).toBeLessThanOrEqual(of(given, '@f0').reach + 1e-5)
    }), { numRuns: 200 })
  })

  test('the list of leaders is the order of all agents', () => {
    fc.assert(fc.property(outside, inside, fc.integer({ min: 1, max: 12 }), (given, ring, limit) => {
      const all = standings([...given, ...ring], { anchors, now })
      const reaches = [...honest, ...fakes].map(agent => all.of(agent).reach).filter(reach => reach > 0).sort((a, b) => b - a).slice(0,
        limit)
      expect(all.leaders(limit).map(({ reach }) => reach).filter(reach => reach > 0)).toEqual(reaches)
    }), { numRuns: 100 })
  })

  test('the order of the deals does not matter', () => {
    fc.assert(fc.property(outside, inside, (given, ring) => {
      const one = standings([...given, ...ring], { anchors, now }).leaders(20)
      expect(standings([...ring, ...given].reverse(), { anchors, now }).leaders(20).map(({ agent }) => agent).sort()).toEqual(
        one.map(({ agent }) => agent).sort(),
      )
    }), { numRuns: 50 })
  })
})

describe('in pieces', () => {
  /** What comes of it, and how large each piece was. */
  const run = <T>(pieces: Pieces<T>): { readonly value: T, readonly sizes: readonly number[] } => {
    const sizes: number[] = []
    for (;;) {
      const piece = pieces.next()
      if (piece.done === true) return { value: piece.value, sizes }
      sizes.push(piece.value)
    }
  }

  test('ten thousand deals and their leaders: no piece is more than a fixpoint, and it comes to the same', () => {
    const deals = Array.from({ length: 10_000 },
      (_, i) => deal(i % 7 === 0 ? '@anchor' : `@c${i % 613}`, `@p${(i * 31) % 701}`, 1 + i % 5, i % 90))
    const all = run(standingsInPieces(deals, { anchors, now }))
    // At most two edges for each deal, and 64 steps of a walk along all of them.
    const fixpoint = 64 * 2 * 10_000
    expect(Math.max(...all.sizes)).toBeLessThanOrEqual(fixpoint)
    expect(all.sizes.length).toBeGreaterThan(10)
    const leaders = run(all.value.leadersInPieces(100))
    expect(leaders.sizes.length).toBeGreaterThan(100)
    expect(Math.max(...leaders.sizes)).toBeLessThanOrEqual(fixpoint)
    expect(leaders.value).toEqual(standings(deals, { anchors, now }).leaders(100))
    // What was found out once costs nothing.
    expect(run(all.value.leadersInPieces(100)).sizes).toHaveLength(1)
    expect(all.value.isSolved(leaders.value[0]!.agent)).toBe(true)
  })
})
