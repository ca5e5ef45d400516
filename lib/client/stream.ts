// Messages as an async iterable. A small machine:
//
// | state   | message comes            | next()                                                   | return(), abort  | client ends              |
// |---------|--------------------------|----------------------------------------------------------|------------------|--------------------------|
// | open    | to who asked first, else | in `auto` what was given is handled; the next one, or it | over             | over: closed; else ending |
// |         | it waits                 | waits for one                                            |                  |                          |
// | ending  | it waits                 | the same, while one waits; else over                     | over             | –                        |
// | over    | it is for others         | done; once the error of the end                          | done             | –                        |
//
// A message comes to one who is over where another one who has it ends this one.
//
// What it has and is not done with when it is over is for others, or comes again: a loop that was left did not say that it was done
// with its last message, and an error in it ends it the same way.
import type { Claim, Consumer, Deliveries } from './deliveries.ts'
import { Hand } from './hand.ts'
import type { AckMode, Message, MessageFacts, Reply } from './message.ts'
import type { Ending } from './pending.ts'

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined
  readonly ack: AckMode
  readonly reply: Reply
  readonly streams: 'all' | readonly string[]
  readonly wants: (facts: MessageFacts, stream: string) => boolean
}

/** Listens from the call on, not from the first `next()`. Ends with the session, or quietly when `signal` aborts. */
export const messageStream = (
  deliveries: Deliveries,
  { signal, ack, reply, streams, wants }: StreamOptions,
): AsyncIterableIterator<Message> => {
  const waiting: { readonly claim: Claim, readonly attempt: number }[] = []
  const readers: Ending<IteratorResult<Message>>[] = []
  let state: 'open' | 'ending' | 'over' = 'open'
  let error: Error | undefined
  let detach: () => void = () => undefined
  const hand = new Hand(reply, (claim, attempt) => {
    waiting.unshift({ claim, attempt })
    serve()
  })

  /** Gives to those who asked, in the order in which they did. */
  const serve = () => {
    while (readers.length > 0 && (waiting.length > 0 || state !== 'open')) {
      const { resolve, reject } = readers.shift()!
      const next = waiting.shift()
      if (next !== undefined) {
        resolve({ value: hand.give(next.claim, next.attempt), done: false })
        continue
      }
      finish()
      const reason = error
      error = undefined
      if (reason === undefined) resolve({ value: undefined, done: true })
      else reject(reason)
    }
  }
  const finish = () => {
    if (state === 'over') return
    state = 'over'
    detach()
    signal?.removeEventListener('abort', leave)
    for (const { claim } of waiting.splice(0)) claim.release()
    hand.releaseAll()
  }
  const leave = () => {
    finish()
    serve()
  }
  const consumer: Consumer = {
    streams,
    wants,
    take: claim => {
      if (state === 'over') return claim.release()
      waiting.push({ claim, attempt: 1 })
      serve()
    },
    end: (reason, isOver) => {
      if (state !== 'open') return
      error = reason
      state = 'ending'
      hand.end()
      if (isOver) finish()
      serve()
    },
  }
  if (signal?.aborted === true) state = 'over'
  else {
    signal?.addEventListener('abort', leave)
    detach = deliveries.attach(consumer)
  }
  return {
    next: () =>
      new Promise((resolve, reject) => {
        if (ack === 'auto') hand.handledAll()
        readers.push({ resolve, reject })
        serve()
      }),
    return() {
      leave()
      return Promise.resolve({ value: undefined, done: true })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
