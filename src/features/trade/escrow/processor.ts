// The outside payment processor, turn by turn: calls that are due are made after the commit that took them, and what was
// answered is written in the next turn.
import { digitsOf } from '../../../../lib/protocol/index.ts'
import type { Outcome } from '../../../relay/feature.ts'
import type { Tx } from '../../../store/store.ts'
import { addCall, endCall, hasDueCalls, takeDueCalls, type Call } from './calls.ts'

/** done, or refused; a refusal ends only a `fund`. Anything else is thrown, and asked again later under the same key. */
export type ProcessorAnswer = { readonly status: 'done' } | { readonly status: 'refused', readonly reason: string }

export interface Processor {
  /** `exponent`: minor units in one unit are ten to its power. */
  ask(call: Call & { readonly exponent: number }): Promise<ProcessorAnswer>
}

const callsAtOnce = 16
/** A `fund` that got no answer for about an hour is given up, and whatever the processor made of it is voided. */
const maxFundAttempts = 10

type Told = (
  tx: Tx,
  answer: { readonly proposalId: string, readonly ok: boolean, readonly reason: string },
  now: number,
) => Promise<Outcome>

export class ProcessorTurns {
  readonly #processor: Processor
  #answers: { readonly call: Call, readonly answer: ProcessorAnswer }[] = []
  #asking = 0

  constructor(processor: Processor) {
    this.#processor = processor
  }

  /** One turn: an answer, or calls to make. Losing an answer costs another question. */
  async take(tx: Tx, now: number, funded: Told): Promise<Outcome | undefined> {
    const next = this.#answers[0]
    if (next !== undefined) {
      const outcome = await this.#write(tx, next.call, next.answer, funded, now)
      return {
        ...outcome,
        committed: () => {
          this.#answers.shift()
          outcome.committed?.()
        },
        again: async (tx, now) => await this.take(tx, now, funded) ?? {},
      }
    }
    if (this.#asking >= callsAtOnce || !await hasDueCalls(tx)) return undefined
    const due = await takeDueCalls(tx, now, callsAtOnce - this.#asking)
    const asked: Call[] = []
    for (const call of due) {
      if (call.op === 'fund' && call.attempts >= maxFundAttempts)
        this.#answers.push({ call, answer: { status: 'refused', reason: 'the payment processor does not answer' } })
      else asked.push(call)
    }
    return {
      committed: () => {
        for (const call of asked) void this.#ask(call)
      },
    }
  }

  async #ask({ key, op, proposal_id, currency, amount_minor, client, provider }: Call): Promise<void> {
    const call = { key, op, proposal_id, currency, amount_minor, exponent: digitsOf(currency), client, provider }
    this.#asking++
    try {
      const answer = await this.#processor.ask(call)
      // What is held has to go somewhere: only a hold can be refused.
      if (answer.status === 'done' || op === 'fund') this.#answers.push({ call, answer })
    } catch {
      // It is due again by itself.
    } finally {
      this.#asking--
    }
  }

  async #write(tx: Tx, call: Call, answer: ProcessorAnswer, funded: Told, now: number): Promise<Outcome> {
    const reason = answer.status === 'refused' ? answer.reason : ''
    // Answered twice, or written before.
    if (await endCall(tx, call.key, answer.status, reason === '' ? null : reason) === undefined) return {}
    if (call.op !== 'fund') return {}
    if (answer.status === 'refused') await addCall(tx, { ...call, key: `${call.key} undo`, op: 'void' }, now)
    return funded(tx, { proposalId: call.proposal_id, ok: answer.status === 'done', reason }, now)
  }
}
