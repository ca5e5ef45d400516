// How far an inbox has come, on PostgreSQL: one statement for each state.
import { cursorOf, entry } from '../log-rows.ts'

/**
 * Moves an agent's cursor ($1) up to an entry ($2), and notes the time ($3) at those that it passes: one statement, for it is asked of each
 * message. What is kept from the agent goes with what it is told: nobody learns the difference. What was read was received.
 */
const progressOf = (state: keyof typeof cursorOf): string => {
  const offered = 'offered_at = coalesce(offered_at, $3)'
  const received = `${offered}, received_at = coalesce(received_at, $3), address = ''`
  const [set, column, moved] = {
    offered: [offered, 'offered_at', '0, upto, 0'],
    received: [received, 'received_at', 'upto, 0, 0'],
    read: [`${received}, read_at = $3`, 'read_at', 'upto, 0, upto'],
  }[state]
  const muted = `(SELECT coalesce(min(seq) FILTER (WHERE muted = 0) - 1, max(seq)) FROM (SELECT seq, muted FROM inbox
      WHERE agent = $1 AND seq > told ORDER BY seq LIMIT 1000) AS next)`
  return `WITH asked AS MATERIALIZED (SELECT least($2::bigint, coalesce((SELECT seq FROM inbox_heads WHERE agent = $1), 0)) AS told,
        coalesce((SELECT ${cursorOf[state]} FROM inbox_cursors WHERE agent = $1), 0) AS before),
      due AS MATERIALIZED (SELECT before, ${state === 'received' ? `greatest(told, ${muted})` : 'told'} AS upto FROM asked),
      moved AS (INSERT INTO inbox_cursors AS c (agent, seq, offered, read) SELECT $1, ${moved} FROM due WHERE upto > before
        ON CONFLICT (agent) DO UPDATE SET
        seq = greatest(c.seq, excluded.seq), offered = greatest(c.offered, excluded.offered), read = greatest(c.read, excluded.read))
    UPDATE inbox SET ${set} FROM due WHERE agent = $1 AND seq > before AND seq <= upto AND ${column} IS NULL AND expired_at IS NULL
      RETURNING ${entry}`
}
/** By state: whose inbox ($1), up to which entry ($2), when ($3). */
export const progressed = { offered: progressOf('offered'), received: progressOf('received'), read: progressOf('read') }
