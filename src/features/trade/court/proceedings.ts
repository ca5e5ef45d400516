// What follows from a decision about a case: who is told, what the verdict moves, and what becomes of the fee.
import { captureOf, partOf, verdictOf, votesOf, type CourtDecision } from '../../../domain/court/index.ts'
import { arbiterPoints } from '../../../domain/rating.ts'
import type { EventType } from '../../../../lib/protocol/index.ts'
import type { Append } from '../../../relay/feature.ts'
import { successorOf } from '../../../store/agents.ts'
import type { Tx } from '../../../store/store.ts'
import { Docket, courtTerms, isActive, relayItself } from './docket.ts'
import type { CourtOptions, Signature } from './ports.ts'
import { saveDispute, type Dispute } from './store.ts'

/** What came of an act: the case, what is told, and what is to happen after the commit. */
export interface Proceeding {
  readonly dispute: Dispute
  readonly append: readonly Append[]
  committed(): void
}

type Decided = Extract<CourtDecision, { readonly ok: true }>

/** An event that an act brings beside what follows from the decision. */
export interface Said {
  readonly type: EventType
  readonly body: object
  readonly from: string
  readonly signature?: Signature
}

type ProceedingOptions = Pick<CourtOptions, 'serverId' | 'holding' | 'ratings' | 'deals' | 'minArbiters'>

export class Proceedings {
  readonly #options: ProceedingOptions
  readonly #docket: Docket

  constructor(options: ProceedingOptions) {
    this.#options = options
    this.#docket = new Docket(options)
  }

  /** Stores a case as it now stands, and finds out what it brings. */
  async go(tx: Tx, now: number, before: Dispute, { case: kase, effects, asked, dropped }: Decided, said?: Said): Promise<Proceeding> {
    let dispute: Dispute = { ...before, case: kase, updatedAt: now }
    await saveDispute(tx, dispute)
    const append: Append[] = []
    const { disputant, respondent, seats } = kase
    const parties = [disputant, respondent]
    const active = seats.filter(isActive).map(seat => seat.arbiter)
    let committed = () => {}

    if (said !== undefined) append.push(await this.#docket.tell(tx, dispute, said.type, said.body, [...parties, said.from], said))
    for (const { arbiter, state } of dropped) {
      if (state === 'absent') await this.#options.ratings.arbitrated(tx, await successorOf(tx, arbiter), 'absent', now)
      append.push(await this.#docket.tell(tx, dispute, 'ARBITER_ANSWER', { arbiter, answer: state, reason: null }, [...parties, arbiter]))
    }
    const isFirst = before.case.phase === 'filed'
    for (const arbiter of asked) {
      const { dueAt } = seats.find(seat => seat.arbiter === arbiter)!
      append.push(
        await this.#docket.tell(tx, dispute, 'ARBITER_ASSIGNED', {
          arbiter,
          disputant,
          respondent,
          reason: dispute.reason,
          response_deadline: dueAt,
          ...(!isFirst && { is_replacement: true }),
        }, [arbiter]),
      )
    }
    for (const effect of effects) {
      switch (effect) {
        case 'draw':
        case 'hear':
          break
        case 'ready': {
          const { disputant: theirs = null, respondent: ours = null } = dispute.statements
          append.push(await this.#docket.tell(tx, dispute, 'CASE_READY', {
            proposal: await this.#options.deals.find(tx, dispute.proposalId),
            disputant,
            respondent,
            disputant_evidence: theirs,
            respondent_evidence: ours,
            vote_deadline: kase.dueAt,
          }, seats.filter(seat => seat.state === 'sitting').map(seat => seat.arbiter)))
          break
        }
        case 'fallback': {
          append.push(
            await this.#docket.tell(tx, dispute, 'DISPUTE_FALLBACK', {
              reason: isFirst
                ? `fewer than ${Math.max(courtTerms.seats, this.#options.minArbiters)} eligible arbiters`
                : 'nobody is left to replace an arbiter',
            }, [...parties, ...active]),
          )
          break
        }
        case 'abandon': {
          dispute = await this.#docket.settleFee(tx, now, dispute, 'forfeit')
          append.push(await this.#docket.tell(tx, dispute, 'DISPUTE_CLOSED', { outcome: 'abandoned' }, parties))
          break
        }
        case 'verdict': {
          const ruled = await this.#verdict(tx, now, dispute)
          dispute = ruled.dispute
          append.push(...ruled.append)
          committed = ruled.committed
          break
        }
        default:
          effect satisfies never
      }
    }
    return { dispute, append, committed }
  }

  async #verdict(tx: Tx, now: number, before: Dispute): Promise<Proceeding> {
    const { deals, ratings } = this.#options
    const { disputant, respondent, seats } = before.case
    const votes = votesOf(before.case)
    const verdict = verdictOf(votes)
    const { provider, held_minor } = (await deals.find(tx, before.proposalId))!
    const captureMinor = captureOf(votes, { heldMinor: held_minor, provider: provider === disputant ? 'disputant' : 'respondent' })
    const winner = verdict === 'mutual' ? undefined : before.case[verdict]
    const count = votes.filter(vote => vote.verdict === verdict).length
    const ruling = await deals.ruling(tx, before.proposalId, {
      captureMinor,
      winner,
      reason: `verdict of the panel: ${verdict}, ${count} of ${votes.length}`,
      by: relayItself,
      panel: { disputeId: before.id },
    }, now)
    const appended = [ruling.append ?? []].flat() as readonly Append[]

    const changes: Record<string, unknown> = {}
    for (const event of appended) if (event.type === 'RULING') Object.assign(changes, event.body.rating_changes)
    const results: object[] = []
    for (const { arbiter, state, vote } of seats) {
      if (state === 'absent') results.push({ arbiter, result: 'absent', change: arbiterPoints.absent })
      if (vote === null) continue
      const result = partOf(votes, vote)
      const rated = await ratings.arbitrated(tx, await successorOf(tx, arbiter), result, now)
      Object.assign(changes, rated)
      results.push({ arbiter, result, change: Object.values(rated)[0]?.change ?? 0 })
    }
    const isLost = verdict === 'respondent'
    const dispute = await this.#docket.settleFee(tx, now, { ...before, verdict, captureMinor }, isLost ? 'forfeit' : 'return')
    const everyone = [disputant, respondent, ...seats.filter(isActive).map(seat => seat.arbiter)]
    return {
      dispute,
      append: [
        await this.#docket.tell(tx, dispute, 'VERDICT', {
          verdict,
          votes: dispute.votes,
          arbiter_results: results,
          resolved_at: now,
          capture_minor: captureMinor,
        }, everyone),
        ...appended,
        await this.#docket.tell(tx, dispute, 'SETTLEMENT_COMPLETE', { verdict, rating_changes: changes }, everyone),
      ],
      committed: () => ruling.committed?.(),
    }
  }
}
