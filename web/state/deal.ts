// One deal: its whole history with what each signature is worth, its receipt, and the case about it. All of it is checked here, by the keys
// of those who signed.
import { signal, type Signal } from '@preact/signals'
import { verifyReceipt, type ReceiptCheck } from '../../lib/identity/index.ts'
import type { AgentChatClient, ShownDispute, Told } from '../../lib/index.ts'
import { tellFailure } from './notices.ts'
import { here, onClient } from './session.ts'

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
