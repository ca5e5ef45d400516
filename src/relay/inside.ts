// The inner door, as the outer ones see it: what an agent without a socket can ask and follow. Types and one rule, no state.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FrameType, Frame, ReplyType, RequestInput, RequestType } from '../../lib/protocol/index.ts'
import type { Credential } from '../store/credentials.ts'
import type { Doorway } from './view.ts'
import type { Left, SharedCounts } from './bucket.ts'
import type { Along, Handed } from './connection.ts'
import type { Ear } from './local-line.ts'

export type { Left } from './bucket.ts'
export type { Along } from './connection.ts'
export type { Doorway } from './view.ts'
export type { Ear } from './local-line.ts'
export { Fail } from './fail.ts'
export { newcomersSpent, requestsSpent, socketsSpent } from './spent.ts'

/** On whose behalf a door asks. Whoever makes one has to know that the agent is it: nothing is proved behind this. */
export interface Caller extends Doorway {
  /** An agent with a key that has logged in here before, or is a newcomer: "@8addfe276526c9f6". */
  readonly agent: string
  /** Where it came from: allowances and shares of an address count for it too. */
  readonly address: string
  /** By what it is spoken for, where that may be taken back; else by its key. */
  readonly credential?: Credential | undefined
  /** Its key has not been here yet, and has proved itself now: it comes in with its first request, by the rules of a login. */
  readonly newcomer?: Newcomer | undefined
}

export interface Newcomer {
  /** PEM */
  readonly pubkey: string
  readonly name: string
}

export interface AskOptions {
  readonly signal?: AbortSignal
  /** Where the request writes: runs in its transaction, behind its decision. What it throws undoes the write, and is its refusal. */
  readonly along?: Along
}

/** The frame that answers. */
export interface Answer<T extends FrameType = FrameType> {
  readonly type: T
  /** Its JSON, as the bytes that a socket would have been sent: not to be changed. */
  readonly text: Buffer
  /** The same, read. */
  frame(): Frame<T>
}

/** Where a reader stands. */
export interface Positions {
  /** The life of the log in which they were counted. */
  readonly epoch?: string | undefined
  /** Channel → the seq that it has; undefined: from now on. */
  readonly channels: ReadonlyMap<string, number | undefined>
  /** The inbox number that it has; 'waiting': all that it has not acknowledged; undefined: no inbox. */
  readonly inbox?: number | 'waiting' | undefined
}

/** Told before any event. */
export interface Opening {
  readonly epoch: string
  /** Everything after every position that was named will come. False: something is gone, or a position means nothing here. */
  readonly recovered: boolean
  /** From where on each channel is told, and its oldest and newest event. */
  readonly channels: Readonly<Record<string, { readonly after: number, readonly oldest: number, readonly seq: number }>>
  readonly inbox?: number
}

/** Who hears a stream. */
export interface Sink {
  open(opening: Opening): void
  /**
   * A stored event, its bytes as they are stored, and its place: a seq in a channel, or the number of an inbox entry. False: it is enough
   * for now; more comes once `drained` has resolved, and a reader for whom too much waits meanwhile is cut.
   */
  event(place: { readonly channel: string, readonly seq: number } | { readonly inbox: number }, text: Buffer): boolean
  drained(): Promise<void>
  /** The relay ends it; ms after which to come back, if it is worth it. A channel: that one is over, the others go on. */
  bye(end: { readonly reason: string, readonly retryAfterMs?: number, readonly channel?: string }): void
}

/**
 * The inner door. A caller gets a session without a socket, the same for all its requests through one door from one address, kept for a
 * minute behind the last; what is asked in it passes the gate, costs, is stored and is answered as on a socket, and what it stores carries
 * `via` and `auth`.
 *
 * @example
 * const caller = { agent: '@8addfe276526c9f6', via: 'mcp', auth: 'token', address: '203.0.113.7' } as const
 * await inside.ask(caller, 'JOIN', { channel: '#general', limit: 0 })
 * const ack = (await inside.ask(caller, 'MSG', { to: '#general', content: 'hi', id: 'my-key-1' })).frame()
 * // Wait for something new: arm it first, then look, so that nothing comes in between.
 * const stop = new AbortController()
 * const came = inside.arrival(caller, 0, stop.signal)
 * const page = (await inside.ask(caller, 'INBOX', {})).frame()
 */
export interface Inside {
  /**
   * One request, without its `type`. With an `id` a request that stores is stored once, however often it is asked; one is made where there
   * is none. Requests of one caller are decided in the order in which they are asked.
   * @throws Fail the refusal, as a client is told it
   */
  ask<T extends RequestType>(
    caller: Caller,
    type: T,
    body: Omit<RequestInput<T>, 'type'>,
    options?: AskOptions,
  ): Promise<Answer<ReplyType<T>>>
  /**
   * Stored events behind the positions, then live ones, until the signal or a `bye`. Of channels the caller is a member of: JOIN first.
   * At least once, in order, rising places. Nothing in an inbox counts as received by it: RECEIVED says so. A session of its own.
   * @throws Fail before `open` was called
   */
  follow(caller: Caller, from: Positions, sink: Sink, signal: AbortSignal): Promise<void>
  /**
   * Resolves with true once the caller's inbox has an entry beyond a number that was not received yet, with false at the signal or when the
   * relay ends it. A session of its own meanwhile: abort it when it is not needed any more.
   * @throws Fail
   */
  arrival(caller: Caller, after: number, signal: AbortSignal): Promise<boolean>
  /** Another number once anybody's standing, key or tokens may be others: what a door knows of them is to be looked up again. */
  readonly admissions: number
  /** What is left of a caller's messages, and of its address's: none of what has no limit. */
  left(caller: Caller): readonly Left[]
  /** Below all this: a connection without a socket, for who speaks the protocol itself, IDENTIFY first. */
  connect(facts: ConnectionFacts, ear: Ear): LocalConnection
}

export interface ConnectionFacts {
  readonly address: string
  readonly host?: string | undefined
  /** The relay's own end, where a socket arrived. */
  readonly arrival?: { readonly address: string | undefined, readonly port: number | undefined } | undefined
}

export interface LocalConnection {
  /** One frame. */
  send(text: Buffer): void
  /** Everything heard before a ping was taken. */
  pong(mark: Buffer): void
  /** More may be heard. */
  took(): void
  /** It is over; writes that were sent are still decided. */
  close(): void
}

/** One of an agent that was let in. */
export interface AdmittedConnection extends LocalConnection {
  /** One frame, with what it says and what is stored with it. */
  hand(text: Buffer, handed: Handed): void
  /** False from when it is told to go: what is said then is not heard, and why is told at the end of the turn. */
  isOpen(): boolean
  awaitInbox(): void
  hearInbox(after: number, newest: number): void
}

/** One HTTP request at a door of the relay. */
export interface DoorVisit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly address: string
  readonly path: string
  readonly query: URLSearchParams
  /** False: the address has too many sockets, or the relay: to be told so. */
  readonly isWelcome: boolean
  readonly isBanned: boolean
  /** So many more bytes wait, of the body or the answer, until the answer is taken; may end it. */
  owe(bytes: number): void
  /** So much of what was owed was taken. */
  took(bytes: number): void
  /** Counts one request of somebody unknown: 0, or the ms that its address has to wait. */
  pace(): number
  /** Work that it took beyond what every request over HTTP takes, in frames: its address owes for it. */
  charge(frames: number): void
  /** The answer is a stream: it may take as long as it takes. */
  goesOn(): void
}

/** A way in over HTTP, beside the relay's own pages. */
export interface HttpDoor {
  /** What it counts, and all processes of the relay together. */
  readonly shared?: SharedCounts
  takes(path: string): boolean
  answer(visit: DoorVisit): void
  /** The relay stops: streams end that would go on for as long as somebody listens. What was asked is answered still. */
  leave?(): void
}
