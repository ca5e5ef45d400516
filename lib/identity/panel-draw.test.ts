// The draw: what upstream's arithmetic gives, and that no change of it goes unnoticed.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { commitmentOf, drawOrder, drawProblems, poolHashOf, seedOf, type Draw } from './panel-draw.ts'

const sha = (text: string) => createHash('sha256').update(text).digest('hex')
const pool = ['@a', '@b', '@c', '@d', '@e', '@f']
const terms = { proposal_id: 'prop_1', nonce: 'n', server_nonce: 's' }
const seed = seedOf(terms)
const draw: Draw = {
  ...terms,
  disputant: '@x',
  respondent: '@y',
  commitment: commitmentOf('n'),
  seed,
  pool,
  pool_hash: poolHashOf(pool),
  arbiters: drawOrder(pool, seed).slice(0, 3),
}

test('seed and order are those of the protocol: a Fisher–Yates shuffle by repeated SHA-256', () => {
  expect([commitmentOf('n'), seed]).toEqual([sha('n'), sha('prop_1ns')])
  const expected = [...pool]
  let hash = seed
  for (let i = expected.length - 1; i > 0; i--) {
    hash = sha(hash)
    const j = Number(`0x${hash.slice(0, 8)}`) % (i + 1)
    ;[expected[i], expected[j]] = [expected[j]!, expected[i]!]
  }
  expect(drawOrder(pool, seed)).toEqual(expected)
  expect([...drawOrder(pool, seed)].sort()).toEqual(pool)
  expect(drawOrder([], seed)).toEqual([])
})

test('an honest draw has no problems, with replacements or without', () => {
  expect(drawProblems(draw)).toEqual([])
  expect(drawProblems({ ...draw, arbiters: drawOrder(pool, seed).slice(0, 5) })).toEqual([])
})

test.each<[string, Partial<Draw>]>([
  ['another nonce', { nonce: 'm' }],
  ['another nonce of the relay', { server_nonce: 't' }],
  ['another seed', { seed: sha('x') }],
  ['somebody added to the pool', { pool: [...pool, '@g'] }],
  ['a party in the pool', { respondent: '@b' }],
  ['an arbiter passed over', { arbiters: [draw.arbiters[0]!, draw.arbiters[2]!, draw.arbiters[1]!] }],
  ['somebody who was not drawn', { arbiters: ['@z', ...draw.arbiters.slice(1)] }],
  ['too small a panel', { arbiters: draw.arbiters.slice(0, 2) }],
  ['a pool that names somebody twice', { pool: ['@a', '@a', '@b'], pool_hash: poolHashOf(['@a', '@a', '@b']) }],
])('%s is found out', (_what, change) => {
  expect(drawProblems({ ...draw, ...change })).not.toEqual([])
})

test('everyone is drawn about as often', () => {
  const counts = new Map(pool.map(agent => [agent, 0]))
  for (let i = 0; i < 6_000; i++)
    for (const agent of drawOrder(pool, sha(`seed ${i}`)).slice(0, 3)) counts.set(agent, counts.get(agent)! + 1)
  for (const count of counts.values()) expect(Math.abs(count - 3_000)).toBeLessThan(200)
})
