// What the processes of a relay on one database divide between them, by the database: scopes, duties of a moment, duties of a process.
import { credentialKinds, idsOf, missing, tableOf, type CredentialKind } from '../credentials.ts'
import { LateError, notOvertaken, OvertakenError, scopes, type Divided, type Overtaken, type Scope } from '../store.ts'
import type { Writer } from './writer.ts'

/** The first of two numbers that name a lock: one for scopes, one for duties, one for agents, one for channels. */
const scopeLocks = 6_667_017
const dutyLocks = 6_667_018
const agentLocks = 6_667_019
const channelLocks = 6_667_020

/** The database's clock, in ms: processes have clocks of their own. */
export const serverNow = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

export const divided = (writer: Writer): Divided => {
  /** By transaction: those that it locks out itself. */
  const own = new WeakMap<object, Set<string>>()
  /** By transaction: the scopes that it has. */
  const locked = new WeakMap<object, Set<Scope>>()
  /** By transaction: the versions of channels that it goes by, and those that it changes itself. */
  const goneBy = new WeakMap<object, Map<string, number>>()
  const changed = new WeakMap<object, Set<string>>()

  /** Those that are not there any more. Whoever removes one of the others waits until this transaction has ended. */
  const endedOf = async (kind: CredentialKind, ids: readonly string[]): Promise<readonly string[]> => {
    if (ids.length === 0) return []
    const sql = `SELECT id FROM ${tableOf(kind)} WHERE id = ANY($1::text[]) ORDER BY id FOR KEY SHARE`
    return missing(kind, ids, await writer.hold<{ id: string }>(sql, [ids]))
  }

  /** What others changed of agents and channels, and what has ended; nobody changes more of it before the transaction ends. */
  const overtakenOf = async (writers: readonly string[], channels: readonly string[]): Promise<Overtaken> => {
    const { transaction } = writer
    const versions = goneBy.get(transaction)
    if (writers.length + channels.length === 0) return notOvertaken
    const agents = writers.filter(name => name.startsWith('@'))
    // Two statements, sent together: what was committed before the locks were given is seen by the second.
    const held = writer.hold(
      `SELECT pg_advisory_xact_lock_shared(kind, hashtext(name)) FROM unnest($1::int[], $2::text[]) AS held (kind, name)
        ORDER BY kind, name`,
      [[...agents.map(() => agentLocks), ...channels.map(() => channelLocks)], [...agents, ...channels]],
    )
    const found = writer.hold<{ name: string, version: number | null }>(
      `SELECT agent AS name, NULL::bigint AS version FROM bans WHERE agent = ANY($1::text[]) UNION
        SELECT id, NULL FROM agents WHERE id = ANY($1::text[]) AND (revoked_at IS NOT NULL OR rotated_to IS NOT NULL) UNION ALL
        SELECT name, version FROM channels WHERE name = ANY($2::text[])`,
      [agents, channels],
    )
    const ended = Promise.all(credentialKinds.map(kind => endedOf(kind, idsOf(writers, kind))))
    const [rows, credentials] = await Promise.all([found, ended, held])
    const mine = own.get(transaction)
    const now = new Map(rows.map(({ name, version }) => [name, version]))
    return {
      writers: [...agents.filter(agent => now.has(agent) && mine?.has(agent) !== true), ...credentials.flat()],
      channels: channels.filter(name => now.get(name) !== versions!.get(name)),
    }
  }

  /** Transactions in which others decided before. */
  const behind = new WeakSet<object>()
  const mayLock = (scope: Scope): boolean => !writer.hasBegun || locked.get(writer.transaction)?.has(scope) === true

  return {
    mayLock,

    othersBefore() {
      behind.add(writer.transaction)
    },

    async lock(scope) {
      const { transaction } = writer
      if (behind.has(transaction) && !mayLock(scope)) throw new LateError(`the scope ${scope} is asked for late`)
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
      const held = writer.hold('SELECT pg_advisory_xact_lock($1, hashtext($2))', [channelLocks, channel])
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

    lockedOut: async agents => (await overtakenOf(agents, [])).writers,
  }
}
