// The visitor's deals, as they stand: asked for once they are looked at, and changed by what the relay tells of each step.
import { computed, signal, type Signal } from '@preact/signals'
import { caseEvents, dealEvents, type AgentChatClient, type Balance, type Dispute, type Proposal } from '../../lib/index.ts'
import { here, isKeyed, onClient, onOpened } from './session.ts'
import { reasonOf } from '../text/reason.ts'

/** As many are asked for at once. */
export const pageSize = 200

const newestFirst = (all: Iterable<Proposal>): readonly Proposal[] => [...all].sort((a, b) => b.updatedAt - a.updatedAt)

/** By id, the one that changed last first; undefined: not asked yet. */
const known = signal<ReadonlyMap<string, Proposal> | undefined>(undefined)
export const deals = computed(() => known.value && newestFirst(known.value.values()))
/** The relay has more than are here. */
export const hasMoreDeals = signal(false)
export const dealsProblem = signal<string | undefined>(undefined)
/** Cases that the visitor is asked to judge, or judged. */
export const casesToJudge = signal<readonly Dispute[]>([])
const wanted = signal(0)

/** What the visitor has, by currency. */
export const balances = signal<readonly Balance[]>([])
const askBalances = async (): Promise<void> => {
  balances.value = await here().trade.balance()
}

/** How often something of a deal was heard, of those that were looked at: what shows one asks again. */
const versions = new Map<string, Signal<number>>()
export const versionOf = (id: string): Signal<number> => {
  let found = versions.get(id)
  if (found === undefined) versions.set(id, found = signal(0))
  return found
}

const changedBy = (id: string): void => {
  const version = versions.get(id)
  if (version !== undefined) version.value++
}

/** A deal as the relay tells it. However many others make, no more are kept than were asked for, and some. */
export const put = (proposal: Proposal): void => {
  const before = known.peek()
  if (before !== undefined) {
    const after = new Map(before).set(proposal.proposalId, proposal)
    const isFull = after.size > wanted.peek() + pageSize
    known.value = isFull ? new Map(newestFirst(after.values()).slice(0, wanted.peek()).map(each => [each.proposalId, each])) : after
    if (isFull) hasMoreDeals.value = true
  }
  changedBy(proposal.proposalId)
}

/** Asks for the deals, `more` than before where that is wanted. */
export const askDeals = async ({ more = false }: { readonly more?: boolean } = {}): Promise<void> => {
  if (!isKeyed.peek()) return
  if (more || wanted.peek() === 0) wanted.value += pageSize
  const count = wanted.peek()
  try {
    const [list, cases] = await Promise.all([
      here().trade.list({ limit: count + 1 }),
      here().court.list({ role: 'arbiter', limit: 50 }),
      askBalances(),
    ])
    known.value = new Map(list.slice(0, count).map(proposal => [proposal.proposalId, proposal]))
    hasMoreDeals.value = list.length > count
    casesToJudge.value = cases
    dealsProblem.value = undefined
  } catch (error) {
    dealsProblem.value = reasonOf(error)
  }
}

/** Those whose change was heard, and that are not asked for yet. */
const changed = new Set<string>()
/** So many at once, as after a while away, are one question for the list. */
const maxAsked = 10

/** One question after the other: many steps of one deal while it is asked for are one more. */
const ask = async (client: AgentChatClient): Promise<void> => {
  while (changed.size > 0 && here() === client) {
    const ids = [...changed]
    changed.clear()
    if (known.peek() !== undefined && ids.length > maxAsked) await askDeals()
    for (const id of ids) {
      // Of a deal that is not the visitor's, as of a case to judge, there is nothing to tell; what shows it asks itself.
      const proposal = known.peek() === undefined || ids.length > maxAsked ? undefined : await client.trade.get(id).catch(() => undefined)
      if (proposal === undefined) changedBy(id)
      else put(proposal)
    }
    if (known.peek() !== undefined) await askBalances().catch(() => undefined)
  }
  isAsking.value = false
}
const isAsking = signal(false)

const heard = (client: AgentChatClient, id: string): void => {
  changed.add(id)
  if (isAsking.peek()) return
  isAsking.value = true
  queueMicrotask(() => void ask(client))
}

onClient(client => {
  known.value = undefined
  balances.value = []
  wanted.value = 0
  changed.clear()
  for (const type of [...dealEvents, ...caseEvents]) client.on(type, ({ proposalId }) => heard(client, proposalId))
  client.on('ARBITER_ASSIGNED', () => void askDeals())
  client.on('RECEIPT', ({ receipt }) => changedBy(receipt.proposal_id))
})
onOpened(() => {
  if (wanted.peek() > 0) void askDeals()
})
