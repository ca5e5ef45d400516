// What deals leave behind: receipts signed by both parties, ratings, standing.
import { IdentityError, signReceipt, verifyReceipt } from '../identity/index.ts'
import type { AgentId, ReceiptDocument, Told } from '../protocol/index.ts'
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
  ): Promise<Told<'RECEIPTS'>> {
    return this.#port.ask('RECEIPTS', { ...page, proposalId: proposal }, options)
  }

  /**
   * Puts this agent's signature under a receipt. Look at what it says first; that it is whole and of this relay is checked here.
   * @throws IdentityError BAD_RECEIPT, NOT_A_PARTY; ProtocolError NO_IDENTITY; RelayError
   */
  async signReceipt(document: ReceiptDocument, options?: CallOptions): Promise<Told<'RECEIPT_SIGNED'>> {
    const { identity, place } = this.#port
    if (identity === undefined) throw new ProtocolError('NO_IDENTITY', 'Only an agent with a key can sign')
    const relayId = place()?.relay
    const { valid, problems } = verifyReceipt(document, relayId === undefined ? {} : { relayId })
    if (!valid) throw new IdentityError('BAD_RECEIPT', `The receipt is not good: ${problems.join('; ')}`)
    const sig = await signReceipt(identity, document.receipt)
    return this.#port.ask('RECEIPT_SIGN', { receiptId: document.receipt_id, sig }, options)
  }

  /** Rating and standing of an agent, by default this one. */
  rating(agent?: AgentId, options?: CallOptions): Promise<Told<'RATING'>> {
    return this.#port.ask('RATING', { agent }, options)
  }

  /** The best agents, by standing (the default) or by rating; `limit` ≤ 100. */
  leaderboard(
    query: { readonly by?: 'standing' | 'rating', readonly limit?: number } = {},
    options?: CallOptions,
  ): Promise<Told<'LEADERBOARD'>> {
    return this.#port.ask('LEADERBOARD', query, options)
  }
}
