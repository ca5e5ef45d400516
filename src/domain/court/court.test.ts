// Every path through the phase table, together with the deal that is disputed: each ends, and no money is made, lost, or moved
// by who has no say.
import { describe, expect, test } from 'vitest'
import { decide, isFinal, type Deal, type Terms } from '../negotiation/index.ts'
import {
  captureOf,
  changes,
  decideCase,
  isOver,
  partOf,
  phaseNames,
  verdictOf,
  votesOf,
  type Act,
  type Case,
  type CourtActor,
  type CourtInput,
  type CourtTerms,
  type Verdict,
  type Vote,
} from './index.ts'

const terms: CourtTerms = { revealMs: 1, answerMs: 1, evidenceMs: 1, voteMs: 1, seats: 3, maxAsked: 4 }
const dealTerms: Terms = { offer: 1, agreement: 1, delivery: 1, review: 1, ruling: 1 }
const verdicts: readonly Verdict[] = ['disputant', 'respondent', 'mutual']

interface World {
  readonly kase: Case
  readonly deal: Deal
  readonly purses: Readonly<Record<string, number>>
}
interface Step {
  readonly next: World
  readonly by: string
  readonly act: string
}

const held = 5
/** ann, the client, has filed; bob works. */
const start: World = {
  kase: { phase: 'filed', disputant: 'ann', respondent: 'bob', queue: [], seats: [], evidence: [], heard: false, dueAt: 1 },
  deal: {
    state: 'disputed',
    proposer: 'ann',
    recipient: 'bob',
    client: 'ann',
    provider: 'bob',
    amounts: [held],
    released: 0,
    held,
    captured: 0,
    returned: 0,
    stakes: { proposer: 2, recipient: 1 },
    staked: true,
    delivered: false,
    dueAt: 1,
  },
  purses: { ann: 0, bob: 0 },
}

/** What moved of the money. */
const paid = ({ purses }: World, before: Deal, after: Deal): Readonly<Record<string, number>> => ({
  ann: purses['ann']! + after.returned - before.returned,
  bob: purses['bob']! + after.captured - before.captured,
})

/** The deal ends elsewhere, and the case with it. */
const ended = (world: World, after: Deal): World => {
  const decision = decideCase(world.kase, after.state === 'ruled' ? 'RULED' : 'SETTLED', { kind: 'court' }, { now: 0, terms })
  if (!decision.ok) throw new Error(`a case that is ${world.kase.phase} outlives its deal`)
  return { kase: decision.case, deal: after, purses: paid(world, world.deal, after) }
}

const stepsOf = (world: World, pool: readonly string[]): readonly Step[] => {
  const steps: Step[] = []
  const { kase, deal } = world
  const actors: readonly CourtActor[] = [...['ann', 'bob', 'eve', ...pool].map(id => ({ kind: 'agent' as const, id })), { kind: 'court' }]
  for (const now of [0, 1])
    for (const actor of actors)
      for (const act of ['REVEAL', 'ACCEPT', 'DECLINE', 'EVIDENCE', 'VOTE', 'LAPSE'] as const) {
        for (const verdict of act === 'VOTE' ? verdicts : ['mutual'] as const) {
          const input: CourtInput = { now, terms, order: pool, vote: { verdict, captureMinor: null } }
          const decision = decideCase(kase, act, actor, input)
          if (!decision.ok) continue
          // Of times the model knows only that they are not over, or that they are.
          const seats = decision.case.seats.map(seat => ({ ...seat, dueAt: seat.dueAt === null ? null : 1 }))
          const next: Case = { ...decision.case, seats, dueAt: decision.case.dueAt === null ? null : 1 }
          const by = actor.kind === 'court' ? 'court' : actor.id
          if (!decision.effects.includes('verdict')) {
            steps.push({ next: { ...world, kase: next }, by, act })
            continue
          }
          const captureMinor = captureOf(votesOf(next), { heldMinor: deal.held, provider: 'respondent' })
          const ruled = decide(deal, 'RULE', { kind: 'arbiter', id: '@server' }, { now: 0, terms: dealTerms, ruling: { captureMinor } })
          if (!ruled.ok)
            throw new Error(`the verdict cannot be carried out: ${ruled.refusal}`)
          steps.push({ next: { kase: next, deal: ruled.deal, purses: paid(world, deal, ruled.deal) }, by, act })
        }
      }
  for (
    const [action, actor] of [['COMPLETE', { kind: 'agent', id: 'ann' }], ['CANCEL', { kind: 'agent', id: 'bob' }], ['RULE', {
      kind: 'arbiter',
      id: 'boss',
    }], ['LAPSE', { kind: 'clock' }]] as const
  ) {
    const decision = decide(deal, action, actor, { now: action === 'LAPSE' ? 1 : 0, terms: dealTerms, ruling: { captureMinor: 2 } })
    if (!decision.ok) continue
    // A case that was abandoned leaves its deal disputed, and has no part in how that ends.
    const next = isOver(kase.phase)
      ? { ...world, deal: decision.deal, purses: paid(world, deal, decision.deal) }
      : ended(world, decision.deal)
    steps.push({ next, by: actor.kind === 'clock' ? 'clock' : actor.id, act: action })
  }
  return steps
}

/** Of a case that is over the model remembers only how it ended. */
const remembered = (world: World): World =>
  isOver(world.kase.phase) ? { ...world, kase: { ...world.kase, seats: [], queue: [], evidence: [], heard: false } } : world

const explore = (pool: readonly string[]) => {
  const seen = new Map<string, { readonly world: World, readonly steps: readonly (Step & { readonly key: string })[] }>()
  for (const queue = [start]; queue.length > 0;) {
    const world = queue.pop()!
    const key = JSON.stringify(world)
    if (seen.has(key)) continue
    const steps = stepsOf(world, pool).map(step => ({ ...step, next: remembered(step.next) })).map(step => ({
      ...step,
      key: JSON.stringify(step.next),
    }))
    seen.set(key, { world, steps })
    queue.push(...steps.map(step => step.next))
  }
  return seen
}

const isEnd = ({ kase, deal }: World): boolean => isOver(kase.phase) && isFinal(deal.state)

/** The worlds from which an end can be reached by steps that `counts`. */
const endsFrom = (seen: ReturnType<typeof explore>, counts: (step: Step) => boolean): number => {
  const before = new Map<string, string[]>()
  for (const [key, { steps }] of seen)
    for (const step of steps) if (counts(step)) before.set(step.key, [...before.get(step.key) ?? [], key])
  const ending = new Set<string>()
  for (const queue = [...seen].filter(([, { world }]) => isEnd(world)).map(([key]) => key); queue.length > 0;) {
    const key = queue.pop()!
    if (ending.has(key)) continue
    ending.add(key)
    queue.push(...before.get(key) ?? [])
  }
  return ending.size
}

test('each path ends, moves all of the money once, and only as the table says', () => {
  let worlds = 0
  let edges = 0
  const reached = new Set<string>()
  for (const pool of [[], ['j1', 'j2'], ['j1', 'j2', 'j3'], ['j1', 'j2', 'j3', 'j4', 'j5']]) {
    const seen = explore(pool)
    worlds += seen.size
    for (const { world, steps } of seen.values()) {
      const { kase, deal, purses } = world
      reached.add(kase.phase)
      expect(purses['ann']! + purses['bob']! + deal.held).toBe(held)
      expect(purses).toEqual({ ann: deal.returned, bob: deal.captured })
      // Nobody judges his own case, sits twice, or is asked beyond the bound; no more than a panel is seated.
      const arbiters = kase.seats.map(seat => seat.arbiter)
      expect(arbiters).toEqual(pool.slice(0, arbiters.length))
      expect(arbiters.length).toBeLessThanOrEqual(terms.maxAsked)
      expect(kase.seats.filter(seat => ['asked', 'sitting', 'voted'].includes(seat.state)).length).toBeLessThanOrEqual(terms.seats)
      // What the clock has to notice has a time; what it has not, none.
      expect(kase.dueAt !== null).toBe(!isOver(kase.phase) && kase.phase !== 'appealed')
      // While a case is open its deal is disputed, and the money is where it was.
      if (!isOver(kase.phase)) expect([deal.state, deal.held]).toEqual(['disputed', held])
      if (isEnd(world)) expect(steps).toEqual([])
      for (const { next, by, act } of steps) {
        edges++
        const sat = kase.seats.find(seat => seat.arbiter === by)
        if (by === 'eve') throw new Error(`a stranger does ${act}`)
        if (next.kase.phase === 'ruled' && act === 'VOTE') expect(sat?.state).toBe('sitting')
        if (act === 'VOTE' && !isOver(next.kase.phase)) expect(next.kase.seats.find(seat => seat.arbiter === by)?.state).toBe('voted')
        if (by.startsWith('j')) expect(['ACCEPT', 'DECLINE', 'VOTE']).toContain(act)
        // Votes that were given stay as they were.
        if (!isOver(next.kase.phase)) {
          for (const seat of kase.seats)
            if (seat.vote !== null) expect(next.kase.seats.find(each => each.arbiter === seat.arbiter)?.vote).toEqual(seat.vote)
        }
      }
    }
    expect(endsFrom(seen, () => true)).toBe(seen.size)
    // Even if nobody ever does anything more; and the court alone gets a case to a verdict or to an admin.
    expect(endsFrom(seen, step => step.by === 'court' || step.by === 'clock')).toBe(seen.size)
  }
  expect([...reached].sort()).toEqual([...phaseNames].sort())
  process.stdout.write(`court: ${worlds} states, ${edges} transitions explored\n`)
})

test('the table: no row leaves a final phase, and where two fit the first one decides', () => {
  for (const row of changes) expect(isOver(row.from)).toBe(false)
  const twice = changes.filter((row, i) =>
    changes.some((other, j) =>
      j < i && other.from === row.from && other.act === row.act && (other.when ?? []).length + (row.when ?? []).length === 0
    )
  )
  expect(twice).toEqual([])
})

test('a party cannot act for an arbiter, nor the court for anybody; an arbiter may come as late as his own deadline, not as the first one', () => {
  const seats = [{ arbiter: 'j1', state: 'asked', dueAt: 10, vote: null }, { arbiter: 'j2', state: 'asked', dueAt: 20, vote: null }, {
    arbiter: 'j3',
    state: 'sitting',
    dueAt: null,
    vote: null,
  }] as const
  const kase: Case = { ...start.kase, phase: 'seating', seats, dueAt: 10 }
  const by = (id: string, act: Act, now = 15) => decideCase(kase, act, { kind: 'agent', id }, { now, terms })
  expect(by('j1', 'ACCEPT')).toMatchObject({ ok: false, refusal: 'LATE' })
  expect(by('j2', 'ACCEPT')).toMatchObject({ ok: true })
  expect(by('ann', 'ACCEPT')).toMatchObject({ ok: false, refusal: 'NOT_ARBITER' })
  expect(by('j3', 'EVIDENCE')).toMatchObject({ ok: false, refusal: 'NOT_PARTY' })
  for (const act of ['RULED', 'SETTLED', 'LAPSE'] as const) expect(by('ann', act).ok).toBe(false)
  for (const act of ['ACCEPT', 'VOTE', 'REVEAL'] as const)
    expect(decideCase(kase, act, { kind: 'court' }, { now: 0, terms }).ok).toBe(false)
  expect(decideCase(kase, 'LAPSE', { kind: 'court' }, { now: 5, terms })).toMatchObject({ ok: false, refusal: 'NOT_DUE' })
})

describe('the tally', () => {
  const vote = (verdict: Verdict, captureMinor: number | null = null): Vote => ({ verdict, captureMinor })
  test.each([
    [['disputant', 'disputant', 'respondent'], 'disputant', 0],
    [['respondent', 'mutual', 'respondent'], 'respondent', 101],
    [['respondent', 'mutual', 'disputant'], 'mutual', 50],
    [['mutual', 'mutual', 'mutual'], 'mutual', 50],
  ] as const)('%j is %s', (given, verdict, capture) => {
    const votes = given.map(each => vote(each))
    expect([verdictOf(votes), captureOf(votes, { heldMinor: 101, provider: 'respondent' })]).toEqual([verdict, capture])
  })

  test('shares: the lower median of those who share it out, never more than there is, whoever else votes', () => {
    const of = (...shares: readonly (number | null)[]) =>
      captureOf(shares.map(share => vote('mutual', share)), { heldMinor: 100, provider: 'disputant' })
    expect([of(0, 30, 100), of(20, 60), of(null, 10, 90), of(500, 500)]).toEqual([30, 20, 50, 100])
    expect(captureOf([vote('mutual', 10), vote('mutual', 20), vote('disputant')], { heldMinor: 100, provider: 'disputant' })).toBe(10)
  })

  test('for every three votes: between nothing and all, and who agrees with the verdict is with the majority', () => {
    for (const a of verdicts)
      for (const b of verdicts)
        for (const c of verdicts)
          for (const heldMinor of [0, 1, 7]) {
            const votes = [vote(a, 3), vote(b), vote(c, 99)]
            const capture = captureOf(votes, { heldMinor, provider: 'respondent' })
            expect(Number.isInteger(capture) && capture >= 0 && capture <= heldMinor).toBe(true)
            const majority = votes.filter(each => partOf(votes, each) === 'majority')
            expect([0, 2, 3]).toContain(majority.length)
            for (const each of majority) expect(each.verdict).toBe(verdictOf(votes))
          }
  })
})
