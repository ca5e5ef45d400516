// Operating a relay over the wire: kick, ban, allowlist, message of the day, verification.
import type { NamedAgents } from '../../../domain/named-agents.ts'
import { agentIdOf, canonicalPem, fingerprintOf } from '../../../../lib/identity/index.ts'
import { writeMeta } from '../../../store/meta.ts'
import { auditPage } from '../../../store/audit.ts'
import { setVerified, successorOf } from '../../../store/agents.ts'
import { endSeats } from '../../../store/seats.ts'
import {
  approvalsAfter,
  approve,
  ban,
  banAddress,
  bansAfter,
  disapprove,
  otherKey,
  standingOf,
  unban,
  unbanAddress,
  type Standing,
} from '../../../store/standing.ts'
import type { Tx } from '../../../store/store.ts'
import {
  Fail,
  notify,
  pageOf,
  reply,
  statusNotices,
  type Effect,
  type Feature,
  type Notify,
  type WriteCtx,
} from '../../../relay/feature.ts'
import { spareOperators } from './spared.ts'

export interface AdminOptions {
  readonly admins: NamedAgents
  readonly allowlist: boolean
  readonly allowlistStrict: boolean
  readonly maxPage: number
  /** An address as limits and bans go by it; '' for what is none. */
  readonly addressOf: (text: string) => string
}

/** Where the message of the day is kept. */
export const motdKey = 'motd'

type Requests =
  | 'AUDIT'
  | 'ADMIN_KICK'
  | 'ADMIN_BAN'
  | 'ADMIN_UNBAN'
  | 'ADMIN_BANS'
  | 'ADMIN_APPROVE'
  | 'ADMIN_REVOKE'
  | 'ADMIN_LIST'
  | 'ADMIN_MOTD'
  | 'ADMIN_VERIFY'

export const admin = (options: AdminOptions): Feature<Requests> => {
  const canonical = (text: string): string => {
    const address = options.addressOf(text.replace(/\/\d{1,3}$/, ''))
    if (address === '') throw new Fail('INVALID_MSG', 'address: not an IP address')
    return address
  }
  return ({
    handlers: {
      ADMIN_KICK: {
        async write(ctx, { agent_id, reason }) {
          const id = withAt(agent_id)
          const isThere = ctx.roster.agent(id) !== undefined
          if (isThere) await spareOperators(ctx, options.admins, [id], [])
          if (!isThere || !await endSeats(ctx.tx, id)) throw new Fail('AGENT_NOT_FOUND', `${id} is not connected`)
          return {
            reply: reply('ADMIN_RESULT', { action: 'kick', success: true, agentId: id }),
            notify: [notify({ kind: 'agents', agents: [id] }, 'KICKED', reason === undefined ? {} : { reason })],
            effects: [{ kind: 'close', agents: [id], close: 'KICKED' }],
          }
        },
      },
      ADMIN_BAN: {
        async write(ctx, { agent_id, address, reason = null }) {
          const { tx, roster, asker, now } = ctx
          const id = agent_id === undefined ? undefined : withAt(agent_id)
          const addresses = address === undefined ? [] : address === true ? roster.addressesOf(id ?? '') : [canonical(address)]
          if (id === undefined && addresses.length === 0)
            throw new Fail('INVALID_MSG', address === true ? 'agent_id: whose address?' : 'Name an agent_id, an address, or both')
          if (addresses.includes(asker.address)) throw new Fail('INVALID_MSG', `address: ${asker.address} is your own`)
          const line = id === undefined ? [] : [...await lineOf(tx, id)]
          await spareOperators(ctx, options.admins, line, addresses)
          const effects: Effect[] = []
          for (const each of line) {
            await ban(tx, each, reason, now)
            effects.push({ kind: 'standing', agent: each, standing: await standingOf(tx, each) })
          }
          for (const each of addresses) {
            await banAddress(tx, each, reason, now)
            effects.push({ kind: 'addressBan', address: each, ban: { reason } })
          }
          return {
            reply: reply('ADMIN_RESULT', {
              action: 'ban',
              success: true,
              ...(id !== undefined && { agentId: id }),
              ...(address !== undefined && { addresses: [...addresses] }),
            }),
            effects,
          }
        },
      },
      ADMIN_UNBAN: {
        async write({ tx }, { agent_id, address }) {
          if ((agent_id === undefined) === (address === undefined))
            throw new Fail('INVALID_MSG', 'Name exactly one of agent_id and address')
          if (address !== undefined) {
            const known = canonical(address)
            if (!await unbanAddress(tx, known)) throw new Fail('AGENT_NOT_FOUND', `${known} is not banned`)
            return {
              reply: reply('ADMIN_RESULT', { action: 'unban', success: true, addresses: [known] }),
              effects: [{ kind: 'addressBan', address: known, ban: undefined }],
            }
          }
          const id = withAt(agent_id!)
          let isLifted = false
          for (const each of await lineOf(tx, id)) isLifted = await unban(tx, each) || isLifted
          if (!isLifted) throw new Fail('AGENT_NOT_FOUND', `${id} is not banned`)
          return { reply: reply('ADMIN_RESULT', { action: 'unban', success: true, agentId: id }) }
        },
      },
      ADMIN_BANS: {
        async read({ db }, { after = '', limit = options.maxPage }) {
          const rows = await bansAfter(db, after, limit + 1)
          const bans = rows.slice(0, limit).map(({ of, reason, at }) => ({ of, ...(reason !== null && { reason }), at }))
          return reply('ADMIN_RESULT', { action: 'bans', success: true, bans, more: rows.length > limit })
        },
      },
      ADMIN_APPROVE: {
        async write({ tx, now }, { pubkey, note }) {
          const key = canonicalPem(pubkey)
          const id = await idOf(tx, key)
          await approve(tx, { agent: id, pubkey: key, note: note ?? null }, now)
          return {
            reply: reply('ADMIN_RESULT', { action: 'approve', success: true, agentId: id }),
            effects: [{ kind: 'standing', agent: id, standing: await standingOf(tx, id) }],
          }
        },
      },
      ADMIN_REVOKE: {
        async write(ctx, { pubkey, agent_id }) {
          const { tx } = ctx
          if ((pubkey === undefined) === (agent_id === undefined)) throw new Fail('INVALID_MSG', 'Name exactly one of pubkey and agent_id')
          const id = pubkey === undefined ? withAt(agent_id!) : await idOf(tx, canonicalPem(pubkey))
          if (!await disapprove(tx, id)) throw new Fail('AGENT_NOT_FOUND', `${id} is not on the allowlist`)
          return {
            reply: reply('ADMIN_RESULT', { action: 'revoke', success: true, agentId: id }),
            ...await withdrawn(ctx, id, await standingOf(tx, id)),
          }
        },
      },
      AUDIT: {
        async read({ db }, { by, of: target, before, limit = options.maxPage }) {
          const rows = await auditPage(db, { by, target, before, limit: limit + 1 })
          const { list: entries, more } = pageOf(rows, limit, ({ n, at, by: who, account, address, action, target: of, detail }) => ({
            n,
            at,
            ...(who !== null && { by: who }),
            ...(account !== null && { account }),
            address,
            action,
            ...(of !== null && { of }),
            detail: JSON.parse(detail) as Record<string, unknown>,
          }))
          return reply('AUDIT', { entries, more })
        },
      },
      ADMIN_LIST: {
        async read({ db }, { after, limit = options.maxPage }) {
          const { list: entries, more } = pageOf(await approvalsAfter(db, after === undefined ? '' : withAt(after), limit + 1), limit,
            row => ({
              agentId: row.agent.slice(1),
              pubkeyPrefix: row.pubkey.split('\n')[1]!.slice(0, 20),
              key: fingerprintOf(row.pubkey),
              approvedAt: row.at,
              ...(row.note !== null && { note: row.note }),
            }))
          return reply('ADMIN_RESULT', {
            action: 'list',
            success: true,
            entries,
            ...(more && { more }),
            enabled: options.allowlist,
            strict: options.allowlistStrict,
          })
        },
      },
      ADMIN_MOTD: {
        async write({ tx }, { motd, kick }) {
          await writeMeta(tx, motdKey, motd)
          return {
            reply: reply('ADMIN_RESULT', { action: 'motd', success: true, motd }),
            notify: [notify({ kind: 'everyone' }, 'MOTD_UPDATE', { motd })],
            effects: [
              { kind: 'motd', motd },
              ...(kick === true ? [{ kind: 'closeOthers', close: 'RESTARTING', reason: 'retry_after_ms=500' } as const] : []),
            ],
          }
        },
      },
      ADMIN_VERIFY: {
        async write(ctx, { agent_id, verified }) {
          const { tx, roster } = ctx
          const id = withAt(agent_id)
          const standing = await standingOf(tx, id)
          if (roster.agent(id) === undefined && !standing.isKnown) throw new Fail('AGENT_NOT_FOUND', `No agent ${id} is known here`)
          if (standing.isApproved && !verified)
            throw new Fail('INVALID_MSG', `${id} is verified because its key is on the allowlist; ADMIN_REVOKE takes it off`)
          if (standing.isKnown) await setVerified(tx, id, verified)
          const result = { action: 'verify', success: true, agentId: id, verified }
          // Of an agent without a key nothing is kept: it stands so until it goes.
          const { effects, notify: notices } = await withdrawn(ctx, id, { ...standing, isVerified: verified })
          return {
            reply: reply('ADMIN_RESULT', result),
            notify: [notify({ kind: 'agents', agents: [id] }, 'ADMIN_RESULT', result), ...notices],
            effects,
          }
        },
      },
    },
  })
}

/** Whose key it is here. @throws Fail where the relay knows its id by another one */
const idOf = async (tx: Tx, key: string): Promise<string> => {
  const id = agentIdOf(key)
  if ((await standingOf(tx, id, key)).isOtherKey) throw new Fail('NOT_ALLOWED', otherKey)
  return id
}

/** An agent, and who it is now if it rotated its key. */
const lineOf = async (tx: Tx, id: string): Promise<ReadonlySet<string>> => new Set([id, await successorOf(tx, id)])

/** What follows from a standing that may be less than it was: what waits for the agent in channels that are closed to it now it does not get. */
const withdrawn = async (
  { tx, roster, now }: WriteCtx,
  agent: string,
  standing: Standing,
): Promise<{ readonly effects: readonly Effect[], readonly notify: readonly Notify[] }> => {
  const closed = standing.isVerified ? [] : [...roster.channels()].filter(({ info }) => info.verifiedOnly).map(({ info }) => info.name)
  return { effects: [{ kind: 'standing', agent, standing }], notify: statusNotices(await tx.keep.withdraw(agent, closed, now)) }
}

const withAt = (id: string): string => id.startsWith('@') ? id : `@${id}`
