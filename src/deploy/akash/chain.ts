// The port to the chain: what a deployment asks of it and tells it. The network is changing; whatever comes after it is another adapter.
import { AkashError } from './failure.ts'

export interface BidId {
  readonly owner: string
  /** uint64 as text */
  readonly dseq: string
  readonly gseq: number
  readonly oseq: number
  readonly provider: string
  readonly bseq: number
}

/** `price`: uact per block, times 10^18 */
export interface Bid {
  readonly id: BidId
  readonly state: string
  readonly price: bigint
  readonly denom: string
}
export interface Lease extends Bid {
  readonly reason: string
}

/** Of a deployment and its escrow. */
export interface OnChain {
  readonly state: string
  /** hex */
  readonly hash: string
  /** uact that are left in escrow, times 10^18 */
  readonly funds: bigint
  /** uact paid so far, times 10^18 */
  readonly transferred: bigint
  /** Height up to which the above counts. */
  readonly settledAt: number
}

export interface Provider {
  readonly address: string
  readonly hostUri: string
  readonly attributes: Readonly<Record<string, string>>
}

export interface Mint {
  /** Of the transaction that asked for it. */
  readonly height: number
  readonly status: 'pending' | 'executed' | 'canceled'
  readonly reason: string
}

export interface MintTerms {
  readonly isAllowed: boolean
  /** mint_status_healthy … */
  readonly status: string
  readonly minUact: bigint
  /** Dollars for one AKT, times 10^18; undefined where the oracle has no healthy price. */
  readonly aktPrice: bigint | undefined
}

/**
 * What can be read by anyone. Each method throws AkashError('unreachable') when the node does not answer, or not as the chain
 * of today does.
 */
export interface ChainReader {
  /** `height`: that of the node which is behind, where two are asked. @throws AkashError('refused') when they are of two chains */
  status(): Promise<{ readonly chainId: string, readonly height: number, readonly isCatchingUp: boolean }>
  balance(address: string, denom: 'uakt' | 'uact'): Promise<bigint>
  minDepositUact(): Promise<bigint>
  mintTerms(): Promise<MintTerms>
  mints(owner: string): Promise<readonly Mint[]>
  deployment(owner: string, dseq: string): Promise<OnChain | undefined>
  bids(owner: string, dseq: string): Promise<readonly Bid[]>
  leases(owner: string, dseq: string): Promise<readonly Lease[]>
  provider(address: string): Promise<Provider | undefined>
  /** Valid certificates, PEM. */
  certificates(owner: string): Promise<readonly string[]>
  /** A transaction that is in a block, by its hash; undefined when it is in none yet. */
  transaction(hash: string): Promise<TxResult | undefined>
}

/** What is signed, in our words; the adapter knows the chain's. */
export type Message =
  | { readonly kind: 'mint', readonly uakt: bigint }
  | {
    readonly kind: 'create'
    readonly dseq: string
    readonly groups: readonly string[]
    readonly hash: string
    readonly depositUact: bigint
  }
  | { readonly kind: 'lease', readonly bid: BidId }
  | { readonly kind: 'deposit', readonly dseq: string, readonly uact: bigint }
  | { readonly kind: 'update', readonly dseq: string, readonly hash: string }
  | { readonly kind: 'close', readonly dseq: string }

export interface Fee {
  readonly gas: number
  readonly uakt: bigint
}

export interface SignedTx {
  /** Upper-case hex */
  readonly hash: string
  /** base64 */
  readonly bytes: string
  /** In no block above this one can it be. */
  readonly expiresAtHeight: number
}

export interface TxResult {
  readonly height: number
  /** 0 is success. */
  readonly code: number
  readonly codespace: string
  readonly log: string
}

export interface ChainWriter {
  readonly address: string
  /** What the chain says it will take, with a margin. */
  estimate(message: Message): Promise<Fee>
  sign(message: Message, fee: Fee, expiresAtHeight: number): Promise<SignedTx>
  /** Hands the transaction to a node, once or again: the same bytes never count twice. @throws TxRejected when the node does not take it */
  submit(tx: SignedTx): Promise<void>
}

/** A node did not take a transaction into its pool, or a block holds it as failed. */
export class TxRejected extends AkashError {
  override readonly name = 'TxRejected'
  readonly code: number
  readonly codespace: string

  constructor(what: string, { code, codespace, log }: Pick<TxResult, 'code' | 'codespace' | 'log'>) {
    super('refused', `${what}: ${meaning[`${codespace} ${code}`] ?? 'the chain refused it'} (${codespace} ${code}: ${log.slice(0, 500)})`,
      hints[`${codespace} ${code}`])
    this.code = code
    this.codespace = codespace
  }
}

const meaning: Readonly<Record<string, string>> = {
  'sdk 4': 'the signature is not good on this chain',
  'sdk 5': 'the account has not enough',
  'sdk 11': 'it took more gas than was paid for',
  'sdk 13': 'the fee is below what this node takes',
  'sdk 30': 'it came too late',
  'sdk 32': 'another transaction of this account came first',
  'deployment 3': 'the deployment exists already',
  'deployment 4': 'there is no such deployment',
  'deployment 5': 'the deployment is closed already',
  'deployment 20': 'the deposit is too low, or not in uact',
  'deployment 24': 'the price is not in uact',
}

const hints: Readonly<Record<string, string>> = {
  'sdk 4': 'Is the node one of this network? agentchat deploy doctor',
  'sdk 5': 'Send AKT to the wallet: agentchat deploy wallet show',
  'sdk 11': 'Try again; the estimate is made anew.',
  'sdk 13': 'Offer more: --gas-price',
  'sdk 32': 'Is the wallet used elsewhere at the same time? Try again.',
  'deployment 20': "Deposit more: --deposit; the chain's minimum is shown by agentchat deploy doctor.",
}
