// Keys after login: who is who, keys that are rotated or revoked, and proofs between agents.
import { agentIdOf, canonicalPem, fingerprintOf, revocationText, rotationText } from '../../../../lib/identity/index.ts'
import type { NamedAgents } from '../../../domain/named-agents.ts'
import { countKeys, findAgent, handedOver, isNamed, revokeAgent, rotateAgent, membershipsOf } from '../../../store/agents.ts'
import { otherKey, standingOf } from '../../../store/standing.ts'
import type { TableReader } from '../../../store/store.ts'
import {
  Fail,
  notify,
  presenceOf,
  reply,
  type Effect,
  type Feature,
  type Outcome,
  type Shares,
  type WriteCtx,
} from '../../../relay/feature.ts'
import { addProof, expiredProofs, findProof, takeProof } from './store.ts'

export interface IdentityOptions {
  readonly admins: NamedAgents
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  readonly verifyAsync: (publicPem: string, text: string, signature: string) => Promise<boolean>
  readonly randomHex: (bytes: number) => string
  readonly shares: Shares
  /** An agent of another relay whose messages are here. */
  readonly remoteAgent: (
    db: TableReader,
    agent: string,
  ) => Promise<{ readonly pubkey: string, readonly name: string, readonly first_seen: number } | undefined>
  /** What an agent may take may be another now: it has what its key of before had. Called once that is committed. */
  readonly rotated: (agent: string) => void
}

const proofMs = 30_000

/** Keys of one agent, one after the other. */
const maxKeys = 1_000

type Requests = 'WHOIS' | 'ROTATION' | 'REVOCATION' | 'VERIFY_REQUEST' | 'VERIFY_RESPONSE'

interface FormerKey {
  readonly id: string
  readonly pubkey: string
}

type RotationRecord = Parameters<typeof rotationText>[0] & { readonly signature: string }

/** Keys read in one turn of the event loop: to find that a text is a key takes half a millisecond. */
const keysAtOnce = 4

/** The keys that handed over, oldest first, each to the next and the last one to `newest`. @throws Fail where one did not */
const formerKeys = async (records: readonly RotationRecord[], newest: string): Promise<readonly FormerKey[]> => {
  const olds: FormerKey[] = []
  for (const [i, { old_pubkey, new_pubkey }] of records.entries()) {
    if (i > 0 && i % keysAtOnce === 0) await new Promise(resolve => setImmediate(resolve))
    const pubkey = canonicalPem(old_pubkey)
    const next = records[i + 1]
    if (canonicalPem(new_pubkey) !== (next === undefined ? newest : canonicalPem(next.old_pubkey)))
      throw new Fail('INVALID_MSG',
        next === undefined ? 'new_pubkey: not the key of this session' : `chain: record ${i + 1} is of another key`)
    if (pubkey === newest) throw new Fail('INVALID_MSG', 'The two keys are the same')
    olds.push({ id: agentIdOf(pubkey), pubkey })
  }
  return olds
}

type HandingOver = Pick<IdentityOptions, 'admins' | 'shares' | 'rotated'>

/** Those that have still to hand over: not to this key yet, nor to one that hands over to it here. */
const pendingOf = async ({ me, tx }: WriteCtx, olds: readonly FormerKey[]): Promise<readonly FormerKey[]> => {
  const done = await handedOver(tx, olds, me.id)
  return olds.filter(({ id }) => !done.has(id))
}

/** @throws Fail it may not hand over */
const checkOld = async ({ tx }: WriteCtx, old: FormerKey): Promise<void> => {
  const { rotatedTo, isRevoked, ban, isOtherKey } = await standingOf(tx, old.id, old.pubkey)
  if (isOtherKey) throw new Fail('NOT_ALLOWED', otherKey)
  if (isRevoked || rotatedTo !== null) throw new Fail('NOT_ALLOWED', 'The old key was revoked or rotated elsewhere')
  if (ban !== undefined) throw new Fail('BANNED', 'The agent of the old key is banned')
}

/** Hands over one key in a batch: it moves all that belonged to it. What others wrote since the batch before counts. @throws Fail */
const handOver = async (ctx: WriteCtx, olds: readonly FormerKey[], options: HandingOver): Promise<Outcome<'OK'>> => {
  const { me, tx, now, asker } = ctx
  const { admins, shares, rotated } = options
  const [old, ...rest] = await pendingOf(ctx, olds)
  if (old === undefined) return { reply: reply('OK', {}) }
  await checkOld(ctx, old)
  if (await countKeys(tx, old.id) + await countKeys(tx, me.id) > maxKeys)
    throw new Fail('LIMIT_REACHED', `An agent may have had ${maxKeys} keys; go on with one of them`)
  if (!(await standingOf(tx, old.id)).isKnown) await shares.take(tx, 'agents', old.id, { agent: '', address: asker.address })
  const owned = (await rotateAgent(tx, old, me.id, now)).map((info): Effect => ({ kind: 'channel', info }))
  const change = { memberships: await membershipsOf(tx, me.id), admin: me.admin || admins.has(old) }
  return {
    effects: [
      ...owned,
      { kind: 'agent', agent: me.id, change },
      { kind: 'standing', agent: me.id, standing: await standingOf(tx, me.id) },
      { kind: 'inbox', agent: me.id, newest: (await tx.log.inboxHead(me.id)).seq },
      { kind: 'standing', agent: old.id, standing: await standingOf(tx, old.id) },
    ],
    committed: () => rotated(me.id),
    ...(rest.length === 0
      ? { reply: reply('OK', {}) }
      : { again: (tx: WriteCtx['tx'], now: number) => handOver({ ...ctx, tx, now }, olds, options) }),
  }
}

/** The keys of records hand over to the one of this session. @throws Fail where one may not */
const present = async (ctx: WriteCtx, olds: readonly FormerKey[], options: HandingOver): Promise<Outcome<'OK'>> => {
  // Where one may not by now, none does.
  for (const old of await pendingOf(ctx, olds)) await checkOld(ctx, old)
  return handOver(ctx, olds, options)
}

const textOf = ({ old_pubkey, new_pubkey, timestamp }: RotationRecord) => ({ old_pubkey, new_pubkey, timestamp })

export const identity = ({ verify, verifyAsync, randomHex, remoteAgent, ...options }: IdentityOptions): Feature<Requests> => ({
  handlers: {
    WHOIS: {
      async read({ me, db, roster }, { agent: id }) {
        const online = roster.agent(id)
        const known = await findAgent(db, id)
        const remote = known === undefined ? await remoteAgent(db, id) : undefined
        if (online === undefined && known === undefined && remote === undefined)
          throw new Fail('AGENT_NOT_FOUND', `No agent ${id} is known here`)
        const keyed = known ?? remote
        return reply('WHOIS', {
          agent_id: id,
          name: online?.name ?? keyed!.name,
          pubkey: keyed?.pubkey ?? null,
          ...(keyed !== undefined && { key: fingerprintOf(keyed.pubkey), key_since: keyed.first_seen }),
          verified: online?.verified ?? known?.verified === 1,
          ...((online?.admin ?? (known !== undefined && await isNamed(db, options.admins, known))) && { admin: true as const }),
          ...presenceOf(roster, id, known?.last_seen ?? null),
          ...(id === me.id && { sessions: roster.sessions(id).count }),
          ...(known?.rotated_to != null && { rotated_to: known.rotated_to }),
          ...(known?.revoked_at != null && { revoked_at: known.revoked_at }),
        })
      },
    },
    ROTATION: {
      scope: 'people',
      /** As many signatures as there are records: beside the event loop. They are over the texts as they stand in the record, whatever their spelling. */
      async study({ me }, { chain = [], ...first }) {
        if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Open the session with the new key first')
        const records = [first, ...chain]
        const olds = await formerKeys(records, me.pubkey)
        const signed = await Promise.all(
          olds.map(({ pubkey }, i) => verifyAsync(pubkey, rotationText(textOf(records[i]!)), records[i]!.signature)),
        )
        if (!signed.every(holds => holds)) throw new Fail('VERIFICATION_FAILED', 'The old key did not sign this rotation')
        return ctx => present(ctx, olds, options)
      },
    },
    REVOCATION: {
      scope: 'people',
      async write({ tx, now, asker }, { pubkey, agent_id, reason, timestamp, signature }) {
        const key = canonicalPem(pubkey)
        const id = agentIdOf(key)
        if (agent_id.replace(/^@/, '') !== id.slice(1)) throw new Fail('INVALID_MSG', 'agent_id: not the id of this key')
        if (!verify(key, revocationText({ type: 'REVOCATION', pubkey, agent_id, reason, timestamp }), signature))
          throw new Fail('VERIFICATION_FAILED', 'The key did not sign this notice')
        const { isKnown, isOtherKey } = await standingOf(tx, id, key)
        if (isOtherKey) throw new Fail('NOT_ALLOWED', otherKey)
        // A key that is known here can be revoked whoever holds what.
        if (!isKnown) await options.shares.take(tx, 'revocations', id, { agent: '', address: asker.address })
        await revokeAgent(tx, { id, pubkey: key }, now)
        return { reply: reply('OK', {}), effects: [{ kind: 'standing', agent: id, standing: await standingOf(tx, id) }] }
      },
    },
    VERIFY_REQUEST: {
      async write({ me, roster, tx, now, asker }, { target, nonce }) {
        const other = roster.agent(target)
        if (other === undefined) throw new Fail('AGENT_NOT_FOUND', `${target} is not connected`)
        if (other.pubkey === null) throw new Fail('NO_PUBKEY', `${target} has no key to prove`)
        const id = `verify_${now.toString(36)}_${randomHex(4)}`
        await options.shares.take(tx, 'proofs', id, { agent: me.id, address: asker.address })
        await addProof(tx, { id, requester: me.id, target, nonce, expires_at: now + proofMs })
        return {
          notify: [notify({ kind: 'agents', agents: [target] }, 'VERIFY_REQUEST', { request_id: id, from: me.id, nonce })],
          reply: reply('VERIFY_REQUEST', { request_id: id, target, status: 'pending' }),
        }
      },
    },
    VERIFY_RESPONSE: {
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
