// What a feature is to the engine: handlers that decide and return a value. The only engine file that features import.
import type { CloseName, EventType, FrameBody, FrameType, ReplyType, RequestBody, RequestType } from '../../lib/protocol/index.ts'
import type { Fate, Gone, NewEvent, PublishKey, Stamp } from '../store/log.ts'
import type { Standing } from '../store/standing.ts'
import type { Awaitable, Db, Scope, Seat, Tx } from '../store/store.ts'
import { Fail } from './fail.ts'
import type { QuotaView } from './quota.ts'
import { statusOf } from './receipts.ts'
import type { Wanted } from './filter.ts'
import { rules } from './rights.ts'
import {
  mayRead,
  type Agent,
  type AgentChange,
  type AgentFacts,
  type Asker,
  type Challenge,
  type Channel,
  type ChannelInfo,
  type FloorClaim,
  type Health,
  type Login,
  type RosterView,
} from './view.ts'

interface BaseCtx {
  readonly now: number
  readonly asker: Asker
  readonly roster: RosterView
  readonly epoch: string
  /** An admin agent, or whoever sent the admin key with the request. */
  readonly isAdmin: boolean
  /** The account by whose right it is asked, if by that of one. */
  readonly account?: string | undefined
  /** Thrown in the place of a refusal that admins do not get: an account operates the relay, and its passkey has to vouch anew. */
  readonly passkeyAsked?: Fail | undefined
}

/** What whoever asks by an office below operator has to leave alone. */
export interface BelowOperator {
  /** Whether an operator's is among some agents, as they are called now, or a browser of one is connected from one of these addresses. */
  hasOperator(agents: readonly string[], addresses: readonly string[]): Promise<boolean>
}

/**
 * `me` and `channel` are there where the right that the request takes says so (lib/access): `me` but for everyone's and an operator's, `channel`
 * where it is of one. Reading them elsewhere is a bug.
 */
export interface ReadCtx extends BaseCtx {
  readonly db: Db
  /** The same beside the event loop, for what reads much. */
  readonly aside: Db
  readonly me: Agent
  readonly channel: Channel
}
export interface WriteCtx extends BaseCtx {
  readonly tx: Tx
  /** It is asked by such an office. */
  readonly below?: BelowOperator | undefined
  readonly me: Agent
  readonly channel: Channel
}

type Fields<T extends FrameType> = Omit<FrameBody<T>, 'ts' | 're'>

/** An answer. `list` adds stored texts under one key, as the bytes they are. */
export interface Reply<T extends FrameType = FrameType> {
  readonly type: T
  readonly body: Partial<Fields<T>> & object
  readonly list?: { readonly key: string, readonly items: readonly Buffer[] }
  /** Only an admin is answered so: it is noted. false: it goes on from an answer that was. */
  readonly byRight?: boolean
}

/** What is said of a channel that is not there, and of one that the asker is to know nothing of: the same. */
export const noChannel = (name: string): Fail => new Fail('CHANNEL_NOT_FOUND', `No channel ${name}`)

/** What is decided of a stream that the request itself does not name goes by what is known of its channel now. */
export const goBy = ({ tx, roster }: Pick<WriteCtx, 'tx' | 'roster'>, stream: string): void => {
  const info = tx.goBy === undefined ? undefined : roster.channel(stream)?.info
  if (info !== undefined) tx.goBy!(info.name, info.version)
}

/** The channel, for whoever may see what is in it. @throws Fail */
export const channelToRead = (me: Agent, name: string, roster: RosterView): Channel => {
  const channel = roster.known(me, name)
  if (channel === undefined) throw noChannel(name)
  if (!mayRead(me, channel, roster)) throw new Fail('NOT_INVITED', `You are not a member of ${name}`)
  return channel
}

/** The channel, for whoever may know who belongs to it: its members, its owner and admins; and whether the asker rules it. @throws Fail */
export const channelOfInsider = (
  { me, roster, isAdmin, passkeyAsked }: Pick<ReadCtx, 'me' | 'roster' | 'isAdmin' | 'passkeyAsked'>,
  name: string,
) => {
  const channel = roster.channel(name)
  if (channel === undefined) throw noChannel(name)
  const isRuler = rules(me, channel.info, isAdmin)
  if (!isRuler && !mayRead(me, channel, roster)) throw passkeyAsked ?? noChannel(name)
  if (!isRuler && !roster.isMember(me, channel)) throw passkeyAsked ?? new Fail('NOT_INVITED', `You are not a member of ${name}`)
  return { channel, isRuler }
}

/** The channel, for whoever is a member of it. @throws Fail */
export const channelOfMember = (me: Agent, name: string, roster: RosterView): Channel => {
  const channel = roster.known(me, name)
  if (channel === undefined) throw noChannel(name)
  if (!roster.isMember(me, channel)) throw new Fail('NOT_INVITED', `You are not a member of ${name}; JOIN it first`)
  return channel
}

export const reply = <T extends FrameType>(type: T, body: Fields<T>): Reply<T> => ({ type, body })

export const pageReply = <T extends FrameType, K extends keyof Fields<T> & string>(
  type: T,
  body: Omit<Fields<T>, K>,
  key: K,
  items: readonly Buffer[],
): Reply<T> => ({ type, body: body as Reply<T>['body'], list: { key, items } })

/** Whom a notice reaches, wherever they are connected: each process finds its own connections among them. */
export type Audience =
  | { readonly kind: 'channel', readonly channel: string, readonly exceptAsker?: true }
  | { readonly kind: 'agents', readonly agents: readonly string[], readonly exceptAsker?: true }
  | { readonly kind: 'everyone' }

/** An event to number, store and fan out. With `agents` it goes to those, in that order; otherwise to the subscribers of its stream. */
export type Append<T extends EventType = EventType> = { readonly [K in T]: AppendOf<K> }[T]

interface AppendOf<T extends EventType> {
  readonly stream: string
  readonly type: T
  readonly body: Omit<FrameBody<T>, 'ts' | 'seq' | 'msg_id' | 'replay' | 'prev_seq' | 'expires_at' | 'salt'>
  readonly key?: PublishKey
  readonly agents?: readonly string[]
  /** Agents with a key whose inbox keeps the event until it is received. */
  readonly inbox?: readonly string[]
  /** Those of them who block whoever says it: it is kept from them, and nobody is told. */
  readonly muted?: readonly string[]
  /** Whose share of an inbox it takes, where it comes by no connection. */
  readonly address?: string
  /** ms after which it is not offered any more */
  readonly ttlMs?: number
  /** The author wants to be told what becomes of it. */
  readonly receipts?: boolean
  /** The event of the same stream that it names. */
  readonly link?: NonNullable<NewEvent['link']>
  /** It was numbered and written by another relay: its place there, and its text as it is stored and sent. */
  readonly stored?: { readonly at: Stamp, readonly text: string }
}

/** A signal to send, never stored. */
export interface Notify<T extends FrameType = FrameType> {
  readonly to: Audience
  readonly type: T
  readonly body: Partial<Fields<T>> & object
  /** Those for whom something waits already are not told. */
  readonly isLight?: true
}

export const notify = <T extends FrameType>(to: Audience, type: T, body: Fields<T>): Notify => ({ to, type, body } as unknown as Notify)

/**
 * What an agent does that others like to know and can do without: told behind the events, the newest of a kind where several come
 * within a second, and in channels of many as numbers. The agent itself is not told.
 */
export type Hint = {
  readonly [T in HintType]: {
    readonly agent: string
    /** What it is about, where that is not the agent: the newest of each is told, to the agent too. */
    readonly about?: string
    /** The members of a channel; everyone who shares a channel with the agent; or nobody but those who watch it. They are told its presence always. */
    readonly to: { readonly kind: 'channel', readonly channel: string } | { readonly kind: 'peers' } | { readonly kind: 'watchers' }
    readonly type: T
    readonly body: Fields<T>
  }
}[HintType]

type HintType = 'TYPING' | 'FLOOR_CLAIMED' | 'PRESENCE_CHANGED' | 'NICK_CHANGED' | 'AGENT_JOINED' | 'AGENT_LEFT' | 'REACTED'

/** Tells the authors what became of their messages. */
export const statusNotices = (fates: readonly Fate[]): readonly Notify[] =>
  fates.map(fate => notify({ kind: 'agents', agents: [fate.author] }, 'STATUS', statusOf(fate)))

/** What changes for the connection that asked, and in the process that it is connected to. */
export type LocalEffect =
  | { readonly kind: 'challenge', readonly challenge: Challenge | undefined }
  | {
    readonly kind: 'identify'
    readonly login: Login
    readonly agent: AgentFacts
    readonly autojoin: readonly string[]
    readonly seat: Seat | undefined
  }
  | {
    readonly kind: 'subscribe'
    readonly channel: string /** replay starts after this seq */
    readonly after: number /** newest stored seq */
    readonly last: number
    readonly lasting: boolean
  }
  | { readonly kind: 'watch', readonly agents: readonly string[], readonly on: boolean }
  /** What of a channel comes to the asker at once; undefined: everything. */
  | { readonly kind: 'filter', readonly channel: string, readonly wanted: Wanted | undefined }
  | { readonly kind: 'depart' }
  | { readonly kind: 'closeAsker', readonly close: CloseName }

/**
 * What changes for all: told to every process as it is here, and each applies it to its own roster and its own sockets. So it is
 * plain data, and names agents and channels instead of whoever asked.
 */
export type ToldEffect =
  /** An agent leaves a channel with all its sessions. */
  | { readonly kind: 'unsubscribe', readonly channel: string, readonly agent: string }
  /** An agent is put out of a channel, and told by whom. */
  | { readonly kind: 'remove', readonly channel: string, readonly agent: string, readonly by: string }
  /** A channel is no more; one of the same name and a newer version is another. */
  | { readonly kind: 'channelEnds', readonly channel: string, readonly by: string, readonly version: number }
  | { readonly kind: 'channel', readonly info: ChannelInfo }
  | { readonly kind: 'agent', readonly agent: string, readonly change: AgentChange }
  /** `undefined`: it is lifted. */
  | { readonly kind: 'addressBan', readonly address: string, readonly ban: { readonly reason: string | null } | undefined }
  /** The standing of an agent may have changed: what follows for its sessions and for the channels they hear. */
  | { readonly kind: 'standing', readonly agent: string, readonly standing: Standing }
  /** By what an agent is let in at a door is another now. */
  | { readonly kind: 'tokens', readonly agent: string }
  | { readonly kind: 'slow', readonly channel: string, readonly who: string, readonly until: number }
  | { readonly kind: 'floor', readonly channel: string, readonly msgId: string, readonly claim: FloorClaim | undefined }
  | {
    readonly kind: 'inbox'
    readonly agent: string /** newest inbox number, of entries that came another way than by a message */
    readonly newest: number
  }
  | { readonly kind: 'motd', readonly motd: string | null }
  | Gone
  | News
  | { readonly kind: 'close', readonly agents: readonly string[], readonly close: CloseName }
  | { readonly kind: 'closeOthers', readonly close: CloseName, readonly reason: string }

/** What a slice knows in memory of what it does, in its own words. `isOfEvent`: where the event of its outcome is heard it is told, with that. */
export interface News {
  readonly kind: 'news'
  readonly of: string
  readonly news: object
  readonly isOfEvent?: true
}

/** A change of what the engine holds in memory; applied after the commit, in order. */
export type Effect = LocalEffect | ToldEffect

/** Whether what is decided next has to find them done: news of an event counts when it is known. */
export const isForAll = (effects: Outcome['effects']): boolean =>
  effects !== undefined && (effects.length === 0 || effects.some(effect => !isOfEvent(effect)))

export const isOfEvent = (effect: Effect): effect is News => effect.kind === 'news' && effect.isOfEvent === true

/** What a write decided. Nothing of it happens before the commit. */
export interface Outcome<R extends FrameType = FrameType> {
  /** The answer; for a stored event it may need the numbers that storing gave (of several, the first one's). */
  readonly reply?: Reply<R> | ((stored: { readonly stamp: Stamp, readonly duplicate: boolean }) => Reply<R>)
  /** A refusal that still has effects: an answer that uses up its challenge. */
  readonly fail?: Fail
  /** Only an admin may do this: it is noted. */
  readonly byRight?: true
  /** Events to store. If the first one's key was used before, it is a repeat, and none of them is stored again. */
  readonly append?: Append | readonly Append[]
  readonly notify?: readonly Notify[]
  readonly hints?: readonly Hint[]
  readonly effects?: readonly Effect[]
  /** Called after the commit: for what lives outside the relay. */
  committed?(): void
  /** The rest of long work: decided in a later batch, behind the writes that wait. It has to survive being dropped. */
  again?(tx: Tx, now: number): Awaitable<Outcome<R>>
}

export type Handler<T extends RequestType> =
  | {
    /** It refuses whoever asks, whatever the request takes. */
    readonly refusesAll?: true
    read(ctx: ReadCtx, body: RequestBody<T>): Awaitable<Reply<ReplyType<T>>>
  }
  | {
    /** What it decides about, unless that is its feature's. Without one it writes rows of its own agent, or what is right whoever is first. */
    readonly scope?: Scope | undefined
    /**
     * Work that takes long elsewhere: begun when the request arrives, awaited when it is its turn. A rejection is the answer; so is an
     * outcome, and nothing is written then; a function is called in the place of `write`. It is begun anew if the asker's agent or
     * challenge is not the same any more.
     */
    prepare?(asker: Asker, body: RequestBody<T>): Promise<Prepared<T>> | undefined
    write(ctx: WriteCtx, body: RequestBody<T>): Awaitable<Outcome<ReplyType<T>>>
  }
  | {
    readonly scope?: Scope | undefined
    /**
     * A write that first has much to read or to work out: beside the event loop, in turns with reads, before it gets in line. The
     * connection's next frame waits for it. Gives the write, or the refusal as a rejection.
     */
    study(ctx: ReadCtx, body: RequestBody<T>): Promise<(ctx: WriteCtx) => Awaitable<Outcome<ReplyType<T>>>>
  }

export type Prepared<T extends RequestType> =
  | Outcome<ReplyType<T>>
  | ((ctx: WriteCtx) => Awaitable<Outcome<ReplyType<T>>>)
  | undefined

export type Handlers = { readonly [T in RequestType]: Handler<T> }

export interface RouteCtx extends Pick<BaseCtx, 'now' | 'roster'> {
  readonly db: Db
  readonly aside: Db
  readonly query: URLSearchParams
  health(): Health
}

/** What is answered over plain HTTP. */
export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly maxAgeSeconds?: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface PostCtx extends RouteCtx {
  readonly address: string
  /**
   * A write in its turn among the others; resolves once it is committed. What `decide` throws is a fault: a refusal is an
   * answer like any.
   */
  write<R>(decide: (tx: Tx, now: number) => Awaitable<R>): Promise<R>
}

/** A place of plain HTTP: a path, or with a "/" at its end everything under it; `rest` is what follows, decoded. */
export interface Route {
  readonly path: string
  /** What its writes decide about, unless that is its feature's. */
  readonly scope?: Scope | undefined
  get(ctx: RouteCtx, rest: string): Awaitable<HttpAnswer>
  post?(ctx: PostCtx, body: string): Awaitable<HttpAnswer>
}

/** A slice of what the relay can do. */
export interface Feature<T extends RequestType = RequestType> {
  readonly handlers: { readonly [K in T]: Handler<K> }
  /** What its writes and its sweep decide about, but for handlers that name their own. */
  readonly scope?: Scope
  /** Runs once a second as a write of its own, in one process at a time, whichever that is: timers that survive a restart. */
  sweep?(ctx: SweepCtx): Awaitable<Outcome | undefined>
  /** The same in each process: for what it holds in memory, and for what it does outside of the database (`tx.own`). */
  tick?(ctx: SweepCtx): Awaitable<Outcome | undefined>
  readonly routes?: readonly Route[]
  /** Of the one that opens sessions: what it does once a key is proved, for an agent that is known already. */
  readonly admit?: Admit
  /** What /health says of it. */
  facts?(): Pick<Health, 'proposals'>
  /** What it decided, here or in another process of the relay, perhaps of another version: an effect `news` under the slice's name. */
  heard?(news: object): void
}

/** Opens a session for an agent with a key that another door vouches for; a newcomer's as a login would. @throws Fail it is not wanted here */
export type Admit = (
  ctx: WriteCtx,
  known: {
    readonly id: string
    readonly session: string
    readonly newcomer?: { readonly pubkey: string, readonly name: string } | undefined
  },
) => Promise<Outcome<'WELCOME'>>

/** A slice of what deals, pays, judges or rates: nothing in it is decided twice at once. */
export type ScopedFeature<T extends RequestType = RequestType> = Feature<T> & { readonly scope: Scope }

/** What a feature has to do by the clock, under the name of the slice. */
export interface Duty {
  readonly name: string
  readonly scope?: Scope | undefined
  /** In one process at a time. */
  readonly isOnce: boolean
  run(ctx: SweepCtx): Awaitable<Outcome | undefined>
}

export interface SweepCtx extends Pick<WriteCtx, 'now' | 'roster' | 'tx'> {
  readonly quota: QuotaView
  health(): Health
  /** Has it done once more, soon: for what goes on with an answer from outside. */
  soon(): void
}

/** Whether a signature (standard base64) is a key's (PEM) over a text: asked for somebody, each address in its turn. */
export type VerifyMessage = (source: Pick<Asker, 'address'>, publicPem: string, text: string, signature: string) => Promise<boolean>

export {
  mayEnter,
  mayRead,
  mayReadStream,
  presenceOf,
  type Agent,
  type Arrival,
  type Asker,
  type Binding,
  type Challenge,
  type Channel,
  type ChannelInfo,
  type ChannelSettings,
  type FloorClaim,
  type Health,
  type Login,
  type RosterView,
} from './view.ts'
export { againstPolicy, checkOpen, checkPost, checkRight, rules } from './rights.ts'
export { Displaced, Fail } from './fail.ts'
export { noMessage } from './missing.ts'
export type { OfficeHolder } from './bonds.ts'
export type { Office } from '../../lib/access/table.ts'
export { statusOf } from './receipts.ts'
export { Shares, type ShareLimits } from './shares.ts'
export type { QuotaView } from './quota.ts'
export type { Known } from './filter.ts'
export { saidBy, type Test } from './heard.ts'
export { pageOf } from './page.ts'
export { inboxItem } from './encode.ts'
