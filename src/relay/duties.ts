// What features do by the clock: in one process at a time where it is to be done once, and in the scope of what it decides about.
import { keysForgottenAtOnce } from '../store/log-rows.ts'
import type { Tx } from '../store/store.ts'
import { ownJob, type Job } from './job.ts'
import type { Duty, Outcome } from './feature.ts'

/** A duty's turn, and what of it goes on in later transactions: each is somebody's alone where it is to be done once. */
export const turnOf = (duty: Duty, decide: Job['decide']): Job['decide'] => async (tx, now) => {
  if (duty.isOnce && !await tx.claim(duty.name)) return undefined
  if (duty.scope !== undefined) await tx.lock(duty.scope)
  const outcome = await decide(tx, now)
  return outcome?.again === undefined
    ? outcome
    : { ...outcome, again: async (...next) => await turnOf(duty, outcome.again!)(...next) ?? {} }
}

/** A turn's pieces of publish keys, and how long it goes on (ms): more than is stored from one turn to the next, and not into that one. */
const keyPieces = 400
const keysMs = 20_000

/**
 * Publish keys from before then are of no use any more: a piece of them, and the next one behind what waits meanwhile, as long as there
 * are more. Of several processes one at a time does it, so that none waits for another.
 */
export const forgetKeys = (before: number): Job['decide'] => (tx, now) => forgetPiece(before, now + keysMs, keyPieces)(tx, now)

const forgetPiece = (before: number, until: number, left: number) => async (tx: Tx, now: number): Promise<Outcome> =>
  await tx.claim('publish keys') && await tx.log.forgetKeys(before) === keysForgottenAtOnce && left > 1 && now < until
    ? { again: forgetPiece(before, until, left - 1) }
    : {}

/** Turns that wait. A duty whose turn has not begun gets no other one: where the storage is slow, they would pile up. */
export class DutyTurns {
  readonly #push: (job: Job) => void
  readonly #waiting = new Set<Duty>()

  constructor(push: (job: Job) => void) {
    this.#push = push
  }

  push(duty: Duty, decide: Job['decide']): void {
    if (this.#waiting.has(duty)) return
    this.#waiting.add(duty)
    let waits = true
    // Once: the next turn may wait when this one is delivered.
    const begun = () => {
      if (waits) this.#waiting.delete(duty)
      waits = false
    }
    const turn = turnOf(duty, decide)
    const begin: Job['decide'] = (tx, now) => {
      begun()
      return turn(tx, now)
    }
    // One that the storage does not even begin was not decided.
    this.#push(ownJob(begin, { delivered: begun }))
  }
}
