// What the processes of one relay tell each other of what they commit: events, what is said to agents, and what changes for all.
import { everyone, type Bus, type Subject } from '../bus/bus.ts'
import type { Hint, Notify, ToldEffect } from './feature.ts'
import type { AgentFacts } from './view.ts'

/** A session of the process that tells it. */
interface SessionName {
  readonly agent: string
  readonly session: string
}

/** Each process applies it to its own roster and to its own sockets. */
export type Told =
  | ToldEffect
  | { readonly kind: 'notice', readonly notice: Notify }
  | { readonly kind: 'hint', readonly hint: Hint }
  | {
    readonly kind: 'opened'
    readonly session: string
    readonly address: string
    readonly heardAt: number
    readonly facts: AgentFacts
    readonly autojoin: readonly string[]
  }
  | SessionName & { readonly kind: 'joined', readonly channel: string, readonly lasting: boolean }
  | SessionName & { readonly kind: 'closed', readonly lastSeen: number }

/** What one process of a relay tells the others. */
export type BusMessage =
  /** Events of one channel, those from `first` to `last`: their frames, joined. */
  | { readonly kind: 'events', readonly channel: string, readonly first: number, readonly last: number, readonly frames: Buffer }
  /** A stored event for one agent. */
  | {
    readonly kind: 'direct'
    readonly agent: string
    readonly stream: string
    readonly frame: Buffer
    readonly inboxSeq: number | undefined
    /** It does not want to hear of it. */
    readonly isKept: boolean
  }
  | { readonly kind: 'told', readonly told: Told }

/** By what they hear each other. */
export type RelayBus = Bus<BusMessage>

/** Where it is told: to those who have somebody that hears it. */
export const subjectsOf = (told: Told): readonly Subject[] => {
  const to = told.kind === 'notice' ? told.notice.to : told.kind === 'hint' ? told.hint.to : undefined
  if (to?.kind === 'channel') return [to.channel]
  return to?.kind === 'agents' ? to.agents : [everyone]
}
