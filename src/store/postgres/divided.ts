// What the processes of a relay on one database divide between them, by the database: scopes, duties of a moment, duties of a process.
import { scopes, type Tx } from '../store.ts'
import type { Writer } from './writer.ts'

/** The first of two numbers that name a lock: one for scopes, one for duties. */
const scopeLocks = 6_667_017
const dutyLocks = 6_667_018

/** The database's clock, in ms: processes have clocks of their own. */
export const serverNow = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

export const divided = (writer: Writer): Pick<Tx, 'lock' | 'claim' | 'own'> => ({
  async lock(scope) {
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
})
