// What an act does to a case, by the phase table: the next case and what follows, or why not. No I/O.
import { agreedOn, type Vote } from './tally.ts'
import { changes, isOver, type Act, type Condition, type CourtRole, type Effect, type Phase, type PhaseChange } from './table.ts'

/** asked: drawn, no answer yet. silent: let the time to answer pass. absent: accepted, and let the vote pass. */
export type SeatState = 'asked' | 'sitting' | 'voted' | 'declined' | 'silent' | 'absent'

export interface Seat {
  readonly arbiter: string
  readonly state: SeatState
  /** until when it has to answer */
  readonly dueAt: number | null
  readonly vote: Vote | null
}

export type Side = 'disputant' | 'respondent'

export interface Case {
  readonly phase: Phase
  readonly disputant: string
  readonly respondent: string
  /** Drawn but not asked yet, in this order. */
  readonly queue: readonly string[]
  /** Everyone who was ever asked, in the order of the draw. */
  readonly seats: readonly Seat[]
  /** Whose evidence is in. */
  readonly evidence: readonly Side[]
  /** The evidence is closed. */
  readonly heard: boolean
  readonly dueAt: number | null
}

/** How long each takes, in ms; and how large a panel is, and how many may be asked in all. */
export interface CourtTerms {
  readonly revealMs: number
  readonly answerMs: number
  readonly evidenceMs: number
  readonly voteMs: number
  readonly seats: number
  readonly maxAsked: number
}

export interface CourtInput {
  readonly now: number
  readonly terms: CourtTerms
  /** REVEAL: who can be drawn, in the order of the draw. */
  readonly order?: readonly string[]
  readonly vote?: Vote
}

/** `agent`: a party or an arbiter by its id. The court is the relay's clock, or the end of the deal elsewhere. */
export type CourtActor = { readonly kind: 'agent', readonly id: string } | { readonly kind: 'court' }

export type CourtRefusal = 'NOT_PARTY' | 'NOT_ARBITER' | 'WRONG_PHASE' | 'DONE_ALREADY' | 'LATE' | 'NOT_DUE'

export type CourtDecision =
  | {
    readonly ok: true
    readonly case: Case
    readonly effects: readonly Effect[] /** who is asked now */
    readonly asked: readonly string[] /** who has just lost the seat for staying silent */
    readonly dropped: readonly Seat[]
  }
  | { readonly ok: false, readonly refusal: CourtRefusal }

const gone: readonly SeatState[] = ['declined', 'silent', 'absent']
const held = ({ seats }: Case): readonly Seat[] => seats.filter(seat => !gone.includes(seat.state))
const seatOf = ({ seats }: Case, id: string): Seat | undefined => seats.find(seat => seat.arbiter === id)

/** The votes that count. */
export const votesOf = ({ seats }: Pick<Case, 'seats'>): readonly Vote[] => seats.flatMap(seat => seat.vote ?? [])

/** A deadline is over, of the phase or of one who was asked. */
export const isLate = ({ dueAt }: Pick<Case, 'dueAt'>, now: number): boolean => dueAt !== null && now >= dueAt

const holds = (role: CourtRole, actor: CourtActor, kase: Case): boolean => {
  if (actor.kind === 'court') return role === 'court'
  switch (role) {
    case 'court':
      return false
    case 'disputant':
      return actor.id === kase.disputant
    case 'party':
      return actor.id === kase.disputant || actor.id === kase.respondent
    default:
      return seatOf(kase, actor.id)?.state === role
  }
}

const meets = (kase: Case, condition: Condition, { seats, maxAsked }: CourtTerms): boolean => {
  const empty = seats - held(kase).length
  switch (condition) {
    case 'full':
      return empty === 0 && held(kase).every(seat => seat.state !== 'asked')
    case 'vacant':
      return !meets(kase, 'full', { seats } as CourtTerms)
    case 'drawable':
      return kase.queue.length >= empty && kase.seats.length + empty <= maxAsked
    case 'short':
      return kase.queue.length < empty || kase.seats.length + empty > maxAsked
    case 'heard':
      return kase.heard
    case 'unheard':
      return !kase.heard
    case 'decided':
      return held(kase).every(seat => seat.state === 'voted')
    case 'undecided':
      return !held(kase).every(seat => seat.state === 'voted')
    case 'agreed':
      return agreedOn(votesOf(kase)) !== undefined
    default:
      return condition satisfies never
  }
}

const seatNow = (kase: Case, id: string, change: Partial<Seat>): Case => ({
  ...kase,
  seats: kase.seats.map(seat => seat.arbiter === id ? { ...seat, ...change } : seat),
})

/** What the act itself changes, before the phase does. */
const acted = (kase: Case, act: Act, actor: CourtActor, { now, order = [], vote }: CourtInput): Case => {
  const id = actor.kind === 'agent' ? actor.id : ''
  switch (act) {
    case 'REVEAL':
      return { ...kase, queue: order }
    case 'ACCEPT':
      return seatNow(kase, id, { state: 'sitting', dueAt: null })
    case 'DECLINE':
      return seatNow(kase, id, { state: 'declined', dueAt: null })
    case 'EVIDENCE': {
      const side: Side = id === kase.disputant ? 'disputant' : 'respondent'
      const evidence = kase.evidence.includes(side) ? kase.evidence : [...kase.evidence, side]
      return { ...kase, evidence, heard: evidence.length === 2 }
    }
    case 'VOTE':
      return seatNow(kase, id, { state: 'voted', vote: vote ?? null })
    case 'LAPSE': {
      if (kase.phase === 'evidence') return { ...kase, heard: true }
      const dropped = (seat: Seat): Seat =>
        kase.phase === 'voting' && seat.state === 'sitting'
          ? { ...seat, state: 'absent' }
          : kase.phase === 'seating' && seat.state === 'asked' && seat.dueAt !== null && now >= seat.dueAt
          ? { ...seat, state: 'silent', dueAt: null }
          : seat
      return { ...kase, seats: kase.seats.map(dropped) }
    }
    default:
      return kase
  }
}

/** When the phase that a case has come to is over. */
const dueOf = (next: Case, before: Case, { now, terms }: CourtInput): number | null => {
  switch (next.phase) {
    case 'seating':
      return Math.min(...next.seats.flatMap(seat => seat.state === 'asked' && seat.dueAt !== null ? [seat.dueAt] : []))
    case 'evidence':
      return before.phase === 'evidence' ? before.dueAt : now + terms.evidenceMs
    case 'voting':
      return before.phase === 'voting' ? before.dueAt : now + terms.voteMs
    default:
      return null
  }
}

const drawn = (kase: Case, { now, terms }: CourtInput): { readonly kase: Case, readonly asked: readonly string[] } => {
  const asked = kase.queue.slice(0, terms.seats - held(kase).length)
  const seats = asked.map((arbiter): Seat => ({ arbiter, state: 'asked', dueAt: now + terms.answerMs, vote: null }))
  return { kase: { ...kase, queue: kase.queue.slice(asked.length), seats: [...kase.seats, ...seats] }, asked }
}

/** Why nothing of the table fits, in the order in which it helps. */
const refusalOf = (kase: Case, act: Act, actor: CourtActor, now: number): CourtRefusal => {
  const rows = changes.filter(row => row.act === act)
  const isArbiters = rows.some(row => row.by === 'asked' || row.by === 'sitting')
  if (actor.kind === 'court') return act === 'LAPSE' && !isOver(kase.phase) ? 'NOT_DUE' : 'WRONG_PHASE'
  if (!isArbiters) {
    if (!rows.some(row => holds(row.by, actor, kase))) return 'NOT_PARTY'
    if (act === 'EVIDENCE' && kase.heard) return kase.evidence.length === 2 ? 'DONE_ALREADY' : 'LATE'
    if (act === 'REVEAL' && kase.phase !== 'filed') return kase.phase === 'abandoned' ? 'LATE' : 'DONE_ALREADY'
    return isLate(kase, now) ? 'LATE' : 'WRONG_PHASE'
  }
  const seat = seatOf(kase, actor.id)
  if (seat === undefined || seat.state === 'declined') return 'NOT_ARBITER'
  if (seat.state === 'silent' || seat.state === 'absent') return 'LATE'
  if (act === 'VOTE' ? seat.state === 'voted' : seat.state !== 'asked') return 'DONE_ALREADY'
  return isLate(kase, now) ? 'LATE' : 'WRONG_PHASE'
}

export const decideCase = (kase: Case, act: Act, actor: CourtActor, input: CourtInput): CourtDecision => {
  const { now, terms } = input
  // Once a deadline is over, what it brings comes first, whether the relay has noticed or not; of arbiters that are asked each has its own.
  const isByTime = act === 'LAPSE'
  const own = actor.kind === 'agent' && kase.phase === 'seating' ? seatOf(kase, actor.id)?.dueAt ?? null : kase.dueAt
  const isTooLate = actor.kind === 'agent' && isLate({ dueAt: kase.phase === 'seating' && act === 'EVIDENCE' ? null : own }, now)
  const fits = (row: PhaseChange, next: Case): boolean =>
    row.from === kase.phase && row.act === act && holds(row.by, actor, kase)
    && (row.when ?? []).every(condition => meets(next, condition, terms))
  const after = acted(kase, act, actor, input)
  const row = isTooLate || (isByTime && !isLate(kase, now)) ? undefined : changes.find(each => fits(each, after))
  // Evidence that was closed stays so.
  if (row === undefined || (act === 'EVIDENCE' && kase.heard)) return { ok: false, refusal: refusalOf(kase, act, actor, now) }

  const effects = row.effects ?? []
  const { kase: filled, asked } = effects.includes('draw') ? drawn(after, input) : { kase: after, asked: [] }
  const moved: Case = { ...filled, phase: row.to }
  return {
    ok: true,
    effects,
    asked,
    case: { ...moved, dueAt: dueOf(moved, kase, input) },
    dropped: isByTime
      ? moved.seats.filter((seat, i) => (seat.state === 'silent' || seat.state === 'absent') && kase.seats[i]?.state !== seat.state)
      : [],
  }
}
