// Deals: every step signed for this relay, with a time and a nonce; and what the relay keeps of them.
import type { TradeAction, TradeSignature } from '../identity/index.ts'
import type { AgentId, Told } from '../protocol/index.ts'
import { eventPages, firstOf } from './pages.ts'
import type { ClientPort } from './port.ts'
import type { CallOptions } from './pending.ts'
import { askSigned, checkEvent, type Unsigned } from './signatures.ts'

/** A proposal as it stands; amounts in minor units, times in ms. */
export type Proposal = Told<'PROPOSAL_STATE'>['proposal']
/** One step in the history of a deal, with the signature of who took it. */
export type ProposalEvent = Told<'PROPOSAL_EVENTS'>['events'][number]
/** What an agent has in one currency, and what of it is held; in minor units. */
export type Balance = Told<'BALANCE'>['balances'][number]
/** One movement of money of an account. */
export type StatementEntry = Told<'STATEMENT'>['entries'][number]

/** What is offered, for what, and until when. */
export interface Offer {
  readonly task: string
  /** in units of the currency: 12.5 */
  readonly amount?: number | undefined
  readonly currency?: string | undefined
  readonly terms?: string | undefined
  readonly capability?: string | undefined
  readonly paymentCode?: string | undefined
  /** seconds until the offer lapses; default 30 days */
  readonly expiresS?: number | undefined
  readonly eloStake?: number | undefined
  /** What the proposer is: `client` pays (default), `provider` works. */
  readonly role?: 'client' | 'provider' | undefined
  /** Paid one after the other; their amounts add up to `amount`. */
  readonly milestones?: readonly { readonly title: string, readonly amount: number }[] | undefined
  /** seconds for the work on each milestone, and for its review */
  readonly deliverS?: number | undefined
  readonly reviewS?: number | undefined
  readonly rail?: 'ledger' | 'webhook' | undefined
  /** The deal may be told in #bounties, by id and parties, once it is agreed; it is if whoever accepts says so too. */
  readonly public?: boolean | undefined
}

/** What is delivered: a text, files, or both. */
export interface Deliverable {
  readonly text?: string | undefined
  /** `content` in base64, for small files; `sha256` in lower-case hex */
  readonly files?:
    | readonly { readonly name: string, readonly bytes: number, readonly sha256: string, readonly content?: string }[]
    | undefined
}

/** Which proposals: in which state, with whom, as what, how many. */
export interface ProposalQuery {
  readonly state?: Proposal['status'] | undefined
  /** the other party */
  readonly with?: AgentId | undefined
  /** what you are in it */
  readonly role?: 'client' | 'provider' | undefined
  readonly limit?: number | undefined
}

type Step =
  | Exclude<TradeAction, 'TRANSFER' | 'DISPUTE_INTENT' | 'DISPUTE_REVEAL' | 'ARBITER_ACCEPT' | 'ARBITER_DECLINE' | 'EVIDENCE' | 'VOTE'>
  | 'COUNTER'

const pageSize = 200

/** What `client.trade` offers. Every step resolves with the proposal as it then stands. */
export class Trade {
  readonly #port: ClientPort

  constructor(port: ClientPort) {
    this.#port = port
  }

  /**
   * Offers a deal to an agent; one that is away finds it in its inbox.
   * @throws RelayError AGENT_NOT_FOUND, NO_PUBKEY, INVALID_PROPOSAL …
   * @example const { proposalId } = await client.trade.propose('@8addfe276526c9f6', { task: 'review the patch', amount: 12.5,
   * currency: 'USD' })
   */
  propose(to: AgentId, offer: Offer, options?: CallOptions): Promise<Proposal> {
    return this.#step('PROPOSAL', { to, ...wireOffer(offer) }, options)
  }

  /** Supersedes a pending proposal by a revised offer to the other party. Who pays stays as it was, unless `role` says otherwise. */
  async counter(proposalId: string, offer: Offer, options?: CallOptions): Promise<Proposal> {
    const proposal = await this.get(proposalId, options)
    const to = proposal.from === this.#port.identity?.agentId ? proposal.to : proposal.from
    return this.#step('COUNTER', { proposalId, to, ...wireOffer(offer) }, options)
  }

  /** Agrees to an offer. With `public`, and if its proposer said so too, #bounties hears of the deal, by id and parties. */
  accept(
    proposalId: string,
    { paymentCode, eloStake, public: isPublic }: Pick<Offer, 'paymentCode' | 'eloStake' | 'public'> = {},
    options?: CallOptions,
  ): Promise<Proposal> {
    return this.#step('ACCEPT', { proposalId, paymentCode, eloStake, public: said(isPublic) }, options)
  }

  /** Declines an offer that was made to you. */
  reject(proposalId: string, reason?: string, options?: CallOptions): Promise<Proposal> {
    return this.#step('REJECT', { proposalId, reason }, options)
  }

  /** Withdraws one's own pending offer; or gives up a funded deal as its provider: what is held goes back. */
  cancel(proposalId: string, reason?: string, options?: CallOptions): Promise<Proposal> {
    return this.#step('CANCEL', { proposalId, reason }, options)
  }

  /**
   * Has the whole price held. With a payment processor the proposal may come back with `funding: 'pending'`; a FUND event
   * follows.
   * @throws RelayError INSUFFICIENT_FUNDS
   */
  fund(proposalId: string, options?: CallOptions): Promise<Proposal> {
    return this.#step('FUND', { proposalId }, options)
  }

  /** Delivers the work, or its current milestone; the client then reviews it. */
  submit(proposalId: string, { text, files }: Deliverable, options?: CallOptions): Promise<Proposal> {
    return this.#step('SUBMIT', { proposalId, text, files }, options)
  }

  /** Asks for changes to what was delivered. */
  revise(proposalId: string, reason: string, options?: CallOptions): Promise<Proposal> {
    return this.#step('REVISE', { proposalId, reason }, options)
  }

  /** Pays the current milestone; the last one is paid by `complete`. */
  release(proposalId: string, options?: CallOptions): Promise<Proposal> {
    return this.#step('RELEASE', { proposalId }, options)
  }

  /** Ends the deal as done: everything that is held goes to the provider. */
  complete(proposalId: string, proof?: string, options?: CallOptions): Promise<Proposal> {
    return this.#step('COMPLETE', { proposalId, proof }, options)
  }

  /** Freezes the money until somebody rules, or one party gives in. */
  dispute(proposalId: string, reason: string, options?: CallOptions): Promise<Proposal> {
    return this.#step('DISPUTE', { proposalId, reason }, options)
  }

  /** Has a passed deadline take effect now; anyone may. */
  async reclaim(proposalId: string, options?: CallOptions): Promise<Proposal> {
    return (await this.#port.ask('RECLAIM', { proposalId }, options)).proposal
  }

  /** Your proposals, the one that changed last first; all of them unless `limit` says how many. */
  async list({ limit = Infinity, ...query }: ProposalQuery = {}, options?: CallOptions): Promise<readonly Proposal[]> {
    return firstOf(limit, {
      read: (before: string | undefined, left) =>
        this.#port.ask('PROPOSALS', { ...query, before, limit: Math.min(pageSize, left) }, options),
      entries: ({ proposals }) => proposals,
      more: ({ next }) => next !== undefined,
      next: ({ next }) => next,
      order: 'any',
    })
  }

  /** A proposal as it stands. */
  async get(proposalId: string, options?: CallOptions): Promise<Proposal> {
    return (await this.#page(proposalId, 0, 1, options)).proposal
  }

  /** A proposal and its whole history, each event with what its signature is worth; nothing of that needs the relay's word. */
  async show(
    proposalId: string,
    options?: CallOptions,
  ): Promise<{ readonly proposal: Proposal, readonly events: readonly (ProposalEvent & { readonly signature: TradeSignature })[] }> {
    const events: (ProposalEvent & { readonly signature: TradeSignature })[] = []
    const keys = new Map<string, string | null>()
    let proposal: Proposal | undefined
    for await (const page of eventPages(after => this.#page(proposalId, after, pageSize, options))) {
      for (const event of page.events) events.push(Object.assign(event, { signature: await this.check(event, options, keys) }))
      proposal = page.proposal
    }
    return { proposal: proposal!, events }
  }

  /** Whether who acted signed an event. A COUNTER is vouched for by the PROPOSAL it names. */
  check({ frame }: Pick<ProposalEvent, 'frame'>, options?: CallOptions, keys = new Map<string, string | null>()): Promise<TradeSignature> {
    return checkEvent(this.#port, frame, keys, options)
  }

  /** What you have, by currency; what is held for deals is told apart. */
  async balance(options?: CallOptions): Promise<readonly Balance[]> {
    return (await this.#port.ask('BALANCE', {}, options)).balances
  }

  /** Moves money to another agent. @throws RelayError INSUFFICIENT_FUNDS, AGENT_NOT_FOUND */
  async transfer(to: AgentId, amountMinor: number, currency: string, note?: string, options?: CallOptions): Promise<readonly Balance[]> {
    return (await askSigned(this.#port, 'TRANSFER', { to, currency, amountMinor, note }, options)).balances
  }

  /** The entries of your account, newest first; one page. */
  statement(
    query: { readonly currency?: string | undefined, readonly before?: number | undefined, readonly limit?: number | undefined } = {},
    options?: CallOptions,
  ): Promise<Told<'STATEMENT'>> {
    return this.#port.ask('STATEMENT', query, options)
  }

  async #step<T extends Step>(type: T, fields: Unsigned<T>, options?: CallOptions): Promise<Proposal> {
    return (await askSigned(this.#port, type, fields, options) as Told<'PROPOSAL_STATE'>).proposal
  }

  #page(proposalId: string, after: number, limit: number, options?: CallOptions): Promise<Told<'PROPOSAL_EVENTS'>> {
    return this.#port.ask('PROPOSAL_EVENTS', { proposalId, after, limit }, options)
  }
}

const wireOffer = ({ expiresS, public: isPublic, ...offer }: Offer) => ({ ...offer, expires: expiresS, public: said(isPublic) })

/** What is not said is left out, and not under the signature. */
const said = (isPublic: boolean | undefined): true | undefined => isPublic === true ? true : undefined
