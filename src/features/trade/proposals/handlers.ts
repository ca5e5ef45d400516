// Proposals on the wire: offers, the steps of a deal, and what stands.
import type { Action } from '../../../domain/negotiation/index.ts'
import type { TradeAction } from '../../../../lib/identity/index.ts'
import type { EventType, RequestBody } from '../../../../lib/protocol/index.ts'
import { Fail, goBy, reply, type Append, type ScopedFeature, type Outcome, type WriteCtx } from '../../../relay/feature.ts'
import { successorOf } from '../../../store/agents.ts'
import { goneReasonOf, standingOf } from '../../../store/standing.ts'
import type { Tx } from '../../../store/store.ts'
import { DueTurns } from '../../../domain/due-turns.ts'
import { checkFiles } from './deliverable.ts'
import { paymentKindOf, readOffer } from './offer.ts'
import type { ProposalOptions, ProposalPort } from './ports.ts'
import { found, own, partyOf, proposalReads } from './reading.ts'
import { Steps, checkTwo, fundEvent, defaultTerms, lapsedDeadline, told, type Done, type Step } from './steps.ts'
import {
  addProposal,
  dueProposals,
  findByRequest,
  findProposal,
  partnersOf,
  recordOf,
  saveProposal,
  streamOf,
  type Proposal,
  type Signature,
} from './store.ts'

type Requests =
  | 'PROPOSAL'
  | 'COUNTER'
  | 'ACCEPT'
  | 'REJECT'
  | 'CANCEL'
  | 'FUND'
  | 'SUBMIT'
  | 'REVISE'
  | 'RELEASE'
  | 'COMPLETE'
  | 'DISPUTE'
  | 'RECLAIM'
  | 'ADMIN_RULING'
  | 'PROPOSALS'
  | 'PROPOSAL_EVENTS'

type StateOutcome = Outcome<'PROPOSAL_STATE'>
type Signed = { readonly proposal_id: string, readonly sig: string, readonly id?: string | undefined }

const relayItself = '@server'
const lapsesPerTurn = 50
/** Where everyone hears of deals whose parties both want that; only on relays that have the channel. */
const bountyChannel = '#bounties'

const stakesOf = ({ deal: { stakes } }: Proposal) => ({ proposer: stakes.proposer, acceptor: stakes.recipient })
const money = ({ before, capturedMinor, returnedMinor }: Done) =>
  before.deal.held === 0
    ? {}
    : { ...(capturedMinor > 0 && { captured_minor: capturedMinor }), ...(returnedMinor > 0 && { returned_minor: returnedMinor }) }

export const proposals = (options: ProposalOptions): { readonly feature: ScopedFeature<Requests>, readonly port: ProposalPort } => {
  const steps = new Steps(options)
  const checkSignature = (ctx: WriteCtx, action: TradeAction, request: object): Promise<Signature> =>
    options.checkSignature(ctx, action as never, request as never)

  /** What a repeated request is answered: the engine finds the key, and compares the signature. */
  const repeated = async (
    ctx: WriteCtx,
    type: EventType,
    { sig, id }: { readonly sig: string, readonly id?: string | undefined },
    proposal: Proposal,
  ): Promise<StateOutcome> => ({
    append: {
      stream: streamOf(proposal.id),
      type,
      body: { sig, from: ctx.me.id, to: ctx.me.id },
      key: { agent: ctx.me.id, id: id! },
    } as unknown as Append,
    reply: ({ duplicate }) => reply('PROPOSAL_STATE', { proposal: recordOf(proposal), ...(duplicate && { duplicate: true as const }) }),
  })

  /** A step that a party signs. */
  const step = async <R extends Signed>(ctx: WriteCtx, type: TradeAction & Action, request: R, more: {
    readonly prepare?: (proposal: Proposal) => Proposal
    readonly change?: (now: number, proposal: Proposal) => Step['change']
    readonly event: (done: Done) => object
    readonly also?: (done: Proposal) => readonly Append[]
  }): Promise<StateOutcome> => {
    const { me, tx, now } = ctx
    const key = request.id === undefined ? undefined : { agent: me.id, id: request.id }
    if (key !== undefined && await tx.log.isPublished(key))
      return repeated(ctx, type, request, (await own(tx, me.id, request.proposal_id)).proposal)
    const signature = await checkSignature(ctx, type, request)
    const { proposal, party } = await own(tx, me.id, request.proposal_id)
    const prepared = more.prepare?.(proposal) ?? proposal
    const change = more.change?.(now, proposal)
    const outcome = await steps.take(tx, now, prepared, {
      action: type,
      actor: { kind: 'agent', id: party },
      by: me.id,
      signature,
      ...(key !== undefined && { key }),
      ...(change !== undefined && { change }),
      event: done => type === 'FUND' ? fundEvent(done) : { type, body: more.event(done) },
    })
    await options.spendNonce(ctx, signature)
    return more.also === undefined ? outcome : { ...outcome, append: [...outcome.append as readonly Append[], ...more.also(proposal)] }
  }

  const notice = (ctx: WriteCtx, content: string): readonly Append[] => {
    goBy(ctx, bountyChannel)
    return ctx.roster.channel(bountyChannel) === undefined
      ? []
      : [{ stream: bountyChannel, type: 'MSG', body: { from: relayItself, from_name: 'server', to: bountyChannel, content } }]
  }

  /** Who can be made an offer: an agent with a key, that is not oneself under another one. */
  const checkRecipient = async (ctx: WriteCtx, to: string): Promise<void> => {
    const { me, tx, roster } = ctx
    await checkTwo(tx, await successorOf(tx, to), me.id, options)
    const standing = await standingOf(tx, to)
    if (!standing.isKnown && roster.agent(to) !== undefined) throw new Fail('NO_PUBKEY', `${to} has no key to accept with`)
    const gone = goneReasonOf(to, standing)
    if (gone !== undefined) throw new Fail('AGENT_NOT_FOUND', gone)
  }

  /** Stores a new proposal, and tells both. */
  const offer = async (
    ctx: WriteCtx,
    request: RequestBody<'PROPOSAL'>,
    signature: Signature,
    more: {
      readonly supersedes?: string
      readonly isClient: boolean
      readonly key?: { readonly agent: string, readonly id: string } | undefined
    },
  ): Promise<{ readonly proposal: Proposal, readonly append: Append }> => {
    const { me, tx, now } = ctx
    const {
      to,
      task,
      amount,
      currency,
      payment_code,
      terms,
      capability,
      expires,
      elo_stake = 0,
      role,
      milestones,
      deliver_s,
      review_s,
      rail,
      public: isPublic,
    } = request
    const { offer: read, amounts } = readOffer(request, options)
    const kind = paymentKindOf(payment_code)
    const id = `prop_${now.toString(36)}_${options.randomHex(6)}`
    const holder = { agent: me.id, address: ctx.asker.address }
    await options.shares.checkInbox(tx, to, holder)
    await options.shares.take(tx, 'openProposals', id, holder)
    const dueAt = now + (expires === undefined ? defaultTerms.offer : Math.max(1, Math.round(expires * 1_000)))
    const proposal: Proposal = {
      id,
      offer: read,
      createdAt: now,
      updatedAt: now,
      supersedes: more.supersedes ?? null,
      supersededBy: null,
      deliverable: null,
      funding: { attempts: 0, pending: null },
      deal: {
        state: 'pending',
        proposer: me.id,
        recipient: to,
        client: more.isClient ? me.id : to,
        provider: more.isClient ? to : me.id,
        amounts,
        released: 0,
        held: 0,
        captured: 0,
        returned: 0,
        stakes: { proposer: elo_stake, recipient: 0 },
        staked: false,
        delivered: false,
        dueAt,
      },
    }
    await addProposal(tx, proposal, request.id)
    await options.spendNonce(ctx, signature)
    const append = await told(tx, proposal, me.id, 'PROPOSAL', {
      id,
      task,
      amount: amount ?? null,
      currency: currency ?? null,
      payment_code: payment_code ?? null,
      ...kind,
      terms: terms ?? null,
      capability: capability ?? null,
      expires: dueAt,
      expires_s: expires ?? null,
      elo_stake: elo_stake === 0 ? null : elo_stake,
      created_at: now,
      ...(role !== undefined && { role }),
      ...(milestones !== undefined && { milestones }),
      ...(deliver_s !== undefined && { deliver_s }),
      ...(review_s !== undefined && { review_s }),
      ...(rail !== undefined && { rail }),
      ...(isPublic === true && { public: isPublic }),
      ...(more.supersedes !== undefined && { supersedes: more.supersedes }),
    }, options.serverId, { signature, isOffer: true, ...(more.key !== undefined && { key: more.key }) })
    return { proposal, append }
  }

  /** What a passed deadline brings. */
  const lapse = (tx: Tx, now: number, proposal: Proposal): Promise<StateOutcome> =>
    steps.take(tx, now, proposal, {
      action: 'LAPSE',
      actor: { kind: 'clock' },
      by: relayItself,
      event: done => ({
        type: 'LAPSED',
        body: {
          deadline: lapsedDeadline(done.before),
          ...money(done),
          elo_stakes: stakesOf(done.after),
          rating_changes: done.ratingChanges,
        },
      }),
    })

  const port: ProposalPort = {
    async ruling(tx, proposalId, { captureMinor, winner, reason, by, account, panel }, now) {
      const proposal = await found(tx, proposalId)
      const { proposer, recipient } = proposal.deal
      if (winner !== undefined && winner !== proposer && winner !== recipient)
        throw new Fail('INVALID_PROPOSAL', 'NOT_PROPOSAL_PARTY: the winner is one of the parties')
      // Nobody judges his own case, under whatever key of his and by whatever right.
      const [party] = panel === undefined ? await options.ownAmong(tx, [proposer, recipient], { agent: by, account }) : []
      return steps.take(tx, now, proposal, {
        action: 'RULE',
        actor: party === undefined ? { kind: 'arbiter', id: by } : { kind: 'agent', id: party },
        by,
        winner,
        byPanel: panel !== undefined,
        ruling: { captureMinor },
        event: ({ after, capturedMinor, returnedMinor, ratingChanges }) => ({
          type: 'RULING',
          body: {
            captured_minor: capturedMinor,
            returned_minor: returnedMinor,
            winner: winner ?? null,
            reason: reason ?? null,
            elo_stakes: stakesOf(after),
            rating_changes: ratingChanges,
            ...(panel !== undefined && { dispute_id: panel.disputeId }),
          },
        }),
      })
    },
    async freeze(tx, proposalId, { by, reason, disputeId }, now) {
      const { proposal, party } = await own(tx, by, proposalId)
      return steps.take(tx, now, proposal, {
        action: 'DISPUTE',
        actor: { kind: 'agent', id: party },
        by,
        event: ({ after }) => ({
          type: 'DISPUTE',
          body: { disputed_by: by, disputed_at: now, reason, elo_stakes: stakesOf(after), rating_changes: null, dispute_id: disputeId },
        }),
      })
    },
    partners: partnersOf,
    async funded(tx, { proposalId, ok, reason }, now) {
      const proposal = await findProposal(tx, proposalId)
      return proposal === undefined ? {} : steps.funded(tx, now, proposal, { ok, reason })
    },
    async find(db, proposalId) {
      const proposal = await findProposal(db, proposalId)
      return proposal && recordOf(proposal)
    },
  }

  const deadlines = new DueTurns(lapsesPerTurn)

  const feature: ScopedFeature<Requests> = {
    scope: 'trade',
    handlers: {
      PROPOSAL: {
        async write(ctx, request) {
          const { me, tx } = ctx
          const key = request.id === undefined ? undefined : { agent: me.id, id: request.id }
          if (key !== undefined && await tx.log.isPublished(key)) {
            const first = await findByRequest(tx, me.id, key.id)
            if (first === undefined) throw new Fail('ID_REUSED', 'This id was used before, for something else')
            return repeated(ctx, 'PROPOSAL', request, first)
          }
          const signature = await checkSignature(ctx, 'PROPOSAL', request)
          await checkRecipient(ctx, request.to)
          const { proposal, append } = await offer(ctx, request, signature, { isClient: request.role !== 'provider', key })
          return { append, reply: reply('PROPOSAL_STATE', { proposal: recordOf(proposal) }) }
        },
      },
      COUNTER: {
        async write(ctx, { proposal_id, ...request }) {
          const { me, tx, now } = ctx
          const key = request.id === undefined ? undefined : { agent: me.id, id: request.id }
          if (key !== undefined && await tx.log.isPublished(key)) {
            const { proposal } = await own(tx, me.id, proposal_id)
            return repeated(ctx, 'COUNTER', request, (await findProposal(tx, proposal.supersededBy ?? '')) ?? proposal)
          }
          const signature = await checkSignature(ctx, 'PROPOSAL', { ...request, supersedes: proposal_id })
          const { proposal, party } = await own(tx, me.id, proposal_id)
          const other = await successorOf(tx, party === proposal.deal.proposer ? proposal.deal.recipient : proposal.deal.proposer)
          if (request.to !== other) throw new Fail('INVALID_PROPOSAL', `NOT_PROPOSAL_PARTY: a revised offer goes to ${other}`)
          await checkTwo(tx, other, me.id, options)
          const isClient = request.role === undefined ? party === proposal.deal.client : request.role === 'client'
          // The old one ends first, so that it does not count as open.
          const ended = await steps.take(tx, now, proposal, {
            action: 'COUNTER',
            actor: { kind: 'agent', id: party },
            by: me.id,
            signature,
            ...(key !== undefined && { key }),
            event: () => ({ type: 'COUNTER', body: {} }),
          })
          const made = await offer(ctx, request, signature, { supersedes: proposal_id, isClient })
          const superseded = await found(tx, proposal_id)
          await saveProposal(tx, { ...superseded, supersededBy: made.proposal.id })
          const [counter, ...rest] = ended.append as readonly Append[]
          return {
            append: [
              { ...counter, body: { ...counter!.body, superseded_by: made.proposal.id } } as unknown as Append,
              made.append,
              ...rest,
            ],
            reply: reply('PROPOSAL_STATE', { proposal: recordOf(made.proposal) }),
          }
        },
      },
      ACCEPT: {
        write(ctx, request) {
          const { payment_code, elo_stake = 0, public: isPublic } = request
          const kind = paymentKindOf(payment_code)
          return step(ctx, 'ACCEPT', request, {
            prepare: proposal => ({ ...proposal, deal: { ...proposal.deal, stakes: { ...proposal.deal.stakes, recipient: elo_stake } } }),
            event: ({ after }) => ({
              payment_code: payment_code ?? null,
              ...kind,
              proposer_stake: after.deal.stakes.proposer || null,
              acceptor_stake: elo_stake || null,
              ...(isPublic === true && { public: isPublic }),
            }),
            also: ({ id, offer, deal }) =>
              isPublic === true && offer.isPublic === true
                ? notice(ctx, `[CLAIMED] Proposal ${id} by ${ctx.me.id}, offered by ${deal.proposer}`)
                : [],
          })
        },
      },
      REJECT: {
        write: (ctx, request) => step(ctx, 'REJECT', request, { event: () => ({ reason: request.reason ?? null }) }),
      },
      CANCEL: {
        write: (ctx, request) => step(ctx, 'CANCEL', request, { event: done => ({ reason: request.reason ?? null, ...money(done) }) }),
      },
      FUND: { write: (ctx, request) => step(ctx, 'FUND', request, { event: () => ({}) }) },
      SUBMIT: {
        write(ctx, request) {
          const { text, files } = request
          checkFiles(request)
          return step(ctx, 'SUBMIT', request, {
            change: now => ({
              deliverable: {
                at: now,
                ...(text !== undefined && { text }),
                ...(files !== undefined && { files: files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })) }),
              },
            }),
            event: ({ after }) => ({
              milestone: after.deal.released + 1,
              ...(text !== undefined && { text }),
              ...(files !== undefined && { files }),
            }),
          })
        },
      },
      REVISE: {
        write: (ctx, request) => step(ctx, 'REVISE', request, { event: () => ({ reason: request.reason }) }),
      },
      RELEASE: {
        write: (ctx, request) =>
          step(ctx, 'RELEASE', request, {
            event: ({ after, capturedMinor }) => ({ milestone: after.deal.released, captured_minor: capturedMinor }),
          }),
      },
      COMPLETE: {
        write: (ctx, request) =>
          step(ctx, 'COMPLETE', request, {
            event: done => ({
              completed_by: ctx.me.id,
              completed_at: ctx.now,
              proof: request.proof ?? null,
              ...money(done),
              elo_stakes: stakesOf(done.after),
              rating_changes: done.ratingChanges,
            }),
          }),
      },
      DISPUTE: {
        write: (ctx, request) =>
          step(ctx, 'DISPUTE', request, {
            event: ({ after }) => ({
              disputed_by: ctx.me.id,
              disputed_at: ctx.now,
              reason: request.reason,
              elo_stakes: stakesOf(after),
              rating_changes: null,
            }),
          }),
      },
      RECLAIM: {
        async write({ me, tx, now }, { proposal_id }) {
          const proposal = await found(tx, proposal_id)
          const outcome = await lapse(tx, now, proposal)
          if (await partyOf(tx, me.id, proposal) !== undefined) return outcome
          // A stranger may set it off, and learns what became of it, but not what was agreed.
          return {
            ...outcome,
            reply: reply('PROPOSAL_STATE', {
              proposal: {
                ...recordOf(await found(tx, proposal_id)),
                task: '',
                terms: null,
                capability: null,
                milestones: null,
                deliverable: null,
              },
            }),
          }
        },
      },
      ADMIN_RULING: {
        write: ({ me, account, tx, now }, { proposal_id, capture_minor, winner, reason }) =>
          port.ruling(tx, proposal_id, { captureMinor: capture_minor, winner, reason, by: me?.id ?? relayItself, account }, now),
      },
      ...proposalReads(options),
    },
    async sweep({ tx, now }) {
      const outcomes = await deadlines.run(await dueProposals(tx, now, deadlines.looked), proposal => lapse(tx, now, proposal))
      return outcomes.length === 0 ? undefined : {
        append: outcomes.flatMap(outcome => outcome.append as readonly Append[]),
        committed: () => {
          for (const outcome of outcomes) outcome.committed?.()
        },
      }
    },
  }
  return { feature, port }
}
