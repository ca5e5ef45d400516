// A chain for tests: CometBFT's JSON-RPC and Akash's REST on one loopback port, over the ledger. Blocks come by themselves;
// transactions are checked as a node checks them.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bytesOf, decodeTx, encoded, isSignedFor, textOf, type WireTx } from './akash-wire.ts'
import { Ledger, one, Refusal, type BidRow, type LeaseRow } from './akash-ledger.ts'

export interface Asked {
  /** JSON-RPC method; for abci_query with its path */
  readonly rpc?: string
  readonly rest?: string
}

/** What a test lets happen to a request: no answer, an answer lost after the work was done, or another answer. */
export type Fault = 'drop' | 'lose' | { readonly status: number, readonly body: object } | undefined

interface Included {
  readonly tx: WireTx
  readonly height: number
  readonly code: number
  readonly codespace: string
  readonly log: string
}

const gasUsed = 120_000n
const minGasPrice = 25n * 10n ** 14n
const blockMs = 15

export class FakeChain implements AsyncDisposable {
  readonly ledger = new Ledger()
  chainId = 'sandbox-2'
  /** REST is of a node that is so many blocks behind the one of RPC, or of another chain. */
  restLag = 0
  restChainId: string | undefined
  height = 1_000
  /** No block comes by itself while this is set. */
  isHalted = false
  fault: (asked: Asked) => Fault = () => undefined
  /** Called when a transaction has been put into a block. */
  onIncluded: (tx: WireTx, code: number) => void = () => undefined
  /** Every transaction in a block, in order. */
  readonly included: Included[] = []
  /** How many broadcasts were asked for, with how many different transactions. */
  readonly broadcasts: string[] = []
  readonly accounts = new Map<string, { readonly number: bigint, sequence: bigint, pubkey: Buffer | undefined }>()
  #pool: WireTx[] = []
  readonly #server: Server
  readonly #timer: NodeJS.Timeout

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response))
    this.#timer = setInterval(() => {
      if (!this.isHalted) this.#block()
    }, blockMs)
  }

  static async start(): Promise<FakeChain> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FakeChain(server)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  fund(address: string, uakt: bigint, uact = 0n): void {
    this.accounts.set(address, this.accounts.get(address) ?? { number: BigInt(this.accounts.size + 7), sequence: 0n, pubkey: undefined })
    const balance = this.ledger.balance(address)
    balance.uakt += uakt
    balance.uact += uact
  }

  /** Messages that came to something, by their short name. */
  get done(): readonly string[] {
    return this.included.filter(({ code }) => code === 0).flatMap(({ tx }) => tx.messages.map(({ typeUrl }) => typeUrl.split('.').at(-1)!))
  }

  /** So many blocks, now. */
  mine(blocks: number): void {
    for (let block = 0; block < blocks; block++) this.#block()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #block(): void {
    this.height++
    for (const tx of this.#pool.splice(0)) {
      const refusal = this.#ante(tx, 0n)
      // What fails its checks in the block is not in it at all.
      if (refusal !== undefined) continue
      const account = this.accounts.get(tx.signer)!
      account.sequence++
      account.pubkey = tx.pubkey
      this.ledger.take(tx.signer, 'uakt', tx.feeUakt)
      const result = this.#run(tx, this.height)
      this.included.push({ tx, height: this.height, ...result })
      this.onIncluded(tx, result.code)
    }
    this.ledger.endBlock(this.height)
  }

  /** All messages or none; the fee is gone either way. */
  #run(tx: WireTx, height: number): Omit<Included, 'tx' | 'height'> {
    const before = structuredClone(this.ledger.state)
    try {
      if (tx.gas > 0n && tx.gas < gasUsed)
        throw new Refusal('sdk', 11, `out of gas in location: WriteFlat; gasWanted: ${tx.gas}, gasUsed: ${gasUsed}: out of gas`)
      for (const { typeUrl, value } of tx.messages) this.ledger.run(typeUrl, value, tx.signer, height)
      return { code: 0, codespace: '', log: '' }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.ledger.state = before
      return { code: error.code, codespace: error.codespace, log: `failed to execute message; message index: 0: ${error.message}` }
    }
  }

  /** What a node checks before a transaction may enter; `waiting`: how many of the account are in the pool. */
  #ante(tx: WireTx, waiting: bigint): Refusal | undefined {
    const account = this.accounts.get(tx.signer)
    if (account === undefined) return new Refusal('sdk', 9, `account ${tx.signer} does not exist: unknown address`)
    if (tx.timeoutHeight > 0n && BigInt(this.height) > tx.timeoutHeight)
      return new Refusal('sdk', 30, `block height: ${this.height}, timeout height: ${tx.timeoutHeight}: tx timeout height`)
    if (tx.feeUakt * one < tx.gas * minGasPrice)
      return new Refusal('sdk', 13,
        `insufficient fees; got: ${tx.feeUakt}uakt required: ${tx.gas * minGasPrice / one}uakt: insufficient fee`)
    if (this.ledger.balance(tx.signer).uakt < tx.feeUakt) return new Refusal('sdk', 5, 'insufficient funds for the fee')
    if (tx.sequence !== account.sequence + waiting)
      return new Refusal('sdk', 32,
        `account sequence mismatch, expected ${account.sequence + waiting}, got ${tx.sequence}: incorrect account sequence`)
    if (!isSignedFor(tx, this.chainId, account.number))
      return new Refusal('sdk', 4,
        `signature verification failed; please verify account number (${account.number}) and chain-id (${this.chainId}): unauthorized`)
    return undefined
  }

  #broadcast(bytes: Buffer): Omit<Included, 'tx' | 'height'> & { readonly hash: string } {
    const tx = decodeTx(bytes)
    this.broadcasts.push(tx.hash)
    const known = this.#pool.some(({ hash }) => hash === tx.hash)
    const refusal = known
      ? new Refusal('sdk', 19, 'tx already in mempool')
      : this.#ante(tx, BigInt(this.#pool.filter(({ signer }) => signer === tx.signer).length))
    if (refusal !== undefined) return { code: refusal.code, codespace: refusal.codespace, log: refusal.message, hash: tx.hash }
    this.#pool.push(tx)
    return { code: 0, codespace: '', log: '', hash: tx.hash }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url!, this.url)
    const call = request.method === 'POST' && url.pathname === '/'
      ? JSON.parse(Buffer.concat(chunks).toString('utf8')) as { id: unknown, method: string, params: Record<string, string> }
      : undefined
    const fault = this.fault(
      call === undefined
        ? { rest: url.pathname }
        : { rpc: call.method === 'abci_query' ? `abci_query ${call.params['path']}` : call.method },
    )
    if (fault === 'drop') return void request.socket.destroy()
    const { status, body } = typeof fault === 'object'
      ? fault
      : call === undefined
      ? this.#rest(url)
      : { status: 200, body: this.#rpc(call) }
    if (fault === 'lose') return void request.socket.destroy()
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  #rpc({ id, method, params }: { readonly id: unknown, readonly method: string, readonly params: Record<string, string> }): object {
    const answer = (result: object) => ({ jsonrpc: '2.0', id, result })
    switch (method) {
      case 'status':
        return answer({
          node_info: {
            id: '00',
            network: this.chainId,
            version: '0.38.21',
            listen_addr: 'tcp://0.0.0.0:26656',
            channels: '40',
            moniker: 'fake',
            protocol_version: { p2p: '8', block: '11', app: '0' },
            other: {},
          },
          sync_info: {
            latest_block_hash: '00'.repeat(32),
            latest_app_hash: '00'.repeat(32),
            latest_block_height: String(this.height),
            latest_block_time: '2026-01-01T00:00:00Z',
            catching_up: false,
            earliest_block_hash: '00'.repeat(32),
            earliest_app_hash: '00'.repeat(32),
            earliest_block_height: '1',
            earliest_block_time: '2026-01-01T00:00:00Z',
          },
          validator_info: {
            address: '00'.repeat(20),
            pub_key: { type: 'tendermint/PubKeyEd25519', value: Buffer.alloc(32).toString('base64') },
            voting_power: '1',
          },
        })
      case 'abci_query': {
        const { code, log, value } = this.#abci(params['path']!, Buffer.from(params['data']!, 'hex'))
        return answer({
          response: {
            code,
            codespace: code === 0 ? '' : 'sdk',
            log,
            info: '',
            index: '0',
            key: null,
            value: value.toString('base64'),
            proofOps: null,
            height: String(this.height),
          },
        })
      }
      case 'broadcast_tx_sync': {
        const { code, codespace, log, hash } = this.#broadcast(Buffer.from(params['tx']!, 'base64'))
        return answer({ code, codespace, log, data: '', hash })
      }
      default:
        return { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found', data: method } }
    }
  }

  #abci(path: string, data: Buffer): { readonly code: number, readonly log: string, readonly value: Buffer } {
    if (path === '/cosmos.auth.v1beta1.Query/Account') {
      const address = textOf(data, 1)
      const account = this.accounts.get(address)
      if (account === undefined)
        return { code: 22, log: `rpc error: code = NotFound desc = account ${address} not found: key not found`, value: Buffer.alloc(0) }
      const key: readonly (readonly [number, Buffer])[] = account.pubkey === undefined
        ? []
        : [[2, encoded([1, '/cosmos.crypto.secp256k1.PubKey'], [2, encoded([1, account.pubkey])])]]
      return {
        code: 0,
        log: '',
        value: encoded([
          1,
          encoded([1, '/cosmos.auth.v1beta1.BaseAccount'], [2, encoded([1, address], ...key, [3, account.number], [4, account.sequence])]),
        ]),
      }
    }
    if (path === '/cosmos.tx.v1beta1.Service/Simulate') {
      // Signature and fee are not looked at; the messages run, and are undone.
      const bytes = bytesOf(data, 2)
      const tx = { ...decodeTx(bytes), gas: 0n }
      const before = structuredClone(this.ledger.state)
      const { code, log } = this.#run(tx, this.height)
      this.ledger.state = before
      return code === 0 ? { code: 0, log: '', value: encoded([1, encoded([2, gasUsed])]) } : { code, log, value: Buffer.alloc(0) }
    }
    return { code: 6, log: `unknown query path ${path}: unknown request`, value: Buffer.alloc(0) }
  }

  #rest({ pathname, searchParams }: URL): { readonly status: number, readonly body: object } {
    const ok = (body: object) => ({ status: 200, body })
    const none = (message: string) => ({ status: 404, body: { code: 5, message, details: [] } })
    const { rules, state, providers } = this.ledger
    const owned = <R extends { readonly id: { readonly owner: string, readonly dseq: string } }>(rows: readonly R[]) =>
      rows.filter(({ id }) => id.owner === searchParams.get('filters.owner') && id.dseq === searchParams.get('filters.dseq'))
    const offer = ({ id, state, price }: BidRow | LeaseRow) => ({
      id,
      state,
      price: { denom: 'uact', amount: decimal(price) },
      created_at: String(this.height),
    })
    const tail = pathname.split('/').at(-1)!
    switch (pathname.replace(/\/akash1\w+/, '/ADDRESS').replace(/\/[0-9A-F]{64}$/, '/HASH').replace(/\/uakt$/, '/DENOM')) {
      case '/akash/deployment/v1beta4/params':
        return ok({
          params: { min_deposits: [{ denom: 'uakt', amount: '500000' }, { denom: 'uact', amount: String(rules.minDepositUact) }] },
        })
      case '/akash/bme/v1/status':
        return ok({
          status: rules.mintsAllowed ? 'mint_status_healthy' : 'mint_status_halt_cr',
          collateral_ratio: '1.100000000000000000',
          mints_allowed: rules.mintsAllowed,
          refunds_allowed: true,
        })
      case '/akash/bme/v1/params':
        return ok({
          params: {
            min_epoch_blocks: String(rules.epochBlocks),
            mint_spread_bps: 25,
            min_mint: [{ denom: 'uact', amount: String(rules.minMintUact) }],
          },
        })
      case '/akash/oracle/v2/aggregated_price/DENOM':
        return ok({
          aggregated_price: { denom: tail, median_price: decimal(rules.aktPrice) },
          price_health: { denom: tail, is_healthy: true },
        })
      case '/akash/bme/v1/ledger':
        return ok({
          records: state.mints.filter(({ owner }) => owner === searchParams.get('filters.source')).map((
            { owner, height, status, reason },
            index,
          ) => ({
            id: { denom: 'uakt', to_denom: 'uact', source: owner, height: String(height), sequence: String(index) },
            status: `ledger_record_status_${status}`,
            ...(status === 'canceled' && { canceled_record: { owner, cancel_reason: reason } }),
          })),
        })
      case '/cosmos/base/tendermint/v1beta1/blocks/latest':
        return ok({
          block_id: {},
          block: { header: { chain_id: this.restChainId ?? this.chainId, height: String(this.height - this.restLag) } },
        })
      case '/cosmos/bank/v1beta1/balances/ADDRESS/by_denom': {
        const denom = searchParams.get('denom') as 'uakt' | 'uact'
        return ok({ balance: { denom, amount: String(state.balances[pathname.split('/')[5]!]?.[denom] ?? 0n) } })
      }
      case '/akash/deployment/v1beta4/deployments/info': {
        const row = this.ledger.deployment(searchParams.get('id.owner')!, searchParams.get('id.dseq')!)
        if (row === undefined) return none('deployment not found')
        return ok({
          deployment: {
            id: { owner: row.owner, dseq: row.dseq },
            state: row.state,
            hash: Buffer.from(row.hash, 'hex').toString('base64'),
            created_at: '1',
          },
          groups: [],
          escrow_account: {
            state: {
              owner: row.owner,
              state: row.escrow,
              settled_at: String(row.settledAt),
              funds: [{ denom: 'uact', amount: decimal(row.funds) }],
              transferred: [{ denom: 'uact', amount: decimal(row.transferred) }],
            },
          },
        })
      }
      case '/akash/market/v1beta5/bids/list':
        return ok({ bids: owned(state.bids).map(bid => ({ bid: offer(bid), escrow_account: {} })) })
      case '/akash/market/v1beta5/leases/list':
        return ok({
          leases: owned(state.leases).map(lease => ({
            lease: { ...offer(lease), closed_on: '0', reason: lease.reason },
            escrow_payment: {},
          })),
        })
      case '/akash/provider/v1beta4/providers/ADDRESS': {
        const found = providers.find(({ address }) => address === tail)
        return found === undefined
          ? none('provider not found')
          : ok({
            provider: {
              owner: found.address,
              host_uri: found.hostUri,
              attributes: Object.entries(found.attributes ?? {}).map(([key, value]) => ({ key, value })),
              info: { email: '', website: '' },
            },
          })
      }
      case '/akash/cert/v1/certificates/list':
        return ok({
          certificates: providers.filter(({ address, cert }) => address === searchParams.get('filter.owner') && cert !== '').map((
            { cert },
          ) => ({ certificate: { state: 'valid', cert: Buffer.from(cert).toString('base64'), pubkey: '' }, serial: '1' })),
        })
      case '/cosmos/tx/v1beta1/txs/HASH': {
        const found = this.included.find(({ tx }) => tx.hash === tail)
        return found === undefined || found.height > this.height - this.restLag
          ? none(`tx not found: ${tail}`)
          : ok({
            tx_response: {
              txhash: tail,
              height: String(found.height),
              code: found.code,
              codespace: found.codespace,
              raw_log: found.log,
              gas_used: String(gasUsed),
            },
          })
      }
      default:
        return { status: 501, body: { code: 12, message: 'Not Implemented', details: [] } }
    }
  }
}

/** As REST shows decimals: 18 digits after the point. */
const decimal = (units: bigint): string => `${units / one}.${(units % one).toString().padStart(18, '0')}`
