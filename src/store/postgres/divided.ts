// What the processes of a relay on one database divide between them, by the database: scopes, duties of a moment, duties of a process.
import { randomBytes } from 'node:crypto'
import { credentialKinds, idsOf, missing, tableOf, type CredentialKind } from '../credentials.ts'
import { seatOf } from '../seats.ts'
import { HeldError, notOvertaken, OvertakenError, type Divided, type Lock, type Overtaken } from '../store.ts'
import { allAddresses, lockOf } from '../writers.ts'
import type { Order } from './order.ts'
import type { Writer } from './writer.ts'

/** The first of two numbers that name a lock for a duty: one has it, or goes on without. The others are in `Order`. */
const dutyLocks = 6_667_018

/** The database's clock, in ms: processes have clocks of their own. */
export const serverNow = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

export const divided = (writer: Writer, order: Order): Divided => {
  /** By transaction: the writers that it locks out itself. */
  const own = new WeakMap<object, Set<string>>()
  /** By transaction: the versions of channels that it goes by, and those that it changes itself. */
  const goneBy = new WeakMap<object, Map<string, number>>()
  const changed = new WeakMap<object, Set<string>>()

  /** Those that are not there any more. Whoever removes one of the others waits until this transaction has ended. */
  const endedOf = async (kind: CredentialKind, ids: readonly string[]): Promise<readonly string[]> => {
    if (ids.length === 0) return []
    const found = `SELECT id FROM ${tableOf(kind)} WHERE id = ANY($1::text[]) ORDER BY id`
    if (!order.hasOwn) return missing(kind, ids, await writer.hold<{ id: string }>(`${found} FOR KEY SHARE`, [ids]))
    // Whoever has rows does not wait for whoever removes one of these.
    const ended = missing(kind, ids, await writer.hold<{ id: string }>(`${found} FOR KEY SHARE SKIP LOCKED`, [ids]))
    if (ended.length > 0 && missing(kind, ids, await writer.hold<{ id: string }>(found, [ids])).length < ended.length)
      throw new HeldError([])
    return ended
  }

  /** What others changed of agents, addresses and channels, and what has ended; nobody changes more of it before the transaction ends. */
  const overtakenOf = async (writers: readonly string[], channels: readonly string[]): Promise<Overtaken> => {
    const { transaction } = writer
    const versions = goneBy.get(transaction)
    if (writers.length + channels.length === 0) return notOvertaken
    const agents = writers.filter(name => name.startsWith('@'))
    const [addresses, approvals] = [idsOf(writers, 'address'), idsOf(writers, 'approval')]
    const locks = [...agents, ...approvals, ...addresses.length > 0 ? [allAddresses] : []]
    const shared = (kind: Lock['kind']) => (name: string): Lock => ({ kind, name, isShared: true })
    // Sent together: what was committed before the locks were given is seen by what follows them.
    const held = order.take([...locks.map(shared('agent')), ...channels.map(shared('channel'))])
    const found = writer.hold<{ name: string, version: number | null }>(
      `SELECT agent AS name, NULL::bigint AS version FROM bans WHERE agent = ANY($1::text[]) UNION
        SELECT id, NULL FROM agents WHERE id = ANY($1::text[]) AND (revoked_at IS NOT NULL OR rotated_to IS NOT NULL) UNION
        SELECT 'address ' || address, NULL FROM address_bans WHERE address = ANY($3::text[]) UNION
        SELECT 'approval ' || id, NULL FROM unnest($4::text[]) AS id WHERE NOT EXISTS (SELECT FROM allowlist WHERE agent = id) UNION
        SELECT 'seat ' || taken.id, NULL FROM unnest($5::text[]) AS taken (id)
          WHERE NOT EXISTS (SELECT FROM seats WHERE seats.id = taken.id) UNION ALL
        SELECT name, version FROM channels WHERE name = ANY($2::text[])`,
      [agents, channels, addresses, approvals, idsOf(writers, 'seat')],
    )
    const ended = Promise.all(credentialKinds.map(kind => endedOf(kind, idsOf(writers, kind))))
    const [rows, credentials] = await Promise.all([found, ended, held])
    const mine = own.get(transaction)
    const now = new Map(rows.map(({ name, version }) => [name, version]))
    return {
      writers: [...writers.filter(name => now.has(name) && mine?.has(name) !== true), ...credentials.flat()],
      channels: channels.filter(name => now.get(name) !== versions!.get(name)),
    }
  }

  return {
    mayLock: scope => !writer.hasBegun || order.has({ kind: 'scope', name: scope }),
    deciding: by => order.deciding(by),
    take: locks => order.take(locks),

    async lock(scope) {
      if (writer.hasBegun && !order.has({ kind: 'scope', name: scope })) order.checkFirst(`the scope ${scope}`)
      await order.wait([{ kind: 'scope', name: scope }])
    },

    async claim(duty) {
      const [row] = await writer.hold<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS mine', [dutyLocks, duty])
      return row!.mine
    },

    async own(duty, leaseMs) {
      // Whoever cannot have it waits for nobody.
      const [other] = await writer.ask(`SELECT 1 AS one FROM duties WHERE name = $1 AND owner <> $2 AND until >= ${serverNow}`, [
        duty,
        writer.name,
      ])
      if (other !== undefined) return false
      await order.take([{ kind: 'rows', name: `duty ${duty}` }])
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

    async lockOut(name) {
      const { transaction } = writer
      own.set(transaction, (own.get(transaction) ?? new Set()).add(name))
      await order.wait([{ kind: 'agent', name: lockOf(name) }])
    },

    async seat(agent) {
      await order.takeRows([agent])
      await order.wait([{ kind: 'agent', name: agent }])
      return async (session, process) => {
        const id = randomBytes(12).toString('hex')
        await writer.change(
          `INSERT INTO seats (id, agent, session, process) VALUES ($1, $2, $3, $4)
          ON CONFLICT (agent, session) DO UPDATE SET id = excluded.id, process = excluded.process`,
          [id, agent, session, process],
        )
        return seatOf(id)
      }
    },

    goBy(channel, version) {
      const { transaction } = writer
      const versions = goneBy.get(transaction)
      if (versions === undefined) goneBy.set(transaction, new Map([[channel, version]]))
      // Of two, the older one was gone by too.
      else versions.set(channel, Math.min(version, versions.get(channel) ?? version))
    },

    async changing(channel) {
      const { transaction } = writer
      const ours = changed.get(transaction)
      if (ours?.has(channel) === true) return
      changed.set(transaction, (ours ?? new Set()).add(channel))
      const held = order.take([{ kind: 'channel', name: channel }])
      const found = writer.hold<{ version: number }>('SELECT version FROM channels WHERE name = $1', [channel])
      const [, rows] = await Promise.all([held, found])
      const version = goneBy.get(transaction)?.get(channel)
      if (version !== undefined && rows[0]?.version !== version) throw new OvertakenError({ writers: [], channels: [channel] })
    },

    overtaken(writers) {
      const { transaction } = writer
      const ours = changed.get(transaction)
      return overtakenOf(writers, [...goneBy.get(transaction)?.keys() ?? []].filter(name => ours?.has(name) !== true))
    },

    async lockedOut(agents) {
      // What is decided of them next is theirs.
      await order.takeRows(agents)
      return (await overtakenOf(agents, [])).writers
    },
  }
}
