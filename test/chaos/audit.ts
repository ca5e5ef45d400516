// The reckoning: what clients were promised against what is in the database and what arrived.
import { numberOf, type ClientAccount } from './account.ts'
import type { Remains } from './remains.ts'

export interface Verdict {
  /** Acknowledged and not stored where the ACK said, or stored and not at an agent that had to get it. */
  readonly lost: number
  /** Stored twice, or delivered twice. */
  readonly duplicated: number
  /** Delivered out of order, or stored in another order than sent. */
  readonly reordered: number
  readonly unanswered: number
  /** Where something was lost: in the store, or at which client in which stream. */
  readonly losses: readonly string[]
}

interface Membership {
  readonly index: number
  readonly channel: string
}

/**
 * Reads the database of the ended relay itself: the relay's own reading is under test.
 * A channel is heard by its members, a pair by the two agents, each what the other said.
 */
export const audit = async (
  remains: Remains,
  perSender: number,
  accounts: readonly ClientAccount[],
  memberships: readonly Membership[],
): Promise<Verdict> => {
  const storedAt = new Uint32Array(perSender * accounts.length)
  const losses = new Map<string, { count: number, readonly first: number, last: number }>()
  const lose = (where: string, seq: number) => {
    const loss = losses.get(where)
    if (loss === undefined) losses.set(where, { count: 1, first: seq, last: seq })
    else Object.assign(loss, { count: loss.count + 1, last: seq })
  }
  let duplicated = accounts.reduce((sum, account) => sum + account.duplicated, 0)
  let reordered = accounts.reduce((sum, account) => sum + account.reordered, 0)

  const readersOf = (stream: string): readonly ClientAccount[] =>
    stream.startsWith('#')
      ? accounts.filter(({ index }) => memberships.some(membership => membership.index === index && membership.channel === stream))
      : accounts.filter(({ agentId }) => stream.split('|').includes(agentId))

  const streams = await remains.ask<{ id: number, name: string }>("SELECT id, name FROM streams WHERE substr(name, 1, 1) IN ('#', '@')")
  for (const { id, name } of streams) {
    const readers = readersOf(name)
    const newest = new Map<number, number>()
    for await (const { seq, author, text } of remains.events(id)) {
      const number = numberOf((JSON.parse(text) as { content: string }).content)
      const sender = Math.floor(number / perSender)
      if (storedAt[number] !== 0) duplicated++
      else if (number < (newest.get(sender) ?? 0)) reordered++
      else newest.set(sender, number)
      storedAt[number] = seq
      for (const { index, agentId, received } of readers) {
        const isPromised = name.startsWith('#') || author !== agentId
        if (isPromised && received.get(name)?.[seq] !== number + 1) lose(`at client ${index} in ${name}`, seq)
      }
    }
  }

  for (const { index, acknowledged } of accounts) {
    acknowledged.forEach((seq, n) => {
      if (seq !== 0 && storedAt[index * perSender + n] !== seq) lose('in the store', seq)
    })
  }
  return {
    lost: [...losses.values()].reduce((sum, { count }) => sum + count, 0),
    duplicated,
    reordered,
    unanswered: accounts.reduce((sum, { unanswered }) => sum + unanswered, 0),
    losses: [...losses].map(([where, { count, first, last }]) => `lost ${where}: ${count}, seq ${first} to ${last}`),
  }
}
