// What the fake chain knows, and what each message does to it: money, deployments, bids, leases, escrow settled by the block,
// minting by the epoch.
import { allOf, bytesOf, coinOf, numberOf, textOf, fieldsOf } from './akash-wire.ts'

export const one = 10n ** 18n

export interface FakeProvider {
  readonly address: string
  hostUri: string
  /** uact per block, decimal; undefined: it does not bid */
  readonly price?: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly auditors?: readonly string[]
  /** PEM, as it stands on the chain */
  cert: string
}

export interface BidKey {
  owner: string
  dseq: string
  gseq: number
  oseq: number
  provider: string
  bseq: number
}
export interface BidRow {
  id: BidKey
  state: 'open' | 'active' | 'lost' | 'closed'
  price: bigint
}
export interface LeaseRow {
  id: BidKey
  state: 'active' | 'insufficient_funds' | 'closed'
  price: bigint
  reason: string
}
export interface DeploymentRow {
  owner: string
  dseq: string
  state: 'active' | 'closed'
  hash: string
  maxPrice: bigint
  bidsAt: number
  attributes: Record<string, string>
  auditors: string[]
  /** 10^18 units of uact */
  funds: bigint
  transferred: bigint
  deposited: bigint
  settledAt: number
  escrow: 'open' | 'closed' | 'overdrawn'
}
export interface MintRow {
  owner: string
  uakt: bigint
  height: number
  status: 'pending' | 'executed' | 'canceled'
  reason: string
}

export interface LedgerState {
  balances: Record<string, { uakt: bigint, uact: bigint }>
  deployments: DeploymentRow[]
  bids: BidRow[]
  leases: LeaseRow[]
  mints: MintRow[]
}

export interface Rules {
  minDepositUact: bigint
  minMintUact: bigint
  mintsAllowed: boolean
  /** Dollars for an AKT, times 10^18 */
  aktPrice: bigint
  epochBlocks: number
  bidDelayBlocks: number
}

/** How the chain names what it refuses. */
export class Refusal extends Error {
  readonly codespace: string
  readonly code: number

  constructor(codespace: string, code: number, message: string) {
    super(message)
    this.codespace = codespace
    this.code = code
  }
}

export class Ledger {
  state: LedgerState = { balances: {}, deployments: [], bids: [], leases: [], mints: [] }
  readonly rules: Rules = {
    minDepositUact: 500_000n,
    minMintUact: 10_000_000n,
    mintsAllowed: true,
    aktPrice: one / 2n,
    epochBlocks: 10,
    bidDelayBlocks: 2,
  }
  readonly providers: FakeProvider[] = []

  balance(address: string): { uakt: bigint, uact: bigint } {
    return this.state.balances[address] ??= { uakt: 0n, uact: 0n }
  }

  take(address: string, denom: 'uakt' | 'uact', amount: bigint): void {
    const balance = this.balance(address)
    if (balance[denom] < amount)
      throw new Refusal('sdk', 5, `spendable balance ${balance[denom]}${denom} is smaller than ${amount}${denom}: insufficient funds`)
    balance[denom] -= amount
  }

  deployment(owner: string, dseq: string): DeploymentRow | undefined {
    return this.state.deployments.find(row => row.owner === owner && row.dseq === dseq)
  }

  /** Runs one message of `signer`; throws Refusal and is then rolled back by the caller. */
  run(typeUrl: string, value: Buffer, signer: string, height: number): void {
    const handler = this.#handlers[typeUrl]
    if (handler === undefined) throw new Refusal('sdk', 6, `unable to resolve type URL ${typeUrl}: unknown message`)
    handler(value, signer, height)
  }

  /** What happens between two blocks: bids come in, escrow is paid out, minting is done. */
  endBlock(height: number): void {
    for (const row of this.state.deployments) {
      if (row.state !== 'active') continue
      if (row.bidsAt === height) this.#bid(row)
      for (
        const lease of this.state.leases.filter(({ id, state }) => id.owner === row.owner && id.dseq === row.dseq && state === 'active')
      ) {
        if (row.funds < lease.price) {
          Object.assign(row, { state: 'closed', escrow: 'overdrawn' })
          lease.state = 'insufficient_funds'
        } else {
          row.funds -= lease.price
          row.transferred += lease.price
        }
      }
      row.settledAt = height
    }
    if (height % this.rules.epochBlocks === 0) { for (const mint of this.state.mints) if (mint.status === 'pending') this.#mint(mint) }
  }

  #bid(row: DeploymentRow): void {
    for (const { address, price, attributes = {}, auditors = [] } of this.providers) {
      if (price === undefined) continue
      const units = BigInt(Math.round(Number(price) * 1e6)) * 10n ** 12n
      const fits = units <= row.maxPrice && Object.entries(row.attributes).every(([key, value]) => attributes[key] === value)
        && (row.auditors.length === 0 || row.auditors.some(auditor => auditors.includes(auditor)))
      if (fits)
        this.state.bids.push({
          id: { owner: row.owner, dseq: row.dseq, gseq: 1, oseq: 1, provider: address, bseq: 1 },
          state: 'open',
          price: units,
        })
    }
  }

  #mint(mint: MintRow): void {
    const uact = mint.uakt * this.rules.aktPrice / one
    if (!this.rules.mintsAllowed || uact < this.rules.minMintUact) {
      mint.status = 'canceled'
      mint.reason = this.rules.mintsAllowed ? 'minimum_mint' : 'halted'
      this.balance(mint.owner).uakt += mint.uakt
    } else {
      mint.status = 'executed'
      this.balance(mint.owner).uact += uact * 9_975n / 10_000n
    }
  }

  #deposit(bytes: Buffer): bigint {
    const { denom, amount } = coinOf(bytesOf(bytes, 1))
    const sources = fieldsOf(bytes).filter(({ no }) => no === 5).flatMap(({ value }) =>
      typeof value === 'bigint' ? [Number(value)] : [...value]
    )
    if (denom !== 'uact') throw new Refusal('deployment', 20, `invalid deposit denom ${denom}: invalid deposit`)
    if (sources.length === 0 || sources.some(source => source !== 1)) throw new Refusal('deployment', 20, 'empty deposit sources')
    return amount
  }

  readonly #handlers: Readonly<Record<string, (value: Buffer, signer: string, height: number) => void>> = {
    '/akash.bme.v1.MsgMintACT': (value, signer, height) => {
      const { denom, amount } = coinOf(bytesOf(value, 3))
      own(textOf(value, 1), signer)
      if (textOf(value, 2) !== signer) throw new Refusal('bme', 2, 'to must be the owner')
      if (denom !== 'uakt') throw new Refusal('bme', 3, `invalid denom ${denom}`)
      if (!this.rules.mintsAllowed) throw new Refusal('bme', 4, 'mints are halted: circuit breaker active')
      this.take(signer, 'uakt', amount)
      this.state.mints.push({ owner: signer, uakt: amount, height, status: 'pending', reason: '' })
    },
    '/akash.deployment.v1beta4.MsgCreateDeployment': (value, signer, height) => {
      const [id, hash, groups] = [bytesOf(value, 1), bytesOf(value, 3), allOf(value, 2)]
      const [owner, dseq] = [textOf(id, 1), String(numberOf(id, 2))]
      own(owner, signer)
      if (this.deployment(owner, dseq) !== undefined) throw new Refusal('deployment', 3, 'Deployment exists')
      if (hash.length !== 32) throw new Refusal('deployment', 10, 'Invalid: deployment hash')
      if (groups.length !== 1) throw new Refusal('deployment', 11, 'one group expected')
      const deposit = this.#deposit(bytesOf(value, 4))
      if (deposit < this.rules.minDepositUact)
        throw new Refusal('deployment', 20, `Deposit invalid: ${deposit}uact is below ${this.rules.minDepositUact}uact`)
      const [group] = groups as [Buffer]
      const prices = allOf(group, 3).map(unit => ({ denom: textOf(bytesOf(unit, 3), 1), amount: BigInt(textOf(bytesOf(unit, 3), 2)) }))
      if (prices.length === 0 || prices.some(({ denom }) => denom !== 'uact')) throw new Refusal('deployment', 24, 'Invalid price denom')
      const requirements = bytesOf(group, 2)
      const attributes = Object.fromEntries(allOf(requirements, 2).map(attribute => [textOf(attribute, 1), textOf(attribute, 2)]))
      this.take(owner, 'uact', deposit)
      this.state.deployments.push({
        owner,
        dseq,
        state: 'active',
        hash: hash.toString('hex'),
        maxPrice: prices[0]!.amount,
        bidsAt: height + this.rules.bidDelayBlocks,
        attributes,
        auditors: allOf(bytesOf(requirements, 1), 2).map(String),
        funds: deposit * one,
        transferred: 0n,
        deposited: deposit,
        settledAt: height,
        escrow: 'open',
      })
    },
    '/akash.deployment.v1beta4.MsgUpdateDeployment': (value, signer) => {
      const row = this.#active(bytesOf(value, 1), signer)
      const hash = bytesOf(value, 3)
      if (hash.length !== 32) throw new Refusal('deployment', 10, 'Invalid: deployment hash')
      if (hash.toString('hex') === row.hash) throw new Refusal('deployment', 10, 'Invalid: deployment hash is the same')
      row.hash = hash.toString('hex')
    },
    '/akash.deployment.v1beta4.MsgCloseDeployment': (value, signer) => {
      const row = this.#active(bytesOf(value, 1), signer)
      const refund = row.funds / one
      Object.assign(row, { state: 'closed', escrow: 'closed', funds: 0n })
      this.balance(row.owner).uact += refund
      for (const entry of [...this.state.bids, ...this.state.leases])
        if (entry.id.owner === row.owner && entry.id.dseq === row.dseq && entry.state !== 'lost') entry.state = 'closed'
    },
    '/akash.market.v1beta5.MsgCreateLease': (value, signer) => {
      const id = bytesOf(value, 1)
      const key: BidKey = {
        owner: textOf(id, 1),
        dseq: String(numberOf(id, 2)),
        gseq: Number(numberOf(id, 3)),
        oseq: Number(numberOf(id, 4)),
        provider: textOf(id, 5),
        bseq: Number(numberOf(id, 6)),
      }
      own(key.owner, signer)
      const bids = this.state.bids.filter(({ id: { owner, dseq } }) => owner === key.owner && dseq === key.dseq)
      const bid = bids.find(({ id: { provider, gseq, oseq, bseq } }) =>
        provider === key.provider && gseq === key.gseq && oseq === key.oseq && bseq === key.bseq
      )
      if (bid === undefined) throw new Refusal('market', 4, 'unknown bid')
      if (bid.state !== 'open') throw new Refusal('market', 7, 'bid not open')
      for (const other of bids) if (other.state === 'open') other.state = 'lost'
      bid.state = 'active'
      this.state.leases.push({ id: key, state: 'active', price: bid.price, reason: '' })
    },
    '/akash.escrow.v1.MsgAccountDeposit': (value, signer) => {
      own(textOf(value, 1), signer)
      const account = bytesOf(value, 2)
      const [owner, dseq] = textOf(account, 2).split('/') as [string, string]
      const row = this.deployment(owner, dseq)
      if (numberOf(account, 1) !== 1n || row === undefined) throw new Refusal('escrow', 2, 'account not found')
      if (row.escrow !== 'open') throw new Refusal('escrow', 3, 'account closed')
      const amount = this.#deposit(bytesOf(value, 3))
      this.take(signer, 'uact', amount)
      row.funds += amount * one
      row.deposited += amount
    },
  }

  #active(id: Buffer, signer: string): DeploymentRow {
    own(textOf(id, 1), signer)
    const row = this.deployment(textOf(id, 1), String(numberOf(id, 2)))
    if (row === undefined) throw new Refusal('deployment', 4, 'Deployment not found')
    if (row.state !== 'active') throw new Refusal('deployment', 5, 'Deployment closed')
    return row
  }
}

const own = (owner: string, signer: string): void => {
  if (owner !== signer) throw new Refusal('sdk', 4, 'unauthorized: not the signer')
}
