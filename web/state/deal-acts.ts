// What the visitor can do with a deal as it stands: by the state table that the relay decides by.
import type { Proposal } from '../../lib/index.ts'
import { transitions, type Action, type Condition, type Role } from '../../lib/protocol/deal-table.ts'

const rolesOf = ({ from, to, client, provider }: Proposal, me: string): ReadonlySet<Role> =>
  new Set<Role>([
    ...from === me ? ['proposer'] as const : [],
    ...to === me ? ['recipient'] as const : [],
    ...client === me ? ['client'] as const : [],
    ...provider === me ? ['provider'] as const : [],
  ])

/** Milestones follow the current one. */
export const hasMore = ({ milestones, released }: Proposal): boolean => milestones !== null && released < milestones.length - 1

/** `now`: ms since 1970, by a clock that may be off: past a deadline LAPSE is offered beside the rest, and the relay decides. */
export const actsOf = (deal: Proposal, me: string, now: number): readonly Action[] => {
  const roles = rolesOf(deal, me)
  const isDue = deal.due !== null && deal.due <= now
  const holds: Partial<Record<Condition, boolean>> = { more: hasMore(deal), last: !hasMore(deal) }
  const open = transitions.filter(({ from, action, by, when = [] }) =>
    from === deal.status && (action === 'LAPSE' ? isDue : by.some(role => roles.has(role)))
    && when.every(condition => holds[condition] ?? true)
  )
  return [...new Set(open.map(({ action }) => action))]
}
