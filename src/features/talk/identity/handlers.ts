// Keys after login: who is who, keys that are rotated or revoked, and proofs between agents.
import { agentIdOf, canonicalPem, fingerprintOf, revocationText, rotationText } from '../../../../lib/identity/index.ts'
import type { NamedAgents } from '../../../domain/named-agents.ts'
import { countKeys, findAgent, revokeAgent, rotateAgent, membershipsOf } from '../../../store/agents.ts'
import { otherKey, standingOf } from '../../../store/standing.ts'
import { Fail, notify, presenceOf, reply, type Effect, type Feature, type Shares } from '../../../relay/feature.ts'
import { addProof, expiredProofs, findProof, takeProof } from './store.ts'

export interface IdentityOptions {
  readonly admins: NamedAgents
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  readonly randomHex: (bytes: number) => string
  readonly shares: Shares
}

const proofMs = 30_000

/** Keys of one agent, one after the other. */
const maxKeys = 1_000

type Requests = 'WHOIS' | 'ROTATION' | 'REVOCATION' | 'VERIFY_REQUEST' | 'VERIFY_RESPONSE'

type RotationRecord = Parameters<typeof rotationText>[0] & { readonly signature: string }

/** The keys that handed over, oldest first, each to the next and the last one to `newest`. @throws Fail where one did not */
const formerKeys = (
  records: readonly RotationRecord[],
  newest: string,
  verify: IdentityOptions['verify'],
): readonly { readonly id: string, readonly pubkey: string }[] =>
  records.map(({ signature, old_pubkey, new_pubkey, timestamp }, i) => {
    const pubkey = canonicalPem(old_pubkey)
    const next = records[i + 1]
    if (canonicalPem(new_pubkey) !== (next === undefined ? newest : canonicalPem(next.old_pubkey)))
      throw new Fail('INVALID_MSG',
        next === undefined ? 'new_pubkey: not the key of this session' : `chain: record ${i + 1} is of another key`)
    if (pubkey === newest) throw new Fail('INVALID_MSG', 'The two keys are the same')
    // The texts are signed as they stand in the record, whatever their spelling.
    if (!verify(pubkey, rotationText({ old_pubkey, new_pubkey, timestamp }), signature))
      throw new Fail('VERIFICATION_FAILED', 'The old key did not sign this rotation')
    return { id: agentIdOf(pubkey), pubkey }
  })

export const identity = ({ admins, verify, randomHex, shares }: IdentityOptions): Feature<Requests> => ({
  handlers: {
    WHOIS: {
      needs: 'session',
      async read({ me, db, roster }, { agent: id }) {
        const online = roster.agent(id)
        const known = await findAgent(db, id)
        if (online === undefined && known === undefined) throw new Fail('AGENT_NOT_FOUND', `No agent ${id} is known here`)
        return reply('WHOIS', {
          agent_id: id,
          name: online?.name ?? known!.name,
          pubkey: known?.pubkey ?? null,
          ...(known !== undefined && { key: fingerprintOf(known.pubkey) }),
          verified: online?.verified ?? known?.verified === 1,
          ...presenceOf(roster, id, known?.last_seen ?? null),
          ...(id === me.id && { sessions: roster.sessions(id).count }),
          ...(known?.rotated_to != null && { rotated_to: known.rotated_to }),
          ...(known?.revoked_at != null && { revoked_at: known.revoked_at }),
        })
      },
    },
    ROTATION: {
      needs: 'session',
      async write({ me, tx, now, roster, asker }, { chain = [], ...first }) {
        if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Open the session with the new key first')
        const olds = formerKeys([first, ...chain], me.pubkey, verify)
        const ids: readonly (string | null)[] = [...olds.map(({ id }) => id), me.id]
        const taken: string[] = []
        for (const old of olds) {
          const { isKnown, rotatedTo, isRevoked, ban, isOtherKey } = await standingOf(tx, old.id, old.pubkey)
          if (isOtherKey) throw new Fail('NOT_ALLOWED', otherKey)
          // It was presented before: to this key, or to one that hands over to it here.
          if (rotatedTo !== null && ids.includes(rotatedTo)) continue
          if (isRevoked) throw new Fail('NOT_ALLOWED', 'The old key was revoked or rotated elsewhere')
          if (ban !== undefined) throw new Fail('BANNED', 'The agent of the old key is banned')
          if (await countKeys(tx, old.id) + await countKeys(tx, me.id) > maxKeys)
            throw new Fail('LIMIT_REACHED', `An agent may have had ${maxKeys} keys; go on with one of them`)
          if (!isKnown) await shares.take(tx, 'agents', old.id, { agent: '', address: asker.address })
          await rotateAgent(tx, old, me.id, now)
          taken.push(old.id)
        }
        if (taken.length === 0) return { reply: reply('OK', {}) }
        const owned = [...roster.channels()].flatMap(({ info }): readonly Effect[] =>
          info.owner !== null && taken.includes(info.owner) ? [{ kind: 'channel', info: { ...info, owner: me.id } }] : []
        )
        const left: Effect[] = []
        for (const id of taken) left.push({ kind: 'standing', agent: id, standing: await standingOf(tx, id) })
        return {
          reply: reply('OK', {}),
          effects: [
            ...owned,
            {
              kind: 'agent',
              agent: me.id,
              change: {
                memberships: await membershipsOf(tx, me.id),
                admin: me.admin || olds.some(old => taken.includes(old.id) && admins.has(old)),
              },
            },
            { kind: 'standing', agent: me.id, standing: await standingOf(tx, me.id) },
            { kind: 'inbox', agent: me.id, newest: (await tx.log.inboxHead(me.id)).seq },
            ...left,
          ],
        }
      },
    },
    REVOCATION: {
      needs: 'anyone',
      async write({ tx, now, asker }, { pubkey, agent_id, reason, timestamp, signature }) {
        const key = canonicalPem(pubkey)
        const id = agentIdOf(key)
        if (agent_id.replace(/^@/, '') !== id.slice(1)) throw new Fail('INVALID_MSG', 'agent_id: not the id of this key')
        if (!verify(key, revocationText({ type: 'REVOCATION', pubkey, agent_id, reason, timestamp }), signature))
          throw new Fail('VERIFICATION_FAILED', 'The key did not sign this notice')
        const { isKnown, isOtherKey } = await standingOf(tx, id, key)
        if (isOtherKey) throw new Fail('NOT_ALLOWED', otherKey)
        // A key that is known here can be revoked whoever holds what.
        if (!isKnown) await shares.take(tx, 'revocations', id, { agent: '', address: asker.address })
        await revokeAgent(tx, { id, pubkey: key }, now)
        return { reply: reply('OK', {}), effects: [{ kind: 'standing', agent: id, standing: await standingOf(tx, id) }] }
      },
    },
    VERIFY_REQUEST: {
      needs: 'session',
      async write({ me, roster, tx, now, asker }, { target, nonce }) {
        const other = roster.agent(target)
        if (other === undefined) throw new Fail('AGENT_NOT_FOUND', `${target} is not connected`)
        if (other.pubkey === null) throw new Fail('NO_PUBKEY', `${target} has no key to prove`)
        const id = `verify_${now.toString(36)}_${randomHex(4)}`
        await shares.take(tx, 'proofs', id, { agent: me.id, address: asker.address })
        await addProof(tx, { id, requester: me.id, target, nonce, expires_at: now + proofMs })
        return {
          notify: [notify({ kind: 'agents', agents: [target] }, 'VERIFY_REQUEST', { request_id: id, from: me.id, nonce })],
          reply: reply('VERIFY_REQUEST', { request_id: id, target, status: 'pending' }),
        }
      },
    },
    VERIFY_RESPONSE: {
      needs: 'session',
      async write({ me, tx, now }, { request_id, nonce, sig }) {
        if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only an agent with a key can prove one')
        const proof = await findProof(tx, request_id)
        if (proof === undefined || proof.expires_at <= now) throw new Fail('VERIFICATION_EXPIRED', 'No such proof is open')
        if (proof.target !== me.id) throw new Fail('INVALID_MSG', 'This proof was asked of another agent')
        if (proof.nonce !== nonce) throw new Fail('INVALID_MSG', 'nonce: not the one that was asked')
        await takeProof(tx, request_id)
        const to = { kind: 'agents', agents: [proof.requester] } as const
        return verify(me.pubkey, nonce, sig)
          ? {
            notify: [notify(to, 'VERIFY_SUCCESS', { request_id, agent: me.id, pubkey: me.pubkey })],
            reply: reply('VERIFY_SUCCESS', { request_id, verified: true }),
          }
          : {
            notify: [notify(to, 'VERIFY_FAILED', { request_id, target: me.id, reason: 'The signature does not verify' })],
            reply: reply('VERIFY_FAILED', { request_id, verified: false }),
          }
      },
    },
  },
  async sweep({ tx, now }) {
    const due = await expiredProofs(tx, now)
    return {
      notify: due.map(({ id, requester, target }) =>
        notify({ kind: 'agents', agents: [requester] }, 'VERIFY_FAILED', { request_id: id, target, reason: 'Timed out' })
      ),
    }
  },
})
