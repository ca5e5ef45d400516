// What the processes of one relay tell each other of what they commit: events, what is said to agents, and what changes for all.
import { everyone, type Bus, type Subject } from '../bus/bus.ts'
import type { Whose } from './bucket.ts'
import type { Effect, Hint, LocalEffect, News, Notify, ToldEffect } from './feature.ts'
import type { AgentChange, AgentFacts } from './view.ts'

/** A session of the process that tells it. */
interface SessionName {
  readonly agent: string
  readonly session: string
}

/** An event of a channel. Who hears it hears what is told behind it afterwards, though that may come first. */
export interface Place {
  readonly channel: string
  readonly seq: number
}

/** The process that tells it hears a channel from now on, or no more. */
interface Hears {
  readonly kind: 'hears'
  readonly channel: Subject
  readonly isHeard: boolean
}

/** Each process applies it to its own roster and to its own sockets. */
export type Told =
  | ToldEffect
  | { readonly kind: 'notice', readonly notice: Notify, readonly behind?: Place }
  | { readonly kind: 'hint', readonly hint: Hint, readonly behind?: Place }
  | {
    readonly kind: 'opened'
    readonly session: string
    readonly address: string
    readonly heardAt: number
    /** ms: when it was opened */
    readonly since: number
    readonly facts: AgentFacts
    readonly autojoin: readonly string[]
  }
  | SessionName & { readonly kind: 'joined', readonly channel: string, readonly lasting: boolean }
  | SessionName & { readonly kind: 'closed', readonly lastSeen: number }
  | Hears

/** A session as its process knows it. */
export interface SessionFacts {
  readonly session: string
  readonly address: string
  readonly heardAt: number
  readonly since: number
  readonly facts: AgentFacts
  readonly change: AgentChange
  /** Channels that it hears: those whose members were told that it came, and those it is in silently. */
  readonly announced: readonly string[]
  readonly silent: readonly string[]
}

/** What was spent of an allowance, by its name: whose, and how many tokens. */
export type Spent = readonly [allowance: string, whose: Whose, key: string, tokens: number]

/** What one process of a relay tells the others. */
export type BusMessage =
  /** Events of one channel, those from `first` to `last`: their frames, joined. */
  | {
    readonly kind: 'events'
    readonly channel: string
    readonly first: number
    readonly last: number
    readonly frames: Buffer
    readonly news?: readonly News[]
  }
  /** A stored event for one agent. */
  | {
    readonly kind: 'direct'
    readonly agent: string
    readonly stream: string
    readonly frame: Buffer
    /** Its number in the stream. */
    readonly seq?: number
    readonly inboxSeq: number | undefined
    /** It does not want to hear of it. */
    readonly isKept: boolean
    readonly news?: readonly News[]
  }
  /** `n`: which it is of those that the process tells all. `isAwaited`: it wants to hear that it is known. */
  | { readonly kind: 'told', readonly told: Told, readonly n?: number, readonly isAwaited?: boolean }
  /** What the process that hears this told is known, up to `n`. */
  | { readonly kind: 'knows', readonly n: number }
  /** Tell me all of your sessions. */
  | { readonly kind: 'ask' }
  /** Sessions of the process and channels that it hears, after so much was told: page `page` of `pages`. One of an older version hears all. */
  | {
    readonly kind: 'sessions'
    readonly sessions: readonly SessionFacts[]
    readonly hears?: readonly Subject[]
    readonly n: number
    readonly page: number
    readonly pages: number
  }
  /**
   * Channels and inboxes that were written to of late, and how far they are; how much was told; and how many ms ago the database answered
   * that the process runs, which one of an older version does not say.
   */
  | {
    readonly kind: 'heads'
    readonly heads: readonly (readonly [Subject, number])[]
    readonly n: number
    readonly renewedMs?: number
  }
  /** Spent at the process since it told last. */
  | { readonly kind: 'spent', readonly spent: readonly Spent[] }
  /** The process did not hear for a while, and was not heard. */
  | { readonly kind: 'missed' }

/** By what they hear each other. */
export type RelayBus = Bus<BusMessage>

const own: ReadonlySet<string> = new Set<LocalEffect['kind']>(
  ['challenge', 'identify', 'subscribe', 'watch', 'filter', 'depart', 'closeAsker'],
)

/** Whether every process does it, and not that of the asker alone. */
export const isTold = (effect: Effect): effect is ToldEffect => !own.has(effect.kind)

/** Where it is told: to those who have somebody that hears it. */
export const subjectsOf = (told: Told): readonly Subject[] => {
  const to = told.kind === 'notice' ? told.notice.to : told.kind === 'hint' ? told.hint.to : undefined
  if (to?.kind === 'channel') return [to.channel]
  return to?.kind === 'agents' ? to.agents : [everyone]
}
