// THE STATE TABLE of a proposal: state × action × role → state and effects. Code, documentation and tests read this one.

interface StateRow {
  /** Nothing can happen any more. */
  readonly final?: true
  /** Which deadline runs in it; when it is over, LAPSE is open to anyone. */
  readonly deadline?: Deadline
  readonly doc: string
}

/** offer: the proposal's own expiry; agreement: of an unfunded agreement nobody goes on with; the others as their names say. */
export type Deadline = 'offer' | 'agreement' | 'delivery' | 'review' | 'ruling'

export const deadlines: Readonly<Record<Deadline, { readonly defaultDays: number, readonly doc: string }>> = {
  offer: { defaultDays: 30, doc: '`expires` of the offer, in seconds' },
  agreement: { defaultDays: 90, doc: 'from ACCEPT, or the last SUBMIT, on' },
  delivery: { defaultDays: 14, doc: '`deliver_s` of the offer; per milestone, and anew after REVISE' },
  review: { defaultDays: 3, doc: '`review_s` of the offer; from the last SUBMIT on' },
  ruling: { defaultDays: 30, doc: 'from DISPUTE on' },
}

export const states = {
  pending: { deadline: 'offer', doc: 'Offered, not answered yet.' },
  accepted: { deadline: 'agreement', doc: 'Agreed; no money is held. Either party can end it.' },
  funded: { deadline: 'delivery', doc: "The client's money is held; the provider works on the current milestone." },
  submitted: { deadline: 'review', doc: 'The current milestone is delivered; the client reviews it. Silence completes it.' },
  disputed: { deadline: 'ruling', doc: 'Money and stakes are frozen until a ruling, or until one party gives in.' },
  completed: { final: true, doc: 'Done; what was held went to the provider.' },
  rejected: { final: true, doc: 'The recipient declined.' },
  countered: { final: true, doc: 'Superseded by a revised offer.' },
  cancelled: { final: true, doc: 'Withdrawn by the proposer, or given up by the provider; what was held went back.' },
  expired: { final: true, doc: 'A deadline passed; what was held went back.' },
  ruled: { final: true, doc: 'Ended by a ruling, which divided what was held.' },
} as const satisfies Record<string, StateRow>

export type State = keyof typeof states
export const stateNames = Object.keys(states) as readonly State[]
export const isFinal = (state: State): boolean => 'final' in states[state]
export const deadlineOf = (state: State): Deadline | undefined => {
  const row: StateRow = states[state]
  return row.deadline
}

/** What can be done. LAPSE is what time does; a request RECLAIM asks for the same. FUNDED is a processor's answer to FUND. */
export type Action =
  | 'ACCEPT'
  | 'REJECT'
  | 'COUNTER'
  | 'CANCEL'
  | 'FUND'
  | 'SUBMIT'
  | 'REVISE'
  | 'RELEASE'
  | 'COMPLETE'
  | 'DISPUTE'
  | 'RULE'
  | 'LAPSE'
export const actions: readonly Action[] = [
  'ACCEPT',
  'REJECT',
  'COUNTER',
  'CANCEL',
  'FUND',
  'SUBMIT',
  'REVISE',
  'RELEASE',
  'COMPLETE',
  'DISPUTE',
  'RULE',
  'LAPSE',
]

/** Proposer and recipient of the offer; who pays and who works; who decides disputes; anyone at all, the relay's clock included. */
export type Role = 'proposer' | 'recipient' | 'client' | 'provider' | 'arbiter' | 'anyone'

/**
 * due: the state's deadline is over. more, last: milestones follow the current one, or none does. undelivered, delivered:
 * whether anything was ever submitted.
 */
export type Condition = 'due' | 'more' | 'last' | 'undelivered' | 'delivered'

/** What happens to what is held. half: to each party alike. ruling: as the ruling says. */
export type Effect = 'stake' | 'unstake' | 'hold' | 'capture milestone' | 'capture all' | 'return all' | 'half' | 'ruling'

export interface Transition {
  readonly from: State
  readonly action: Action
  readonly by: readonly Role[]
  readonly when?: readonly Condition[]
  readonly to: State
  readonly effects?: readonly Effect[]
}

const both: readonly Role[] = ['client', 'provider']

export const transitions: readonly Transition[] = [
  { from: 'pending', action: 'ACCEPT', by: ['recipient'], to: 'accepted', effects: ['stake'] },
  { from: 'pending', action: 'REJECT', by: ['recipient'], to: 'rejected' },
  { from: 'pending', action: 'COUNTER', by: ['proposer', 'recipient'], to: 'countered' },
  { from: 'pending', action: 'CANCEL', by: ['proposer'], to: 'cancelled' },
  { from: 'pending', action: 'LAPSE', by: ['anyone'], when: ['due'], to: 'expired' },

  { from: 'accepted', action: 'FUND', by: ['client'], to: 'funded', effects: ['hold'] },
  { from: 'accepted', action: 'SUBMIT', by: ['provider'], to: 'accepted' },
  { from: 'accepted', action: 'COMPLETE', by: both, to: 'completed', effects: ['unstake'] },
  { from: 'accepted', action: 'DISPUTE', by: both, to: 'disputed' },
  { from: 'accepted', action: 'LAPSE', by: ['anyone'], when: ['due'], to: 'expired', effects: ['unstake'] },

  { from: 'funded', action: 'SUBMIT', by: ['provider'], to: 'submitted' },
  { from: 'funded', action: 'RELEASE', by: ['client'], when: ['more'], to: 'funded', effects: ['capture milestone'] },
  { from: 'funded', action: 'COMPLETE', by: ['client'], to: 'completed', effects: ['capture all', 'unstake'] },
  { from: 'funded', action: 'CANCEL', by: ['provider'], to: 'cancelled', effects: ['return all', 'unstake'] },
  { from: 'funded', action: 'DISPUTE', by: both, to: 'disputed' },
  { from: 'funded', action: 'LAPSE', by: ['anyone'], when: ['due'], to: 'expired', effects: ['return all', 'unstake'] },

  { from: 'submitted', action: 'SUBMIT', by: ['provider'], to: 'submitted' },
  { from: 'submitted', action: 'REVISE', by: ['client'], to: 'funded' },
  { from: 'submitted', action: 'RELEASE', by: ['client'], when: ['more'], to: 'funded', effects: ['capture milestone'] },
  { from: 'submitted', action: 'COMPLETE', by: ['client'], to: 'completed', effects: ['capture all', 'unstake'] },
  { from: 'submitted', action: 'CANCEL', by: ['provider'], to: 'cancelled', effects: ['return all', 'unstake'] },
  { from: 'submitted', action: 'DISPUTE', by: both, to: 'disputed' },
  { from: 'submitted', action: 'LAPSE', by: ['anyone'], when: ['due', 'more'], to: 'funded', effects: ['capture milestone'] },
  { from: 'submitted', action: 'LAPSE', by: ['anyone'], when: ['due', 'last'], to: 'completed', effects: ['capture milestone', 'unstake'] },

  { from: 'disputed', action: 'COMPLETE', by: ['client'], to: 'completed', effects: ['capture all', 'unstake'] },
  { from: 'disputed', action: 'CANCEL', by: ['provider'], to: 'cancelled', effects: ['return all', 'unstake'] },
  { from: 'disputed', action: 'RULE', by: ['arbiter'], to: 'ruled', effects: ['ruling', 'unstake'] },
  { from: 'disputed', action: 'LAPSE', by: ['anyone'], when: ['due', 'undelivered'], to: 'ruled', effects: ['return all', 'unstake'] },
  { from: 'disputed', action: 'LAPSE', by: ['anyone'], when: ['due', 'delivered'], to: 'ruled', effects: ['half', 'unstake'] },
]
