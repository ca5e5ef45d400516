// What the owner of a wallet reads: what is about to be signed, the bids, where a deployment stands.
import type { Offer } from '../../../../deploy/akash/bids.ts'
import type { Message } from '../../../../deploy/akash/chain.ts'
import { ceilingOf, type Limits } from '../../../../deploy/akash/limits.ts'
import { typeUrls } from '../../../../deploy/akash/messages.ts'
import { aboutAct, act, akt, perMonth, priceText } from '../../../../deploy/akash/money.ts'
import type { DeploymentRecord } from '../../../../deploy/akash/record.ts'
import type { Question } from '../../../../deploy/akash/transactor.ts'
import { visible } from '../../../terminal.ts'

type About = Pick<DeploymentRecord, 'dseq' | 'bid'>

/** What a message does, in words. */
export const messageText = (message: Message, { dseq, bid }: About): string => {
  switch (message.kind) {
    case 'mint':
      return `burn ${akt(message.uakt)} for ACT, which deployments are paid in`
    case 'create':
      return `create deployment ${dseq} and put ${act(message.depositUact)} into its escrow; what is not used comes back`
    case 'lease':
      return `lease from ${message.bid.provider}${
        bid === undefined ? '' : ` for ${priceText(bid.price)} uact per block, ${aboutAct(perMonth(bid.price))} a month`
      }`
    case 'deposit':
      return `put ${act(message.uact)} more into the escrow of deployment ${dseq}`
    case 'update':
      return `give deployment ${dseq} a new manifest, ${message.hash.slice(0, 12)}…`
    case 'close':
      return `close deployment ${dseq}: the relay ends, its volume is gone, and what is left in escrow comes back`
  }
}

export const ceilingText = (limits: Limits): string =>
  `${priceText(ceilingOf(limits))} uact per block, ${aboutAct(perMonth(ceilingOf(limits)))} a month`

export const questionText = ({ message, fee, record }: Question): string =>
  table([
    ['network', `${record.network} (${record.chainId})`],
    ['from', record.owner],
    ['message', typeUrls[message.kind]],
    ['does', messageText(message, record)],
    ['fee', akt(fee.uakt)],
    ...message.kind === 'create' ? [['at most', ceilingText(record.limits)] as const] : [],
  ])

const table = (rows: readonly (readonly [string, string])[]): string => rows.map(([name, text]) => `  ${name.padEnd(9)}${text}`).join('\n')

/** Those that can be taken are numbered. */
export const offersText = (offers: readonly Offer[]): string => {
  let number = 0
  const rows = offers.map(({ bid, monthlyUact, provider, problem }) => [
    problem === undefined ? String(++number) : '-',
    aboutAct(monthlyUact),
    priceText(bid.price),
    bid.id.provider,
    [provider?.attributes['location-region'], provider?.attributes['host'], problem].filter(text => text !== undefined).join(', '),
  ])
  const all = [['', 'a month', 'per block', 'provider', ''], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map(row => row[column]!.length)))
  return all.map(row => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}`).join('\n')
}

/** For programs: amounts in micro-units as text. */
export const recordView = (
  { dseq, name, network, chainId, owner, step, bid, uris, deposited, refund, pending, transactions, domain, created }: DeploymentRecord,
) => ({
  dseq,
  name,
  network,
  chain_id: chainId,
  owner,
  step,
  created,
  urls: uris.map(uri => `ws://${uri}`),
  ...(domain !== undefined && { domain }),
  ...(bid !== undefined
    && { provider: bid.id.provider, price_uact_per_block: priceText(bid.price), month_uact: String(perMonth(bid.price)) }),
  deposited_uact: String(deposited),
  ...(refund !== undefined && { refund_uact: String(refund) }),
  ...(pending !== undefined && { pending: { kind: pending.kind, hash: pending.hash } }),
  transactions: transactions.map(({ kind, hash, height, code, feeUakt }) => ({ kind, hash, height, code, fee_uakt: String(feeUakt) })),
})

type RecordView = ReturnType<typeof recordView>

/** A record, and what the chain says of it. */
export type Standing = RecordView & {
  readonly on_chain?: string
  readonly lease?: string
  readonly left_uact?: string
  readonly spent_uact?: string
  readonly days_left?: number
}

/** Below it a top-up is due. */
const soonDays = 3

const actText = (uact: string): string => act(BigInt(uact))

export const standingText = (view: Standing): string =>
  [
    `${visible(view.name)}  ${view.dseq}  ${view.network}  ${view.step}`,
    ...(view.on_chain === undefined ? [] : [`  chain     deployment ${visible(view.on_chain)}, lease ${visible(view.lease ?? 'none')}`]),
    ...(view.provider === undefined ? [] : [`  provider  ${visible(view.provider)}, ${view.price_uact_per_block} uact per block`]),
    ...(view.left_uact === undefined
      ? []
      : [
        `  escrow    ${actText(view.left_uact)} of ${actText(view.deposited_uact)} left${
          view.days_left === undefined ? '' : `, for ${view.days_left} days${view.days_left < soonDays ? ': agentchat deploy top-up' : ''}`
        }`,
      ]),
    ...(view.refund_uact === undefined ? [] : [`  refund    ${actText(view.refund_uact)}`]),
    ...(view.urls.length === 0 ? [] : [`  address   ${view.urls.map(visible).join(', ')}`]),
    ...(view.pending === undefined ? [] : [`  pending   ${view.pending.kind} ${view.pending.hash}: agentchat deploy resume`]),
  ].join('\n')

/** How a command ended that carried a deployment on. */
export const endText = ({ step, urls, domain, dseq, refund_uact }: RecordView): string =>
  step === 'closed'
    ? `Deployment ${dseq} is closed; ${actText(refund_uact ?? '0')} came back`
    : [
      `The relay runs: ${urls.join(', ')}`,
      ...(domain === undefined
        ? []
        : [`${domain} needs a DNS entry (CNAME) that leads to ${
          urls.map(url => new URL(url).hostname).find(host =>
            host !== domain
          ) ?? 'the provider'
        }; for wss:// put a proxy in front that does TLS (docs/DEPLOY.md).`]),
      `Next: agentchat deploy check ${urls[0] ?? ''}`,
    ].join('\n')

export const depositedText = ({ dseq, deposited_uact }: RecordView): string =>
  `Deployment ${dseq} has had ${actText(deposited_uact)} in all`
