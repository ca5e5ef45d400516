// Operating a relay over the wire: kick, ban, allowlist, message of the day, verification.
import { agentIdOf, canonicalPem } from '../../../../lib/identity/index.ts'
import { writeMeta } from '../../../store/meta.ts'
import { approvals, approve, ban, disapprove, findAgent, setVerified, unban } from '../../../store/agents.ts'
import { Fail, notify, reply, type Feature } from '../../../relay/feature.ts'

export interface AdminOptions {
  readonly allowlist: boolean
  readonly allowlistStrict: boolean
}

/** Where the message of the day is kept. */
export const motdKey = 'motd'

type Requests = 'ADMIN_KICK' | 'ADMIN_BAN' | 'ADMIN_UNBAN' | 'ADMIN_APPROVE' | 'ADMIN_REVOKE' | 'ADMIN_LIST' | 'ADMIN_MOTD' | 'ADMIN_VERIFY'

export const admin = (options: AdminOptions): Feature<Requests> => ({
  handlers: {
    ADMIN_KICK: {
      needs: 'admin',
      write({ roster }, { agent_id, reason }) {
        const id = withAt(agent_id)
        if (roster.agent(id) === undefined) throw new Fail('AGENT_NOT_FOUND', `${id} is not connected`)
        return {
          reply: reply('ADMIN_RESULT', { action: 'kick', success: true, agentId: id }),
          notify: [notify({ kind: 'agents', agents: [id] }, 'KICKED', reason === undefined ? {} : { reason })],
          effects: [{ kind: 'close', agents: [id], close: 'KICKED' }],
        }
      },
    },
    ADMIN_BAN: {
      needs: 'admin',
      async write({ tx, now }, { agent_id, reason }) {
        const id = withAt(agent_id)
        await ban(tx, id, reason ?? null, now)
        return {
          reply: reply('ADMIN_RESULT', { action: 'ban', success: true, agentId: id }),
          notify: [notify({ kind: 'agents', agents: [id] }, 'BANNED', reason === undefined ? {} : { reason })],
          effects: [{ kind: 'close', agents: [id], close: 'BANNED' }],
        }
      },
    },
    ADMIN_UNBAN: {
      needs: 'admin',
      async write({ tx }, { agent_id }) {
        const id = withAt(agent_id)
        if (!await unban(tx, id)) throw new Fail('AGENT_NOT_FOUND', `${id} is not banned`)
        return { reply: reply('ADMIN_RESULT', { action: 'unban', success: true, agentId: id }) }
      },
    },
    ADMIN_APPROVE: {
      needs: 'admin',
      async write({ tx, now }, { pubkey, note }) {
        const key = canonicalPem(pubkey)
        const id = agentIdOf(key)
        await approve(tx, { agent: id, pubkey: key, note: note ?? null }, now)
        return {
          reply: reply('ADMIN_RESULT', { action: 'approve', success: true, agentId: id }),
          effects: [{ kind: 'agent', agent: id, change: { verified: true } }],
        }
      },
    },
    ADMIN_REVOKE: {
      needs: 'admin',
      async write({ tx }, { pubkey, agent_id }) {
        if ((pubkey === undefined) === (agent_id === undefined)) throw new Fail('INVALID_MSG', 'Name exactly one of pubkey and agent_id')
        const id = pubkey === undefined ? withAt(agent_id!) : agentIdOf(canonicalPem(pubkey))
        if (!await disapprove(tx, id)) throw new Fail('AGENT_NOT_FOUND', `${id} is not on the allowlist`)
        const verified = (await findAgent(tx, id))?.verified === 1
        return {
          reply: reply('ADMIN_RESULT', { action: 'revoke', success: true, agentId: id }),
          effects: [{ kind: 'agent', agent: id, change: { verified } }],
        }
      },
    },
    ADMIN_LIST: {
      needs: 'admin',
      async read({ db }) {
        const entries = (await approvals(db)).map(row => ({
          agentId: row.agent.slice(1),
          pubkeyPrefix: row.pubkey.split('\n')[1]!.slice(0, 20),
          approvedAt: row.at,
          ...(row.note !== null && { note: row.note }),
        }))
        return reply('ADMIN_RESULT', {
          action: 'list',
          success: true,
          entries,
          enabled: options.allowlist,
          strict: options.allowlistStrict,
        })
      },
    },
    ADMIN_MOTD: {
      needs: 'admin',
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
      needs: 'admin',
      async write({ tx, roster }, { agent_id, verified }) {
        const id = withAt(agent_id)
        const known = await findAgent(tx, id)
        if (roster.agent(id) === undefined && known === undefined) throw new Fail('AGENT_NOT_FOUND', `No agent ${id} is known here`)
        if (known !== undefined) await setVerified(tx, id, verified)
        const result = { action: 'verify', success: true, agentId: id, verified }
        return {
          reply: reply('ADMIN_RESULT', result),
          notify: [notify({ kind: 'agents', agents: [id] }, 'ADMIN_RESULT', result)],
          effects: [{ kind: 'agent', agent: id, change: { verified } }],
        }
      },
    },
  },
})

const withAt = (id: string): string => id.startsWith('@') ? id : `@${id}`
