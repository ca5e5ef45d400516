// A case as its people may see it: nothing that would let somebody choose a panel, know a vote early, or answer evidence that
// is not closed.
import { isOver } from '../../../domain/court/index.ts'
import { poolHashOf } from '../../../../lib/identity/index.ts'
import type { Dispute, DisputeRecord, Evidence } from './store.ts'

export const isOpen = ({ case: { phase } }: Dispute): boolean => !isOver(phase)

export const recordOf = (
  {
    id,
    proposalId,
    reason,
    commitment,
    serverNonce,
    nonce,
    seed,
    pool,
    fee,
    case: { phase, disputant, respondent, seats, evidence, dueAt },
    verdict,
    captureMinor,
    createdAt,
    updatedAt,
  }: Omit<Dispute, 'statements'>,
): DisputeRecord => ({
  dispute_id: id,
  proposal_id: proposalId,
  disputant,
  respondent,
  reason,
  phase,
  commitment,
  server_nonce: serverNonce,
  nonce,
  seed,
  pool_hash: poolHashOf(pool),
  pool: nonce === null ? null : [...pool],
  seats: seats.map(({ arbiter, state, dueAt: due }) => ({ arbiter, state, due })),
  evidence: [...evidence],
  verdict,
  capture_minor: captureMinor,
  fee,
  created_at: createdAt,
  updated_at: updatedAt,
  due: dueAt,
})

/** Its parties, and the arbiters that have not left the panel before they sat on it. */
export const mayRead = ({ case: { disputant, respondent, seats } }: Dispute, agent: string): boolean =>
  agent === disputant || agent === respondent
  || seats.some(({ arbiter, state }) => arbiter === agent && state !== 'declined' && state !== 'silent')

/**
 * What of the evidence is seen: everyone concerned sees all of it once it is closed, and until then a party its own, an admin all of it.
 * @param to the parties whose it is seen as
 */
export const shownEvidence = (
  { case: { disputant, respondent, heard }, statements }: Dispute,
  to: readonly string[],
): { readonly disputant_evidence: Evidence | null, readonly respondent_evidence: Evidence | null } => ({
  disputant_evidence: heard || to.includes(disputant) ? statements.disputant ?? null : null,
  respondent_evidence: heard || to.includes(respondent) ? statements.respondent ?? null : null,
})
