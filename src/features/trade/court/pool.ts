// Who may be drawn for a panel: experienced, there, free, and a stranger to both parties.
import { createHash } from 'node:crypto'
import { limits } from '../../../../lib/protocol/index.ts'
import type { WriteCtx } from '../../../relay/feature.ts'
import { findAgents, predecessors, successorOf } from '../../../store/agents.ts'
import type { Db } from '../../../store/store.ts'
import type { CourtOptions } from './ports.ts'
import { seatsOf } from './store.ts'

const dayMs = 24 * 60 * 60_000

/** What an arbiter has to be. */
export const eligibility = { rating: 1_200, transactions: 10, maxPanels: 2, minAgeMs: 7 * dayMs, strangerForMs: 30 * dayMs } as const

/** Candidates that are looked at, the best rated first. */
const maxCandidates = 5_000

/** An agent under all its keys. */
const lineageOf = async (db: Db, agent: string): Promise<readonly string[]> => {
  const now = await successorOf(db, agent)
  return [now, ...await predecessors(db, now)]
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Sorted by id. Of too many, those whose hash with the proposal's id is lowest: nobody picks them. */
export const poolOf = async (
  { tx, roster, now }: Pick<WriteCtx, 'tx' | 'roster' | 'now'>,
  { deals, ratings }: Pick<CourtOptions, 'deals' | 'ratings'>,
  proposalId: string,
  parties: readonly string[],
): Promise<readonly string[]> => {
  const own = (await Promise.all(parties.map(party => lineageOf(tx, party)))).flat()
  const excluded = new Set(own)
  for (const partner of await deals.partners(tx, own, now - eligibility.strangerForMs)) excluded.add(await successorOf(tx, partner))
  const panels = await seatsOf(tx)
  const there = (await ratings.seasoned(tx, eligibility, maxCandidates)).filter(id => {
    const agent = roster.agent(id)
    return agent !== undefined && agent.pubkey !== null && agent.presence !== 'away' && agent.presence !== 'offline' && !excluded.has(id)
      && (panels.get(id) ?? 0) <= eligibility.maxPanels
  })
  const known = (await findAgents(tx, there)).filter(agent => agent.revoked_at === null && agent.first_seen <= now - eligibility.minAgeMs)
    .map(agent => agent.id)
  const drawn = known.length <= limits.maxPanelPool
    ? known
    : known.map(id => [hashOf(proposalId + id), id] as const).sort(([a], [b]) => a < b ? -1 : 1).slice(0, limits.maxPanelPool).map((
      [, id],
    ) => id)
  return drawn.sort()
}
