// What can go wrong for a caller of the client, and whether trying again can help. Each has a `code` that never changes its meaning.
import { errors, isErrorCode, mayReconnect, type ErrorCode } from '../protocol/index.ts'
import type { TransportProblem } from './transport.ts'

/** Every code that an error of the client can have: of the relay, of the connection, of the relay's conduct, of what is said. */
export type AgentChatErrorCode =
  | ErrorCode
  | 'UNKNOWN'
  | 'TIMEOUT'
  | ConnectionErrorCode
  | ProtocolErrorCode
  | ContentErrorCode
  | AddressErrorCode

/** What every error of the client is: it has a code, and says whether trying again can help. */
export abstract class AgentChatError extends Error {
  /** Which failure it is; never changes its meaning. */
  abstract readonly code: AgentChatErrorCode

  /** Whether the same call can succeed later without a change. */
  abstract shouldRetry(): boolean
}

/** The relay refused a request. */
export class RelayError extends AgentChatError {
  override readonly name = 'RelayError'
  /** from the error table of the protocol; UNKNOWN: a code that this version does not know */
  readonly code: ErrorCode | 'UNKNOWN'
  /** the code as the relay wrote it */
  readonly wireCode: string
  /** ms to wait before trying again, where the relay said so */
  readonly retryAfterMs: number | undefined

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(message)
    this.code = isErrorCode(code) ? code : 'UNKNOWN'
    this.wireCode = code
    this.retryAfterMs = retryAfterMs
  }

  shouldRetry(): boolean {
    return this.code !== 'UNKNOWN' && errors[this.code].retry
  }
}

/** No answer in time. For a send it is not known whether the message was stored; the same `id` tells. */
export class TimeoutError extends AgentChatError {
  override readonly name = 'TimeoutError'
  readonly code = 'TIMEOUT'
  /** The id of the message or request that was not answered; undefined where it was a login. */
  readonly id: string | undefined

  constructor(message: string, id?: string) {
    super(message)
    this.id = id
  }

  shouldRetry(): boolean {
    return true
  }
}

/**
 * - `NOT_CONNECTED`: `connect()` comes first
 * - `CLOSED`: the client was closed; it stays so
 * - `BAD_URL`: not a ws:// or wss:// url
 * - `UNREACHABLE`: no connection could be opened
 * - `LOST`: the connection was lost before the answer came
 * - `UNCERTAIN`: the connection was lost before the acknowledgement, and it cannot be asked for: the message may or may not be stored
 * - `TOO_MANY`: more calls wait for their answers than the client keeps
 */
export type ConnectionErrorCode = 'NOT_CONNECTED' | 'CLOSED' | 'BAD_URL' | 'UNREACHABLE' | 'LOST' | 'UNCERTAIN' | 'TOO_MANY'

/** There is no connection, or it was lost before the answer came. */
export class ConnectionError extends AgentChatError {
  override readonly name = 'ConnectionError'
  readonly code: ConnectionErrorCode
  /** WebSocket close code, where there was one */
  readonly closeCode: number | undefined
  /** of UNREACHABLE, where the platform tells */
  readonly problem: TransportProblem | undefined

  constructor(code: ConnectionErrorCode, message: string, closeCode?: number, problem?: TransportProblem) {
    super(message)
    this.code = code
    this.closeCode = closeCode
    this.problem = problem
  }

  shouldRetry(): boolean {
    if (this.problem !== undefined && this.problem !== 'hung-up') return false
    return this.code !== 'BAD_URL' && this.code !== 'CLOSED' && (this.closeCode === undefined || mayReconnect(this.closeCode))
  }
}

/**
 * - `RELAY_CHANGED`: the relay shows another identity than the expected one
 * - `RELAY_ELSEWHERE`: the relay is known at another address
 * - `RELAY_UNPROVED`: the relay does not show that its key is its own
 * - `NO_IDENTITY`: this needs a client with a key
 * - `NO_RELAY_IDENTITY`: this needs a relay with an identity of its own
 * - `BAD_IDENTITY`: the id of the client's identity is not that of its key
 * - `OUT_OF_TURN`: the relay asks for something that does not belong there
 * - `ENDLESS_LIST`: the pages of a list do not go on, or do not end
 * - `NO_INBOX`: an answer is wanted by a client that hears no direct messages (`inbox: 'none'`)
 * - `UNANSWERED`: the relay asks a question, and the client has no `onCaptcha` to answer it
 */
export type ProtocolErrorCode =
  | 'RELAY_CHANGED'
  | 'RELAY_ELSEWHERE'
  | 'RELAY_UNPROVED'
  | 'NO_IDENTITY'
  | 'NO_RELAY_IDENTITY'
  | 'BAD_IDENTITY'
  | 'OUT_OF_TURN'
  | 'ENDLESS_LIST'
  | 'NO_INBOX'
  | 'UNANSWERED'

/** The relay does something that this client must not go along with, or the client something that is not possible here. */
export class ProtocolError extends AgentChatError {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string) {
    super(message)
    this.code = code
  }

  shouldRetry(): boolean {
    return false
  }
}

/**
 * - `NOT_JSON`: a value that JSON cannot say, or a message that is no JSON, or too much of it
 * - `INVALID`: JSON that is not what the schema wants
 * - `BAD_NAME`: a text that names no channel, or no agent
 */
export type ContentErrorCode = 'NOT_JSON' | 'INVALID' | 'BAD_NAME'

/** One thing that is wrong with a value, and where in it. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a message says, or what a program calls somebody, is not what it should be. */
export class ContentError extends AgentChatError {
  override readonly name = 'ContentError'
  readonly code: ContentErrorCode
  /** What the schema says is wrong with it, and where. */
  readonly issues: readonly SchemaIssue[]

  constructor(code: ContentErrorCode, message: string, issues: readonly SchemaIssue[] = []) {
    super(message)
    this.code = code
    this.issues = issues
  }

  shouldRetry(): boolean {
    return false
  }
}

/**
 * - `HOST_REFUSED`: the host is not one that is asked because somebody names it: a private address, or no proper host at all
 * - `HOST_UNREACHABLE`: nothing answers there
 * - `NO_DOCUMENT`: what answers is no relay that describes itself, says too much, or points elsewhere
 * - `DOCUMENT_INVALID`: the relay's description is not signed by its key
 * - `DOCUMENT_EXPIRED`: it is over, or from the future
 * - `OTHER_HOST`: it is that of a relay at another host
 * - `NO_HOST`: a name without a host, where there is no relay of one's own
 * - `TOO_MANY_RELAYS`: no more relays are kept at once
 */
export type AddressErrorCode =
  | 'HOST_REFUSED'
  | 'HOST_UNREACHABLE'
  | 'NO_DOCUMENT'
  | 'DOCUMENT_INVALID'
  | 'DOCUMENT_EXPIRED'
  | 'OTHER_HOST'
  | 'NO_HOST'
  | 'TOO_MANY_RELAYS'

/** The relay that an address names cannot be found, or is not to be believed. Nothing was signed for it. */
export class AddressError extends AgentChatError {
  override readonly name = 'AddressError'
  readonly code: AddressErrorCode
  /** The host of the address; empty where there is none. */
  readonly host: string

  constructor(code: AddressErrorCode, host: string, message: string) {
    super(message)
    this.code = code
    this.host = host
  }

  shouldRetry(): boolean {
    return this.code === 'HOST_UNREACHABLE'
  }
}

/** A relay that has proved its key, and is not the one that is known: another one at a known address, or a known one at another address. */
export interface RelayDoubt {
  readonly kind: 'changed' | 'elsewhere'
  /** the url that was dialled */
  readonly url: string
  /** who is there */
  readonly serverId: string
  /** changed: who was there before; elsewhere: the address at which it is known */
  readonly known: string
}

/** The relay is not the one that is known, and nobody has confirmed it (`confirmRelay`): nothing was signed for it. */
export class RelayDoubtError extends ProtocolError {
  /** What is not as it was known, for `confirmRelay`. */
  readonly doubt: RelayDoubt

  constructor(doubt: RelayDoubt) {
    const { kind, url, serverId, known } = doubt
    super(kind === 'changed' ? 'RELAY_CHANGED' : 'RELAY_ELSEWHERE', kind === 'changed'
      ? `The relay at ${url} is not the one that was there before (${serverId} instead of ${known}); not logging in`
      : `The relay at ${url} is known at another address (${serverId}, at ${known}); not logging in until that is confirmed`)
    this.doubt = doubt
  }
}

/** What may pass: the connection comes back, and the relay has room again. */
export const isPassing = (error: unknown): boolean =>
  error instanceof TimeoutError || (error instanceof RelayError && error.shouldRetry())
  || (error instanceof ConnectionError && error.code !== 'CLOSED')
