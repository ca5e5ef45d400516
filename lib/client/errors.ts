// What can go wrong for a caller of the client, and whether trying again can help.
import { errors, isErrorCode, mayReconnect } from '../protocol/index.ts'

export abstract class AgentChatError extends Error {
  /** Whether the same call can succeed later without a change. */
  abstract shouldRetry(): boolean
}

/** The relay refused a request. `code` is from the error table of the protocol. */
export class RelayError extends AgentChatError {
  override readonly name = 'RelayError'
  readonly code: string
  /** ms to wait before trying again, where the relay said so */
  readonly retryAfterMs: number | undefined

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(message)
    this.code = code
    this.retryAfterMs = retryAfterMs
  }

  shouldRetry(): boolean {
    return isErrorCode(this.code) && errors[this.code].retry
  }
}

/** No answer in time. For a send it is not known whether the message was stored; the same `id` tells. */
export class TimeoutError extends AgentChatError {
  override readonly name = 'TimeoutError'

  shouldRetry(): boolean {
    return true
  }
}

/** There is no connection, or it was lost before the answer came. */
export class ConnectionError extends AgentChatError {
  override readonly name = 'ConnectionError'
  /** WebSocket close code, where there was one */
  readonly closeCode: number | undefined

  constructor(message: string, closeCode?: number) {
    super(message)
    this.closeCode = closeCode
  }

  shouldRetry(): boolean {
    return this.closeCode === undefined || mayReconnect(this.closeCode)
  }
}

/** The relay does something that this client must not go along with. */
export class ProtocolError extends AgentChatError {
  override readonly name = 'ProtocolError'

  shouldRetry(): boolean {
    return false
  }
}
