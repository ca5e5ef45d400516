// What deals leave behind: receipts signed by both parties, ratings, standing.
import { IdentityError, signReceipt, verifyReceipt } from '../identity/index.ts'
import type { Frame, ReceiptDocument } from '../protocol/index.ts'
import { ProtocolError } from './errors.ts'
import type { ClientPort } from './port.ts'
import type { CallOptions } from './pending.ts'

/** What `client.reputation` offers. */
export class Reputation {
  readonly #port: ClientPort

  constructor(port: ClientPort) {
    this.#port = port
  }

  /** A page of this agent's receipts, newest first; the next one is `before` the last id of this. */
  receipts(
    { proposal, ...page }: { readonly proposal?: string, readonly unsigned?: true, readonly before?: string, readonly limit?: number } = {},
    options?: CallOptions,
  ): Promise<Frame<'RECEIPTS'>> {
    return this.#port.request('RECEIPTS', { ...page, ...(proposal !== undefined && { proposal_id: proposal }) }, options)
  }

  /**
   * Puts this agent's signature under a receipt. Look at what it says first; that it is whole and of this relay is checked here.
   * @throws IdentityError BAD_RECEIPT, NOT_A_PARTY; ProtocolError NO_IDENTITY; RelayError
   */
  async signReceipt(document: ReceiptDocument, options?: CallOptions): Promise<Frame<'RECEIPT_SIGNED'>> {
    const { identity, place } = this.#port
    if (identity === undefined) throw new ProtocolError('NO_IDENTITY', 'Only an agent with a key can sign')
    const relayId = place()?.relay
    const { valid, problems } = verifyReceipt(document, relayId === undefined ? {} : { relayId })
    if (!valid) throw new IdentityError('BAD_RECEIPT', `The receipt is not good: ${problems.join('; ')}`)
    return this.#port.request('RECEIPT_SIGN', { receipt_id: document.receipt_id, sig: signReceipt(identity, document.receipt) }, options)
  }

  /** Rating and standing of an agent, by default this one. */
  rating(agent?: string, options?: CallOptions): Promise<Frame<'RATING'>> {
    return this.#port.request('RATING', agent === undefined ? {} : { agent }, options)
  }

  /** The best agents, by standing (the default) or by rating; `limit` ≤ 100. */
  leaderboard(
    query: { readonly by?: 'standing' | 'rating', readonly limit?: number } = {},
    options?: CallOptions,
  ): Promise<Frame<'LEADERBOARD'>> {
    return this.#port.request('LEADERBOARD', query, options)
  }
}
