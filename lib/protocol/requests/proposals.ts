// What is asked about proposals.
import * as z from 'zod/mini'
import type { Right } from '../../access/table.ts'
import { request } from '../define.ts'
import { AgentAddress, AgentId, Minor } from '../fields.ts'
import { AdminKey, optional, oldSigned, signed } from '../request-fields.ts'
import { limits } from '../limits.ts'
import { Currency } from '../money.ts'
import { Amount, DealRole, Milestones, ProposalState, Rail, Stake, Text, deliverable, id } from '../proposals.ts'

const Reason = z.string().check(z.maxLength(2_000))

const Seconds = z.number().check(z.gte(0), z.lte(limits.maxDeadlineSeconds))

const Public = z.literal(true)

const offer = {
  to: AgentAddress,
  task: Text,
  amount: optional(Amount),
  currency: optional(Currency),
  payment_code: optional(z.string().check(z.minLength(1), z.maxLength(8_000))),
  terms: optional(Text),
  capability: optional(z.string().check(z.maxLength(200))),
  expires: optional(Seconds),
  elo_stake: optional(Stake),
  role: z.optional(DealRole),
  milestones: z.optional(Milestones),
  deliver_s: z.optional(Seconds),
  review_s: z.optional(Seconds),
  rail: z.optional(Rail),
  public: z.optional(Public),
}

const step = <S extends z.core.$ZodLooseShape>(
  may: Right,
  body: S,
) =>
  request(may, {
    body,
    cost: { message: true, frames: 10 },
    reply: 'PROPOSAL_STATE',
    quiet: 'PROPOSAL_STATE',
  })

export const requests = {
  PROPOSAL: step('deal.write', { ...offer, ...oldSigned }),
  COUNTER: step('deal.write', { ...id, ...offer, ...signed }),
  ACCEPT: step('deal.write', {
    ...id,
    payment_code: optional(z.string().check(z.minLength(1), z.maxLength(8_000))),
    elo_stake: optional(Stake),
    public: z.optional(Public),
    ...oldSigned,
  }),
  REJECT: step('deal.write', { ...id, reason: optional(Reason), ...oldSigned }),
  CANCEL: step('deal.write', {
    ...id,
    reason: optional(Reason),
    ...signed,
  }),
  FUND: step('deal.spend', { ...id, ...signed }),
  SUBMIT: step('deal.write', { ...id, ...deliverable, ...signed }),
  REVISE: step('deal.write', {
    ...id,
    reason: Reason,
    ...signed,
  }),
  RELEASE: step('deal.spend', { ...id, ...signed }),
  COMPLETE: step('deal.spend', { ...id, proof: optional(Text), ...oldSigned }),
  DISPUTE: step('court.take', { ...id, reason: Reason, ...oldSigned }),
  RECLAIM: request('deal.read', {
    body: id,
    cost: { message: true, frames: 10 },
    reply: 'PROPOSAL_STATE',
  }),
  ADMIN_RULING: request('court.rule', {
    body: { admin_key: optional(AdminKey), ...id, capture_minor: Minor, winner: optional(AgentId), reason: optional(Reason) },
    cost: { frames: 10 },
    reply: 'PROPOSAL_STATE',
  }),
  PROPOSALS: request('deal.read', {
    body: {
      state: z.optional(ProposalState),
      with: z.optional(AgentId),
      role: z.optional(DealRole),
      before: z.optional(z.string().check(z.maxLength(120))),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 5 },
    reply: 'PROPOSALS',
  }),
  PROPOSAL_EVENTS: request('deal.read', {
    body: {
      ...id,
      admin_key: z.optional(AdminKey),
      after: z.optional(z.int().check(z.gte(0))),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 3 },
    reply: 'PROPOSAL_EVENTS',
  }),
}
