// What an agent has to sign: the exact text, and the body that its signature goes into. Nothing is signed here, and nothing is done.
import { isTradeAction, profileText, randomNonce, receiptText, skillsText, tradeTextOf } from '../../../lib/identity/index.ts'
import { addressOf, hasHost, requests, type Receipt, type RequestType } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import { Fail, type Caller, type Inside } from '../../relay/inside.ts'
import { Problem } from './problem.ts'
import { needs } from './scopes.ts'
import type { SignersOptions } from './signed.ts'

type Fields = Readonly<Record<string, unknown>>

/** What is to be signed, and sent. */
export interface Prepared {
  /** Ed25519 over its UTF-8, in base64, is the `sig` that the body lacks. */
  readonly text: string
  readonly sig_ts?: number
  readonly sig_nonce?: string
  readonly body: Fields
  /** What it is about, where it names something that is there. */
  readonly proposal?: unknown
  readonly receipt?: unknown
}

export interface PrepareOptions {
  readonly inside: () => Pick<Inside, 'ask'>
  readonly clock: Clock
  /** The relay's identity. */
  readonly serverId: string
  /** Whether a host in a name means this relay, for who came in nowhere that says so. */
  readonly isOwnHost: SignersOptions['isOwnHost']
  /** Whether steps in trade are taken that do not name the session they were signed in: a request over HTTP is in none. */
  readonly legacyTrade: boolean
}

const suffix = ':prepare'

/** A path of what is to be prepared, without the word; undefined: nothing is. */
export const preparedPath = (path: string): string | undefined => path.endsWith(suffix) ? path.slice(0, -suffix.length) : undefined

/** Pages in which a receipt is looked for. */
const maxPages = 20

export class Prepare {
  readonly #options: PrepareOptions

  constructor(options: PrepareOptions) {
    this.#options = options
  }

  /** @throws Problem, Fail */
  async of(caller: Caller, type: RequestType, asked: Fields): Promise<Prepared> {
    const { clock, legacyTrade } = this.#options
    if (needs[type] !== 'signed') throw new Problem('INVALID_MSG', `${type} carries no signature of its own: ask it as it is`)
    const isTrade = type === 'COUNTER' || isTradeAction(type)
    if (isTrade && !legacyTrade)
      throw new Problem('NOT_ALLOWED', 'This relay takes steps in trade only in the session they were signed in; connect by WebSocket')
    const ts = clock.now()
    const nonce = randomNonce()
    const stamp = type === 'RECEIPT_SIGN'
      ? {}
      : isTrade
      ? { sig_v: 2, sig_ts: ts, sig_nonce: nonce }
      : { sig_v: 2, sig_ts: ts, nonce }
    const checked = requests[type].body.safeParse({ ...this.#bare(asked), ...stamp, sig: 'x' })
    if (!checked.success) {
      const { path, message } = checked.error.issues[0]!
      throw new Problem('INVALID_MSG', `${path.join('.')}: ${message}`)
    }
    const { sig: _, id: __, ...body } = checked.data as Record<string, unknown>
    const about = await this.#about(caller, body, type)
    return {
      text: this.#textOf(type, body, { by: caller.agent, ts, nonce }, about),
      ...(type !== 'RECEIPT_SIGN' && { sig_ts: ts, sig_nonce: nonce }),
      body,
      ...about,
    }
  }

  /** A name at this relay is signed without it. @throws Fail it is at another one */
  #bare(fields: Fields): Fields {
    const { to } = fields
    if (!hasHost(to)) return fields
    const { name, host } = addressOf(to)
    if (!this.#options.isOwnHost(host!, nowhere))
      throw new Fail('HOST_UNKNOWN', `to: ${name} of ${host} is at another relay; connect to it, nothing is passed on from here`)
    return { ...fields, to: name }
  }

  #textOf(
    type: RequestType,
    body: Fields,
    { by, ts, nonce }: { readonly by: string, readonly ts: number, readonly nonce: string },
    about: { readonly receipt?: Receipt },
  ): string {
    const stamp = { by, relay: this.#options.serverId, ts, nonce }
    if (type === 'COUNTER') return tradeTextOf('PROPOSAL', { ...body, supersedes: body['proposal_id'] }, stamp)
    if (isTradeAction(type)) return tradeTextOf(type, body, stamp)
    if (type === 'REGISTER_SKILLS') return skillsText(body['skills'] as readonly unknown[], stamp)
    if (type === 'SET_PROFILE') return profileText(body['profile'] as object, stamp)
    return receiptText(about.receipt!)
  }

  /** What is named is there, and shown: nobody should sign what he has not seen. @throws Fail */
  async #about(caller: Caller, body: Fields, type: RequestType): Promise<{ readonly proposal?: unknown, readonly receipt?: Receipt }> {
    const inside = this.#options.inside()
    const { proposal_id: proposal, dispute_id: dispute, receipt_id: receipt } = body as Readonly<Record<string, string | undefined>>
    if (type === 'RECEIPT_SIGN') return { receipt: await this.#receipt(caller, receipt!) }
    if (proposal !== undefined)
      return { proposal: (await inside.ask(caller, 'PROPOSAL_EVENTS', { proposal_id: proposal, limit: 1 })).frame().proposal }
    if (dispute !== undefined) await inside.ask(caller, 'DISPUTE_EVENTS', { dispute_id: dispute })
    return {}
  }

  /** Among those that this agent has not signed, or nobody yet. @throws Fail */
  async #receipt(caller: Caller, id: string): Promise<Receipt> {
    let before: string | undefined
    for (let page = 0; page < maxPages; page++) {
      const { receipts, more } = (await this.#options.inside().ask(caller, 'RECEIPTS', {
        unsigned: true,
        ...(before !== undefined && { before }),
      })).frame()
      const found = receipts.find(({ receipt_id }) => receipt_id === id)
      if (found !== undefined) return found.receipt
      before = receipts.at(-1)?.receipt_id
      if (more !== true || before === undefined) break
    }
    throw new Fail('RECEIPT_NOT_FOUND', `${id} is no receipt that waits for your signature`)
  }
}

/** A session without a socket is at no address. */
const nowhere = { address: undefined, port: undefined }
