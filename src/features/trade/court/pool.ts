// Who may be drawn for a panel: there, free, a stranger to both parties, and either of earned standing or on the operator's list.
import { createHash } from 'node:crypto'
import { jurorTerms } from '../../../domain/jury.ts'
import { limits } from '../../../../lib/protocol/index.ts'
import type { ReadCtx, RosterView, WriteCtx } from '../../../relay/feature.ts'
import { findAgents, lineagesOf, successorOf } from '../../../store/agents.ts'
import type { CourtOptions } from './ports.ts'
import { seatsOf } from './store.ts'

const dayMs = 24 * 60 * 60_000

/** What an arbiter has to be; one of the operator's list only free, and a stranger. */
export const eligibility = { ...jurorTerms, maxPanels: 2, minAgeMs: 7 * dayMs, strangerForMs: 30 * dayMs } as const

/** Candidates that are looked at, the best rated first. */
const maxCandidates = 5_000

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

const isThere = (roster: RosterView, id: string): boolean => {
  const agent = roster.agent(id)
  return agent !== undefined && agent.pubkey !== null && agent.presence !== 'away' && agent.presence !== 'offline'
}

/** Agents that earned it and are there, before anybody's case is looked at: what takes long to find out. */
export const earnedArbiters = async (
  { aside, roster, now }: Pick<ReadCtx, 'aside' | 'roster' | 'now'>,
  { ratings }: Pick<CourtOptions, 'ratings'>,
): Promise<readonly string[]> => {
  const there = (await ratings.seasoned(aside, eligibility, maxCandidates)).filter(id => isThere(roster, id))
  const known = (await findAgents(aside, there)).filter(agent => agent.first_seen <= now - eligibility.minAgeMs)
  return ratings.jurors(aside, now, known.map(agent => agent.id))
}

/**
 * Those who can be drawn in a case, of those who earned it and of the operator's list. Sorted by id. Of several of one owner, who has one
 * voice, and of too many, those whose hash with the proposal's id is lowest: nobody picks them.
 */
export const poolOf = async (
  { tx, roster, now }: Pick<WriteCtx, 'tx' | 'roster' | 'now'>,
  { deals, arbiters, inHandOf, ownersOf }: Pick<CourtOptions, 'deals' | 'arbiters' | 'inHandOf' | 'ownersOf'>,
  { proposalId, parties, earned }: { readonly proposalId: string, readonly parties: readonly string[], readonly earned: readonly string[] },
): Promise<readonly string[]> => {
  // The parties, and what else their owners have.
  const hands = (await Promise.all(parties.map(async party => inHandOf(tx, await successorOf(tx, party))))).flat()
  const own = await lineagesOf(tx, hands)
  const excluded = new Set(own)
  for (const partner of await deals.partners(tx, own, now - eligibility.strangerForMs)) excluded.add(await successorOf(tx, partner))
  const panels = await seatsOf(tx)
  const able = new Set(earned)
  for (const named of await findAgents(tx, arbiters.ids)) if (arbiters.has(named)) able.add(await successorOf(tx, named.id))
  const free = [...able].filter(id => isThere(roster, id) && !excluded.has(id) && (panels.get(id) ?? 0) <= eligibility.maxPanels)
  const known = (await findAgents(tx, free)).filter(agent => agent.revoked_at === null).map(agent => agent.id)
  const owners = await ownersOf(tx, known)
  const byHash = known.map(id => [hashOf(proposalId + id), id] as const).sort(([a], [b]) => a < b ? -1 : 1).map(([, id]) => id)
  const voices = new Map<string, string>()
  for (const id of byHash) {
    const voice = owners.get(id) ?? id
    if (!voices.has(voice)) voices.set(voice, id)
  }
  return [...voices.values()].slice(0, limits.maxPanelPool).sort()
}
