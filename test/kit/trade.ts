// Agents that trade: their requests signed as the second form says, or the third where they logged in by it, on a bare wire.
import { fingerprintOf, oldTradeTextOf, signTrade, type TradeAction, type TradeSession } from '../../lib/identity/index.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import type { TestRelay } from './relay.ts'
import { newKey, signWith, type Key, type Wire } from './wire.ts'

type Fields = Readonly<Record<string, unknown>>
export type Signed = Fields & { readonly type: string }

export class Trader implements AsyncDisposable {
  readonly wire: Wire
  readonly key: Key
  readonly relay: TestRelay

  constructor(wire: Wire, key: Key, relay: TestRelay) {
    this.wire = wire
    this.key = key
    this.relay = relay
  }

  get id(): string {
    return this.key.id
  }

  /** A request as it is sent; `stamp` changes what is signed beside the fields. */
  sign(
    action: TradeAction | 'COUNTER',
    fields: Fields,
    { by = this.id, ...stamp }: Partial<{ by: string, relay: string, ts: number, nonce: string, session: TradeSession }> = {},
  ): Signed {
    const { session } = this.wire
    const signed = signTrade({ agentId: by, sign: text => signWith(this.key, text) }, action, fields, {
      relay: this.relay.serverId,
      ts: this.relay.clock.now(),
      session: session && { ...session, key: fingerprintOf(this.key.pem) },
      ...stamp,
    })
    return { type: action, ...fields, ...signed }
  }

  /** The same as older clients send it. */
  signOld(action: TradeAction, fields: Fields): Signed {
    return { type: action, ...fields, sig: signWith(this.key, oldTradeTextOf(action, fields)!) }
  }

  /** Takes a step, and gives the proposal as it then stands. */
  async do(action: TradeAction | 'COUNTER', fields: Fields): Promise<Frame<'PROPOSAL_STATE'>['proposal']> {
    return (await this.wire.ask(this.sign(action, fields), 'PROPOSAL_STATE')).proposal
  }

  async refused(action: TradeAction | 'COUNTER', fields: Fields): Promise<string> {
    const { code, message } = await this.wire.refusal(this.sign(action, fields))
    return code === 'INVALID_PROPOSAL' ? message.split(':')[0]! : code
  }

  async balance(currency = 'USD'): Promise<readonly [amount: number, held: number]> {
    const { balances } = await this.wire.ask({ type: 'BALANCE' }, 'BALANCE')
    const row = balances.find(each => each.currency === currency)
    return [row?.amount_minor ?? 0, row?.held_minor ?? 0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.wire[Symbol.asyncDispose]()
  }
}

export const adminKey = 'correct horse battery'

/** @example await using ann = await newTrader(relay, 'ann', { USD: 5_000 }) */
export const newTrader = async (
  relay: TestRelay,
  name: string,
  credits: Readonly<Record<string, number>> = {},
  key = newKey(),
  form?: 3,
): Promise<Trader> => {
  const wire = await relay.login(name, { key, autojoin: false, ...(form !== undefined && { form }) })
  for (const [currency, amount_minor] of Object.entries(credits))
    await wire.ask({ type: 'ADMIN_CREDIT', admin_key: adminKey, agent_id: key.id, currency, amount_minor, note: 'for the test' },
      'ADMIN_RESULT')
  return new Trader(wire, key, relay)
}
