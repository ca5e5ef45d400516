// What the relay tells of deals and of cases about them, by the type of its event: what whoever follows one listens to.
import type { EventType } from '../protocol/index.ts'

/** Steps of a deal, and what becomes of its money. */
export const dealEvents = [
  'PROPOSAL',
  'COUNTER',
  'ACCEPT',
  'REJECT',
  'CANCEL',
  'FUND',
  'FUND_REFUSED',
  'SUBMIT',
  'REVISE',
  'RELEASE',
  'COMPLETE',
  'DISPUTE',
  'RULING',
  'LAPSED',
] as const satisfies readonly EventType[]

/** Steps of a case before a panel. */
export const caseEvents = [
  'DISPUTE_FILED',
  'PANEL_FORMED',
  'ARBITER_ASSIGNED',
  'ARBITER_ANSWER',
  'EVIDENCE_RECEIVED',
  'CASE_READY',
  'VERDICT',
  'SETTLEMENT_COMPLETE',
  'DISPUTE_FALLBACK',
  'DISPUTE_CLOSED',
] as const satisfies readonly EventType[]
