// What is asked about disputes.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { Minor } from '../fields.ts'
import { AdminKey, optional, oldSigned } from '../request-fields.ts'
import { limits } from '../limits.ts'
import { ProposalId, Sha256 } from '../proposals.ts'
import { DisputeId, DisputePhase, Items, Verdict, id } from '../disputes.ts'

const Reason = z.string().check(z.maxLength(2_000))

const Statement = z.string().check(z.maxLength(2_000))

const Reasoning = z.string().check(z.maxLength(500))

const RevealNonce = z.string().check(z.minLength(1), z.maxLength(256))

const act = <S extends z.core.$ZodLooseShape>(
  body: S,
) =>
  request('court.take', {
    body: { ...id, ...body, ...oldSigned },
    cost: { message: true, frames: 10 },
    reply: 'DISPUTE_STATE',
    quiet: 'DISPUTE_STATE',
  })

export const requests = {
  DISPUTE_INTENT: request('court.take', {
    body: { proposal_id: ProposalId, reason: Reason, commitment: Sha256, ...oldSigned },
    cost: { message: true, frames: 20 },
    reply: 'DISPUTE_INTENT_ACK',
  }),
  DISPUTE_REVEAL: request('court.take', {
    body: { proposal_id: ProposalId, nonce: RevealNonce, ...oldSigned },
    cost: { message: true, frames: 20 },
    reply: ['DISPUTE_REVEALED', 'DISPUTE_STATE'],
    quiet: 'DISPUTE_STATE',
  }),
  ARBITER_ACCEPT: act({}),
  ARBITER_DECLINE: act({ reason: optional(Reason) }),
  EVIDENCE: act({ items: Items, statement: Statement }),
  VOTE: act({
    verdict: Verdict,
    reasoning: Reasoning,
    capture_minor: z.optional(Minor),
  }),
  DISPUTES: request('deal.read', {
    body: {
      role: z.optional(z.literal(['party', 'arbiter'])),
      phase: z.optional(DisputePhase),
      before: z.optional(DisputeId),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxDisputesPage))),
    },
    cost: { frames: 5 },
    reply: 'DISPUTES',
  }),
  ADMIN_DISPUTES: request('court.rule', {
    body: {
      admin_key: optional(AdminKey),
      phase: z.optional(DisputePhase),
      before: z.optional(DisputeId),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxDisputesPage))),
    },
    cost: { frames: 5 },
    reply: 'DISPUTES',
  }),
  DISPUTE_EVENTS: request('deal.read', {
    body: {
      admin_key: optional(AdminKey),
      ...id,
      after: z.optional(z.int().check(z.gte(0))),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 3 },
    reply: 'DISPUTE_EVENTS',
  }),
}
