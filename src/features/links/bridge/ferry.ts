// The ferry: what peers bring of other relays' channels is stored here, under the numbers and times it has there. A page and how far the mirror
// is then are one transaction, so that nothing is stored twice and nothing is left out, whatever is killed in between.
import { addressOf } from '../../../../lib/protocol/index.ts'
import {
  notify,
  statusNotices,
  type Append,
  type Effect,
  type Notify,
  type Outcome,
  type Shares,
  type SweepCtx,
} from '../../../relay/feature.ts'
import { addChannel } from '../../../store/channels.ts'
import { isEnding } from '../../../store/endings.ts'
import type { TableReader, Tx } from '../../../store/store.ts'
import { forgetHanded, settleHanded, waitingByHost, waitingFor, waitingId, waitingInVain, waitingRow } from './handed-store.ts'
import { Mentions } from './mentions.ts'
import type { LinkMeter } from './meter.ts'
import { linksOf } from './naming.ts'
import { ownCopy } from './own-copy.ts'
import type { Arrived, Cosigned, Erased, Handed, HomeEvent, Peer, PeerOptions, Pulled } from './peer.ts'
import { forgetRemote, rememberRemote } from './remote-store.ts'
import { idle, newState, stateOfText, textOfState, type LinkState } from './standing.ts'
import {
  allLinks,
  allMirrors,
  mirrorInfo,
  mirrorOf,
  setDocument,
  setMirror,
  setStanding,
  stateOf,
  type LinkRow,
  type MirrorRow,
} from './store.ts'
import { Witness, type WitnessOptions } from './witness.ts'

export interface FerryOptions extends WitnessOptions {
  readonly openPeer: (options: PeerOptions) => Peer
  readonly mirrorCount: number
  readonly shares: Shares
  /** The links that there are when it begins; undefined: links are off. */
  readonly linked: readonly LinkRow[] | undefined
  /** ms */
  readonly startedAt: number
  /** How long a repeated id is known to be one. */
  readonly publishWindowMs: number
  readonly linkMeter: LinkMeter
}

const forgetEveryMs = 60_000
/** Offered to one relay at once, and given up at once; and how often is looked for what is given up. */
const handedAtOnce = 100
const giveUpMs = 1_000
/** So often what waits is offered to all, whoever has written it. */
const offeredEveryMs = 500
/** Events that one turn stores before others have theirs. */
const storedAtOnce = 1_000
/** Events of a mirror that go in one turn. */
const goneAtOnce = 250
/** Of the window, in which a repeat is known to be one. */
export const maxAge = 5 / 6
/** What a relay says of an event when it sends it, and stores in none. */
const saidOnTheWay = ['re', 'replay', 'prev_seq', 'inbox_seq']
const measuredEveryMs = 1_000
/** A cut that is mended sooner is not told to those who read a mirror. */
const staleMs = 10_000
/** How long after its last turn a process is taken to be at it: as long as it is taken to run. */
const ownMs = 10_000

/** The same text with the name that the channel has here. undefined: it would not be the same text again with the name of there. */
export const renamed = (text: string, home: string, here: string): string | undefined => {
  const frame = JSON.parse(text) as Record<string, unknown>
  if (saidOnTheWay.some(name => Object.hasOwn(frame, name))) return undefined
  return frame['to'] === home && JSON.stringify(frame) === text ? JSON.stringify({ ...frame, to: here }) : undefined
}

/** What another relay says, as databases take it: there is one that takes no NUL in a text. */
const keepable = (said: string | undefined): string | undefined => said?.replaceAll('\0', ' ')

/** What is told, and stored, of what other relays made of messages. */
interface Settling {
  readonly tell: Notify[]
  readonly append: Append[]
}

/** What a turn comes to. */
interface Turn extends Settling {
  readonly effects: Effect[]
  readonly done: (() => void)[]
  readonly peer: Peer
  readonly mentions: Mentions
}

interface Link {
  readonly row: LinkRow
  readonly peer: Peer
}

const hasBrought = (peer: Peer): boolean => peer.answered().length + peer.arrived().length > 0 || peer.described() !== undefined

export class Ferry {
  readonly #options: FerryOptions
  readonly #links = new Map<string, Link>()
  readonly #witness: Witness
  #isAwaited = false
  /** This process is the one that has them. */
  #hasLinks = false
  /** The host whose link had the last turn. */
  #served = ''
  #soon: (() => void) | undefined
  #forgotAt = 0
  #now: number
  /** ms */
  #gaveUpAt = 0
  #offeredAt = 0
  /** Something waits that was not offered. */
  #isWoken = false
  #measuredAt = 0
  /** As they were in the last turn, in every process. */
  #rows: readonly LinkRow[]

  constructor(options: FerryOptions) {
    this.#options = options
    this.#witness = new Witness(options)
    this.#rows = options.linked ?? []
    this.#now = options.startedAt
  }

  get isOn(): boolean {
    return this.#options.linked !== undefined
  }

  /** How a link stands: where another process has it, as that one said last. */
  standingOf({ host, standing }: LinkRow, mirrors: readonly MirrorRow[]): LinkState {
    if (!this.#hasLinks) return stateOfText(standing)
    const peer = this.#links.get(host)?.peer
    if (peer === undefined) return idle
    return newState(peer.state,
      mirrors.filter(mirror => mirror.host === host).map(({ channel }) => [channel, peer.problemOf(addressOf(channel).name)] as const))
  }

  /** Since when (ms) the home of a mirror is not heard; undefined: it is, or was a moment ago, or there is no such mirror. */
  readonly staleSince = async (db: TableReader, channel: string, now: number): Promise<number | undefined> => {
    const mirror = await mirrorOf(db, channel)
    const since = mirror?.stale_since ?? (this.isOn ? undefined : mirror?.checked_at)
    return since != null && now - since >= staleMs ? since : undefined
  }

  /** ms, as of the last turn */
  now(): number {
    return this.#now
  }

  /** The links are these now: who is one is known at once in this process, and in others with their next turn. */
  learn(rows: readonly LinkRow[], now: number): void {
    this.#rows = rows
    this.#now = now
    this.wake()
  }

  /** The link to a host, and of a relay, where what agents say is handed on. */
  linkAt(host: string): LinkRow | undefined {
    return this.#rows.find(row => row.host === host && row.trust === 'both')
  }

  linkOf(serverId: string): LinkRow | undefined {
    return this.#rows.find(row => row.server_id === serverId && row.trust === 'both')
  }

  /** Something waits to be handed on. */
  wake(): void {
    this.#isWoken = true
    if (this.#soon !== undefined) this.#again(this.#soon)
  }

  close(): void {
    for (const { peer } of this.#links.values()) peer.close()
    this.#links.clear()
    this.#witness.forget()
  }

  async turn(ctx: SweepCtx): Promise<Outcome | undefined> {
    this.#isAwaited = false
    this.#soon = ctx.soon
    this.#now = ctx.now
    this.#rows = await allLinks(ctx.tx)
    this.#hasLinks = await ctx.tx.own('links', ownMs)
    if (!this.#hasLinks) {
      this.close()
      this.#options.linkMeter.stand([], { waiting: 0, following: 0, stopped: 0 })
      return undefined
    }
    const mirrors = await allMirrors(ctx.tx)
    const cosigned = new Map<string, Cosigned | undefined>()
    for (const { channel, checkpoint } of mirrors) cosigned.set(channel, await this.#witness.last(ctx.tx, checkpoint))
    this.#reconcile(this.#rows, mirrors, cosigned, ctx)
    await this.#measure(ctx, mirrors)
    // In the next turn again, as long as there is more.
    const isLeft = ctx.now - this.#forgotAt >= forgetEveryMs
      && [await forgetHanded(ctx.tx, ctx.now - this.#options.publishWindowMs), await forgetRemote(ctx.tx)].includes(true)
    if (!isLeft) this.#forgotAt = Math.max(this.#forgotAt, ctx.now - ctx.now % forgetEveryMs)
    const append: Append[] = []
    const effects: Effect[] = []
    const tell: Notify[] = []
    const done: (() => void)[] = []
    const mentions = new Mentions(this.#options.shares)
    const next = this.#nextOf(this.#links, ctx.soon, done)
    for (const each of next?.peer.answered() ?? []) {
      await this.#settle(ctx, each, { tell, append })
      done.push(() => {
        next!.peer.noted(each)
        this.#options.linkMeter.handed(each.code === undefined ? 'taken' : 'refused')
      })
    }
    await this.#giveUp(ctx, { tell, append })
    for (const [host, { peer, row }] of this.#offered(ctx.now, next))
      if (row.trust === 'both') await this.#handOn(ctx, host, peer, { done })
    if (next !== undefined) {
      const { peer, row, row: { host } } = next
      await this.#describe(ctx, row, peer, { done })
      for (const each of peer.arrived()) {
        if (append.length >= storedAtOnce) {
          done.push(() => this.#again(ctx.soon))
          break
        }
        if (await this.#store(ctx, `${each.channel}@${host}`, each, { append, effects, tell, done, peer, mentions }))
          done.push(() => peer.settled(each))
      }
    }
    if (done.length + tell.length === 0) return undefined
    return {
      append,
      ...(tell.length > 0 && { notify: tell }),
      ...(effects.length > 0 && { effects }),
      committed: () => {
        for (const each of done) each()
      },
    }
  }

  /**
   * Of the links that brought something, the one whose turn it is: what of it cannot be stored holds up no other, for a turn is stored as a
   * whole or not at all.
   */
  #nextOf(links: ReadonlyMap<string, Link>, soon: () => void, done: (() => void)[]): Link | undefined {
    const bringing = [...links.keys()].filter(host => hasBrought(links.get(host)!.peer)).sort()
    const next = bringing.find(host => host > this.#served) ?? bringing[0]
    if (next === undefined) return undefined
    this.#served = next
    if (bringing.length > 1) done.push(() => this.#again(soon))
    return links.get(next)
  }

  /** Those to which what waits is offered: now and then all, otherwise the one that may have room again. */
  #offered(now: number, next: Link | undefined): Iterable<readonly [string, Link]> {
    if (!this.#isWoken && Math.abs(now - this.#offeredAt) < offeredEveryMs) return next === undefined ? [] : [[next.row.host, next]]
    this.#isWoken = false
    this.#offeredAt = now
    return this.#links
  }

  async #measure({ tx, now }: SweepCtx, mirrors: readonly MirrorRow[]): Promise<void> {
    if (Math.abs(now - this.#measuredAt) < measuredEveryMs) return
    this.#measuredAt = now
    for (const row of this.#rows) {
      const standing = textOfState(this.standingOf(row, mirrors))
      if (standing !== row.standing) await setStanding(tx, row.host, standing)
    }
    for (const { channel, host, problem, stale_since: former } of mirrors) {
      const isHeard = problem === null && this.#links.get(host)?.peer.state.state === 'open'
      const since = isHeard ? null : former ?? now
      if (since !== former) await setMirror(tx, channel, { stale_since: since })
    }
    const waiting = await waitingByHost(tx)
    const states = { waiting: 0, following: 0, stopped: 0 }
    for (const mirror of mirrors) states[stateOf(mirror)]++
    this.#options.linkMeter.stand(this.#rows.map(({ host }) => ({
      host,
      isUp: this.#links.get(host)?.peer.state.state === 'open',
      behind: mirrors.reduce((sum, mirror) => mirror.host === host ? sum + this.#behind(mirror) : sum, 0),
      waiting: waiting.get(host) ?? 0,
    })), states)
  }

  #behind({ channel, host, upto }: MirrorRow): number {
    return Math.max(0, (this.#links.get(host)?.peer.newestOf(addressOf(channel).name) ?? 0) - upto)
  }

  /** A peer for each link that is wanted, told what it follows. */
  #reconcile(
    links: readonly LinkRow[],
    mirrors: readonly MirrorRow[],
    cosigned: ReadonlyMap<string, Cosigned | undefined>,
    { soon }: SweepCtx,
  ): void {
    const wanted = new Map(links.filter(({ trust }) => trust !== 'off').map(row => [row.host, row]))
    for (const [host, { row, peer }] of this.#links) {
      const now = wanted.get(host)
      if (now?.url === row.url && now.server_id === row.server_id) continue
      peer.close()
      this.#links.delete(host)
    }
    for (const [host, row] of wanted) {
      const followed = new Map(
        mirrors.filter(mirror => mirror.host === host && mirror.problem === null)
          .map((
            { channel, epoch, tree, blanked },
          ) => [addressOf(channel).name, { epoch: epoch ?? undefined, tree, blanked, cosigned: cosigned.get(channel) }]),
      )
      const link = this.#links.get(host)
      if (link === undefined && followed.size === 0 && row.trust !== 'both') continue
      const { url, server_id: serverId } = row
      const { mirrorCount, openPeer } = this.#options
      const peer = link?.peer ?? openPeer({ url, serverId, mirrorCount, onArrival: () => this.#again(soon) })
      this.#links.set(host, { row, peer })
      peer.follow(followed)
    }
  }

  /** What has waited for too long is given up, for its home would take it for a repeat; so is what was erased, or is for no link. */
  async #giveUp({ tx, now }: SweepCtx, turn: Settling): Promise<void> {
    if (Math.abs(now - this.#gaveUpAt) < giveUpMs) return
    this.#gaveUpAt = now
    const before = now - this.#options.publishWindowMs * maxAge
    for (const { n, at, host, body } of await waitingInVain(tx, before, handedAtOnce)) {
      const erased = { code: 'MESSAGE_NOT_FOUND', message: `its author erased it before ${host} had it` }
      const why = body === '' ? erased : at < before
        ? { code: 'VERIFICATION_EXPIRED', message: `${host} could not be reached in time` }
        : { code: 'LINK_REFUSED', message: `${host} is not linked any more` }
      await this.#settle({ tx, now }, { n, ...why }, turn)
      this.#options.linkMeter.handed('given_up')
    }
  }

  /** What waits for a host is offered to its peer. */
  async #handOn({ tx }: SweepCtx, host: string, peer: Peer, { done }: { readonly done: (() => void)[] }): Promise<void> {
    const waiting = await waitingFor(tx, host, peer.held(), handedAtOnce)
    done.push(() => peer.hand(waiting.map(({ n, agent, body }) => ({ n, agent, body }))))
  }

  /** What another relay says of itself is kept; where it has handed over to another key, the link goes on with that one. */
  async #describe({ tx }: SweepCtx, { host, server_id }: LinkRow, peer: Peer, { done }: { readonly done: (() => void)[] }): Promise<void> {
    const described = peer.described()
    if (described === undefined) return
    await setDocument(tx, host, { server_id: described.serverId, document: described.document })
    done.push(() => {
      peer.notedDescription(described)
      if (described.serverId === server_id) return
      this.#options.onLinkTrouble({ host, serverId: described.serverId, former: server_id },
        'a linked relay has another key, which its former one signed over to')
    })
  }

  async #settle(
    { tx, now }: Pick<SweepCtx, 'tx' | 'now'>,
    { n, seq, msgId, code, message }: Handed,
    { tell, append }: Settling,
  ): Promise<void> {
    const row = await waitingRow(tx, n)
    if (row === undefined) return
    const [homeMsgId, why] = [keepable(msgId), keepable(message?.slice(0, 300))]
    await settleHanded(tx, n, {
      ...{ settled_at: now, seq: seq ?? null, home_msg_id: homeMsgId ?? null, code: code ?? null, message: why ?? null },
    })
    // What is said in a channel comes back by its mirror; what is said to an agent is kept here when it is there.
    if (code === undefined && row.to.startsWith('@') && row.body !== '') append.push(ownCopy(row, this.linkAt(row.host)?.server_id))
    tell.push(notify({ kind: 'agents', agents: [row.agent] }, 'SETTLED', {
      ...{ msg_id: waitingId(n), pub_id: row.id, to: row.to as `#${string}` },
      ...(homeMsgId !== undefined && { home_msg_id: homeMsgId }),
      ...(seq !== undefined && { seq }),
      ...(code !== undefined && { code }),
      ...(why !== undefined && { message: why }),
      at: now,
    }))
  }

  #again(soon: () => void): void {
    if (this.#isAwaited) return
    this.#isAwaited = true
    soon()
  }

  /** False: it has to wait, for what was there before is still being cleared away. */
  async #store(ctx: SweepCtx, channel: string, arrived: Arrived, turn: Turn): Promise<boolean> {
    const { tx, now } = ctx
    const row = await mirrorOf(tx, channel)
    // It was ended meanwhile.
    if (row === undefined || row.problem !== null) return true
    if (await isEnding(tx, channel)) return false
    if ('seqs' in arrived) return this.#erase({ tx, now }, row, arrived, turn)
    const home = addressOf(channel).name
    const texts = 'problem' in arrived ? [] : arrived.events.map(({ text }) => renamed(text, home, channel))
    const problem = 'problem' in arrived ? arrived.problem : await this.#problemOf(tx, row, arrived, texts)
    if (problem !== undefined || 'problem' in arrived) {
      const why = problem ?? ''
      await setMirror(tx, channel, { problem: why })
      turn.done.push(() =>
        this.#options.onLinkTrouble({ channel, problem: why, ...('problem' in arrived && { evidence: arrived.evidence }) },
          'a mirror of another relay has stopped: agentchat link status')
      )
      return true
    }
    // Another process brought it on, or it was ended and begun anew.
    if (arrived.begins !== (row.epoch === null) || (!arrived.begins && arrived.after !== row.upto)) return true
    const { epoch, upto, tree, checkpoint, events } = arrived
    await setMirror(tx, channel, { epoch, upto, tree, checkpoint, checked_at: now })
    const { last, committed } = await this.#witness.keep(tx, arrived, now)
    turn.done.push(committed, () => turn.peer.cosigned(home, last))
    turn.done.push(() => this.#options.linkMeter.mirrored(events.length))
    const info = mirrorInfo(channel, now)
    if (row.epoch === null && await addChannel(tx, info, null, now)) turn.effects.push({ kind: 'channel', info })
    await rememberRemote(tx, arrived.authors, row.host, now)
    const links = await linksOf(tx, channel, events)
    for (const [i, event] of events.entries()) {
      const link = links[i]
      turn.append.push({
        ...appendOf(event, channel, texts[i]!),
        ...await turn.mentions.in(ctx, event, channel, row.host),
        ...(link !== undefined && { link }),
      })
    }
    return true
  }

  /**
   * What its home erased is blanked here. Its place and its entry stay, so the mirror fits what was signed as before. What may have been erased
   * goes, a piece in each turn. False: there is more.
   */
  async #erase({ tx, now }: Pick<SweepCtx, 'tx' | 'now'>, row: MirrorRow, erased: Erased, { tell }: Turn): Promise<boolean> {
    const { epoch, after, upto, seqs, gone } = erased
    if (row.epoch !== epoch || row.blanked !== after) return true
    const { seq: newest } = await tx.log.head(row.channel)
    const last = (await tx.keep.oldest(row.channel, goneAtOnce)).findLast(({ seq }) => seq <= gone && seq < newest)
    if (last !== undefined) {
      tell.push(...statusNotices(await tx.keep.deleteThrough(row.channel, last.seq, now)))
      return false
    }
    // The next number comes from the newest.
    const blank = newest <= gone ? [newest, ...seqs] : seqs
    for (const seq of blank) tell.push(...statusNotices(await tx.keep.blank(row.channel, seq, now) ?? []))
    await setMirror(tx, row.channel, { blanked: upto })
    return true
  }

  /** Why a page cannot be stored as it is. @param texts of its events, with the name of here */
  async #problemOf(
    tx: Tx,
    { channel, epoch, upto }: MirrorRow,
    pulled: Pulled,
    texts: readonly (string | undefined)[],
  ): Promise<string | undefined> {
    if (epoch !== null && epoch !== pulled.epoch) return 'its relay was restored: the log has another life there'
    const { seq } = await tx.log.head(channel)
    if (seq > upto) return `the relay holds ${seq} events of it already, and does not know which: it was imported or restored`
    const odd = pulled.events[texts.indexOf(undefined)]
    return odd && `event ${odd.seq} is not written as relays write events`
  }
}

const appendOf = ({ seq, ts, msgId, from }: HomeEvent, here: string, text: string): Append => ({
  stream: here,
  type: 'MSG',
  body: { from: from as `@${string}`, from_name: '', to: here as `#${string}`, content: '' },
  stored: { at: { seq, ts, msgId }, text },
})
