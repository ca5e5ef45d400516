// What a webhook posts next: the event behind its cursor, in its agent's inbox or in its channel, as far as the agent may read it now.
import type { Author } from '../../../../lib/identity/index.ts'
import type { Condition } from '../../../../lib/rules/index.ts'
import { EventFacts, type eventWords, type SaidFields } from '../../../domain/event-words.ts'
import type { NamedAgents } from '../../../domain/named-agents.ts'
import { findAgent, isMember, isNamed } from '../../../store/agents.ts'
import type { Row } from '../../../store/log.ts'
import { refusalOf, standingOf } from '../../../store/standing.ts'
import type { Tx } from '../../../store/store.ts'
import type { WebhookRow } from '../../../store/webhooks.ts'
import type { RosterView } from '../../../relay/feature.ts'

/** An event to post. */
export interface Due {
  readonly kind: 'event'
  /** Its number where the webhook counts: in the inbox, or in the channel. */
  readonly seq: number
  /** As it is stored: JSON. */
  readonly text: string
  /** Who wrote it; undefined: nobody that is known here. */
  readonly author: Author | undefined
}

/**
 * skipped: not there, or not to be read by its agent any more. passed: none of those up to `seq` is wanted, and there may be more. nothing: `cursor` is how far the source goes. gone: nothing is
 * posted any more.
 */
export type Next =
  | Due
  | { readonly kind: 'skipped', readonly seq: number, readonly problem: string }
  | { readonly kind: 'passed', readonly seq: number }
  | { readonly kind: 'nothing', readonly cursor: number }
  | { readonly kind: 'gone', readonly problem: string, /** its agent too: nobody is there to be told */ readonly isAgentGone?: true }

export interface SourceCtx {
  readonly tx: Tx
  readonly roster: RosterView
  readonly now: number
  readonly allowlistStrict: boolean
  readonly admins: NamedAgents
}

/** Which events are wanted, and what is left of a turn to look for them, in steps of conditions; undefined: all of them. */
export type Wanted = { readonly condition: Condition<typeof eventWords>, readonly turn: { steps: number } } | undefined

/** Events that are looked at in a turn for one that is wanted. */
const lookedAt = { limit: 100, maxBytes: 256 * 1024 }
/** What an event takes to be read, beside its condition. */
const eventSteps = 10_000
const theNext = { limit: 1, maxBytes: 1 }

/** How far its source goes. */
export const headOf = async (tx: Tx, { source }: Pick<WebhookRow, 'source'>): Promise<number> =>
  (source.startsWith('#') ? await tx.log.head(source) : await tx.log.inboxHead(source)).seq

/** Whether an agent that need not be connected may read a channel. */
const mayRead = async ({ tx, roster }: SourceCtx, agent: string, name: string, isVerified: boolean): Promise<boolean> => {
  const info = roster.channel(name)?.info
  if (info === undefined || (info.verifiedOnly && !isVerified)) return false
  return !info.private || await isMember(tx, agent, name)
}

export const nextOf = async (ctx: SourceCtx, { agent, source, cursor }: WebhookRow, wanted: Wanted): Promise<Next> => {
  const { tx, roster, now, allowlistStrict } = ctx
  const page = { after: cursor, ...(wanted === undefined ? theNext : lookedAt) }
  // Read in front of the page: another process may store more between the two, and what is not in the page is not done with.
  const head = await headOf(tx, { source })
  const standing = await standingOf(tx, agent)
  const refusal = refusalOf(standing, allowlistStrict)
  if (refusal !== undefined || !standing.isKnown)
    return { kind: 'gone', problem: 'its agent is not admitted here any more', isAgentGone: true }
  if (source.startsWith('#')) {
    if (roster.channel(source)?.info.owner !== agent) return { kind: 'gone', problem: `its agent does not own ${source} any more` }
    if (!await mayRead(ctx, agent, source, standing.isVerified))
      return { kind: 'gone', problem: `its agent may not read ${source} any more` }
    return firstOf(ctx, head, await tx.log.page(source, page), wanted)
  }
  const rows = await tx.log.inbox(agent, { ...page, now })
  const asked = new Map<string, boolean>()
  return firstOf(ctx, head, rows, wanted, async ({ stream }) => {
    if (!stream.startsWith('#')) return true
    const isReadable = asked.get(stream) ?? await mayRead(ctx, agent, stream, standing.isVerified)
    asked.set(stream, isReadable)
    return isReadable
  })
}

/** The first of these that is wanted. No condition says anything of what may not be read. @param head where the source ended before */
const firstOf = async <R extends Row>(
  ctx: SourceCtx,
  head: number,
  rows: readonly R[],
  wanted: Wanted,
  isReadable?: (row: R) => Promise<boolean>,
): Promise<Next> => {
  let passed: number | undefined
  for (const row of rows) {
    // One is looked at always.
    if (wanted !== undefined && passed !== undefined && wanted.turn.steps <= 0) break
    const { seq } = row
    if (isReadable !== undefined && !await isReadable(row)) return { kind: 'skipped', seq, problem: 'its agent may not read it any more' }
    const text = row.text.toString()
    const said = JSON.parse(text) as SaidFields & { readonly erased?: unknown }
    // Its place is there, and nothing of what was said.
    if (said.erased === true) return { kind: 'skipped', seq, problem: 'it was taken back, or erased' }
    if (wanted !== undefined) wanted.turn.steps -= eventSteps + wanted.condition.steps
    if (wanted?.condition.of(new EventFacts(said)) !== false)
      return { kind: 'event', seq, text, author: typeof said.from === 'string' ? await authorAt(ctx, said.from) : undefined }
    passed = seq
  }
  return passed === undefined ? { kind: 'nothing', cursor: head } : { kind: 'passed', seq: passed }
}

const authorAt = async ({ tx, admins }: SourceCtx, id: string): Promise<Author | undefined> => {
  const known = await findAgent(tx, id)
  return known && {
    pubkey: known.pubkey,
    since: known.first_seen,
    isVerified: known.verified === 1,
    isAdmin: await isNamed(tx, admins, known),
    isOver: known.revoked_at !== null || known.rotated_to !== null,
  }
}
