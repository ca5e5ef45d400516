// What a webhook posts next: the event behind its cursor, in its agent's inbox or in its channel, as far as the agent may read it now.
import { findAgent, isMember } from '../../../store/agents.ts'
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
  /** The key that its author has here, in PEM. */
  readonly authorKey: string | null
}

/** skipped: not there, or not to be read by its agent any more. nothing: `cursor` is how far the source goes. gone: nothing is posted any more. */
export type Next =
  | Due
  | { readonly kind: 'skipped', readonly seq: number, readonly problem: string }
  | { readonly kind: 'nothing', readonly cursor: number }
  | { readonly kind: 'gone', readonly problem: string, /** its agent too: nobody is there to be told */ readonly isAgentGone?: true }

export interface SourceCtx {
  readonly tx: Tx
  readonly roster: RosterView
  readonly now: number
  readonly allowlistStrict: boolean
}

/** How far its source goes. */
export const headOf = async (tx: Tx, { source }: Pick<WebhookRow, 'source'>): Promise<number> =>
  (source.startsWith('#') ? await tx.log.head(source) : await tx.log.inboxHead(source)).seq

/** Whether an agent that need not be connected may read a channel. */
const mayRead = async ({ tx, roster }: SourceCtx, agent: string, name: string, isVerified: boolean): Promise<boolean> => {
  const info = roster.channel(name)?.info
  if (info === undefined || (info.verifiedOnly && !isVerified)) return false
  return !info.private || await isMember(tx, agent, name)
}

export const nextOf = async (ctx: SourceCtx, { agent, source, cursor }: WebhookRow): Promise<Next> => {
  const { tx, roster, now, allowlistStrict } = ctx
  const standing = await standingOf(tx, agent)
  const refusal = refusalOf(standing, allowlistStrict)
  if (refusal !== undefined || !standing.isKnown)
    return { kind: 'gone', problem: 'its agent is not admitted here any more', isAgentGone: true }
  if (source.startsWith('#')) {
    if (roster.channel(source)?.info.owner !== agent) return { kind: 'gone', problem: `its agent does not own ${source} any more` }
    if (!await mayRead(ctx, agent, source, standing.isVerified))
      return { kind: 'gone', problem: `its agent may not read ${source} any more` }
    const [row] = await tx.log.page(source, { after: cursor, limit: 1, maxBytes: 1 })
    return row === undefined
      ? { kind: 'nothing', cursor: await headOf(tx, { source }) }
      : due(tx, row)
  }
  const [row] = await tx.log.inbox(agent, { after: cursor, limit: 1, maxBytes: 1, now })
  if (row === undefined) return { kind: 'nothing', cursor: await headOf(tx, { source }) }
  const channel = row.stream.startsWith('#') ? row.stream : undefined
  if (channel !== undefined && !await mayRead(ctx, agent, channel, standing.isVerified))
    return { kind: 'skipped', seq: row.seq, problem: 'its agent may not read it any more' }
  return due(tx, row)
}

const due = async (tx: Tx, row: Row): Promise<Next> => {
  const text = row.text.toString()
  const { from, erased } = JSON.parse(text) as { readonly from?: unknown, readonly erased?: unknown }
  // Its place is there, and nothing of what was said.
  if (erased === true) return { kind: 'skipped', seq: row.seq, problem: 'it was taken back, or erased' }
  const author = typeof from === 'string' ? await findAgent(tx, from) : undefined
  return { kind: 'event', seq: row.seq, text, authorKey: author?.pubkey ?? null }
}
