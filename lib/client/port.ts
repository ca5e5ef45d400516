// What the parts of the client's surface ask of the client: to know who it is and where, and to send a request.
import type { Identity } from '../identity/index.ts'
import type { Frame, ReplyType, RequestInput, RequestType } from '../protocol/index.ts'
import type { VerifySignature } from './inbound.ts'
import type { Lasting } from './lasting.ts'
import type { CallOptions } from './pending.ts'

export interface ClientPort {
  readonly identity: Identity | undefined
  /** the relay's identity; undefined before WELCOME, and where the relay has none */
  readonly relay: () => string | undefined
  /** ms since 1970 */
  readonly now: () => number
  readonly verify: VerifySignature
  /** What is asked for again after every reconnect. */
  readonly lasting: Pick<Lasting, 'keep' | 'drop'>
  readonly request: <T extends RequestType>(
    type: T,
    body: Omit<RequestInput<T>, 'id'>,
    options?: CallOptions,
  ) => Promise<Frame<ReplyType<T>>>
}
