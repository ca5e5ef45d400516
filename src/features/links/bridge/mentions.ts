// Who is named in a channel of another relay that is mirrored here: agents with a key have it in their inbox, as if it were said here. Names and ids
// alone: who is here, and groups, are called by agents of the channel's own relay, for those there.
import { mentionsIn } from '../../../../lib/protocol/mentions.ts'
import { Fail, type Append, type Shares, type SweepCtx } from '../../../relay/feature.ts'
import { findMentioned } from '../../../store/agents.ts'
import { blockersAmong } from '../../../store/blocks.ts'
import type { HomeEvent } from './peer.ts'
import { mirrorInfo } from './store.ts'

/** Those of one turn: what it brings is not in an inbox before its end. */
export class Mentions {
  readonly #shares: Shares
  readonly #beside = new Map<string, number>()

  constructor(shares: Shares) {
    this.#shares = shares
  }

  /** The entries that an event makes: none where the share of its author, or of its relay, is full, since the channel has it anyway. */
  async in(
    { tx, roster, now }: Pick<SweepCtx, 'tx' | 'roster' | 'now'>,
    { from, ts, said }: HomeEvent,
    channel: string,
    host: string,
  ): Promise<Pick<Append, 'inbox' | 'muted' | 'address'>> {
    const words = said === undefined ? [] : mentionsIn(said)
    // What was said before there was a mirror called nobody here.
    if (words.length === 0 || ts < (roster.channel(channel)?.info.version ?? now)) return {}
    const inbox: string[] = []
    for (const agent of await findMentioned(tx, words, mirrorInfo(channel, now))) {
      if (agent !== from && await this.#hasRoom(tx, agent, from, host)) inbox.push(agent)
    }
    if (inbox.length === 0) return {}
    const muted = await blockersAmong(tx, inbox, from)
    return { inbox, address: host, ...(muted.length > 0 && { muted }) }
  }

  async #hasRoom(tx: SweepCtx['tx'], agent: string, from: string, host: string): Promise<boolean> {
    const names = { sender: `${agent} ${from}`, address: `${agent} ${host}`, all: agent }
    const beside = { sender: this.#count(names.sender), address: this.#count(names.address), all: this.#count(names.all) }
    try {
      await this.#shares.checkInbox(tx, agent, { agent: from, address: host }, beside)
    } catch (error) {
      if (!(error instanceof Fail)) throw error
      return false
    }
    for (const name of Object.values(names)) this.#beside.set(name, this.#count(name) + 1)
    return true
  }

  #count(name: string): number {
    return this.#beside.get(name) ?? 0
  }
}
