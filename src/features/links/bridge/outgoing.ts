// What agents here say in channels of other relays: signed for those, kept until their home has taken or refused it, and told of when it has.
import { agentIdOf, signedTextOf } from '../../../../lib/identity/index.ts'
import { addressOf, isErrorCode, type RequestBody } from '../../../../lib/protocol/index.ts'
import { mayWrite, type Policies } from '../../../domain/policies.ts'
import { redact } from '../../../domain/redaction.ts'
import {
  againstPolicy,
  channelOfMember,
  Fail,
  reply,
  type Asker,
  type Outcome,
  type Prepared,
  type VerifyMessage,
  type WriteCtx,
} from '../../../relay/feature.ts'
import { addHanded, countWaiting, findHanded, waitingId, type HandedRow } from './handed-store.ts'
import { maxAge, type Ferry } from './ferry.ts'
import { linkTo, type LinkRow } from './store.ts'

export interface OutgoingOptions {
  readonly maxContentBytes: number
  readonly policies: Policies
  readonly redact: boolean
  /** How long a repeated id is known to be one. */
  readonly publishWindowMs: number
  readonly verifyMessage: VerifyMessage
}

/** Of one agent, and for one relay. */
const maxWaitingOfAgent = 100
const maxWaiting = 10_000

type Said = RequestBody<'MSG'>

const maxAheadMs = 5 * 60_000

/**
 * A message that is handed on is so old at most, in a share of the window: an older one could be a repeat that nobody remembers.
 * @throws Fail VERIFICATION_EXPIRED
 */
export const checkTime = (ts: number, now: number, publishWindowMs: number): void => {
  if (ts > now + maxAheadMs || ts < now - publishWindowMs * maxAge)
    throw new Fail('VERIFICATION_EXPIRED', 'ts: too long ago, or ahead of this relay')
}

/** A MSG as it is handed on. @throws Fail where it lacks what that takes */
const relayedOf = (said: Said): RequestBody<'RELAYED'>['message'] => {
  const { to, content, id, sig, sig_v, ts, nonce, in_reply_to, seen, files, ttl_ms, receipts, stream, floor } = said
  if (sig_v !== 2 || sig === undefined || ts === undefined || nonce === undefined)
    throw new Fail('SIGNATURE_REQUIRED', `${to} is at another relay: sign the message for that one, in the second form (sig_v: 2)`)
  if (id === undefined) throw new Fail('INVALID_MSG', 'id: missing; by it the other relay tells a repeat')
  const left = Object.entries({ files, ttl_ms, receipts, stream, floor }).find(([, value]) => value !== undefined)
  if (left !== undefined) throw new Fail('INVALID_MSG', `${left[0]}: not to ${to}, which is at another relay`)
  return {
    ...{ to: addressOf(to).name as `#${string}`, content, id, sig, ts, nonce },
    ...(in_reply_to !== undefined && { in_reply_to }),
    ...(seen !== undefined && { seen }),
  }
}

/** The text that the author of a handed on message signed. */
export const relayedText = (
  by: string,
  relay: string,
  { to, content, id, ts, nonce, in_reply_to, seen }: RequestBody<'RELAYED'>['message'],
) =>
  signedTextOf({ from: by, to, content, sig_v: 2, sig_ts: ts, nonce, relay, pub_id: id, in_reply_to, ...(seen !== undefined && { seen }) })

export const outgoing = (ferry: Ferry, options: OutgoingOptions) => {
  const { write } = options.policies

  /** A signature that is not for its home is refused here: the home would count it against this relay. */
  const check = async (asker: Asker, said: Said): Promise<Prepared<'MSG'>> => {
    const { agent } = asker
    if (agent === undefined) return undefined
    const { pubkey } = agent
    const { name, host = '' } = addressOf(said.to)
    const unknown = () =>
      new Fail('HOST_UNKNOWN', `to: ${name} of ${host} is at another relay; connect to it, nothing is passed on from here`)
    if (name.startsWith('@') && !ferry.isOn) throw unknown()
    if (pubkey === null) throw new Fail('SIGNATURE_REQUIRED', `Only agents with a key write to ${said.to}, which is at another relay`)
    const frame = relayedOf(said)
    const signed = async ({ server_id }: LinkRow): Promise<undefined> => {
      const text = relayedText(agentIdOf(pubkey), server_id, frame)
      if (text === undefined || !await options.verifyMessage(asker, pubkey, text, frame.sig))
        throw new Fail('VERIFICATION_FAILED', `sig: not your signature over this message for ${server_id}; nothing was stored`)
    }
    const known = ferry.linkAt(host)
    if (known !== undefined) return signed(known)
    return async ctx => {
      // Another process may have made it a moment ago.
      const made = ferry.isOn ? await linkTo(ctx.tx, host) : undefined
      if (made === undefined && name.startsWith('@')) throw unknown()
      if (made?.trust !== 'both') throw new Fail('LINK_REFUSED', `Nothing is handed on to ${host}: its link is for reading (link trust)`)
      await signed(made)
      return decide(ctx, said)
    }
  }

  const ack = (said: Said, { n, seq, home_msg_id }: Pick<HandedRow, 'n' | 'seq' | 'home_msg_id'>, isRepeat: boolean) =>
    reply('ACK', {
      ...{ msg_id: home_msg_id ?? waitingId(n), to: said.to, seq: seq ?? 0 },
      ...(seq === null && { pending: true as const }),
      ...(isRepeat && { duplicate: true as const }),
    })

  /** What became of it, to whoever sends it again. */
  const repeated = (said: Said, former: HandedRow): Outcome<'ACK'> => {
    // Of what was erased the id is all that is known.
    if (former.to !== said.to || ![said.content, ''].includes(former.content))
      throw new Fail('ID_REUSED', 'This id was used before, for another message')
    if (former.code !== null)
      throw new Fail(isErrorCode(former.code) ? former.code : 'NOT_ALLOWED', former.message ?? 'Its home refused it')
    return { reply: ack(said, former, true) }
  }

  const decide = async ({ me, roster, tx, now }: WriteCtx, said: Said): Promise<Outcome<'ACK'>> => {
    const { to, content } = said
    if (Buffer.byteLength(content) > options.maxContentBytes)
      throw new Fail('INVALID_MSG', `content: at most ${options.maxContentBytes} bytes are taken here (maxContentBytes of the relay)`)
    const frame = relayedOf(said)
    const former = await findHanded(tx, me.id, frame.id)
    if (former !== undefined) return repeated(said, former)
    checkTime(frame.ts, now, options.publishWindowMs)
    if (to.startsWith('#')) channelOfMember(me, to, roster)
    if (write !== undefined && !mayWrite(write, me, said)) throw againstPolicy('policyWrite')
    if (options.redact && redact(content) !== content)
      throw new Fail('INVALID_MSG', 'content: it holds what looks like a secret, which this relay lets nobody send')
    const host = addressOf(to).host!
    const { own, all } = await countWaiting(tx, me.id, host)
    if (own >= maxWaitingOfAgent || all >= maxWaiting)
      throw new Fail('LIMIT_REACHED', `${own >= maxWaitingOfAgent ? own : all} messages wait for ${host}, as many as may`)
    const body = JSON.stringify({ pubkey: me.pubkey, name: me.name, message: frame })
    const n = await addHanded(tx, { host, agent: me.id, id: frame.id, to, content, body, at: now })
    return { reply: ack(said, { n, seq: null, home_msg_id: null }, false), committed: () => ferry.wake() }
  }

  return { check, decide }
}
