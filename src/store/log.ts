// The log: every stored event, numbered per stream, as the bytes that were sent. A stream is a channel ("#c") or a pair of agents.

/** A value now or later: an embedded store answers at once, a database server does not. */
export type Awaitable<T> = T | Promise<T>

/** Where a stream stands. seq 0: nothing stored yet. */
export interface Head {
  readonly seq: number
  readonly oldest: number
  readonly ts: number
}

/** What numbering gives an event. `ts` is ms, strictly rising per stream. */
export interface Stamp {
  readonly seq: number
  readonly ts: number
  readonly msgId: string
}

/** A stored event: its number and its JSON text as UTF-8 bytes. */
export interface Row {
  readonly seq: number
  readonly text: Buffer
}

/** How far an inbox entry has come. */
export type ReceiptState = 'stored' | 'offered' | 'received' | 'read' | 'expired'

/**
 * held: until its time. waiting: to be claimed again from its time on. done: behind an entry that is not. failed: given up. dropped: the same,
 * and nobody wants to hear of it; forgotten at once it would be claimed again, or seem to be read.
 */
export type LeaseState = 'held' | 'waiting' | 'done' | 'failed' | 'dropped'

/** An inbox entry of one agent, and when it got where. Times in ms, null: not (yet). */
export interface Receipt {
  readonly agent: string
  readonly offeredAt: number | null
  readonly receivedAt: number | null
  readonly readAt: number | null
  readonly expiredAt: number | null
  /** Where workers of the agent claim what is in its inbox. */
  readonly lease?:
    | { readonly state: LeaseState, readonly until: number, readonly attempts: number, readonly reason: string | null }
    | undefined
}

/** A message and what became of it. */
export interface Fate {
  readonly msgId: string
  readonly author: string
  /** the stream it stands in */
  readonly stream: string
  readonly storedAt: number
  readonly expiresAt: number | null
  readonly receipts: readonly Receipt[]
}

/** An inbox entry: its own number, and the event it points at. */
export interface InboxRow extends Row {
  readonly stream: string
}

/** Entries of an inbox that are looked at where it is asked what of a stream was not read: the newest ones. */
export const inboxWindow = 1_000

/** What waits in an inbox of one stream and was not read: how many entries, and the event of the oldest of them. */
export interface UnreadEntries {
  readonly stream: string
  readonly count: number
  readonly first: number
}

/** Tables whose rows hang on an event by its `stream` and `seq`: they go where it goes, or where only its place is left. */
export const hanging = ['reactions', 'reacted', 'pins', 'floors'] as const

export interface PageQuery {
  /** Events after this seq, oldest first … */
  readonly after?: number
  /** … or the newest events before this seq, still oldest first. */
  readonly before?: number
  readonly limit: number
  /** Stop before the page's text grows past this; one event is always given. */
  readonly maxBytes: number
}

export interface LogReader {
  head(stream: string): Awaitable<Head>
  /** The newest seq of each of some streams, as far as they are there: one question, however many they are. */
  newestOf(streams: readonly string[]): Awaitable<ReadonlyMap<string, number>>
  /** The newest number in the inbox of each of some agents, as far as there is one. */
  newestInboxes(agents: readonly string[]): Awaitable<ReadonlyMap<string, number>>
  page(stream: string, query: PageQuery): Awaitable<readonly Row[]>
  inboxHead(agent: string): Awaitable<{ readonly seq: number, readonly cursor: number }>
  /** Entries that are not expired at `now`. */
  inbox(
    agent: string,
    query: { readonly after: number, readonly limit: number, readonly maxBytes: number, readonly now: number },
  ): Awaitable<readonly InboxRow[]>
  /** What was not read of the newest entries of an inbox, by stream; `isPartial` where there may be more behind them. */
  unread(agent: string): Awaitable<{ readonly streams: readonly UnreadEntries[], readonly isPartial: boolean }>
  /** The number of a stream in message ids; undefined where nothing was ever said in it. */
  streamId(name: string): Awaitable<number | undefined>
  /** What became of a message; undefined when there is none of that id. */
  fate(msgId: string): Awaitable<Fate | undefined>
}

/** The publish key of an event: the author's own request id, remembered so that a repeat is told apart from a new message. */
export interface PublishKey {
  readonly agent: string
  readonly id: string
}

export interface NewEvent {
  readonly stream: string
  readonly author: string
  /** Of the author. */
  readonly key?: PublishKey | undefined
  /** Keyed agents whose inbox gets an entry. */
  readonly inbox?: readonly string[] | undefined
  /** Those of them that do not want to hear of it: their entries are never offered, and treated as the others in all else. */
  readonly muted?: readonly string[] | undefined
  /** Where the author says it from; counts for those entries until they are received. */
  readonly address?: string | undefined
  /** ms after which those entries expire unless they were received */
  readonly ttlMs?: number | undefined
  /** The author wants to be told what becomes of it. */
  readonly receipts?: boolean | undefined
  /**
   * It was numbered elsewhere: in a stream that follows another relay's. Its number has to be behind what the stream has, though not the next
   * one: what is left out is not there.
   */
  readonly at?: Stamp | undefined
  /** The number of an event of the same stream that it names. */
  readonly link?: { readonly kind: 'reply' | 'change', readonly target: number } | undefined
}

export type Appended =
  | {
    readonly kind: 'stored'
    readonly stamp: Stamp /** inbox number per agent, in the order of `inbox` */
    readonly inboxSeqs: readonly number[]
  }
  | { readonly kind: 'duplicate', readonly stamp: Stamp, /** the first event's text; missing when it was erased */ readonly text?: Buffer }

/** A column that names agents; whoever stands in one stays known by its key. */
export type AgentUse = readonly [table: string, column: string]

/** A stored event, as far as it matters to whether it is kept: `ts` in ms, `bytes` of its text. */
export interface Kept {
  readonly seq: number
  readonly ts: number
  readonly bytes: number
}

export interface Trimmed {
  /** Where to go on; undefined: there was nothing behind where it began. */
  readonly last: number | undefined
  readonly events: number
  readonly bytes: number
  readonly fates: readonly Fate[]
}

export interface ErasureStep {
  readonly done: boolean /** erased so far */
  readonly events: number
  readonly fates: readonly Fate[]
}

/** Events of a channel whose text is gone: up to a number, and some behind that. */
export interface Gone {
  readonly kind: 'gone'
  readonly channel: string
  readonly upTo: number
  readonly seqs: readonly number[]
}

/**
 * Letting go of what was said, in pieces so that no transaction is long. The newest event of a stream is blanked instead of deleted,
 * because the next number comes from it. What waited in inboxes ends as expired; each method gives the fates to tell.
 */
export interface LogKeeper {
  /** The next streams of talk after a name, in order; what agents agreed and paid is none: it is kept. */
  talksAfter(after: string, limit: number): Awaitable<readonly string[]>
  /** The oldest events, no more than `limit` and than may go at once: of much text fewer, but one at least. */
  oldest(stream: string, limit: number): Awaitable<readonly Kept[]>
  /** What a stream holds in bytes, counting on from where it was counted to last, `limit` events at once; and how many that were. */
  measure(stream: string, limit: number): Awaitable<{ readonly bytes: number, readonly counted: number }>
  /** Deletes a stream's events up to a seq, and what of them waits in inboxes. */
  deleteThrough(stream: string, last: number, now: number): Awaitable<readonly Fate[]>
  /** Clears away a piece of what was ended; nothing was left of it when nothing was deleted. */
  clearEnded(stream: string, now: number): Awaitable<{ readonly deleted: number, readonly fates: readonly Fate[] }>
  /** Blanks one event; undefined: it is blank already, or gone. */
  blank(stream: string, seq: number, now: number): Awaitable<readonly Fate[] | undefined>
  /**
   * Deletes the oldest messages of all streams of talk, from a place in their age on (0: the beginning): about so many bytes, and no
   * more than are deleted at once.
   */
  trim(after: number, wantedBytes: number, now: number): Awaitable<Trimmed>
  /** What is gone since that was asked last. */
  takeGone(): readonly Gone[]
  /** Ends what an agent was told of from these streams and has not received. */
  withdraw(agent: string, streams: readonly string[], now: number): Awaitable<readonly Fate[]>
  /** Notes that everything an agent has said until now is to be erased. */
  beginErasure(agent: string): Awaitable<void>
  /** Erases a piece of what an agent said, under any of its keys. */
  eraseSome(agent: string, keys: readonly string[], now: number): Awaitable<ErasureStep>
  /** An agent whose erasure is under way: one that a restart interrupted, or whose asker has gone. */
  erasureUnderWay(): Awaitable<string | undefined>
  /** Forgets who has nothing left in a part of the log, from a place on; gives where to go on, undefined: there was nothing more. */
  forgetSilent(from: number): Awaitable<number | undefined>
  /** Where the log names agents that said or were sent something, for statements of this transaction that ask whether one is. */
  agentUses(): Awaitable<readonly AgentUse[]>
}

export interface LogWriter extends LogReader {
  /** Whether the key was used, so that appending under it stores nothing. */
  isPublished(key: PublishKey): Awaitable<boolean>
  /**
   * Numbers an event, has it encoded once with its stamp, and stores those bytes; or finds that its key was used before. A log that
   * numbers a whole batch at once gives a promise, which is kept by `flush`.
   */
  append(event: NewEvent, now: number, encode: (stamp: Stamp) => Buffer): Awaitable<Appended>
  /**
   * For several events of one request: they are numbered together. Where the key of the first was used before, all are told as its
   * repeats, and none is stored.
   */
  together(): Pick<LogWriter, 'append'>
  /** Numbers and stores what was appended and waits for it. What that was given promises has them kept; a failure is thrown here alone. */
  flush(): Awaitable<void>
  /**
   * Notes that an agent's inbox entries up to a number were offered, received or read; receiving and reading move its cursor, never back.
   * Gives the fates of messages whose authors want to be told, with the one receipt that changed.
   */
  progress(agent: string, state: 'offered' | 'received' | 'read', upTo: number, now: number): Awaitable<readonly Fate[]>
  /**
   * Notes that what an inbox has of a stream was read up to an event of it, among the newest entries. Its cursors do not move. Gives the
   * fates to tell.
   */
  readIn(agent: string, stream: string, upTo: number, now: number): Awaitable<readonly Fate[]>
  /** One entry was read, or given up, whatever is before it; undefined: it had expired, or is gone. Given up, it reads as expired. */
  endOne(agent: string, seq: number, end: 'read' | 'given up', now: number): Awaitable<readonly Fate[] | undefined>
  /** One that was given up waits again, until then. */
  reopen(agent: string, seq: number, until: number): Awaitable<void>
  /** Whether the agent blocks anybody. */
  hasBlocks(agent: string): Awaitable<boolean>
  /** What of a sender's, of its address's, and in all, waits in an inbox to be received; an entry of much text counts for several. */
  waiting(
    agent: string,
    sender: string,
    address: string,
  ): Awaitable<{ readonly sender: number, readonly address: number, readonly all: number }>
  /** Ends entries whose time is over, a bounded number at once; gives the fates to tell. */
  expire(now: number): Awaitable<readonly Fate[]>
  /** The inbox number of a message, if it is in the agent's inbox. */
  inboxSeqOf(agent: string, msgId: string): Awaitable<number | undefined>
  /** Hands an agent's inbox to another: what was not received yet is appended to the other's. */
  moveInbox(from: string, to: string): Awaitable<void>
  /**
   * Ends a stream: what it holds counts as gone, and is to be cleared away; numbers go on behind it, leaving one out, so that no
   * position of before seems to be one of what comes.
   */
  end(stream: string): Awaitable<void>
  /** A stream that was ended, and of which nothing is left, begins at 1 again: its numbers are another relay's. */
  beginAnew(stream: string): Awaitable<void>
  /** Forgets publish keys older than `before` (ms), a bounded number at a time; gives how many went. */
  forgetKeys(before: number): Awaitable<number>
}

/** The stream of direct messages between two agents, the same from both ends. */
export const pairStream = (a: string, b: string): string => a < b ? `${a}|${b}` : `${b}|${a}`

/** Who else speaks in a stream of direct messages; undefined where the agent has no part in it. */
export const otherIn = (stream: string, agent: string): string | undefined => {
  // What agents agreed and paid is in streams of other names.
  if (!stream.startsWith('@')) return undefined
  if (stream.startsWith(`${agent}|`)) return stream.slice(agent.length + 1)
  return stream.endsWith(`|${agent}`) ? stream.slice(0, -agent.length - 1) : undefined
}

/** @throws Error where an event that was numbered elsewhere does not follow what its stream has */
export const checkFollows = ({ at, stream }: NewEvent, seq: number): void => {
  if (at !== undefined && at.seq <= seq) throw new Error(`${stream} has ${seq} events; number ${at.seq} does not follow`)
}

/** A message id says where the message is: stream and seq, and the life of the log it was given in. Opaque to clients. */
export const msgIdOf = (streamId: number, seq: number, epoch: string): string =>
  `${streamId.toString(36)}-${seq.toString(36)}-${epoch.slice(0, 6)}`

/** Where a message id points. One of another life may point at nothing, or at another message: its text tells. */
export const parseMsgId = (
  msgId: string,
  epoch: string,
): { readonly streamId: number, readonly seq: number, readonly isOfThisLife: boolean } | undefined => {
  const match = /^([0-9a-z]{1,10})-([0-9a-z]{1,10})-([0-9a-f]{6})$/.exec(msgId)
  if (match === null) return undefined
  return { streamId: Number.parseInt(match[1]!, 36), seq: Number.parseInt(match[2]!, 36), isOfThisLife: match[3] === epoch.slice(0, 6) }
}

/** Who acted: `by` where an event names other parties, else who it is from. */
export const authorOf = ({ by, from }: { readonly by?: unknown, readonly from: string }): string => typeof by === 'string' ? by : from
