// The reckoning of money: the books of the ended relay against themselves, and against what dealers were promised.
import type { Dealings } from './dealers.ts'
import type { Remains } from './remains.ts'

export interface MoneyVerdict {
  readonly transfers: number
  readonly deals: number
  readonly entries: number /** everything that does not add up */
  readonly wrong: readonly string[]
}

interface Entry {
  readonly entry: number
  readonly kind: string
  readonly account: string
  readonly amount: number
  readonly balance: number
  readonly other: string
  readonly ref: string | null
  readonly note: string | null
}
interface Deal {
  readonly held: number
  readonly captured: number
  readonly returned: number
}

const groupedBy = <K>(entries: readonly Entry[], keyOf: (entry: Entry) => K): Map<K, Entry[]> => {
  const groups = new Map<K, Entry[]>()
  for (const entry of entries) {
    const key = keyOf(entry)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [entry])
    else group.push(entry)
  }
  return groups
}

export const auditMoney = async (remains: Remains, { credits, sent, dealt, isAnswered }: Dealings): Promise<MoneyVerdict> => {
  const balances = new Map(
    (await remains.ask<{ account: string, balance: number }>("SELECT account, balance FROM accounts WHERE currency = 'USD'")).map(
      row => [row.account, row.balance],
    ),
  )
  const entries = await remains.ask<Entry>("SELECT * FROM ledger_entries WHERE currency = 'USD' ORDER BY entry")
  const proposals = new Map(
    (await remains.ask<{ id: string, state: string, facts: string }>('SELECT id, state, facts FROM proposals')).map((
      { id, state, facts },
    ) => [id, { state, deal: (JSON.parse(facts) as { deal: Deal }).deal }]),
  )
  const histories = new Map(
    (await remains.ask<{ id: number, name: string }>("SELECT id, name FROM streams WHERE substr(name, 1, 1) = '!'")).map((
      { id, name },
    ) => [name, id]),
  )
  const events = new Map<string, number>()
  for (const { proposalId } of dealt) {
    let count = 0
    for await (const _ of remains.events(histories.get(`!${proposalId}`) ?? 0)) count++
    events.set(proposalId, count)
  }

  const wrong: string[] = []
  const check = (isTrue: boolean, what: string) => {
    if (!isTrue) wrong.push(what)
  }
  check(isAnswered, 'a dealer was left without an answer')
  const sumOf = (of: readonly Entry[]): number => of.reduce((sum, { amount }) => sum + amount, 0)
  const total = [...balances.values()].reduce((sum, balance) => sum + balance, 0)
  check(total === 0, `the accounts sum to ${total}`)

  // Entry by entry: each movement is a pair, each balance the one before and the amount, and none goes below zero.
  const running = new Map<string, number>()
  for (const [i, { entry, account, amount, balance, other }] of entries.entries()) {
    const after = (running.get(account) ?? 0) + amount
    running.set(account, after)
    check(after === balance && (after >= 0 || account === '*'), `entry ${entry}: ${account} has ${balance}, not ${after}`)
    if (i % 2 === 1) check(entries[i - 1]!.account === other && entries[i - 1]!.amount === -amount, `entry ${entry} has no other side`)
  }
  for (const [account, balance] of balances)
    check((running.get(account) ?? 0) === balance, `${account} has ${balance}, its entries ${running.get(account) ?? 0}`)

  for (const [agent, credit] of credits)
    check(sumOf(entries.filter(({ kind, account }) => kind === 'credit' && account === agent)) === credit, `${agent} was not credited once`)
  const byNote = groupedBy(entries.filter(({ kind, amount }) => kind === 'transfer' && amount > 0), ({ note }) => note)
  for (const { note, from, to, amountMinor, isAcknowledged } of sent) {
    const found = byNote.get(note) ?? []
    check(found.length === 1 || (found.length === 0 && !isAcknowledged),
      `transfer ${note}: made ${found.length} times, acknowledged: ${isAcknowledged}`)
    for (const { account, other, amount } of found)
      check(account === to && other === from && amount === amountMinor, `transfer ${note}: another one was made`)
    byNote.delete(note)
  }
  for (const note of byNote.keys()) wrong.push(`transfer ${note}: nobody made it`)

  const byRef = groupedBy(entries.filter(({ account, ref }) => ref !== null && account === `!${ref}`), ({ ref }) => ref!)
  for (const [id, { deal }] of proposals) {
    const moves = byRef.get(id) ?? []
    const of = (...kinds: string[]) => Math.abs(sumOf(moves.filter(({ kind }) => kinds.includes(kind))))
    check(
      (balances.get(`!${id}`) ?? 0) === deal.held && of('capture') === deal.captured && of('void', 'refund', 'reclaim') === deal.returned,
      `${id}: its books are not what it says`,
    )
  }
  for (const { proposalId, states } of dealt) {
    const proposal = proposals.get(proposalId)
    check(proposal !== undefined, `${proposalId} is not there`)
    // Each answered step is an event; the end of a deal brings its receipt too.
    check((events.get(proposalId) ?? 0) >= states.length,
      `${proposalId}: ${events.get(proposalId)} events of ${states.length} answered steps`)
    const last = states.at(-1)!
    if (last === 'completed' || last === 'cancelled')
      check(proposal?.state === last && proposal.deal.held === 0, `${proposalId} is ${proposal?.state}, not ${last}`)
  }
  return {
    transfers: sent.filter(({ isAcknowledged }) => isAcknowledged).length,
    deals: dealt.filter(({ states }) => ['completed', 'cancelled'].includes(states.at(-1)!)).length,
    entries: entries.length,
    wrong,
  }
}
