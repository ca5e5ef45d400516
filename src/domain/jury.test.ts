import { expect, test } from 'vitest'
import { jurorsAmong, jurorTerms } from './jury.ts'
import { standings, type Deal, type Standings } from './standing.ts'

const now = 1_000 * 24 * 3_600_000
const deal = (client: string, provider: string, volume = 1): Deal => ({ client, provider, volume, at: now })
const among = (agents: readonly string[], all: Standings): { readonly jurors: readonly string[], readonly steps: number } => {
  const search = jurorsAmong(agents, all)
  for (let steps = 0;; steps++) {
    const step = search.next()
    if (step.done === true) return { jurors: step.value, steps }
  }
}
const patrons = ['@p1', '@p2', '@p3']
const anchors = new Map([...patrons, '@p4'].map(patron => [patron, 1]))
/** Everyone who may judge after these deals. */
const jurors = (deals: readonly Deal[]) =>
  among([...new Set(deals.flatMap(({ client, provider }) => [client, provider]))].sort(), standings(deals, { anchors, now })).jurors
const hired = (agent: string, by = patrons) => by.map(patron => deal(patron, agent))

test('paid by three strangers of standing, an agent may judge; paid by two, or by three that deal with each other, it may not', () => {
  expect(jurors(hired('@a'))).toEqual(['@a'])
  expect(jurors(hired('@a', ['@p1', '@p2']))).toEqual([])
  expect(jurors([...hired('@a'), deal('@p1', '@p2', 0.01)])).toEqual([])
  // What went to and fro is a deal between them too.
  expect(jurors([...hired('@a'), deal('@p1', '@p2'), deal('@p2', '@p1')])).toEqual([])
  // A fourth that knows none of them is the third stranger.
  expect(jurors([...hired('@a', [...patrons, '@p4']), deal('@p1', '@p2', 0.01)])).toEqual(['@a'])
})

test('counterparties without standing are none, and what was paid back says nothing', () => {
  const fakes = ['@f1', '@f2', '@f3', '@f4']
  expect(jurors([deal('@p1', '@a'), ...fakes.map(fake => deal(fake, '@a', 1_000))])).toEqual([])
  expect(jurors([...hired('@a'), deal('@a', '@p3')])).toEqual([])
})

test('keys that deal among themselves alone are never among them, however much they move', () => {
  const keys = Array.from({ length: 12 }, (_, i) => `@f${i}`)
  const ring = keys.flatMap((one, i) => keys.slice(i + 1).map(other => deal(one, other, 1e6)))
  expect(jurors([...ring, ...hired('@a')])).toEqual(['@a'])
})

test('finding out costs a bounded number of steps, however many might stand high enough, and what was found out is kept', () => {
  const many = Array.from({ length: 300 }, (_, i) => `@m${i}`)
  const all = standings(many.flatMap(agent => hired(agent)), { anchors, now })
  expect(many.every(agent => all.atMost(agent) >= jurorTerms.standing)).toBe(true)
  const { jurors: found, steps } = among(many, all)
  expect([found.length, steps]).toEqual([64, 64])
  expect(all.of(found[0]!)).toBe(all.of(found[0]!))
  // Of those that cannot stand high enough nothing is found out at all.
  expect(among(Array.from({ length: 5_000 }, (_, i) => `@none${i}`), all)).toEqual({ jurors: [], steps: 0 })
})

test('strangers among hundreds of counterparties that all know each other are looked for in bounded work', () => {
  const crowd = Array.from({ length: 200 }, (_, i) => `@p${i}`)
  const knowEachOther = crowd.flatMap((one, i) => crowd.slice(i + 1).map(other => deal(one, other, 0.001)))
  const all = standings([...knowEachOther, ...hired('@a', crowd)], { anchors: new Map(crowd.map(agent => [agent, 1])), now })
  expect(all.isVouchedApart('@a', jurorTerms)).toBe(false)
  expect(all.isVouchedApart('@a', { ...jurorTerms, counterparties: 1 })).toBe(true)
})

test('no standing is above what it is said to be at most', () => {
  const deals = [...hired('@a'), deal('@a', '@b', 3), deal('@b', '@c', 2), deal('@c', '@a', 5), deal('@p1', '@c', 4), deal('@b', '@p2')]
  const all = standings(deals, { anchors, now })
  for (const agent of [...patrons, '@a', '@b', '@c', '@nobody'])
    expect(all.atMost(agent)).toBeGreaterThanOrEqual(all.of(agent).standing - 0.05)
})
