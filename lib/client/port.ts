// What the parts of the client's surface ask of the client: to know who it is and where, and to send a request.
import type { Awaitable } from '../identity/awaitable.ts'
import type { Identity } from '../identity/index.ts'
import type { Asked, Frame, ReplyType, RequestInput, RequestType, Told } from '../protocol/index.ts'
import type { Lasting } from './lasting.ts'
import type { Place } from './login.ts'
import type { CallOptions } from './pending.ts'
import type { VerifySignature } from './signature-check.ts'

export interface ClientPort {
  readonly identity: Identity | undefined
  /** Who the relay is, and what signatures in this session name; undefined before WELCOME. */
  readonly place: () => Place | undefined
  /** A name at this relay without its host. */
  readonly bare: <N extends string>(name: N) => N
  /** ms since 1970 */
  readonly now: () => number
  readonly verify: VerifySignature
  /** What is asked for again after every reconnect. */
  readonly lasting: Pick<Lasting, 'keep' | 'drop'>
  /** Asks in the library's words, and is told in them. */
  readonly ask: <T extends RequestType>(type: T, fields: Asked<T>, options?: CallOptions) => Promise<Told<ReplyType<T>>>
  /** The same in the protocol's. A `body` that is made when it is sent can name the session. */
  readonly request: <T extends RequestType>(
    type: T,
    body: Body<T> | (() => Awaitable<Body<T>>),
    options?: CallOptions,
  ) => Promise<Frame<ReplyType<T>>>
}

export type Body<T extends RequestType> = Omit<RequestInput<T>, 'id'>
