// Messages as an async iterable, with a bounded buffer between the relay and a reader that takes its time.
import { ConnectionError } from './errors.ts'
import type { Message } from './inbound.ts'
import type { Ending } from './pending.ts'

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
  const readers: Ending<IteratorResult<Message>>[] = []
  const stops: (() => void)[] = []
  let end: { readonly error: Error | undefined } | undefined
  /** Gives to those who wait, in the order in which they asked. */
  const serve = () => {
    while (readers.length > 0 && (buffer.length > 0 || end !== undefined)) {
      const { resolve, reject } = readers.shift()!
      const message = buffer.shift()
      if (message !== undefined) resolve({ value: message, done: false })
      else if (end?.error !== undefined) reject(end.error)
      else resolve({ value: undefined, done: true })
    }
  }
  const finish = (error: Error | undefined) => {
    end ??= { error }
    for (const stop of stops.splice(0)) stop()
    serve()
  }
  const onAbort = () => finish(undefined)
  if (signal?.aborted === true) onAbort()
  else {
    signal?.addEventListener('abort', onAbort)
    stops.push(
      () => signal?.removeEventListener('abort', onAbort),
      source.onMessage(message => {
        if (!wants(message)) return
        buffer.push(message)
        if (buffer.length > bufferSize)
          finish(new ConnectionError('TOO_MANY', `More than ${bufferSize} messages wait for their reader (bufferSize)`))
        serve()
      }),
    )
    const stopEnd = source.onEnd(finish)
    if (end === undefined) stops.push(stopEnd)
    else stopEnd()
  }
  return {
    next: () =>
      new Promise((resolve, reject) => {
        readers.push({ resolve, reject })
        serve()
      }),
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
