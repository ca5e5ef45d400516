// Every path through the state table, with two parties, an arbiter, a stranger and time: no money made, lost, moved by a
// stranger, or stuck.
import { expect, test } from 'vitest'
import { decide, isDue, priceOf, type Actor, type Deal, type Terms } from './decide.ts'
import { actions, isFinal, stateNames, states, transitions, type Action } from '../../../lib/protocol/deal-table.ts'

const terms: Terms = { offer: 1, agreement: 1, delivery: 1, review: 1, ruling: 1 }
const actors: readonly Actor[] = [
  { kind: 'agent', id: 'ann' },
  { kind: 'agent', id: 'bob' },
  { kind: 'agent', id: 'eve' },
  { kind: 'arbiter', id: 'judge' },
  { kind: 'arbiter', id: 'ann' },
  { kind: 'clock' },
]
const idOf = (actor: Actor): string => actor.kind === 'clock' ? 'clock' : actor.id

/** What the model remembers: the deal (its deadline only as over or not), what everybody has, and how many counters may follow. */
interface World {
  readonly deal: Deal
  readonly purses: Readonly<Record<string, number>>
  readonly escrow: number
  readonly stakes: Readonly<Record<string, number>>
  readonly countersLeft: number
}

const offer = (proposer: string, client: string, amounts: readonly number[]): Deal => ({
  state: 'pending',
  proposer,
  recipient: proposer === 'ann' ? 'bob' : 'ann',
  client,
  provider: client === 'ann' ? 'bob' : 'ann',
  amounts,
  released: 0,
  held: 0,
  captured: 0,
  returned: 0,
  stakes: { proposer: 2, recipient: 1 },
  staked: false,
  delivered: false,
  dueAt: 1,
})

const total = ({ purses, escrow }: World): number => Object.values(purses).reduce((sum, purse) => sum + purse, escrow)

interface Step {
  readonly next: World
  readonly by: string
  readonly action: Action
  readonly isTime: boolean
}

const stepsOf = (world: World): readonly Step[] => {
  const steps: Step[] = []
  for (const now of [0, 1])
    for (const action of actions)
      for (const actor of actors) {
        // A ruling may say anything; what is not in the escrow has to be refused.
        for (const captureMinor of action === 'RULE' ? [-1, 0.5, 0, 1, world.escrow, world.escrow + 1, Number.NaN] : [0]) {
          const decision = decide(world.deal, action, actor, { now, terms, ruling: { captureMinor } })
          if (!decision.ok) continue
          const { deal, moves, stakes } = decision
          const purses: Record<string, number> = { ...world.purses }
          let { escrow } = world
          for (const { op, amount } of moves) {
            expect(Number.isSafeInteger(amount) && amount > 0, `${op} ${amount}`).toBe(true)
            const who = op === 'capture' ? deal.provider : deal.client
            purses[who]! += op === 'fund' ? -amount : amount
            escrow += op === 'fund' ? amount : -amount
          }
          if (purses[deal.client]! < 0) continue // the ledger refuses it
          const staked: Record<string, number> = { ...world.stakes }
          if (stakes !== undefined) {
            const sign = stakes === 'hold' ? 1 : -1
            staked[deal.proposer]! += sign * deal.stakes.proposer
            staked[deal.recipient]! += sign * deal.stakes.recipient
          }
          const isCounter = deal.state === 'countered' && world.countersLeft > 0
          const next = isCounter
            ? { ...offer(idOf(actor), deal.client, deal.amounts), dueAt: 1 }
            : { ...deal, dueAt: deal.dueAt === null ? null : 1 }
          steps.push({
            next: { deal: next, purses, escrow, stakes: staked, countersLeft: world.countersLeft - (isCounter ? 1 : 0) },
            by: idOf(actor),
            action,
            isTime: actor.kind === 'clock',
          })
        }
      }
  return steps
}

const explore = (start: World) => {
  const seen = new Map<string, { readonly world: World, readonly steps: readonly Step[] }>()
  for (const queue = [start]; queue.length > 0;) {
    const world = queue.pop()!
    const key = JSON.stringify(world)
    if (seen.has(key)) continue
    const steps = stepsOf(world)
    seen.set(key, { world, steps })
    queue.push(...steps.map(step => step.next))
  }
  return seen
}

/** The worlds from which a final one can be reached by steps that `counts`. */
const endsFrom = (seen: ReturnType<typeof explore>, counts: (step: Step) => boolean): number => {
  const ending = new Set([...seen].filter(([, { world }]) => isFinal(world.deal.state)).map(([key]) => key))
  for (let before = -1; before !== ending.size;) {
    before = ending.size
    for (const [key, { steps }] of seen) if (steps.some(step => counts(step) && ending.has(JSON.stringify(step.next)))) ending.add(key)
  }
  return ending.size
}

test("no path creates or destroys money, moves another's money, or leaves it stuck", () => {
  let worlds = 0
  let edges = 0
  const reached = new Set<string>()
  for (const amounts of [[0], [1], [5], [2, 3], [1, 2, 3], [0, 4]])
    for (const proposer of ['ann', 'bob'])
      for (const client of ['ann', 'bob'])
        for (const purse of [0, 4, 9]) {
          const start: World = {
            deal: offer(proposer, client, amounts),
            purses: { ann: purse, bob: purse, eve: 1, judge: 1 },
            escrow: 0,
            stakes: { ann: 0, bob: 0 },
            countersLeft: 1,
          }
          const seen = explore(start)
          worlds += seen.size
          for (const { world, steps } of seen.values()) {
            const { deal, purses, escrow, stakes } = world
            reached.add(deal.state)
            expect(total(world)).toBe(total(start))
            expect([purses['eve'], purses['judge']]).toEqual([1, 1])
            expect(escrow).toBe(deal.held)
            expect(Math.min(...Object.values(purses), escrow)).toBeGreaterThanOrEqual(0)
            expect(deal.captured + deal.returned + deal.held === priceOf(deal) || deal.captured + deal.returned + deal.held === 0).toBe(
              true,
            )
            if (deal.staked) expect(stakes).toEqual({ [deal.proposer]: 2, [deal.recipient]: 1 })
            else expect(stakes).toEqual({ ann: 0, bob: 0 })
            if (isFinal(deal.state)) {
              expect([escrow, deal.staked, deal.dueAt]).toEqual([0, false, null])
              expect(steps, `${deal.state} is final`).toEqual([])
            }
            for (const { next, by, action } of steps) {
              edges++
              // Money leaves a purse only by its owner's own FUND; a stranger moves it only where a deadline is over.
              for (const who of ['ann', 'bob']) if (next.purses[who]! < purses[who]!) expect([by, action]).toEqual([who, 'FUND'])
              if (by === 'eve' || by === 'clock') expect([action, isDue(deal, 1)]).toEqual(['LAPSE', true])
              // Nobody takes what is held for himself, but by a deadline or by giving up what was his.
              if (next.deal.captured > deal.captured)
                expect(by === deal.provider && action !== 'LAPSE', `${action} by the provider captures`).toBe(false)
              if (next.deal.returned > deal.returned)
                expect(by === deal.client && action !== 'LAPSE', `${action} by the client takes back`).toBe(false)
            }
          }
          expect(endsFrom(seen, () => true)).toBe(seen.size)
          // Even if nobody ever does anything more.
          expect(endsFrom(seen, step => step.isTime)).toBe(seen.size)
        }
  expect([...reached].sort()).toEqual([...stateNames].sort())
  process.stdout.write(`negotiation: ${worlds} states, ${edges} transitions explored\n`)
})

test('filing first wins nothing: a dispute moves no money and no stake, whoever files it', () => {
  const rows = transitions.filter(row => row.action === 'DISPUTE')
  expect(rows.map(row => row.from)).toEqual(['accepted', 'funded', 'submitted'])
  for (const row of rows) expect(row).toMatchObject({ by: ['client', 'provider'], to: 'disputed' })
  expect(rows.some(row => 'effects' in row)).toBe(false)
})

test("an arbiter is nobody's party, and a funded deal is not ended by its provider's word", () => {
  const deal: Deal = { ...offer('ann', 'ann', [5]), state: 'disputed', held: 5 }
  expect(decide(deal, 'RULE', { kind: 'arbiter', id: 'bob' }, { now: 0, terms, ruling: { captureMinor: 5 } })).toMatchObject({ ok: false })
  for (const state of ['funded', 'submitted', 'disputed'] as const) {
    expect(decide({ ...deal, state }, 'COMPLETE', { kind: 'agent', id: 'bob' }, { now: 0, terms })).toEqual({
      ok: false,
      refusal: 'NOT_YOURS_TO_DO',
    })
  }
})

test('the table says one thing for each case: no two rows fit at once, none leaves a final state, every state with money has a deadline', () => {
  for (const [i, row] of transitions.entries()) {
    expect(isFinal(row.from)).toBe(false)
    for (const other of transitions.slice(i + 1)) {
      if (row.from !== other.from || row.action !== other.action) continue
      const [a, b] = [row.when ?? [], other.when ?? []]
      expect((a.includes('more') && b.includes('last')) || (a.includes('undelivered') && b.includes('delivered')),
        `${row.from} ${row.action}`).toBe(true)
    }
  }
  for (const name of stateNames) expect('final' in states[name] !== 'deadline' in states[name]).toBe(true)
})

test('what was delivered for one milestone brings nothing of the next: silence of the arbiters gives it back', () => {
  const taken = (deal: Deal, action: Action, actor: Actor, now = 0): Deal => {
    const decision = decide(deal, action, actor, { now, terms })
    if (!decision.ok) throw new Error(`${action}: ${decision.refusal}`)
    return decision.deal
  }
  const [ann, bob] = [{ kind: 'agent', id: 'ann' }, { kind: 'agent', id: 'bob' }] as const
  let deal = taken(taken({ ...offer('ann', 'ann', [4, 6]), state: 'accepted' }, 'SUBMIT', bob), 'FUND', ann)
  expect(deal.delivered).toBe(false)
  deal = taken(taken(deal, 'SUBMIT', bob), 'RELEASE', ann)
  expect(taken(taken(deal, 'DISPUTE', bob), 'LAPSE', { kind: 'clock' }, 1)).toMatchObject({ state: 'ruled', captured: 4, returned: 6 })
  deal = taken(deal, 'SUBMIT', bob)
  expect(taken(taken(deal, 'DISPUTE', ann), 'LAPSE', { kind: 'clock' }, 1)).toMatchObject({ state: 'ruled', captured: 7, returned: 3 })
})
