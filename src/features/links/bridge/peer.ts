// What follows another relay for its mirrors, as the wing sees it: src/bridges has the one that speaks to relays.
import type { Evidence } from '../../../../lib/identity/transcripts/index.ts'

/** How far a mirror is. */
export interface Standing {
  /** Of the home's log; undefined: nothing came yet. */
  readonly epoch: string | undefined
  /** The tree over what is here, as text. */
  readonly tree: string
  /** What this relay cosigned of it last, as a witness. */
  readonly cosigned: Cosigned | undefined
  /** How many of its home's erasures were followed. */
  readonly blanked: number
}

/** A head of the home with this relay's cosignature. */
export interface Cosigned {
  readonly size: number
  readonly root: Uint8Array
  readonly text: string
  /** The tree of the mirror is known to go on behind it, or to be on the way there. */
  readonly isFollowed: boolean
}

/** A stored event of the home, its text as it is there. */
export interface HomeEvent {
  readonly seq: number
  /** ms */
  readonly ts: number
  readonly msgId: string
  readonly from: string
  /** What it says, where that is new: of no edit, and of nothing that was taken back. */
  readonly said: string | undefined
  readonly text: string
}

/** An agent of another relay, by its key (PEM). */
export interface RemoteAgent {
  readonly agent: string
  readonly pubkey: string
  readonly name: string
}

/** What the other relay says of itself, signed; of another key where the former one signed over to that. */
export interface Described {
  readonly serverId: string
  /** as JSON */
  readonly document: string
}

/** Events that fit what the home signed. `events` may be none: then it is known how far the home is. */
export interface Pulled {
  readonly channel: string
  readonly epoch: string
  /** It is where a mirror begins, and goes behind nothing. */
  readonly begins: boolean
  /** Behind which of its events these come, and how many there are then. */
  readonly after: number
  readonly upto: number
  readonly events: readonly HomeEvent[]
  /** Numbers before these events went at the home before they were read. */
  readonly skips: boolean
  readonly tree: string
  /** As the home signed it. */
  readonly checkpoint: string
  /** The size of what was cosigned last, where that is known to be its beginning; 0: of nothing. */
  readonly behind: number | undefined
  /** A head that this relay cosigned and does not know of any more: it was put back to a backup. */
  readonly shown: string | undefined
  /** Authors of these events who were not told before. */
  readonly authors: readonly RemoteAgent[]
}

/** Events that their home erased, or lets be taken back: the `after`-th of those and the next, up to the `upto`-th. */
export interface Erased {
  readonly channel: string
  readonly epoch: string
  readonly after: number
  readonly upto: number
  readonly seqs: readonly number[]
  /** Up to this number its home has none, and does not know any more which of them it erased; 0: it does. */
  readonly gone: number
}

/** Why a mirror does not go on: what came does not fit what was signed. */
export interface Broken {
  readonly channel: string
  readonly problem: string
  /** What shows to others that the home signed two histories, where it does. */
  readonly evidence?: Evidence | undefined
}

export type Arrived = Pulled | Erased | Broken

/** A message that waits to be handed on: its number here, its author, and the RELAYED as JSON without `type` and `id`. */
export interface Waiting {
  readonly n: number
  readonly agent: string
  readonly body: string
}

/** What the other relay made of one. */
export interface Handed {
  readonly n: number
  readonly seq?: number
  readonly msgId?: string
  readonly code?: string
  readonly message?: string
}

export interface PeerState {
  readonly state: 'idle' | 'connecting' | 'open' | 'refused'
  readonly problem?: string
}

/** One other relay. What it brings waits until it is taken, a page of each channel at most. */
export interface Peer {
  readonly state: PeerState
  /** Why a channel cannot be followed at the moment. */
  problemOf(channel: string): string | undefined
  /** The newest number of a channel that it was heard of; 0: it was not. */
  newestOf(channel: string): number
  /** These channels, and no others; each is gone on with from where it stands. */
  follow(channels: ReadonlyMap<string, Standing>): void
  /** What came and was not settled. */
  arrived(): readonly Arrived[]
  /** It is stored, or not what is next: the next page may come. */
  settled(arrived: Arrived): void
  /** What is cosigned of a channel now, to be handed to its relay. */
  cosigned(channel: string, last: Cosigned | undefined): void
  /** Authors of whom the other relay takes nothing at the moment. */
  held(): readonly string[]
  /** What waits, in its order: handed on one after the other of each author. What was handed before and is under way is no second one. */
  hand(waiting: readonly Waiting[]): void
  /** What became of some, until it is noted. */
  answered(): readonly Handed[]
  noted(handed: Handed): void
  /** What the relay says of itself, until it is noted. */
  described(): Described | undefined
  notedDescription(described: Described): void
  close(): void
}

export interface PeerOptions {
  readonly url: string
  /** The relay that has to answer there: nothing is signed for another. */
  readonly serverId: string
  /** Of the newest events of a channel a mirror begins with so many. */
  readonly mirrorCount: number
  /** Something arrived. */
  onArrival(): void
}
