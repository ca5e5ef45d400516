// The chain, read: plain requests to a node's REST and RPC addresses. What comes back is checked down to each field that is used.
import * as z from 'zod'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { Bid, ChainReader, Lease } from './chain.ts'
import { AkashError } from './failure.ts'
import { toPrice } from './money.ts'
import type { Network } from './networks.ts'

const maxAnswerBytes = 4 * 1_024 ** 2
const patienceMs = 20_000

const units = z.string().regex(/^\d{1,40}$/).transform(BigInt)
const height = z.union([z.string().regex(/^\d{1,15}$/), z.number()]).transform(Number)
const decimal = z.string().regex(/^\d{1,30}(\.\d{1,18})?$/).transform(toPrice)
const sequence = z.union([z.string().regex(/^\d{1,20}$/), z.number()]).transform(String)
const small = z.union([z.string(), z.number()]).transform(Number).pipe(z.number().int().min(0))
const coin = z.object({ denom: z.string(), amount: units })
const decCoin = z.object({ denom: z.string(), amount: decimal })

const bech32 = z.string().regex(/^akash1[02-9ac-hj-np-z]{38,58}$/)
const bidId = z.object({ owner: bech32, dseq: sequence, gseq: small, oseq: small, provider: bech32, bseq: small.default(0) })
const offer = z.object({ id: bidId, state: z.string(), price: decCoin })
const uactOf = (coins: readonly { readonly denom: string, readonly amount: bigint }[]): bigint =>
  coins.find(({ denom }) => denom === 'uact')?.amount ?? 0n

const answers = {
  params: z.object({ params: z.object({ min_deposits: z.array(coin) }) }),
  mintStatus: z.object({ status: z.string(), mints_allowed: z.boolean() }),
  mintParams: z.object({ params: z.object({ min_mint: z.array(coin).default([]) }) }),
  aktPrice: z.object({ aggregated_price: z.object({ median_price: decimal }), price_health: z.object({ is_healthy: z.boolean() }) }),
  ledger: z.object({
    records: z.array(
      z.object({
        id: z.object({ height }),
        status: z.string(),
        canceled_record: z.object({ cancel_reason: z.union([z.string(), z.number()]).transform(String) }).nullish(),
      }),
    ),
  }),
  balance: z.object({ balance: coin }),
  deployment: z.object({
    deployment: z.object({ state: z.string(), hash: z.base64() }),
    escrow_account: z.object({ state: z.object({ funds: z.array(decCoin), transferred: z.array(decCoin), settled_at: height }) }),
  }),
  bids: z.object({ bids: z.array(z.object({ bid: offer })) }),
  leases: z.object({ leases: z.array(z.object({ lease: offer.extend({ reason: z.string().default('') }) })) }),
  provider: z.object({
    provider: z.object({
      owner: z.string(),
      host_uri: z.string(),
      attributes: z.array(z.object({ key: z.string(), value: z.string() })).default([]),
    }),
  }),
  certificates: z.object({ certificates: z.array(z.object({ certificate: z.object({ state: z.string(), cert: z.base64() }) })) }),
  transaction: z.object({ tx_response: z.object({ height, code: z.number(), codespace: z.string(), raw_log: z.string() }) }),
  block: z.object({ block: z.object({ header: z.object({ chain_id: z.string(), height }) }) }),
  status: z.object({
    result: z.object({
      node_info: z.object({ network: z.string() }),
      sync_info: z.object({ latest_block_height: height, catching_up: z.boolean() }),
    }),
  }),
}

/** gRPC's code for "not found", as REST tells it. */
const notFoundCode = 5

export const createChainReader = ({ rpc, rest }: Pick<Network, 'rpc' | 'rest'>): ChainReader => {
  const read = async <T extends z.ZodType>(
    path: string,
    type: T,
    query: Readonly<Record<string, string>> = {},
  ): Promise<z.output<T> | undefined> => {
    const url = `${rest}${path}${Object.keys(query).length === 0 ? '' : `?${new URLSearchParams(query)}`}`
    const { status, value } = await request(url)
    if (status === 200) return parsed(url, type, value)
    const { code, message } = failureShape.safeParse(value).data ?? { code: 0, message: '' }
    if (status === 404 || code === notFoundCode) return undefined
    if (status === 501)
      throw new AkashError('unreachable', `${rest} does not know ${path}: the chain is of another version than this program`,
        'Look for a newer agentchat; agentchat deploy doctor shows every route.')
    throw new AkashError('unreachable', `${url} answers ${status}${message === '' ? '' : `: ${message.slice(0, 300)}`}`)
  }
  const must = async <T extends z.ZodType>(path: string, type: T, query?: Readonly<Record<string, string>>): Promise<z.output<T>> => {
    const value = await read(path, type, query)
    if (value === undefined) throw new AkashError('unreachable', `${rest}${path} answers that there is none`)
    return value
  }
  const priceOf = async (
    denom: string,
  ) => (await read(`/akash/oracle/v2/aggregated_price/${denom}`, answers.aktPrice).catch(() => undefined))
  const many = { 'pagination.limit': '200' }
  const bidOf = ({ id, state, price }: z.output<typeof offer>): Bid => ({ id, state, price: price.amount, denom: price.denom })

  return {
    async status() {
      const [{ status, value }, { block: { header } }] = await Promise.all([
        request(rpc, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'status', params: {} }),
        }),
        must('/cosmos/base/tendermint/v1beta1/blocks/latest', answers.block),
      ])
      if (status !== 200) throw new AkashError('unreachable', `${rpc} answers ${status}`)
      const { result: { node_info: { network }, sync_info: { latest_block_height, catching_up } } } = parsed(rpc, answers.status, value)
      if (header.chain_id !== network)
        throw new AkashError('refused', `${rpc} is a node of ${network}, ${rest} one of ${header.chain_id}`,
          'Name nodes of one network with --rpc and --rest.')
      return { chainId: network, height: Math.min(latest_block_height, header.height), isCatchingUp: catching_up }
    },
    balance: async (address, denom) =>
      (await read(`/cosmos/bank/v1beta1/balances/${address}/by_denom`, answers.balance, { denom }))?.balance.amount ?? 0n,
    minDepositUact: async () => uactOf((await must('/akash/deployment/v1beta4/params', answers.params)).params.min_deposits),
    async mintTerms() {
      const [{ status, mints_allowed }, { params }, price] = await Promise.all([
        must('/akash/bme/v1/status', answers.mintStatus),
        must('/akash/bme/v1/params', answers.mintParams),
        // The one name is that of the oracle, the other that of the bank; which of them a version takes has changed.
        priceOf('uakt').then(async found => found ?? await priceOf('akt')),
      ])
      return {
        isAllowed: mints_allowed,
        status,
        minUact: uactOf(params.min_mint),
        aktPrice: price?.price_health.is_healthy === true ? price.aggregated_price.median_price : undefined,
      }
    },
    async mints(owner) {
      const { records } = await must('/akash/bme/v1/ledger', answers.ledger, {
        'filters.source': owner,
        'filters.to_denom': 'uact',
        ...many,
      })
      return records.map(({ id, status, canceled_record }) => ({
        height: id.height,
        reason: canceled_record?.cancel_reason ?? '',
        status: status.endsWith('executed') ? 'executed' : status.endsWith('canceled') ? 'canceled' : 'pending',
      }))
    },
    async deployment(owner, dseq) {
      const found = await read('/akash/deployment/v1beta4/deployments/info', answers.deployment, { 'id.owner': owner, 'id.dseq': dseq })
      if (found === undefined) return undefined
      const { deployment: { state, hash }, escrow_account: { state: escrow } } = found
      return {
        state,
        hash: Buffer.from(hash, 'base64').toString('hex'),
        funds: uactOf(escrow.funds),
        transferred: uactOf(escrow.transferred),
        settledAt: escrow.settled_at,
      }
    },
    bids: async (owner, dseq) =>
      (await must('/akash/market/v1beta5/bids/list', answers.bids, { 'filters.owner': owner, 'filters.dseq': dseq, ...many })).bids.map((
        { bid },
      ) => bidOf(bid)),
    leases: async (owner, dseq) =>
      (await must('/akash/market/v1beta5/leases/list', answers.leases, { 'filters.owner': owner, 'filters.dseq': dseq, ...many }))
        .leases.map(({ lease }): Lease => ({ ...bidOf(lease), reason: lease.reason })),
    async provider(address) {
      const found = (await read(`/akash/provider/v1beta4/providers/${address}`, answers.provider))?.provider
      return found
        && {
          address: found.owner,
          hostUri: found.host_uri,
          attributes: Object.fromEntries(found.attributes.map(({ key, value }) => [key, value])),
        }
    },
    certificates: async owner =>
      (await must('/akash/cert/v1/certificates/list', answers.certificates, { 'filter.owner': owner, 'filter.state': 'valid', ...many }))
        .certificates.filter(({ certificate }) => certificate.state === 'valid').map(({ certificate }) =>
          Buffer.from(certificate.cert, 'base64').toString('utf8')
        ),
    async transaction(hash) {
      const found = (await read(`/cosmos/tx/v1beta1/txs/${hash}`, answers.transaction))?.tx_response
      return found && { height: found.height, code: found.code, codespace: found.codespace, log: found.raw_log }
    },
  }
}

const failureShape = z.object({ code: z.number(), message: z.string() })

const parsed = <T extends z.ZodType>(url: string, type: T, value: unknown): z.output<T> => {
  const result = type.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new AkashError('unreachable', `${url} answers in a form that this program does not know (${path.join('.')}: ${message})`,
    'Look for a newer agentchat.')
}

const request = async (url: string, init: RequestInit = {}): Promise<{ readonly status: number, readonly value: unknown }> => {
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timerMs(patienceMs)) })
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes > maxAnswerBytes) throw new Error(`answers more than ${maxAnswerBytes} bytes`)
      chunks.push(chunk)
    }
    return { status: response.status, value: JSON.parse(Buffer.concat(chunks).toString('utf8')) }
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { message?: string } }
    throw new AkashError('unreachable', `${url}: ${cause?.message ?? message}`, 'Another node is named with --rpc and --rest.', error)
  }
}
