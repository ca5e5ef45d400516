// Whether a request in trade was signed by who sends it: for this relay, now, and once; by the third form in this session alone.
import { fingerprintOf, oldTradeTextOf, tradeTextOf, type TradeAction } from '../../../../lib/identity/index.ts'
import { isNonceUsed, useNonce } from '../../../store/nonces.ts'
import { Fail, type WriteCtx } from '../../../relay/feature.ts'

export interface SignatureOptions {
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  readonly serverId: string
  readonly maxClockSkewMs: number
  /** Whether the texts that do not name the address that was dialled are still accepted. */
  readonly legacyTrade: boolean
}

export interface SignedRequest {
  readonly sig: string
  readonly sig_v?: 2 | 3 | undefined
  readonly sig_ts?: number | undefined
  readonly sig_nonce?: string | undefined
}

/** What an event says of the signature it carries. */
export interface SignatureFields {
  readonly relay: string
  readonly sig: string
  readonly sig_v: 1 | 2 | 3
  readonly sig_ts?: number
  readonly sig_nonce?: string
  readonly sig_origin?: string
  readonly sig_relay_nonce?: string
}

/** Fields that the older text does not know, and that nobody should add to it unsigned. */
const onlyNew = ['role', 'milestones', 'deliver_s', 'review_s', 'rail', 'public', 'capture_minor'] as const

/**
 * The nonce is spent by `spendNonce` when the request is carried out: one that is refused uses none.
 * @throws Fail SIGNATURE_REQUIRED, VERIFICATION_FAILED, VERIFICATION_EXPIRED
 */
export const signatureCheck = ({ verify, serverId, maxClockSkewMs, legacyTrade }: SignatureOptions) =>
async (
  { me, tx, now, asker: { binding } }: Pick<WriteCtx, 'me' | 'tx' | 'now' | 'asker'>,
  action: TradeAction,
  request: SignedRequest & object,
): Promise<SignatureFields> => {
  if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only an agent with a key can sign')
  const { sig, sig_v, sig_ts, sig_nonce } = request
  const fields = request as Readonly<Record<string, unknown>>
  if (sig_v !== 3 && !legacyTrade)
    throw new Fail('VERIFICATION_FAILED', 'This relay takes only the third form of signatures in trade (sig_v: 3)')
  if (sig_v === undefined) {
    const text = oldTradeTextOf(action, fields)
    const uncovered = onlyNew.find(name => fields[name] !== undefined)
    if (text === undefined || uncovered !== undefined)
      throw new Fail('VERIFICATION_FAILED', `sig_v: 2 or 3 is needed to sign ${uncovered ?? action}`)
    if (!verify(me.pubkey, text, sig)) throw new Fail('VERIFICATION_FAILED', 'The signature does not verify')
    return { relay: serverId, sig, sig_v: 1 }
  }
  if (sig_ts === undefined || sig_nonce === undefined) throw new Fail('INVALID_MSG', 'sig_v 2 and 3 come with sig_ts and sig_nonce')
  if (sig_v === 3 && binding === undefined)
    throw new Fail('VERIFICATION_FAILED', 'sig_v 3 is good in a session that was opened by the third form of the login text')
  const session = sig_v === 3 ? { key: fingerprintOf(me.pubkey), ...binding! } : undefined
  if (!verify(me.pubkey, tradeTextOf(action, fields, { by: me.id, relay: serverId, ts: sig_ts, nonce: sig_nonce, session }), sig))
    throw new Fail('VERIFICATION_FAILED', 'The signature does not verify')
  if (Math.abs(now - sig_ts) > maxClockSkewMs) throw new Fail('VERIFICATION_EXPIRED', "The signed time is too far from the relay's clock")
  if (await isNonceUsed(tx, me.id, sig_nonce)) throw new Fail('VERIFICATION_FAILED', 'This nonce was used before')
  return {
    relay: serverId,
    sig,
    sig_v,
    sig_ts,
    sig_nonce,
    ...(session !== undefined && { sig_origin: session.origin, sig_relay_nonce: session.relayNonce }),
  }
}

export type CheckSignature = ReturnType<typeof signatureCheck>

/** Uses up the nonce of a request that is carried out. A signature of the older form has none. @throws Fail VERIFICATION_FAILED */
export const spendNonce = async (
  { me, tx, now }: Pick<WriteCtx, 'me' | 'tx' | 'now'>,
  { sig_nonce }: { readonly sig_nonce?: string | undefined },
): Promise<void> => {
  if (sig_nonce !== undefined && !await useNonce(tx, me.id, sig_nonce, now))
    throw new Fail('VERIFICATION_FAILED', 'This nonce was used before')
}
