// What the parts of the client that sign share: signing for this relay, and checking what others signed.
import { whenThere, type Awaitable } from '../identity/awaitable.ts'
import { agentIdOf, checkTradeEvent, signTrade, type SignedFields, type TradeAction, type TradeSignature } from '../identity/index.ts'
import { ProtocolError, RelayError } from './errors.ts'
import { asked, told, type AgentId, type Asked, type Frame, type ReplyType, type RequestType, type Told } from '../protocol/index.ts'
import type { Body, ClientPort } from './port.ts'
import type { CallOptions } from './pending.ts'

type Fields = Readonly<Record<string, unknown>>

/** @throws RelayError without a key, ProtocolError where the relay has no identity */
const signedBy = ({ identity, place, now }: ClientPort, type: TradeAction | 'COUNTER', fields: Fields): Awaitable<SignedFields> => {
  if (identity === undefined) throw new RelayError('SIGNATURE_REQUIRED', 'Deals are made with a key: give the client an identity')
  const { relay, session } = place() ?? {}
  if (relay === undefined) throw new ProtocolError('NO_RELAY_IDENTITY', 'This relay has no identity to sign for')
  return signTrade(identity, type, fields, { relay, ts: now(), session })
}

/** What a signature adds to the fields of a request. */
type Signing = 'sig' | 'sigV' | 'sigTs' | 'sigNonce'
export type Unsigned<T extends RequestType> = Omit<Asked<T>, Signing>

/** Sends a signed request: signed when it is sent, for the session that it is sent in. */
export const askSigned = async <T extends TradeAction | 'COUNTER'>(
  port: ClientPort,
  type: T,
  body: Unsigned<T>,
  options: CallOptions | undefined,
): Promise<Told<ReplyType<T>>> => {
  return told(await requestSigned(port, type, asked(body) as unknown as UnsignedBody<T>, options))
}

/** The same in the protocol's own words. */
export type UnsignedBody<T extends RequestType> = Omit<Body<T>, 'sig' | 'sig_v' | 'sig_ts' | 'sig_nonce'>

export const requestSigned = <T extends TradeAction | 'COUNTER'>(
  port: ClientPort,
  type: T,
  body: UnsignedBody<T>,
  options: CallOptions | undefined,
): Promise<Frame<ReplyType<T>>> => {
  const fields = body as Fields
  const { to } = fields
  const bare = typeof to === 'string' ? { ...fields, to: port.bare(to) } : fields
  return port.request(type, () => whenThere(signedBy(port, type, bare), signed => ({ ...bare, ...signed }) as unknown as Body<T>), options)
}

/** Whether who acted signed an event; `keys` remembers those that were asked for. */
export const checkEvent = async (
  port: ClientPort,
  event: Fields & { readonly type: string },
  keys: Map<string, string | null>,
  options?: CallOptions,
): Promise<TradeSignature> => {
  const by = event['by'] ?? event['from']
  if (event['sig'] === undefined || typeof by !== 'string') return 'none'
  const key = keys.get(by) ?? (await port.ask('WHOIS', { agent: by as AgentId }, options)).pubkey
  keys.set(by, key)
  // The id is the hash of the key: a relay cannot pass off another one.
  if (key === null || agentIdOf(key) !== by) return 'invalid'
  // The verifier may take its time: the text is found first, and checked then.
  let question: readonly [key: string, text: string, signature: string] | undefined
  const verify = (...asked: readonly [string, string, string]) => {
    question = asked
    return true
  }
  const state = checkTradeEvent(event, key, { verify, relay: port.place()?.relay })
  return question === undefined || await port.verify(...question) ? state : 'invalid'
}
