// Disputes on the wire: filing, drawing, hearing and voting.
import { decideCase, type Act, type CourtDecision, type CourtInput, type CourtRefusal, type Side } from '../../../domain/court/index.ts'
import { commitmentOf, drawOrder, panelSize, poolHashOf, seedOf, type TradeAction } from '../../../../lib/identity/index.ts'
import type { ErrorCode, EventType, RequestBody } from '../../../../lib/protocol/index.ts'
import { limits } from '../../../../lib/protocol/index.ts'
import {
  Fail,
  pageOf,
  pageReply,
  reply,
  type Append,
  type ScopedFeature,
  type Outcome,
  type ReadCtx,
  type Reply,
  type WriteCtx,
} from '../../../relay/feature.ts'
import { predecessors, successorOf } from '../../../store/agents.ts'
import { pairStream } from '../../../store/log.ts'
import type { Db, Tx } from '../../../store/store.ts'
import { DueTurns } from '../../../domain/due-turns.ts'
import { Docket, courtTerms, filingFee, relayItself } from './docket.ts'
import { earnedArbiters, poolOf } from './pool.ts'
import type { CourtOptions, Signature } from './ports.ts'
import { Proceedings, type Proceeding } from './proceedings.ts'
import { isOpen, mayRead, recordOf, shownEvidence } from './record.ts'
import { disputesOf, dueDisputes, findDispute, listDisputes, listedOf, streamOf, type Dispute } from './store.ts'

type Requests =
  | 'DISPUTE_INTENT'
  | 'DISPUTE_REVEAL'
  | 'ARBITER_ACCEPT'
  | 'ARBITER_DECLINE'
  | 'EVIDENCE'
  | 'VOTE'
  | 'DISPUTES'
  | 'ADMIN_DISPUTES'
  | 'DISPUTE_EVENTS'
type Decided = Extract<CourtDecision, { readonly ok: true }>

const lapsesPerTurn = 50
/** Of one agent in one case: evidence can be sent again and again. */
const maxActs = 20

const refusals: Readonly<Record<CourtRefusal, readonly [ErrorCode, string]>> = {
  NOT_PARTY: ['DISPUTE_NOT_PARTY', 'This is for a party of the dispute; a reveal, for the one who filed it'],
  NOT_ARBITER: ['DISPUTE_NOT_ARBITER', 'You have no seat on this panel'],
  WRONG_PHASE: ['DISPUTE_INVALID_PHASE', 'The dispute is in another phase'],
  DONE_ALREADY: ['DISPUTE_INVALID_PHASE', 'This is done already'],
  LATE: ['DISPUTE_DEADLINE_PASSED', 'The time for it is over'],
  NOT_DUE: ['DISPUTE_INVALID_PHASE', 'Its deadline is not over'],
}

const decided = (decision: CourtDecision): Decided => {
  if (decision.ok) return decision
  const [code, message] = refusals[decision.refusal]
  throw new Fail(code, message)
}

const notFound = (): Fail => new Fail('DISPUTE_NOT_FOUND', 'There is no such dispute, or it is not yours to see')

export const court = (options: CourtOptions): ScopedFeature<Requests> => {
  const { deals, ratings, holding, randomHex } = options
  const proceedings = new Proceedings(options)
  const docket = new Docket(options)
  const checkSignature = (ctx: WriteCtx, action: TradeAction, request: object): Promise<Signature> =>
    options.checkSignature(ctx, action, request as never)

  /** The first of some agents that one is, by its present key or a former one; else itself. */
  const asOneOf = async (db: Db, me: string, agents: readonly string[]): Promise<string> => {
    const own = [me, ...await predecessors(db, me)]
    return agents.find(agent => own.includes(agent)) ?? me
  }

  /** Parties first: whoever comes to hold the key of an arbiter too is a party all the same. */
  const peopleOf = (
    { case: { disputant, respondent, seats } }: Dispute,
  ): readonly string[] => [disputant, respondent, ...seats.map(seat => seat.arbiter)]

  const partiesOf = ({ case: { disputant, respondent } }: Dispute): readonly string[] => [disputant, respondent]

  /** Whose evidence an admin sees before it is closed: that of both, but of a case of his own his own, by whatever right he looks at it. */
  const sidesOf = async (db: Db, dispute: Dispute, agent: string, account: string | undefined): Promise<readonly string[]> => {
    const own = await options.ownAmong(db, partiesOf(dispute), { agent, account })
    return own.length > 0 ? own : partiesOf(dispute)
  }

  /** An account may have come to own a party and an arbiter since the draw. @throws Fail */
  const checkNotOwn = async ({ tx, me }: WriteCtx, dispute: Dispute): Promise<void> => {
    if ((await options.ownAmong(tx, partiesOf(dispute), { agent: me.id })).length > 0)
      throw new Fail('NOT_ALLOWED', 'A party of this case belongs to your account: somebody else judges it')
  }

  const isTaken = ({ taken }: Dispute, as: string, sig: string): boolean => taken[as]?.includes(sig) === true

  const take = ({ taken }: Dispute, as: string, sig: string): Dispute['taken'] => {
    const own = taken[as] ?? []
    if (own.length >= maxActs) throw new Fail('LIMIT_REACHED', `You have acted ${maxActs} times in this case`)
    return { ...taken, [as]: [...own, sig] }
  }

  const found = async (db: Db, id: string): Promise<Dispute> => {
    const dispute = await findDispute(db, id)
    if (dispute === undefined) throw notFound()
    return dispute
  }

  const stateOf = (dispute: Dispute, isRepeat = false): Reply<'DISPUTE_STATE'> =>
    reply('DISPUTE_STATE', { dispute: recordOf(dispute), ...(isRepeat && { duplicate: true as const }) })

  const outcomeOf = <T extends 'DISPUTE_STATE' | 'DISPUTE_REVEALED'>({ append, committed }: Proceeding, answer: Reply<T>): Outcome<T> => ({
    append,
    committed,
    reply: answer,
  })

  /** Whoever did not sign is told that, and not what there is. */
  const nothing = async (ctx: WriteCtx, action: TradeAction, request: object): Promise<never> => {
    await checkSignature(ctx, action, request)
    throw notFound()
  }

  /** An act on a case that its sender signs. */
  const act = async <T extends 'EVIDENCE' | 'VOTE' | 'ARBITER_ACCEPT' | 'ARBITER_DECLINE'>(
    ctx: WriteCtx,
    type: T,
    request: RequestBody<T>,
    what: {
      readonly act: Act
      readonly input?: Pick<CourtInput, 'vote'>
      readonly check?: (dispute: Dispute) => Promise<void>
      readonly change?: (dispute: Dispute, as: string, signature: Signature) => Partial<Pick<Dispute, 'statements' | 'votes'>>
      readonly said?: { readonly type: EventType, readonly body: object, /** it holds all that was signed */ readonly isWhole: boolean }
    },
  ): Promise<Outcome<'DISPUTE_STATE'>> => {
    const { me, tx, now } = ctx
    const dispute = await findDispute(tx, request.dispute_id) ?? await nothing(ctx, type, request)
    const as = await asOneOf(tx, me.id, peopleOf(dispute))
    // The older signature of evidence is the same whatever the statement says: the newest one counts.
    const isTelling = type !== 'EVIDENCE' || request.sig_v !== undefined
    if (isTelling && isTaken(dispute, as, request.sig)) return { reply: stateOf(dispute, true) }
    const signature = await checkSignature(ctx, type, request)
    const decision = decided(decideCase(dispute.case, what.act, { kind: 'agent', id: as }, { now, terms: courtTerms, ...what.input }))
    await what.check?.(dispute)
    if (decision.effects.includes('verdict') && await isDealLate(tx, now, dispute))
      throw new Fail('DISPUTE_DEADLINE_PASSED', 'The deadline of the deal itself is over')
    const changed: Dispute = { ...dispute, ...what.change?.(dispute, as, signature), taken: take(dispute, as, request.sig) }
    await options.spendNonce(ctx, signature)
    const proceeding = await proceedings.go(tx, now, changed, decision,
      what.said && { ...what.said, from: me.id, ...(what.said.isWhole && { signature }) })
    return outcomeOf(proceeding, stateOf(proceeding.dispute))
  }

  const lapses = new DueTurns(lapsesPerTurn)

  /** The deal's own deadline for a ruling comes first. */
  const isDealLate = async (tx: Tx, now: number, { proposalId }: Dispute): Promise<boolean> => {
    const deal = await deals.find(tx, proposalId)
    return deal === undefined || (deal.due !== null && now >= deal.due)
  }

  const answered = (arbiter: string, answer: 'accepted' | 'declined', reason: string | null) =>
    ({ type: 'ARBITER_ANSWER', body: { arbiter, answer, reason }, isWhole: true }) as const

  const intent = async (
    ctx: WriteCtx,
    request: RequestBody<'DISPUTE_INTENT'>,
    earned: readonly string[],
  ): Promise<Outcome<'DISPUTE_INTENT_ACK'>> => {
    const { me, tx, now } = ctx
    const { proposal_id, reason, commitment, sig } = request
    const cases = await disputesOf(tx, proposal_id)
    const ack = (dispute: Dispute) =>
      reply('DISPUTE_INTENT_ACK', {
        dispute_id: dispute.id,
        proposal_id,
        server_nonce: dispute.serverNonce,
        pool_hash: poolHashOf(dispute.pool),
        due: dispute.case.dueAt,
      })
    for (const dispute of cases) if (isTaken(dispute, await asOneOf(tx, me.id, peopleOf(dispute)), sig)) return { reply: ack(dispute) }
    const signature = await checkSignature(ctx, 'DISPUTE_INTENT', request)
    const deal = await deals.find(tx, proposal_id)
    if (deal === undefined) throw new Fail('PROPOSAL_NOT_FOUND', 'There is no such proposal')
    const parties = [deal.from, deal.to]
    const disputant = await asOneOf(tx, me.id, parties)
    if (!parties.includes(disputant)) throw new Fail('NOT_PROPOSAL_PARTY', 'This proposal is between others')
    if (cases.some(isOpen)) throw new Fail('DISPUTE_ALREADY_EXISTS', 'There is a case about this proposal already')
    // Who has seen a draw and did not like it gets no other.
    if (cases.some(dispute => dispute.case.phase === 'abandoned' && dispute.case.disputant === disputant))
      throw new Fail('DISPUTE_ALREADY_EXISTS', 'You filed a case about this proposal and did not reveal; the other party may file')

    const id = `disp_${now.toString(36)}_${randomHex(6)}`
    if (deal.status === 'disputed' && deal.due !== null && now >= deal.due)
      throw new Fail('INVALID_PROPOSAL', 'LATE: the deadline for a ruling is over')
    const frozen = deal.status === 'disputed' ? {} : await deals.freeze(tx, proposal_id, { by: me.id, reason, disputeId: id }, now)
    await holding.stake(tx, { proposalId: id, agent: me.id, amount: filingFee, covered: await ratings.stakeable(tx, me.id) }, now)
    await options.spendNonce(ctx, signature)
    const respondent = disputant === deal.from ? deal.to : deal.from
    const dispute: Dispute = {
      id,
      proposalId: proposal_id,
      reason,
      commitment,
      serverNonce: randomHex(16),
      nonce: null,
      seed: null,
      pool: await poolOf(ctx, options, { proposalId: proposal_id, parties, earned }),
      fee: filingFee,
      case: { phase: 'filed', disputant, respondent, queue: [], seats: [], evidence: [], heard: false, dueAt: now + courtTerms.revealMs },
      statements: {},
      votes: [],
      verdict: null,
      captureMinor: null,
      taken: { [disputant]: [sig] },
      createdAt: now,
      updatedAt: now,
    }
    const filed = await docket.file(tx, dispute, { from: me.id, signature })
    const other = await successorOf(tx, respondent)
    const word: Append = {
      stream: pairStream(relayItself, other),
      type: 'MSG',
      agents: [other],
      inbox: [other],
      body: { from: relayItself, from_name: 'Server', to: other, content: `${me.id} filed dispute ${id} about ${proposal_id}` },
    }
    return { ...frozen, append: [[frozen.append ?? []].flat() as readonly Append[], filed, word].flat(), reply: ack(dispute) } as Outcome<
      'DISPUTE_INTENT_ACK'
    >
  }

  const reveal = async (ctx: WriteCtx, request: RequestBody<'DISPUTE_REVEAL'>): Promise<Outcome<'DISPUTE_REVEALED' | 'DISPUTE_STATE'>> => {
    const { me, tx, now } = ctx
    const { proposal_id, nonce, sig } = request
    const before = (await disputesOf(tx, proposal_id))[0] ?? await nothing(ctx, 'DISPUTE_REVEAL', request)
    const answer = (dispute: Dispute) =>
      dispute.case.seats.length === 0
        ? stateOf(dispute)
        : reply('DISPUTE_REVEALED', { dispute_id: dispute.id, panel_size: panelSize, seed: dispute.seed! })
    const as = await asOneOf(tx, me.id, peopleOf(before))
    if (isTaken(before, as, sig)) return { reply: answer(before) }
    const signature = await checkSignature(ctx, 'DISPUTE_REVEAL', request)
    const seed = seedOf({ proposal_id, nonce, server_nonce: before.serverNonce })
    // Few are easily all of one hand.
    const order = before.pool.length < options.minArbiters ? [] : drawOrder(before.pool, seed)
    const decision = decided(decideCase(before.case, 'REVEAL', { kind: 'agent', id: as }, { now, terms: courtTerms, order }))
    if (commitmentOf(nonce) !== before.commitment) throw new Fail('DISPUTE_COMMITMENT_MISMATCH', 'This nonce is not what you committed to')
    await options.spendNonce(ctx, signature)
    const { pool, commitment, serverNonce, case: { disputant, respondent } } = before
    const said = {
      type: 'PANEL_FORMED' as const,
      from: me.id,
      signature,
      body: {
        arbiters: decision.asked,
        disputant,
        respondent,
        evidence_deadline: null,
        vote_deadline: null,
        seed,
        server_nonce: serverNonce,
        nonce,
        commitment,
        pool,
        pool_hash: poolHashOf(pool),
      },
    }
    const proceeding = await proceedings.go(tx, now, { ...before, nonce, seed, taken: take(before, as, sig) }, decision,
      decision.asked.length > 0 ? said : undefined)
    return outcomeOf(proceeding, answer(proceeding.dispute) as Reply<'DISPUTE_REVEALED'>)
  }

  const page = async (
    { db, aside }: Pick<ReadCtx, 'db' | 'aside'>,
    { agent, role, phase, before, limit = limits.maxDisputesPage }: Omit<Parameters<typeof listDisputes>[1], 'before' | 'limit'> & {
      readonly before?: string | undefined
      readonly limit?: number | undefined
    },
  ) => {
    const last = before === undefined ? undefined : await found(db, before)
    const filed = await listDisputes(aside, { agent, role, phase, before: last, limit: limit + 1 })
    const { list: disputes, more } = pageOf(filed, limit, row => recordOf(listedOf(row)))
    return reply('DISPUTES', { disputes, more })
  }

  return {
    scope: 'trade',
    handlers: {
      DISPUTE_INTENT: {
        async study(ctx, request) {
          const earned = await earnedArbiters(ctx, options)
          return write => intent(write, request, earned)
        },
      },
      DISPUTE_REVEAL: { write: reveal },
      ARBITER_ACCEPT: {
        write: (ctx, request) =>
          act(ctx, 'ARBITER_ACCEPT', request, {
            act: 'ACCEPT',
            check: dispute => checkNotOwn(ctx, dispute),
            said: answered(ctx.me.id, 'accepted', null),
          }),
      },
      ARBITER_DECLINE: {
        write: (ctx, request) =>
          act(ctx, 'ARBITER_DECLINE', request, { act: 'DECLINE', said: answered(ctx.me.id, 'declined', request.reason ?? null) }),
      },
      EVIDENCE: {
        write(ctx, request) {
          const { items, statement } = request
          return act(ctx, 'EVIDENCE', request, {
            act: 'EVIDENCE',
            change({ case: { disputant }, statements }, as, signature) {
              const side: Side = as === disputant ? 'disputant' : 'respondent'
              return { statements: { ...statements, [side]: { by: ctx.me.id, items, statement, ...signature } } }
            },
            said: { type: 'EVIDENCE_RECEIVED', body: { items_count: items.length }, isWhole: false },
          })
        },
      },
      VOTE: {
        write(ctx, request) {
          const { verdict, reasoning, capture_minor } = request
          if (capture_minor !== undefined && verdict !== 'mutual')
            throw new Fail('INVALID_MSG', 'capture_minor: it goes with the verdict mutual; another gives all of it to one')
          return act(ctx, 'VOTE', request, {
            act: 'VOTE',
            input: { vote: { verdict, captureMinor: capture_minor ?? null } },
            async check(dispute) {
              await checkNotOwn(ctx, dispute)
              const deal = await deals.find(ctx.tx, dispute.proposalId)
              if ((capture_minor ?? 0) > (deal?.held_minor ?? 0))
                throw new Fail('INVALID_MSG', `capture_minor: between 0 and the ${deal?.held_minor ?? 0} that is held`)
            },
            change: ({ votes }, _as, signature) => ({
              votes: [...votes, {
                arbiter: ctx.me.id,
                verdict,
                reasoning,
                ...(capture_minor !== undefined && { capture_minor }),
                ...signature,
              }],
            }),
          })
        },
      },
      DISPUTES: {
        async read(ctx, query) {
          const { me } = ctx
          if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have disputes')
          return page(ctx, { ...query, agent: me.id })
        },
      },
      ADMIN_DISPUTES: { read: (ctx, { phase, before, limit }) => page(ctx, { phase, before, limit }) },
      DISPUTE_EVENTS: {
        async read({ me, db, isAdmin, account, passkeyAsked }, { dispute_id, after = 0, limit = options.maxPage }) {
          const dispute = await found(db, dispute_id)
          const as = await asOneOf(db, me.id, peopleOf(dispute))
          const isConcerned = mayRead(dispute, as)
          if (!isAdmin && !isConcerned) throw passkeyAsked ?? notFound()
          const stream = streamOf(dispute_id)
          const rows = await db.log.page(stream, { after, limit, maxBytes: options.maxPageBytes })
          const more = (rows.at(-1)?.seq ?? Infinity) < (await db.log.head(stream)).seq
          const page = pageReply('DISPUTE_EVENTS', {
            dispute: recordOf(dispute),
            ...shownEvidence(dispute, isConcerned ? [as] : await sidesOf(db, dispute, me.id, account)),
            more,
          }, 'events', rows.map(row => row.text))
          return isConcerned ? page : { ...page, byRight: true }
        },
      },
    },
    async sweep({ tx, now }) {
      const done = await lapses.run(await dueDisputes(tx, now, lapses.looked), async (dispute): Promise<Proceeding | undefined> => {
        // A deal that is over as well ends with its own sweep, and this case with it.
        if (await isDealLate(tx, now, dispute)) return undefined
        return proceedings.go(tx, now, dispute, decided(decideCase(dispute.case, 'LAPSE', { kind: 'court' }, { now, terms: courtTerms })))
      })
      return done.length === 0 ? undefined : {
        append: done.flatMap(each => each.append),
        committed: () => {
          for (const each of done) each.committed()
        },
      }
    },
  }
}
