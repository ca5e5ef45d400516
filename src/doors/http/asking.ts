// How a request of HTTP is asked inside: by whom, with which right, once under its key, and with what is left of its allowance.
import { rights, type RightRow } from '../../../lib/access/table.ts'
import { requests, type Frame, type RequestType, type TokenScope } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Seal } from '../../base/seal.ts'
import { Fail, type Along, type Answer, type DoorVisit, type Inside } from '../../relay/inside.ts'
import { noteMaker } from '../../store/hooks.ts'
import type { Store } from '../../store/store.ts'
import { findToken } from '../../store/tokens.ts'
import { noteWebhookMaker } from '../../store/webhooks.ts'
import type { Headers } from './answer.ts'
import { Bearers, type Bearer } from './bearer.ts'
import { readJson } from './body.ts'
import { Once, remembered } from './once.ts'
import type { Prepare } from './prepare.ts'
import { Problem, problemOf } from './problem.ts'
import { rateHeaders } from './rates.ts'
import { closedReason, needs } from './scopes.ts'
import { isSigned, Signers, type Signer, type SignersOptions } from './signed.ts'

export type Fields = Readonly<Record<string, unknown>>

export interface AskingOptions extends Pick<SignersOptions, 'verify' | 'isOwnHost'> {
  readonly inside: () => Inside
  readonly store: Pick<Store, 'read' | 'write' | 'epoch'>
  readonly clock: Clock
  readonly maxFrameBytes: number
  /** Of answers that are kept. */
  readonly seal: Seal
}

export interface Asked {
  readonly answer: Answer
  readonly headers: Headers
}

/** When to ask again what is being done under the same key. */
const runningMs = 1_000

export class Asking {
  readonly #options: AskingOptions
  readonly #signers: Signers
  readonly #once: Once
  readonly #prepare: Prepare
  /** Keys of requests under way, each behind its agent. */
  readonly #running = new Set<string>()
  readonly bearers: Bearers

  constructor(options: AskingOptions, prepare: Prepare) {
    this.#options = options
    this.bearers = new Bearers({ ...options, via: 'http' })
    this.#signers = new Signers(options)
    this.#once = new Once(options.store, options.seal)
    this.#prepare = prepare
  }

  /** By its token, or by its key. @throws Problem */
  askerOf(visit: DoorVisit): Promise<Bearer | Signer> {
    return isSigned(visit.request) ? this.#signers.of(visit) : this.bearers.of(visit)
  }

  async bodyOf(visit: DoorVisit, bearer: Bearer | Signer): Promise<Fields> {
    const body = await readJson(visit, this.#options.maxFrameBytes, 'checkBody' in bearer ? bytes => bearer.checkBody(bytes) : undefined)
    await this.bearers.check(bearer)
    return body
  }

  /** For what is done without a write of its own. @throws Fail */
  async spend(bearer: Bearer | Signer): Promise<void> {
    const { store, clock } = this.#options
    if ('spend' in bearer) await store.write(tx => bearer.spend(tx, clock.now(), {}))
  }

  /** @throws Problem */
  async ask(visit: DoorVisit, bearer: Bearer | Signer, type: RequestType, body: Fields): Promise<Asked> {
    const { inside } = this.#options
    await this.#check(bearer, type, body)
    const key = keyOf(visit)
    const once = key !== undefined && remembered.has(type) ? { agent: bearer.agent, key, type, body } : undefined
    const first = once && await this.#once.first(once)
    if (first !== undefined) return this.#again(bearer, first)
    const along = all(['spend' in bearer ? bearer.spend : undefined, makerOf(bearer, type), once && this.#once.keep(once)])
    const running = key === undefined ? undefined : `${bearer.agent} ${key}`
    if (running !== undefined) {
      if (this.#running.has(running))
        throw new Problem('KEY_RUNNING', 'A request under this Idempotency-Key is being answered', {}, runningMs)
      this.#running.add(running)
    }
    try {
      // Whoever goes meanwhile is answered all the same: that is cheaper than to watch for it.
      const answer = await inside().ask(bearer, type, (key === undefined ? body : { ...body, id: key }) as never,
        along === undefined ? undefined : { along })
      const isRepeat = answer.type === 'ACK' && isDuplicate(answer as Answer<'ACK'>)
      return { answer, headers: isRepeat ? { ...this.#rates(bearer), ...replayed } : this.#rates(bearer) }
    } catch (error) {
      // One under the same key was first, at another process: what it made may be what stands in the way of this one.
      const meanwhile = once && error instanceof Fail ? await this.#once.first(once) : undefined
      if (meanwhile !== undefined) return await this.#again(bearer, meanwhile)
      throw problemOf(error)?.with(this.#rates(bearer)) ?? error
    } finally {
      if (running !== undefined) this.#running.delete(running)
    }
  }

  /** @throws Fail who asks is not let in any more */
  async #again(bearer: Bearer | Signer, answer: Answer): Promise<Asked> {
    await this.#options.inside().ask(bearer, 'PING', {})
    // There may be a secret in it: a copy of this request is not told it again.
    await this.spend(bearer)
    return { answer, headers: { ...this.#rates(bearer), ...replayed } }
  }

  #rates(bearer: Bearer): Headers {
    return rateHeaders(this.#options.inside().left(bearer))
  }

  /** Whether who asks may. @throws Problem */
  async #check(bearer: Bearer | Signer, type: RequestType, body: Fields): Promise<void> {
    const needed = needs[type]
    if (needed === 'closed')
      throw new Problem('NOT_ALLOWED', `${type} is not asked through this door, but by WebSocket: ${closedReason(type)!}`)
    if (needed === 'key') {
      if ('checkBody' in bearer) return
      throw new Problem('SIGNATURE_REQUIRED',
        `${type} is asked by the key itself: sign the request (agentchat curl), or agentchat call ${type}`)
    }
    mayBy(bearer, needed === 'signed' ? 'deals' : needed, type)
    const { also }: RightRow = rights[requests[type].may]
    if (also !== undefined) mayBy(bearer, also, type)
    if (needed === 'signed' && body['sig'] === undefined) {
      // Nobody signs here for anybody: what is to be signed is told.
      const prepare = await this.#prepare.of(bearer, type, body)
      throw new Problem('SIGNATURE_REQUIRED',
        `${type} carries the signature of the agent: sign prepare.text, and send prepare.body with it as sig`, {}, undefined, { prepare })
    }
  }
}

const replayed = { 'idempotency-replayed': 'true' }

/** The frame says so only where it is one; it is short. */
const isDuplicate = ({ text }: Answer<'ACK'>): boolean => text.includes('"duplicate":true')

/** Hooks and webhooks end when the token that made them is revoked: which that was is noted with them. */
const makerOf = ({ token }: Bearer, type: RequestType): Along | undefined =>
  token === undefined || (type !== 'HOOK_CREATE' && type !== 'WEBHOOK_ADD') ? undefined : async (tx, _, { reply }) => {
    if (typeof reply !== 'object') return
    // It may have been revoked while this waited.
    if (await findToken(tx, token) === undefined) throw new Fail('NOT_ALLOWED', 'This token has ended')
    if (reply.type === 'HOOK_CREATED') await noteMaker(tx, (reply.body as unknown as Frame<'HOOK_CREATED'>).hook_id, token)
    else if (reply.type === 'WEBHOOK_ADDED')
      await noteWebhookMaker(tx, (reply.body as unknown as Frame<'WEBHOOK_ADDED'>).webhook_id, token)
  }

const all = (each: readonly (Along | undefined)[]): Along | undefined => {
  const works = each.filter(work => work !== undefined)
  return works.length === 0 ? undefined : async (...decided) => {
    for (const work of works) await work(...decided)
  }
}

/** @throws Problem */
const keyOf = ({ request: { headers } }: DoorVisit): string | undefined => {
  const key = headers['idempotency-key']
  if (Array.isArray(key) || (key !== undefined && !/^[\x21-\x7e]{1,64}$/.test(key)))
    throw new Problem('INVALID_MSG', 'Idempotency-Key: 1 to 64 printable characters, once')
  return key
}

/** @throws Problem */
export const mayBy = ({ scopes }: Bearer, scope: TokenScope, what: string): void => {
  if (scopes.has(scope)) return
  throw new Problem('SCOPE_MISSING', `${what} needs the scope ${scope}; this token has ${[...scopes].join(', ')}`, {
    'www-authenticate': `Bearer realm="agentchat", error="insufficient_scope", scope="${scope}"`,
  })
}
