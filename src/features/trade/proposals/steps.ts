// One step of a proposal, whoever takes it: decided by the state table, its money moved, stored, and told to both parties.
import {
  decide,
  deadlineOf,
  deadlines,
  type Action,
  type Actor,
  type Deal,
  type Refusal,
  type Terms,
} from '../../../domain/negotiation/index.ts'
import { currencyCode, type EventType } from '../../../../lib/protocol/index.ts'
import { Fail, reply, type Append, type Outcome } from '../../../relay/feature.ts'
import { isBlocked } from '../../../store/blocks.ts'
import { successorOf } from '../../../store/agents.ts'
import { goneReasonOf, standingOf } from '../../../store/standing.ts'
import type { PublishKey } from '../../../store/log.ts'
import type { Db, Tx } from '../../../store/store.ts'
import type { EscrowEvent } from './escrow-event.ts'
import type { ProposalOptions, Settlement } from './ports.ts'
import { recordOf, saveProposal, streamOf, type Proposal, type Signature } from './store.ts'

const dayMs = 24 * 60 * 60_000
/** Where an offer says nothing else. */
export const defaultTerms = Object.fromEntries(
  Object.entries(deadlines).map(([name, { defaultDays }]) => [name, defaultDays * dayMs]),
) as unknown as Terms

/** An offer that was made when less was allowed gives as much as one that is made now. */
const termsOf = ({ offer: { deliverMs, reviewMs } }: Proposal, { minDeadlineMs }: Pick<ProposalOptions, 'minDeadlineMs'>): Terms => ({
  ...defaultTerms,
  ...(deliverMs !== null && { delivery: Math.max(deliverMs, minDeadlineMs) }),
  ...(reviewMs !== null && { review: Math.max(reviewMs, minDeadlineMs) }),
})

const reasons: Readonly<Record<Refusal, (deal: Deal, action: Action) => string>> = {
  NOT_A_PARTY: () => 'NOT_PROPOSAL_PARTY: this proposal is between others',
  NOT_YOURS_TO_DO: (_deal, action) =>
    action === 'ACCEPT' || action === 'REJECT'
      ? 'NOT_PROPOSAL_RECIPIENT: it was made to the other party'
      : action === 'RULE'
      ? 'NOT_YOURS_TO_DO: no party rules in its own dispute'
      : `NOT_YOURS_TO_DO: ${action} is the other party's to say here`,
  WRONG_STATE: ({ state }, action) =>
    `${['ACCEPT', 'REJECT', 'COUNTER'].includes(action) ? 'PROPOSAL_NOT_PENDING' : 'WRONG_STATE'}: the proposal is ${state}`,
  NOT_DUE: () => 'NOT_DUE: its deadline is not over',
  LATE: ({ state }) => `${state === 'pending' ? 'PROPOSAL_NOT_PENDING' : 'LATE'}: its deadline is over`,
  MILESTONES: () => 'LAST_MILESTONE: this is the last one; COMPLETE pays it',
  NO_PRICE: () => 'NO_PRICE: it states no amount that could be held',
  BAD_RULING: ({ held }) => `BAD_RULING: between 0 and the ${held} that is held`,
}

/** What a step comes to, for its event. */
export interface Done {
  readonly before: Proposal
  readonly after: Proposal
  readonly capturedMinor: number
  readonly returnedMinor: number
  readonly ratingChanges: Record<string, unknown> | null
}

export interface Step {
  readonly action: Action
  readonly actor: Actor
  /** Who is named: the key that signed, an arbiter, or `@server`. */
  readonly by: string
  readonly signature?: Signature
  readonly ruling?: { readonly captureMinor: number }
  readonly winner?: string | undefined
  readonly byPanel?: boolean
  readonly key?: PublishKey
  /** What changes beside the deal. */
  readonly change?: Partial<Pick<Proposal, 'supersededBy' | 'deliverable'>>
  event(done: Done): { readonly type: EventType, readonly body: object }
}

/** An event in a proposal's stream, for both parties: first for those who have to hear of it, who find it in their inbox too. */
export const told = async (
  tx: Tx,
  { id, deal, updatedAt }: Proposal,
  by: string,
  type: EventType,
  body: object,
  relay: string,
  more: { readonly signature?: Signature, readonly key?: PublishKey, /** nothing is agreed yet */ readonly isOffer?: boolean } = {},
): Promise<Append> => {
  // Both may have become one, by a rotation.
  const [proposer, recipient] = [await successorOf(tx, deal.proposer), await successorOf(tx, deal.recipient)]
  const parties = [...new Set([proposer, recipient])]
  const others = parties.filter(party => party !== by)
  // Whoever blocks the proposer hears of its offer in no way: not that it was made, and not that it is over.
  const isMuted = more.isOffer === true && others.includes(recipient) && await isBlocked(tx, proposer, recipient)
  return {
    stream: streamOf(id),
    type,
    agents: parties.includes(by) ? [...others, by] : others,
    inbox: others,
    ...(isMuted && { muted: [recipient] }),
    ...(more.key !== undefined && { key: more.key }),
    body: {
      proposal_id: id,
      status: deal.state,
      updated_at: updatedAt,
      from: deal.proposer,
      to: deal.recipient,
      by,
      due: deal.dueAt,
      relay,
      ...more.signature,
      ...body,
    },
  } as unknown as Append
}

/** Whether two agents, as they are called now, are two parties. @throws Fail INVALID_PROPOSAL */
export const checkTwo = async (db: Db, a: string, b: string, { isOneHand }: Pick<ProposalOptions, 'isOneHand'>): Promise<void> => {
  if (await isOneHand(db, a, b))
    throw new Fail('INVALID_PROPOSAL', 'SELF_DEAL: nobody deals with himself, nor with another agent of the same account')
}

/** Whether those who would be bound are two, and still here to keep their word. @throws Fail INVALID_PROPOSAL */
const checkParties = async (
  tx: Tx,
  { proposer, recipient }: Deal,
  options: Pick<ProposalOptions, 'isOneHand'>,
): Promise<void> => {
  const parties = [await successorOf(tx, proposer), await successorOf(tx, recipient)] as const
  await checkTwo(tx, ...parties, options)
  for (const party of parties) {
    const gone = goneReasonOf(party, await standingOf(tx, party))
    if (gone !== undefined) throw new Fail('INVALID_PROPOSAL', `PARTY_GONE: ${gone}`)
  }
}

export class Steps {
  readonly #options: ProposalOptions

  constructor(options: ProposalOptions) {
    this.#options = options
  }

  /** @throws Fail INVALID_PROPOSAL, INSUFFICIENT_FUNDS, INSUFFICIENT_REPUTATION */
  async take(tx: Tx, now: number, before: Proposal, step: Step): Promise<Outcome<'PROPOSAL_STATE'>> {
    const { action, actor, by } = step
    const decision = decide(before.deal, action, actor, {
      now,
      terms: termsOf(before, this.#options),
      ...(step.ruling !== undefined && { ruling: step.ruling }),
    })
    if (!decision.ok) throw new Fail('INVALID_PROPOSAL', reasons[decision.refusal](before.deal, action))
    const { deal, moves, stakes } = decision
    if (action === 'ACCEPT' || action === 'FUND') await checkParties(tx, deal, this.#options)

    for (const { op, amount } of moves) {
      if (await this.#move(tx, now, before, op, amount, by) === 'pending') return this.#pending(tx, now, before, step)
    }
    const after: Proposal = { ...before, ...step.change, deal, updatedAt: now }
    if (stakes !== undefined) await this.#stakes(tx, now, before.id, deal, stakes)
    await saveProposal(tx, after)
    return this.#tell(tx, now, {
      before,
      after,
      capturedMinor: deal.captured - before.deal.captured,
      returnedMinor: deal.returned - before.deal.returned,
    }, step)
  }

  /** The deal goes on with money that a processor holds now. */
  async funded(
    tx: Tx,
    now: number,
    before: Proposal,
    answer: { readonly ok: boolean, readonly reason: string },
  ): Promise<Outcome<'PROPOSAL_STATE'>> {
    const { pending } = before.funding
    const proposal: Proposal = { ...before, funding: { ...before.funding, pending: null } }
    const decision = decide(before.deal, 'FUND', { kind: 'agent', id: before.deal.client }, { now, terms: termsOf(before, this.#options) })
    if (pending === null || !answer.ok || !decision.ok) {
      // Meanwhile the deal has ended another way: what the processor holds goes back.
      if (answer.ok) await this.#move(tx, now, proposal, 'void', proposal.offer.amountMinor ?? 0, '@server')
      await saveProposal(tx, { ...proposal, updatedAt: now })
      const isOver = before.deal.state !== 'accepted'
      return {
        append: isOver
          ? []
          : [
            await told(tx, { ...proposal, updatedAt: now }, '@server', 'FUND_REFUSED', {
              reason: answer.ok ? 'the agreement has lapsed' : answer.reason,
            }, this.#options.serverId),
          ],
      }
    }
    const after: Proposal = { ...proposal, deal: decision.deal, updatedAt: now }
    await saveProposal(tx, after)
    return this.#tell(tx, now, { before, after, capturedMinor: 0, returnedMinor: 0 }, {
      action: 'FUND',
      actor: { kind: 'agent', id: before.deal.client },
      by: before.deal.client,
      signature: pending,
      event: fundEvent,
    })
  }

  #move(
    tx: Tx,
    now: number,
    { id, offer, deal, funding }: Proposal,
    op: 'fund' | 'capture' | 'void' | 'refund' | 'reclaim',
    amountMinor: number,
    by: string,
  ): Promise<'done' | 'pending'> {
    const key = op === 'fund'
      ? `${id} fund ${funding.attempts}`
      : op === 'capture'
      ? `${id} capture ${deal.captured}`
      : `${id} return ${funding.attempts}`
    return this.#options.holding.move(tx, {
      rail: offer.rail ?? 'ledger',
      op,
      key,
      proposalId: id,
      currency: currencyCode(offer.currency!),
      amountMinor,
      client: deal.client,
      provider: deal.provider,
      by,
    }, now)
  }

  async #pending(tx: Tx, now: number, before: Proposal, { signature }: Step): Promise<Outcome<'PROPOSAL_STATE'>> {
    if (before.funding.pending !== null) throw new Fail('INVALID_PROPOSAL', 'FUNDING_PENDING: the payment processor has been asked already')
    const after: Proposal = { ...before, funding: { attempts: before.funding.attempts + 1, pending: signature ?? null }, updatedAt: now }
    await saveProposal(tx, after)
    return { reply: reply('PROPOSAL_STATE', { proposal: recordOf(after) }) }
  }

  async #stakes(tx: Tx, now: number, proposalId: string, { proposer, recipient, stakes }: Deal, move: 'hold' | 'release'): Promise<void> {
    const { holding, stakeable } = this.#options
    for (const [agent, amount] of [[proposer, stakes.proposer], [recipient, stakes.recipient]] as const) {
      if (amount === 0) continue
      const stake = { proposalId, agent: await successorOf(tx, agent), amount }
      if (move === 'hold') await holding.stake(tx, { ...stake, covered: await stakeable(tx, stake.agent) }, now)
      else await holding.unstake(tx, { proposalId, agent, amount }, now)
    }
  }

  async #tell(
    tx: Tx,
    now: number,
    done: Omit<Done, 'ratingChanges'>,
    { by, winner, byPanel = false, signature, key, event }: Step,
  ): Promise<Outcome<'PROPOSAL_STATE'>> {
    const { before, after, capturedMinor, returnedMinor } = done
    const proposal = recordOf(after)
    const kind = settlementKind(before.deal, after.deal)
    const settled = kind === undefined
      ? undefined
      : await this.#options.settled(tx, {
        kind,
        proposal,
        by,
        capturedMinor,
        returnedMinor,
        winner: winner ?? null,
        wasStaked: before.deal.staked,
        byPanel,
      }, now)
    const { type, body } = event({ ...done, ratingChanges: settled?.ratingChanges ?? null })
    const hooks = escrowEvents(before.deal, after.deal).map(([hook, amountMinor]): EscrowEvent => ({
      type: hook,
      proposal,
      amountMinor,
      at: now,
    }))
    const { onEscrow } = this.#options
    return {
      append: [
        await told(tx, after, by, type, body, this.#options.serverId, {
          ...(signature !== undefined && { signature }),
          ...(key !== undefined && { key }),
          isOffer: before.deal.state === 'pending' && after.deal.state !== 'accepted',
        }),
        ...settled?.append ?? [],
      ],
      reply: reply('PROPOSAL_STATE', { proposal }),
      ...(onEscrow !== undefined && hooks.length > 0 && {
        committed: () => {
          for (const hook of hooks) onEscrow(hook)
        },
      }),
    }
  }
}

export const fundEvent = ({ after: { offer, deal } }: Done): { readonly type: EventType, readonly body: object } => ({
  type: 'FUND',
  body: { amount_minor: deal.held, currency: offer.currency, rail: offer.rail ?? 'ledger' },
})

const settlementKind = (before: Deal, after: Deal): Settlement['kind'] | undefined => {
  if (before.state === 'pending') return undefined
  if (after.state === 'completed' || after.state === 'ruled' || after.state === 'cancelled' || after.state === 'expired') return after.state
  return after.captured > before.captured ? 'released' : undefined
}

const escrowEvents = (before: Deal, after: Deal): readonly (readonly [EscrowEvent['type'], number])[] => {
  const events: (readonly [EscrowEvent['type'], number])[] = []
  if (before.state === 'pending' && after.state === 'accepted' && (after.staked || after.amounts.some(amount => amount > 0)))
    events.push(['escrow:created', 0])
  if (after.held > before.held) events.push(['escrow:funded', after.held - before.held])
  if (after.captured > before.captured) events.push(['escrow:captured', after.captured - before.captured])
  if (after.returned > before.returned) events.push(['escrow:refunded', after.returned - before.returned])
  if (after.state === 'disputed' && before.state !== 'disputed') events.push(['escrow:disputed', after.held])
  if (after.state === 'ruled') events.push(['escrow:ruled', after.captured - before.captured])
  return events
}

/** The deadline that was over. */
export const lapsedDeadline = ({ deal }: Proposal) => deadlineOf(deal.state) ?? 'offer'
