// What the processes of a relay on one database divide between them, by the database: scopes, duties of a moment, duties of a process.
import { scopes, type Divided, type Scope } from '../store.ts'
import type { Writer } from './writer.ts'

/** The first of two numbers that name a lock: one for scopes, one for duties, one for agents. */
const scopeLocks = 6_667_017
const dutyLocks = 6_667_018
const agentLocks = 6_667_019

/** The database's clock, in ms: processes have clocks of their own. */
export const serverNow = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

export const divided = (writer: Writer): Divided => {
  /** By transaction: those that it locks out itself. */
  const own = new WeakMap<object, Set<string>>()
  /** By transaction: the scopes that it has. */
  const locked = new WeakMap<object, Set<Scope>>()
  return {
    mayLock(scope) {
      return !writer.hasBegun || locked.get(writer.transaction)?.has(scope) === true
    },

    async lock(scope) {
      const { transaction } = writer
      locked.set(transaction, (locked.get(transaction) ?? new Set()).add(scope))
      await writer.hold('SELECT pg_advisory_xact_lock($1, $2)', [scopeLocks, scopes.indexOf(scope)])
    },

    async claim(duty) {
      const [row] = await writer.hold<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS mine', [dutyLocks, duty])
      return row!.mine
    },

    async own(duty, leaseMs) {
      const { rows } = await writer.change(
        `INSERT INTO duties (name, owner, until) VALUES ($1, $2, ${serverNow} + $3) ON CONFLICT (name) DO UPDATE
        SET owner = excluded.owner, until = excluded.until WHERE duties.owner = excluded.owner OR duties.until < ${serverNow} RETURNING name`,
        [duty, writer.name, leaseMs],
      )
      return rows.length > 0
    },

    async giveUp() {
      await writer.change('DELETE FROM duties WHERE owner = $1', [writer.name])
    },

    async lockOut(agent) {
      const { transaction } = writer
      own.set(transaction, (own.get(transaction) ?? new Set()).add(agent))
      await writer.hold('SELECT pg_advisory_xact_lock($1, hashtext($2))', [agentLocks, agent])
    },

    async lockedOut(agents) {
      if (agents.length === 0) return []
      // Two statements, sent together: what was committed before the locks were given is seen by the second.
      const held = writer.hold(
        'SELECT pg_advisory_xact_lock_shared($1, hashtext(agent)) FROM unnest($2::text[]) AS agents (agent) ORDER BY agent',
        [
          agentLocks,
          agents,
        ],
      )
      const found = writer.hold<{ agent: string }>(
        `SELECT agent FROM bans WHERE agent = ANY($1::text[]) UNION
        SELECT id FROM agents WHERE id = ANY($1::text[]) AND (revoked_at IS NOT NULL OR rotated_to IS NOT NULL)`,
        [agents],
      )
      const [, rows] = await Promise.all([held, found])
      const mine = own.get(writer.transaction)
      return rows.map(({ agent }) => agent).filter(agent => mine?.has(agent) !== true)
    },
  }
}
