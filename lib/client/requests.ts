// Questions and their answers, paired by id and by nothing else.
import { timerMs, type Frame } from '../protocol/index.ts'
import { ConnectionError, RelayError, TimeoutError } from './errors.ts'

interface Pending {
  readonly type: string
  readonly resolve: (frame: Frame) => void
  readonly reject: (error: unknown) => void
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** ms to wait for the answer */
  readonly timeoutMs?: number | undefined
}

const maxPending = 10_000

export class Requests {
  readonly #pending = new Map<string, Pending>()

  /** Registers a request; `send` puts it on the wire. Rejects on ERROR, timeout, abort or a lost connection. */
  call(id: string, type: string, send: () => void, { signal, timeoutMs }: CallOptions): Promise<Frame> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (this.#pending.size >= maxPending) return Promise.reject(new ConnectionError(`More than ${maxPending} requests wait for an answer`))
    return new Promise((resolve, reject) => {
      const timer = timeoutMs === undefined
        ? undefined
        : setTimeout(() => settle(() => reject(new TimeoutError(`No answer to ${type} within ${timeoutMs} ms`))), timerMs(timeoutMs))
      const onAbort = () => settle(() => reject(signal?.reason))
      const settle = (then: () => void) => {
        this.#pending.delete(id)
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        then()
      }
      signal?.addEventListener('abort', onAbort)
      this.#pending.set(id, { type, resolve: frame => settle(() => resolve(frame)), reject: error => settle(() => reject(error)) })
      send()
    })
  }

  /** Whether the frame answered a request that waits here. */
  answer(frame: Frame): boolean {
    const id = (frame as { re?: string }).re
    const pending = id === undefined ? undefined : this.#pending.get(id)
    if (pending === undefined) return false
    if (frame.type === 'ERROR') pending.reject(new RelayError(frame.code, frame.message, frame.retry_after_ms))
    else pending.resolve(frame)
    return true
  }

  /** The connection is gone, and the answers with it. */
  failAll(error: Error): void {
    for (const { reject } of [...this.#pending.values()]) reject(error)
  }
}
