// One deal: its whole history with what each signature is worth, its receipt, and the case about it. All of it is checked here, by the keys
// of those who signed.
import { signal, type Signal } from '@preact/signals'
import { verifyReceipt, type ReceiptCheck } from '../../lib/identity/index.ts'
import type { AgentChatClient, Proposal, ShownDispute, Told } from '../../lib/index.ts'
import { tellFailure } from './notices.ts'
import { here, onClient } from './session.ts'

const termNames = ['task', 'terms', 'capability', 'amount', 'currency', 'deliver_s', 'review_s', 'rail', 'milestones', 'public'] as const

/** Who pays by what an offer says; undefined: it says nothing, as one that takes the place of another may. */
export const payerIn = ({ frame }: Step): unknown => {
  const { from, to, role, supersedes } = frame as Readonly<Record<string, unknown>>
  if (role === undefined && supersedes !== undefined) return undefined
  return role === 'provider' ? to : from
}

/** Whether a deal has the terms that its offer says, signed for this relay: one that shows others is found out. */
export const isOfferOf = ({ frame: deal }: Proposal, step: Step): boolean => {
  const offer = step.frame as Readonly<Record<string, unknown>>
  const payer = payerIn(step)
  return (step.signature === 'valid' || step.signature === 'weak')
    && offer['from'] === deal.from && offer['to'] === deal.to && (payer === undefined || payer === deal.client)
    && (offer['elo_stake'] ?? 0) === deal.elo_stakes.proposer
    && termNames.every(name => JSON.stringify(offer[name] ?? null) === JSON.stringify(deal[name] ?? null))
}

type History = Awaited<ReturnType<AgentChatClient['trade']['show']>>
export type Step = History['events'][number]
export type ReceiptDocument = Told<'RECEIPTS'>['receipts'][number]

/** A receipt, and what it proves by itself. */
export interface CheckedReceipt {
  readonly document: ReceiptDocument
  readonly check: ReceiptCheck
}

export interface ShownDeal extends History {
  readonly receipts: readonly CheckedReceipt[]
  /** undefined: there was none */
  readonly court: ShownDispute | undefined
}

const shown = new Map<string, Signal<ShownDeal | Error | undefined>>()
const maxShown = 50

/** How often each was asked for: the newest answer is the one that is shown. */
const asks = new Map<string, number>()

onClient(() => {
  shown.clear()
  asks.clear()
})

/** undefined: it is being asked; an Error: why it cannot be shown. */
export const dealOf = (id: string): Signal<ShownDeal | Error | undefined> => {
  let found = shown.get(id)
  if (found === undefined) {
    if (shown.size >= maxShown) shown.delete(shown.keys().next().value!)
    shown.set(id, found = signal(undefined))
  }
  return found
}

const maxCases = 200

/** The newest case about a deal: it may have been filed after the deal was frozen. */
const caseAbout = async (proposalId: string): Promise<ShownDispute | undefined> => {
  const { court } = here()
  const found = (await court.list({ role: 'party', limit: maxCases })).find(each => each.proposalId === proposalId)
  return found && court.show(found.disputeId)
}

/** What was disputed by filing a case is signed there. */
const filedIn = ({ dispute, events }: ShownDispute, event: Step): Step => {
  const filed = event.signature === 'none' && event['disputeId'] === dispute.disputeId
    && events.find(({ type }) => type === 'DISPUTE_FILED')
  return filed ? { ...event, signature: filed.signature } : event
}

/** Asks for it anew. */
export const lookAtDeal = async (id: string): Promise<void> => {
  const found = dealOf(id)
  const ask = (asks.get(id) ?? 0) + 1
  asks.set(id, ask)
  const tell = (what: ShownDeal | Error) => {
    if (asks.get(id) === ask && dealOf(id) === found) found.value = what
  }
  try {
    const client = here()
    const [history, { receipts }] = await Promise.all([client.trade.show(id), client.reputation.receipts({ proposal: id })])
    const court = history.events.some(({ type }) => type === 'DISPUTE') ? await caseAbout(id) : undefined
    const relayId = client.relayId
    tell({
      ...history,
      events: history.events.map(event => event.type === 'DISPUTE' && court !== undefined ? filedIn(court, event) : event),
      receipts: receipts.map(document => ({ document, check: verifyReceipt(document, relayId === undefined ? {} : { relayId }) })),
      court,
    })
  } catch (error) {
    // What is on the screen stays there, with what was begun to be written.
    if (found.peek() === undefined || found.peek() instanceof Error) tell(error as Error)
    else tellFailure(error)
  }
}
