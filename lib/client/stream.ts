// Messages as an async iterable, with a bounded buffer between the relay and a reader that takes its time.
import { ProtocolError } from './errors.ts'
import type { Message } from './inbound.ts'

export interface StreamSource {
  /** Adds a listener; gives the function that removes it. */
  onMessage(listener: (message: Message) => void): () => void
  onEnd(listener: (error: Error | undefined) => void): () => void
}

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined
  /** Messages that may wait for the reader. */
  readonly bufferSize: number
}

/** Listens from the call on, not from the first `next()`. Ends with the session, or quietly when `signal` aborts. */
export const messageStream = (
  source: StreamSource,
  wants: (message: Message) => boolean,
  { signal, bufferSize }: StreamOptions,
): AsyncIterableIterator<Message> => {
  const buffer: Message[] = []
  let wake: (() => void) | undefined
  let end: { readonly error: Error | undefined } | undefined
  const finish = (error: Error | undefined) => {
    end ??= { error }
    for (const stop of stops.splice(0)) stop()
    wake?.()
  }
  const onAbort = () => finish(undefined)
  const stops = [
    source.onMessage(message => {
      if (!wants(message)) return
      buffer.push(message)
      if (buffer.length > bufferSize) finish(new ProtocolError(`More than ${bufferSize} messages wait for their reader (bufferSize)`))
      wake?.()
    }),
    source.onEnd(finish),
    () => signal?.removeEventListener('abort', onAbort),
  ]
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted === true) onAbort()
  return {
    async next() {
      for (;;) {
        const message = buffer.shift()
        if (message !== undefined) return { value: message, done: false }
        if (end?.error !== undefined) throw end.error
        if (end !== undefined) return { value: undefined, done: true }
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
    return() {
      buffer.length = 0
      finish(undefined)
      return Promise.resolve({ value: undefined, done: true })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
