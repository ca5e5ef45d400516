// What an action does to a deal, by the state table: the next deal and the money that moves, or why not. No I/O.
import {
  deadlineOf,
  transitions,
  type Action,
  type Deadline,
  type Role,
  type State,
  type Transition,
} from '../../../lib/protocol/deal-table.ts'

/** Who may stand behind an action: an agent, an arbiter of the dispute, or the relay's clock. */
export type Actor = { readonly kind: 'agent' | 'arbiter', readonly id: string } | { readonly kind: 'clock' }

/** The part of a proposal that the rules need. Amounts are minor units; times ms. */
export interface Deal {
  readonly state: State
  readonly proposer: string
  readonly recipient: string
  readonly client: string
  readonly provider: string
  /** What each milestone is worth; one entry where there are none. */
  readonly amounts: readonly number[]
  /** Milestones released so far. */
  readonly released: number
  readonly held: number
  readonly captured: number
  readonly returned: number
  readonly stakes: Stakes
  readonly staked: boolean
  /** The current milestone was submitted since its money is held; or, of an unfunded agreement, anything was. */
  readonly delivered: boolean
  readonly dueAt: number | null
}

export interface Stakes {
  readonly proposer: number
  readonly recipient: number
}

/** How long each deadline runs, in ms. */
export type Terms = Readonly<Record<Deadline, number>>

/**
 * What of the held money goes where. `how` names it for a payment processor: void before any capture, refund after, reclaim
 * after a deadline.
 */
export type Move =
  | { readonly op: 'fund' | 'capture', readonly amount: number }
  | { readonly op: 'void' | 'refund' | 'reclaim', readonly amount: number }

/** held: from both to the deal. released: to their owners, and what becomes of them is the rating's business. */
export type StakeMove = 'hold' | 'release'

export type Refusal = 'NOT_A_PARTY' | 'NOT_YOURS_TO_DO' | 'WRONG_STATE' | 'NOT_DUE' | 'LATE' | 'MILESTONES' | 'NO_PRICE' | 'BAD_RULING'

export type Decision =
  | {
    readonly ok: true
    readonly deal: Deal
    readonly moves: readonly Move[]
    readonly stakes: StakeMove | undefined
    readonly row: Transition
  }
  | { readonly ok: false, readonly refusal: Refusal }

export interface Input {
  readonly now: number
  readonly terms: Terms
  /** RULE: what it says. */
  readonly ruling?: { /** goes to the provider, the rest back */ readonly captureMinor: number }
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0)

/** The whole price. */
export const priceOf = ({ amounts }: Pick<Deal, 'amounts'>): number => sum(amounts)

const holds = (deal: Deal, role: Role, actor: Actor): boolean => {
  if (role === 'anyone') return true
  if (role === 'arbiter') return actor.kind === 'arbiter' && actor.id !== deal.proposer && actor.id !== deal.recipient
  return actor.kind === 'agent' && actor.id === deal[role]
}

const isParty = (deal: Deal, actor: Actor): boolean =>
  actor.kind === 'clock' || actor.kind === 'arbiter' || actor.id === deal.proposer || actor.id === deal.recipient

export const isDue = ({ dueAt }: Pick<Deal, 'dueAt'>, now: number): boolean => dueAt !== null && now >= dueAt

const meets = (deal: Deal, row: Transition, now: number): boolean =>
  (row.when ?? []).every(condition => {
    switch (condition) {
      case 'due':
        return isDue(deal, now)
      case 'more':
        return deal.released < deal.amounts.length - 1
      case 'last':
        return deal.released >= deal.amounts.length - 1
      case 'delivered':
        return deal.delivered
      case 'undelivered':
        return !deal.delivered
      default:
        return condition satisfies never
    }
  })

/** Why nothing of the table fits, in the order in which it helps. */
const refusalOf = (deal: Deal, action: Action, actor: Actor, now: number): Refusal => {
  const rows = transitions.filter(row => row.from === deal.state && row.action === action)
  if (!isParty(deal, actor) && action !== 'LAPSE') return 'NOT_A_PARTY'
  if (rows.length === 0) return 'WRONG_STATE'
  if (!rows.some(row => row.by.some(role => holds(deal, role, actor)))) return 'NOT_YOURS_TO_DO'
  if (action === 'LAPSE') return 'NOT_DUE'
  return isDue(deal, now) ? 'LATE' : 'MILESTONES'
}

export const decide = (deal: Deal, action: Action, actor: Actor, { now, terms, ruling }: Input): Decision => {
  // Once a deadline is over, what it brings comes first, whether the relay has noticed or not.
  const row = isDue(deal, now) && action !== 'LAPSE'
    ? undefined
    : transitions.find(each =>
      each.from === deal.state && each.action === action && each.by.some(role => holds(deal, role, actor)) && meets(deal, each, now)
    )
  if (row === undefined) return { ok: false, refusal: refusalOf(deal, action, actor, now) }

  const moves: Move[] = []
  let { released, held, captured, returned, staked, delivered } = deal
  let stakes: StakeMove | undefined
  const capture = (amount: number) => {
    held -= amount
    captured += amount
    if (amount > 0) moves.push({ op: 'capture', amount })
  }
  const giveBack = () => {
    const op = action === 'LAPSE' && deal.state !== 'disputed' ? 'reclaim' : captured > 0 ? 'refund' : 'void'
    if (held > 0) moves.push({ op, amount: held })
    returned += held
    held = 0
  }
  for (const effect of row.effects ?? []) {
    switch (effect) {
      case 'stake': {
        staked = deal.stakes.proposer + deal.stakes.recipient > 0
        if (staked) stakes = 'hold'
        break
      }
      case 'unstake': {
        if (staked) stakes = 'release'
        staked = false
        break
      }
      case 'hold': {
        held = priceOf(deal)
        if (held === 0) return { ok: false, refusal: 'NO_PRICE' }
        moves.push({ op: 'fund', amount: held })
        delivered = false
        break
      }
      case 'capture milestone': {
        capture(deal.amounts[released] ?? 0)
        released++
        delivered = false
        break
      }
      case 'capture all': {
        capture(held)
        released = deal.amounts.length
        break
      }
      case 'return all': {
        giveBack()
        break
      }
      case 'half': {
        capture(Math.floor(held / 2))
        giveBack()
        break
      }
      case 'ruling': {
        const amount = ruling?.captureMinor ?? -1
        if (!Number.isSafeInteger(amount) || amount < 0 || amount > held) return { ok: false, refusal: 'BAD_RULING' }
        capture(amount)
        giveBack()
        break
      }
      default:
        effect satisfies never
    }
  }
  const deadline = deadlineOf(row.to)
  if (action === 'SUBMIT') delivered = true
  return {
    ok: true,
    row,
    moves,
    stakes,
    deal: {
      ...deal,
      state: row.to,
      released,
      held,
      captured,
      returned,
      staked,
      delivered,
      dueAt: deadline === undefined ? null : now + terms[deadline],
    },
  }
}
