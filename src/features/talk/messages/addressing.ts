// Whom a message reaches: the two ends of a pair, and the inboxes that keep it.
import { hereWord, mentionsIn } from '../../../../lib/protocol/mentions.ts'
import { findGrouped, findMentioned } from '../../../store/agents.ts'
import { blockersAmong, isBlocked } from '../../../store/blocks.ts'
import { pairStream, type Awaitable } from '../../../store/log.ts'
import type { Root } from '../../../store/links.ts'
import { mutersAmong } from '../../../store/threads.ts'
import { goneReasonOf, standingOf } from '../../../store/standing.ts'
import { Fail, type Append, type Channel, type Shares, type WriteCtx } from '../../../relay/feature.ts'

/** Where an event goes, and who is told. */
export type Addressed = Pick<Append<'MSG'>, 'stream' | 'agents' | 'inbox' | 'muted'>

export interface AddressingOptions {
  readonly shares: Shares
  /** `@here` in a channel where more agents with a key are connected mentions nobody, and so do groups of more. */
  readonly maxHereMembers: number
}

export interface Addressing {
  /**
   * To a channel, and to the inboxes of those whom its text mentions, but for those who have muted the thread that it is in. What is said for
   * the first time may call those who are here.
   */
  inChannel(
    ctx: WriteCtx,
    channel: Channel,
    content: string,
    how: { readonly thread: Root | undefined, readonly isNew: boolean },
  ): Awaitable<Addressed>
  /** To an agent. @throws Fail AGENT_NOT_FOUND, LIMIT_REACHED */
  direct(ctx: WriteCtx, to: string): Awaitable<Addressed>
}

export const addressing = ({ shares, maxHereMembers }: AddressingOptions): Addressing => {
  /** Who is called: only agents with a key have an inbox. */
  const here = ({ agents }: Channel): readonly string[] => {
    const found: string[] = []
    for (const { id, pubkey } of agents.keys()) {
      if (pubkey !== null) found.push(id)
      if (found.length > maxHereMembers) return []
    }
    return found
  }

  /** Who is called by groups of the channel; a word that is an agent's id means that agent. */
  const grouped = async ({ tx, roster }: WriteCtx, { info }: Channel, words: readonly string[], named: readonly string[]) => {
    const groups = info.groups!.map(({ name }) => name)
      .filter(name => words.includes(name) && !named.includes(`@${name}`) && roster.agent(`@${name}`) === undefined)
    const found = groups.length === 0 ? [] : await findGrouped(tx, groups, info, maxHereMembers + 1)
    return found.length > maxHereMembers ? [] : found
  }

  /** The entries that a mention makes: none where the sender's share of an inbox is full, since the channel has it anyway. */
  const mentioning = async ({ me, tx, asker }: WriteCtx, agents: readonly string[]): Promise<Pick<Addressed, 'inbox' | 'muted'>> => {
    const hasRoom = async (agent: string): Promise<boolean> => {
      try {
        await shares.checkInbox(tx, agent, { agent: me.id, address: asker.address })
        return true
      } catch (error) {
        if (error instanceof Fail) return false
        throw error
      }
    }
    // Asked together: one look-up at a time would be a wait for the database each.
    const rooms = await Promise.all(agents.map(hasRoom))
    const inbox = agents.filter((_, i) => rooms[i])
    if (inbox.length === 0) return {}
    const muted = await blockersAmong(tx, inbox, me.id)
    return { inbox, ...(muted.length > 0 && { muted }) }
  }

  /** To an agent with a key: as much as it has room for, and kept from it if it does not want to hear. */
  const toKeyed = (ctx: WriteCtx, to: string): Awaitable<Addressed> => {
    const { me, tx, asker } = ctx
    const checked = shares.checkInbox(tx, to, { agent: me.id, address: asker.address })
    const blocks = tx.log.hasBlocks(to)
    if (checked === undefined && blocks === false) return toAgent(ctx, to, true)
    return (async () => {
      // Both are awaited from the start: where the database breaks off, both fail.
      const [, isBlocking] = await Promise.all([checked, blocks])
      return toAgent(ctx, to, true, isBlocking && await isBlocked(tx, me.id, to))
    })()
  }

  /** An agent that is not connected can be written to if it has a key to come back with. */
  const toAbsent = async (ctx: WriteCtx, to: string): Promise<Addressed> => {
    const gone = goneReasonOf(to, await standingOf(ctx.tx, to))
    if (gone !== undefined) throw new Fail('AGENT_NOT_FOUND', gone)
    return toKeyed(ctx, to)
  }

  return {
    inChannel(ctx, channel, content, { thread, isNew }) {
      const { info } = channel
      const words = mentionsIn(content)
      if (words.length === 0) return { stream: info.name }
      return (async () => {
        const { me, tx } = ctx
        const named = await findMentioned(tx, words, info)
        const called = new Set(named)
        if (isNew && words.includes(hereWord)) { for (const agent of here(channel)) called.add(agent) }
        if (isNew && info.groups !== null) { for (const agent of await grouped(ctx, channel, words, named)) called.add(agent) }
        const found = [...called].filter(agent => agent !== me.id)
        const muters = thread === undefined ? undefined : await mutersAmong(tx, found, { stream: info.name, root: thread.seq })
        return { stream: info.name, ...await mentioning(ctx, muters === undefined ? found : found.filter(agent => !muters.has(agent))) }
      })()
    },
    direct(ctx, to) {
      const target = ctx.roster.agent(to)
      if (target === undefined) return toAbsent(ctx, to)
      return target.pubkey === null ? toAgent(ctx, to, false) : toKeyed(ctx, to)
    },
  }
}

/** Between two agents, with an entry in the inbox of one that has a key. */
export const toAgent = ({ me }: WriteCtx, to: string, isKeyed: boolean, isMuted = false): Addressed => ({
  stream: pairStream(me.id, to),
  agents: to === me.id ? [me.id] : [to, me.id],
  ...(isKeyed && { inbox: [to] }),
  ...(isMuted && { muted: [to] }),
})

/** UTF-8 bytes that a UTF-16 unit can become. */
const maxBytesPerUnit = 3

/** @throws Fail INVALID_MSG where a content is longer than is taken here */
export const checkSize = (content: string, maxContentBytes: number): void => {
  if (content.length * maxBytesPerUnit > maxContentBytes && Buffer.byteLength(content) > maxContentBytes)
    throw new Fail('INVALID_MSG', `content: at most ${maxContentBytes} bytes are taken here (maxContentBytes of the relay)`)
}
