// Agents that were away for long: what of them makes room for others, a bounded number at a time.
import { sql } from 'kysely'
import type { AgentUse } from './log.ts'
import type { Tx } from './store.ts'

interface Tables {
  agents: { id: string, verified: 0 | 1, last_seen: number, rotated_to: string | null, revoked_at: number | null }
  memberships: { agent: string, channel: string }
  channels: { name: string, private: 0 | 1 }
}

/** What an agent is and holds; each found by an index, like what it has said or was sent. */
const ownUses: readonly AgentUse[] = [
  ['bans', 'agent'],
  ['allowlist', 'agent'],
  ['lineages', 'agent'],
  ['memberships', 'agent'],
  ['shares', 'agent'],
  ['channels', 'owner'],
  ['blocks', 'agent'],
  ['muted_threads', 'agent'],
]

/** Agents behind one that were not seen since `before`; `next`: where to go on, undefined: there are no more. */
const agedAfter = async (tx: Tx, after: string, count: number, before: number) => {
  const rows = await tx.tables<Tables>().selectFrom('agents').select(['id', 'last_seen']).where('id', '>', after).orderBy('id').limit(count)
    .execute()
  return {
    ids: rows.filter(({ last_seen }) => last_seen < before).map(({ id }) => id),
    next: rows.length < count ? undefined : rows.at(-1)!.id,
  }
}

/** Looks at the next agents, and forgets those that were not seen since `before` and have left nothing behind. Gives where to go on. */
export const forgetAgents = async (
  tx: Tx,
  { after, count, before, uses, isHere }: {
    readonly after: string
    readonly count: number
    readonly before: number
    readonly uses: readonly AgentUse[]
    readonly isHere: (id: string) => boolean
  },
): Promise<string | undefined> => {
  const { ids, next } = await agedAfter(tx, after, count, before)
  const away = ids.filter(id => !isHere(id))
  if (away.length === 0) return next
  let idle = tx.tables<Tables>().deleteFrom('agents').where(tx.dialect.isAmong('id', away)).where('verified', '=', 0)
    .where('rotated_to', 'is', null).where('revoked_at', 'is', null)
  for (const [table, column] of [...ownUses, ...await tx.keep.agentUses(), ...uses])
    idle = idle.where(sql<boolean>`NOT EXISTS (SELECT 1 FROM ${sql.table(table)} AS used WHERE used.${sql.ref(column)} = agents.id)`)
  await idle.execute()
  return next
}

/** Looks at the next agents, and ends the lasting memberships in public channels of those that were not seen since `before`. */
export const forgetMemberships = async (tx: Tx, after: string, count: number, before: number): Promise<string | undefined> => {
  const { ids, next } = await agedAfter(tx, after, count, before)
  if (ids.length > 0)
    await tx.tables<Tables>().deleteFrom('memberships').where(tx.dialect.isAmong('agent', ids))
      .where('channel', 'in', tx.tables<Tables>().selectFrom('channels').select('name').where('private', '=', 0)).execute()
  return next
}
