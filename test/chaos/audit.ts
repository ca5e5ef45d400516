// The reckoning: what clients were promised against what is in the database and what arrived.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blank, numberOf, type ClientAccount } from './account.ts'
import { deedOf, retractionOf } from './deeds.ts'
import { lockoutChannel } from './lockouts.ts'
import type { Remains } from './remains.ts'

export interface Verdict {
  /** Acknowledged and not stored where the ACK said, or stored and not at an agent that had to get it. */
  readonly lost: number
  /** Stored twice, or delivered twice. */
  readonly duplicated: number
  /** Delivered out of order, or stored in another order than sent; pieces that are no beginning of the message that they grew to. */
  readonly reordered: number
  /** Numbers of a channel or a pair at which nothing is stored. */
  readonly holes: number
  /** Texts that were taken back and are still stored. */
  readonly notGone: number
  /** What is stored, by what was done. */
  readonly deeds: Readonly<Record<'edit' | 'retract' | 'grow' | 'file', number>>
  readonly unanswered: number
  /** Where something was lost or out of order: in the store, or at which client in which stream. */
  readonly losses: readonly string[]
}

/** An event, as far as it is looked at. */
interface Stored {
  readonly content: string
  readonly msg_id: string
  readonly erased?: true
  readonly edit?: { readonly of: string, readonly n?: number }
  readonly retract?: { readonly of: string }
  readonly files?: readonly { readonly sha256: string }[]
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
  data: string,
  perSender: number,
  deedsEvery: number,
  accounts: readonly ClientAccount[],
  memberships: readonly Membership[],
): Promise<Verdict> => {
  const ids = new Map(accounts.flatMap(account => [...account.ids]))
  const deeds = { edit: 0, retract: 0, grow: 0, file: 0 }
  let [notGone, holes] = [0, 0]
  /** NaN: an edit that is gone, whose author was not told its id. */
  const numberIn = ({ content, msg_id, erased, retract }: Stored): number => {
    if (erased === true) return ids.get(msg_id) ?? NaN
    if (retract === undefined) return numberOf(content)
    const target = ids.get(retract.of) ?? NaN
    return target - target % perSender + (retractionOf(target % perSender, deedsEvery) ?? NaN)
  }
  const storedAt = new Uint32Array(perSender * accounts.length)
  const losses = new Map<string, { count: number, readonly first: number, last: number }>()
  const lose = (where: string, seq: number) => {
    const loss = losses.get(where)
    if (loss === undefined) losses.set(where, { count: 1, first: seq, last: seq })
    else Object.assign(loss, { count: loss.count + 1, last: seq })
  }
  let duplicated = accounts.reduce((sum, account) => sum + account.duplicated, 0)
  const disorders = new Map<string, { readonly count: number, readonly first: string }>()
  const misplace = (where: string, count = 1, what = '') => {
    const before = disorders.get(where)
    disorders.set(where, { count: (before?.count ?? 0) + count, first: before?.first ?? what })
  }
  for (const { index, reordered, misgrown } of accounts) {
    if (reordered > 0) misplace(`heard by client ${index}`, reordered)
    if (misgrown > 0) misplace(`grown at client ${index}`, misgrown)
  }

  const readersOf = (stream: string): readonly ClientAccount[] =>
    stream.startsWith('#')
      ? accounts.filter(({ index }) => memberships.some(membership => membership.index === index && membership.channel === stream))
      : accounts.filter(({ agentId }) => stream.split('|').includes(agentId))

  const streams = await remains.ask<{ id: number, name: string }>("SELECT id, name FROM streams WHERE substr(name, 1, 1) IN ('#', '@')")
  for (const { id, name } of streams) {
    if (name === lockoutChannel) continue
    const readers = readersOf(name)
    const newest = new Map<number, number>()
    const edits = new Map<string, number>()
    const retracted = new Set<string>()
    /** Texts that are there, of each message that was changed, by its id. */
    const texts = new Map<string, number>()
    let before = 0
    for await (const { seq, author, text } of remains.events(id)) {
      holes += seq - before - 1
      before = seq
      const stored = JSON.parse(text) as Stored
      const { msg_id, erased, edit, retract, files } = stored
      const number = numberIn(stored)
      const { kind } = deedOf(number % perSender, deedsEvery)
      const sender = Math.floor(number / perSender)
      if (storedAt[number] !== 0 && !Number.isNaN(number)) duplicated++
      else if (kind === 'say' && number < (newest.get(sender) ?? 0)) {
        const n = number % perSender
        const told = accounts.find(({ index }) => index === sender)?.acknowledged[n] === seq ? 'acknowledged' : 'not acknowledged'
        misplace(`stored in ${name}, of client ${sender}`, 1,
          ` (its message ${n} as ${seq}, behind ${newest.get(sender)! % perSender}, ${told})`)
      } else if (kind === 'say' && !Number.isNaN(number)) newest.set(sender, number)
      storedAt[number] = seq
      if (kind !== 'say') deeds[kind]++
      if (edit !== undefined) {
        const nth = (edits.get(edit.of) ?? 0) + 1
        edits.set(edit.of, nth)
        if ((edit.n ?? nth) !== nth) misplace(`edits in ${name}`)
      }
      if (retract !== undefined) retracted.add(retract.of)
      else if (erased !== true && ids.has(msg_id)) {
        const of = edit?.of ?? msg_id
        texts.set(of, (texts.get(of) ?? 0) + 1)
      }
      for (const { sha256 } of files ?? []) if (!isWhole(data, sha256)) lose('among the files', seq)
      for (const { index, agentId, received } of readers) {
        const isPromised = name.startsWith('#') || author !== agentId
        const mark = received.get(name)?.[seq] ?? 0
        const isThere = retract !== undefined
          ? mark === blank
          : erased === true
          ? mark === blank || mark === number + 1 || (Number.isNaN(number) && mark !== 0)
          : mark === number + 1
        if (isPromised && !isThere) lose(`at client ${index} in ${name}`, seq)
      }
    }
    for (const of of retracted) notGone += texts.get(of) ?? 0
  }

  for (const { index, acknowledged } of accounts) {
    acknowledged.forEach((seq, n) => {
      if (seq !== 0 && storedAt[index * perSender + n] !== seq) lose('in the store', seq)
    })
  }
  return {
    lost: [...losses.values()].reduce((sum, { count }) => sum + count, 0),
    duplicated,
    reordered: [...disorders.values()].reduce((sum, { count }) => sum + count, 0),
    holes,
    notGone,
    deeds,
    unanswered: accounts.reduce((sum, { unanswered }) => sum + unanswered, 0),
    losses: [
      ...[...losses].map(([where, { count, first, last }]) => `lost ${where}: ${count}, seq ${first} to ${last}`),
      ...[...disorders].map(([where, { count, first }]) => `out of order, ${where}: ${count}${first}`),
    ],
  }
}

const isWhole = (data: string, sha256: string): boolean => {
  const path = join(data, 'files', sha256.slice(0, 2), sha256)
  return existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex') === sha256
}
