// A payment processor behind a url: told what to do with a proposal's money, signed, and believed only where its answer is signed too.
import * as z from 'zod'
import { addressGuard, type AddressPolicy } from './guard.ts'
import { OutboundError, sendRequest } from './request.ts'
import { isSigned, signBody, signatureHeader } from './signing.ts'

export interface ProcessorOptions extends AddressPolicy {
  readonly url: string
  readonly secret: string
  readonly now: () => number
  /** Told of every call that was refused or got no answer that can be believed. */
  readonly onProblem?: (call: ProcessorCall, reason: string) => void
}

/** What is asked, as JSON; `key` is the same when it is asked again. */
export interface ProcessorCall {
  readonly key: string
  readonly op: 'fund' | 'capture' | 'void' | 'refund' | 'reclaim'
  readonly proposal_id: string
  readonly currency: string
  readonly amount_minor: number
  /** Minor units in one unit are ten to the power of it. */
  readonly exponent: number
  readonly client: string
  readonly provider: string
}

const Answer = z.union([
  z.object({ status: z.literal('done') }),
  z.object({ status: z.literal('refused'), reason: z.string().max(500).default('refused') }),
])

const timeoutMs = 10_000
const maxBytes = 64 * 1024

/** `ask` throws where there is no answer that can be believed: it is asked again later. */
export const paymentProcessor = (
  { url, secret, allow, now, onProblem }: ProcessorOptions,
): { ask(call: ProcessorCall): Promise<z.output<typeof Answer>> } => {
  const guard = addressGuard({ allow })
  const asked = async (call: ProcessorCall): Promise<z.output<typeof Answer>> => {
    const body = JSON.stringify(call)
    const signature = signBody(secret, body, now())
    const response = await sendRequest(guard, {
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', [signatureHeader]: signature },
      body,
      timeoutMs,
      maxBytes,
    }).catch((error: unknown) => {
      // It stays where it must not be asked; a payment under way waits for the operator, a new one does not.
      if (error instanceof OutboundError && error.kind === 'address' && call.op === 'fund') return undefined
      throw error
    })
    if (response === undefined) return { status: 'refused', reason: 'the payment processor may not be reached' }
    const text = response.body.toString()
    if (response.status !== 200) throw new Error(`the payment processor answered ${response.status}`)
    const answered = response.headers[signatureHeader]
    if (typeof answered !== 'string' || !isSigned(secret, text, answered, now(), signature))
      throw new Error("the payment processor's answer is not signed")
    return Answer.parse(JSON.parse(text))
  }
  return {
    async ask(call) {
      try {
        const answer = await asked(call)
        if (answer.status === 'refused') onProblem?.(call, answer.reason)
        return answer
      } catch (error) {
        onProblem?.(call, (error as Error).message)
        throw error
      }
    },
  }
}
