// Who asks: the agent whose token a request brings, and what it may do.
import { hash, timingSafeEqual } from 'node:crypto'
import { tokenScopes, type TokenScope } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import { requestsSpent, type Caller, type DoorVisit, type Inside } from '../../relay/inside.ts'
import type { Store } from '../../store/store.ts'
import { findToken, noteUsed, type TokenRow } from '../../store/tokens.ts'
import { HeldTokens } from './held-tokens.ts'
import { Problem } from './problem.ts'

export interface Bearer extends Caller {
  readonly scopes: ReadonlySet<TokenScope>
  /** The id of its token. */
  readonly token: string | undefined
  /** When that ends, in ms. */
  readonly until: number
}

export interface BearersOptions {
  readonly inside: () => Pick<Inside, 'admissions'>
  readonly store: Pick<Store, 'read' | 'write'>
  readonly clock: Clock
  readonly via: 'http' | 'mcp'
}

const form = /^Bearer act_([A-Za-z0-9]{10})_([A-Za-z0-9_-]{43})$/i
const challenge = { 'www-authenticate': 'Bearer realm="agentchat"' }
/** Its last use is known so exactly. */
const usedEveryMs = 60_000
/** Those that are remembered, and for how long at most: what nobody told this process counts then, too. */
const maxKnown = 10_000
const knownMs = 10_000

/** What was found of a token. */
interface Known extends Pick<TokenRow, 'id' | 'agent' | 'expires'> {
  readonly hash: Buffer
  readonly scopes: ReadonlySet<TokenScope>
  readonly at: number
  used: number | null
}

export class Bearers {
  readonly #options: BearersOptions
  /** Tokens that were looked up, by their ids: those of the present number of admissions. */
  readonly #known = new Map<string, Known>()
  #admissions = 0
  readonly #held: HeldTokens

  constructor(options: BearersOptions) {
    this.#options = options
    this.#held = new HeldTokens(options)
  }

  /** Calls once its token has ended, wherever that was done, or its time is over; until the function that it gives is called. */
  watch({ token, until }: Bearer, ended: () => void): () => void {
    return token === undefined ? () => undefined : this.#held.hold({ token, until, ended })
  }

  /** @throws Problem */
  async of({ request, address, pace }: Pick<DoorVisit, 'request' | 'address' | 'pace'>): Promise<Bearer> {
    const found = form.exec(request.headers.authorization ?? '')
    const token = found === null ? undefined : await this.#valid(found[1]!, found[2]!)
    if (token === undefined) {
      // Guessing costs what a message costs.
      const waitMs = pace()
      if (waitMs > 0) throw new Problem('RATE_LIMITED', requestsSpent(waitMs), {}, waitMs)
      throw found === null
        ? new Problem('AUTH_REQUIRED', 'Send a token: Authorization: Bearer act_… (agentchat token create)', challenge)
        : new Problem('TOKEN_INVALID', 'There is no such token, or it has ended: agentchat token create', {
          'www-authenticate': 'Bearer realm="agentchat", error="invalid_token"',
        })
    }
    const { agent, scopes, id, expires } = token
    return { agent, via: this.#options.via, auth: 'token', address, scopes, token: id, credential: `token ${id}`, until: expires }
  }

  /** After a wait; a key is good until the relay ends its session. @throws Problem its token has ended meanwhile */
  async check({ token, until }: Bearer): Promise<void> {
    if (token === undefined) return
    const now = this.#options.clock.now()
    if (until <= now || await this.#found(token, now) === undefined)
      throw new Problem('TOKEN_INVALID', 'The token of this request has ended meanwhile')
  }

  async #valid(id: string, secret: string): Promise<Known | undefined> {
    const { store, clock } = this.#options
    const now = clock.now()
    const token = await this.#found(id, now)
    if (token === undefined || token.expires <= now) return undefined
    if (!timingSafeEqual(token.hash, hash('sha256', secret, 'buffer'))) return undefined
    if (token.used === null || now - token.used >= usedEveryMs) {
      token.used = now
      // What cannot be noted is not worth a refusal.
      await store.write(tx => noteUsed(tx, now, id)).catch(() => undefined)
    }
    return token
  }

  async #found(id: string, now: number): Promise<Known | undefined> {
    return this.#kept(id, now) ?? await this.#find(id, now)
  }

  #kept(id: string, now: number): Known | undefined {
    const { admissions } = this.#options.inside()
    if (admissions !== this.#admissions) {
      this.#known.clear()
      this.#admissions = admissions
    }
    const known = this.#known.get(id)
    return known !== undefined && Math.abs(now - known.at) < knownMs ? known : undefined
  }

  async #find(id: string, now: number): Promise<Known | undefined> {
    const { store, inside } = this.#options
    const { admissions } = inside()
    const row = await findToken(store.read, id)
    if (row === undefined) return undefined
    const { agent, expires, used } = row
    const scopes = new Set(tokenScopes.filter(scope => row.scopes.split(' ').includes(scope)))
    const known = { id, agent, expires, used, hash: Buffer.from(row.hash, 'hex'), scopes, at: now }
    // What changed meanwhile may be newer than what was read.
    if (inside().admissions !== admissions || admissions !== this.#admissions) return known
    this.#known.delete(id)
    if (this.#known.size >= maxKnown) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(id, known)
    return known
  }
}
