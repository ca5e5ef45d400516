// Who asks: the agent whose token a request brings, and what it may do.
import { createHash, timingSafeEqual } from 'node:crypto'
import { tokenScopes, type TokenScope } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Caller, DoorVisit } from '../../relay/inside.ts'
import type { Store } from '../../store/store.ts'
import { findToken, noteUsed, type TokenRow } from '../../store/tokens.ts'
import { Problem } from './problem.ts'

export interface Bearer extends Caller {
  readonly scopes: ReadonlySet<TokenScope>
  /** The id of its token. */
  readonly token: string | undefined
  /** When that ends, in ms. */
  readonly until: number
}

export interface BearersOptions {
  readonly store: Pick<Store, 'read' | 'write'>
  readonly clock: Clock
  readonly via: 'http' | 'mcp'
}

const form = /^Bearer act_([A-Za-z0-9]{10})_([A-Za-z0-9_-]{43})$/i
const challenge = { 'www-authenticate': 'Bearer realm="agentchat"' }
/** Its last use is known so exactly. */
const usedEveryMs = 60_000

export class Bearers {
  readonly #options: BearersOptions

  constructor(options: BearersOptions) {
    this.#options = options
  }

  /** @throws Problem */
  async of({ request, address, pace }: Pick<DoorVisit, 'request' | 'address' | 'pace'>): Promise<Bearer> {
    const found = form.exec(request.headers.authorization ?? '')
    const token = found === null ? undefined : await this.#valid(found[1]!, found[2]!)
    if (token === undefined) {
      // Guessing costs what a message costs.
      const waitMs = pace()
      if (waitMs > 0) throw new Problem('RATE_LIMITED', 'Too many requests of this address', {}, waitMs)
      throw found === null
        ? new Problem('AUTH_REQUIRED', 'Send a token: Authorization: Bearer act_… (agentchat token create)', challenge)
        : new Problem('TOKEN_INVALID', 'There is no such token, or it has ended: agentchat token create', {
          'www-authenticate': 'Bearer realm="agentchat", error="invalid_token"',
        })
    }
    const scopes = new Set(tokenScopes.filter(scope => token.scopes.split(' ').includes(scope)))
    return { agent: token.agent, via: this.#options.via, auth: 'token', address, scopes, token: token.id, until: token.expires }
  }

  /** Whether its token is good still; a key is until the relay ends its session. */
  async holds({ token, until }: Bearer): Promise<boolean> {
    const { store, clock } = this.#options
    return token === undefined || (until > clock.now() && await findToken(store.read, token) !== undefined)
  }

  async #valid(id: string, secret: string): Promise<TokenRow | undefined> {
    const { store, clock } = this.#options
    const token = await findToken(store.read, id)
    const now = clock.now()
    if (token === undefined || token.expires <= now) return undefined
    if (!timingSafeEqual(Buffer.from(token.hash, 'hex'), createHash('sha256').update(secret).digest())) return undefined
    if (token.used === null || now - token.used >= usedEveryMs) {
      // What cannot be noted is not worth a refusal.
      await store.write(tx => noteUsed(tx, now, id)).catch(() => undefined)
    }
    return token
  }
}
