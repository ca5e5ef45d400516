// A function that is called with each message. It may take its time: a promise says when it is done.
import type { Claim, Consumer, Deliveries } from './deliveries.ts'
import { isPromise } from './emitter.ts'
import { Hand } from './hand.ts'
import type { AckMode, Message, Reply } from './message.ts'

export interface ListenerOptions {
  readonly ack: AckMode
  readonly reply: Reply
  /** It threw, or its promise was rejected. */
  readonly failed: (error: unknown) => void
}

/** Listens from the call on; gives the function that ends it. */
export const listen = (
  deliveries: Deliveries,
  listener: (message: Message) => unknown,
  { ack, reply, failed }: ListenerOptions,
): () => void => {
  const hand = new Hand(reply, (claim, attempt) => call(claim, attempt))
  /** What waited is told once whoever listens knows that it does. */
  let early: Claim[] | undefined = []
  let isOff = false
  const call = (claim: Claim, attempt: number) => {
    // Another one who has the message took this one off; or it was given back on the way out.
    if (isOff) return claim.release()
    const message = hand.give(claim, attempt)
    const done = () => {
      if (ack === 'auto') message.ack()
    }
    try {
      const result = listener(message)
      if (isPromise(result))
        result.then(done, (error: unknown) => {
          failed(error)
          done()
        })
      else done()
    } catch (error) {
      failed(error)
      done()
    }
  }
  const releaseEarly = () => {
    for (const claim of early?.splice(0) ?? []) claim.release()
  }
  const consumer: Consumer = {
    streams: 'all',
    wants: () => true,
    take: claim => early === undefined || isOff ? call(claim, 1) : early.push(claim),
    end: () => {
      releaseEarly()
      hand.end()
    },
  }
  const detach = deliveries.attach(consumer)
  queueMicrotask(() => {
    const claims = early ?? []
    early = undefined
    for (const claim of claims) call(claim, 1)
  })
  return () => {
    isOff = true
    detach()
    releaseEarly()
    // What it is handling it may still finish: a listener can stop itself. By hand, who stops has said what it had to say.
    if (ack === 'auto') hand.end()
    else hand.releaseAll()
  }
}
