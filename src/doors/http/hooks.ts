// HOOKS: a service posts what happened there, and it is said in the name of the agent that made the hook, in its one place.
import type { HookKind, Target } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Buckets, sharedBuckets } from '../../relay/bucket.ts'
import { requestsSpent, type DoorVisit, type HttpDoor, type Inside } from '../../relay/inside.ts'
import { findHook } from '../../store/hooks.ts'
import type { Store } from '../../store/store.ts'
import { checkWelcome, fail, notAllowed, send } from './answer.ts'
import { readBytes } from './body.ts'
import { claimOf, requestIdOf } from './hook-proof.ts'
import { hookText } from './hook-text.ts'
import { Problem } from './problem.ts'

export interface HooksOptions {
  readonly inside: () => Pick<Inside, 'ask'>
  readonly store: Pick<Store, 'read'>
  readonly clock: Clock
  readonly log: Logger
  /** @throws Error */
  readonly openSecret: (sealed: string) => string
}

export const maxHookBytes = 64 * 1024
/** Of each hook. */
const rate = { perSecond: 1, burst: 60 }
/** So many are remembered before those that have their whole rate again are forgotten. */
const maxRemembered = 10_000
/** What one takes, in frames, beyond what every request over HTTP takes and beside the message. */
const hookFrames = 5
/** Stored, which no other 2xx says so well to services that wait for one. */
const taken = 202

const noHook = (): Problem => new Problem('NOT_FOUND', 'There is no such hook: agentchat hook create')

export class Hooks implements HttpDoor {
  readonly #options: HooksOptions
  readonly #buckets = new Buckets(rate)
  readonly shared = { hooks: sharedBuckets(this.#buckets) }

  constructor(options: HooksOptions) {
    this.#options = options
  }

  takes(path: string): boolean {
    return path.startsWith('/hooks/')
  }

  answer(visit: DoorVisit): void {
    // What stands behind the id may be a secret: no log gets it.
    this.#answer(visit).catch((error: unknown) => fail(visit, error, this.#options.log, '/hooks'))
  }

  async #answer(visit: DoorVisit): Promise<void> {
    checkWelcome(visit)
    const { request: { method, headers }, path, address, pace } = visit
    const { store, clock, openSecret, inside } = this.#options
    const [, id, inPath] = /^\/hooks\/([A-Za-z0-9]{10})(?:\/([!-~]{1,128}))?$/.exec(path) ?? []
    if (method !== 'POST') throw notAllowed(['POST'])
    // Guessing costs what a message costs.
    const refusal = (problem: Problem): Problem => {
      const waitMs = pace()
      return waitMs > 0 ? new Problem('RATE_LIMITED', requestsSpent(waitMs), {}, waitMs) : problem
    }
    visit.charge(hookFrames)
    const hook = id === undefined ? undefined : await findHook(store.read, id)
    if (hook === undefined) throw refusal(noHook())
    const { agent, template, target, kind } = hook
    const claim = claimOf(kind as HookKind, { headers, inPath, now: clock.now() }, openSecret(hook.secret))
    if ('problem' in claim) throw refusal(new Problem('HOOK_INVALID', claim.problem))
    const body = await readBytes(visit, maxHookBytes)
    if (!claim.isTrue(body))
      throw refusal(new Problem('HOOK_INVALID', 'The signature is not one with the secret of this hook over this body'))
    // It may have ended while its body came.
    const still = await findHook(store.read, hook.id)
    if (still === undefined) throw noHook()
    if (still.isOver) throw new Problem('HOOK_OVER', 'The key that made this hook has been given up')
    this.#pace(hook.id)
    const content = hookText(body.toString(), template)
    if (content === undefined) throw new Problem('NOT_JSON', 'The template of this hook wants JSON')
    if (content.trim() === '') throw new Problem('INVALID_MSG', 'There is nothing to say: the body has none of the fields of the template')
    const answer = await inside().ask({ agent, address, via: 'hook', credential: `hook ${hook.id}` }, 'MSG', {
      to: target as Target,
      content,
      ...(claim.id !== undefined && { id: requestIdOf(hook.id, claim.id) }),
    })
    const { msg_id, seq, duplicate } = answer.frame()
    send(visit, taken, JSON.stringify({ msg_id, seq }), { ...(duplicate === true && { 'idempotency-replayed': 'true' }) })
  }

  /** @throws Problem */
  #pace(id: string): void {
    const now = this.#options.clock.now()
    if (this.#buckets.size >= maxRemembered) this.#buckets.sweep(now)
    const waitMs = this.#buckets.take(id, now)
    if (waitMs > 0) throw new Problem('RATE_LIMITED', `A hook says at most ${rate.burst} things a minute`, {}, waitMs)
  }
}
