// A question and its answer: the first direct message of the agent that was asked that names the question. The answer may come before the
// acknowledgement that tells what the question is called: what could be it is kept until then.
import type { Sent } from './sending.ts'
import type { Claim, Consumer, Deliveries } from './deliveries.ts'
import { ConnectionError, TimeoutError } from './errors.ts'
import type { Hand } from './hand.ts'
import type { Message } from './message.ts'
import { pending, type CallOptions } from './pending.ts'

export interface Question {
  readonly agent: string
  /** the id it is sent under */
  readonly id: string
  readonly send: (signal: AbortSignal) => Promise<Pick<Sent, 'msgId'>>
  readonly hand: Hand
}

/** The answer is for who asked alone, and counts as handled. Without one there is a TimeoutError, or why sending it failed. */
export const answerTo = (deliveries: Deliveries, { agent, id, send, hand }: Question, options: CallOptions): Promise<Message> => {
  let sentAs: string | undefined
  return pending<Message>(options, ({ resolve, reject }) => {
    const early: Claim[] = []
    const over = new AbortController()
    const consider = (claim: Claim) => {
      if (claim.facts.inReplyTo !== sentAs) return claim.release()
      const message = hand.give(claim, 1)
      message.ack()
      resolve(message)
    }
    const consumer: Consumer = {
      streams: [agent],
      wants: ({ from, inReplyTo }, stream) =>
        stream === agent && from === agent && inReplyTo !== undefined && (sentAs === undefined || inReplyTo === sentAs) ? 'alone' : false,
      take: claim => sentAs === undefined ? early.push(claim) : consider(claim),
      end: error => reject(error ?? new ConnectionError('CLOSED', 'The client was closed')),
    }
    const detach = deliveries.attach(consumer)
    send(over.signal).then(({ msgId }) => {
      sentAs = msgId
      for (const claim of early.splice(0)) consider(claim)
    }, reject)
    return () => {
      over.abort()
      detach()
      for (const claim of early.splice(0)) claim.release()
    }
  }, ms => new TimeoutError(`${agent} did not answer ${sentAs ?? `message ${id}`} within ${ms} ms`, id))
}
