// What is asked about proposals.
import * as z from 'zod/mini'
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
  body: S,
) =>
  request({
    body,
    cost: { message: true, frames: 10 },
    reply: 'PROPOSAL_STATE',
    quiet: 'PROPOSAL_STATE',
  })

export const requests = {
  PROPOSAL: step({ ...offer, ...oldSigned }),
  COUNTER: step({ ...id, ...offer, ...signed }),
  ACCEPT: step({
    ...id,
    payment_code: optional(z.string().check(z.minLength(1), z.maxLength(8_000))),
    elo_stake: optional(Stake),
    public: z.optional(Public),
    ...oldSigned,
  }),
  REJECT: step({ ...id, reason: optional(Reason), ...oldSigned }),
  CANCEL: step({
    ...id,
    reason: optional(Reason),
    ...signed,
  }),
  FUND: step({ ...id, ...signed }),
  SUBMIT: step({ ...id, ...deliverable, ...signed }),
  REVISE: step({
    ...id,
    reason: Reason,
    ...signed,
  }),
  RELEASE: step({ ...id, ...signed }),
  COMPLETE: step({ ...id, proof: optional(Text), ...oldSigned }),
  DISPUTE: step({ ...id, reason: Reason, ...oldSigned }),
  RECLAIM: request({
    body: id,
    cost: { message: true, frames: 10 },
    reply: 'PROPOSAL_STATE',
  }),
  ADMIN_RULING: request({
    body: { admin_key: optional(AdminKey), ...id, capture_minor: Minor, winner: optional(AgentId), reason: optional(Reason) },
    cost: { frames: 10 },
    reply: 'PROPOSAL_STATE',
  }),
  PROPOSALS: request({
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
  PROPOSAL_EVENTS: request({
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
