// THE DOOR OF ACCOUNTS: people sign in here, by a passkey, and see to their account. Cookies count here and nowhere else; whatever changes
// something comes from a page of the relay's own.
import * as z from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Site } from '../../domain/passkey.ts'
import { Buckets, Bucket } from '../../relay/bucket.ts'
import type { DoorVisit, HttpDoor } from '../../relay/inside.ts'
import { readJson } from '../http/body.ts'
import { Problem, problemOf } from '../http/problem.ts'
import { cookieOf, setCookie } from './cookie.ts'
import { page, pageHeaders, script } from './page.ts'
import type { AccountsPort, ClaimsPort, Opened, PasskeyAnswer, SignedIn, Visitor } from './port.ts'

export interface AccountDoorOptions {
  readonly accounts: AccountsPort
  readonly claims: ClaimsPort
  readonly clock: Clock
  readonly log: Logger
  /** Pages that passkeys are good at; known once the relay listens. */
  readonly sites: () => readonly Site[]
  readonly relayName: string
  /** How long a browser stays signed in when nobody comes. */
  readonly signInMs: number
}

interface Asked {
  readonly visit: DoorVisit
  readonly visitor: Visitor
  /** What is behind the path of the place. */
  readonly rest: string
  readonly me: SignedIn | undefined
}
interface AskedBy extends Asked {
  readonly me: SignedIn
}

interface Told {
  readonly status?: number
  readonly body?: object
  /** Signed in now; null: not any more. */
  readonly opened?: Opened | null
}

/** Who may ask: anybody, an agent whose key signed what is asked, who is signed in, or whose passkey vouched a moment ago. */
type Place =
  | { readonly needs: 'anyone' | 'agent', answer(asked: Asked): Promise<Told> }
  | { readonly needs: 'signed' | 'fresh', answer(asked: AskedBy): Promise<Told> }

/** What strangers of one address may try in a second, or who is signed in to one account; and all strangers together: a guess costs one. */
const ofOne = { perSecond: 1, burst: 30 }
const ofAll = { perSecond: 50, burst: 300 }
const sweepMs = 60_000
const maxBodyBytes = 32 * 1024
/** A check of a passkey takes as long as so many frames do. */
const askedFrames = 10
const maxPage = 100

const quiet = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

const length = '1 to 64 characters'
/** One line that drives no terminal. */
const Line = z.string().min(1, length).max(64, length).regex(/^[^\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]*$/u, 'one line')
const Base64 = z.string().max(8_192).regex(/^[A-Za-z0-9_-]*$/, 'base64url')
const Answer = z.object({
  id: Base64.min(1).max(1_400),
  rawId: Base64,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: Base64,
    attestationObject: Base64.optional(),
    authenticatorData: Base64.optional(),
    signature: Base64.optional(),
    userHandle: Base64.nullable().optional(),
    transports: z.array(z.string().max(20).regex(/^[a-z-]*$/)).max(10).optional(),
  }),
  clientExtensionResults: z.object({}).default({}),
})
const Link = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'what follows # in the link')
const Nothing = z.object({})
const Named = z.object({ name: Line })
const ByLink = Named.extend({ link: Link })
const Claim = z.object({
  agent: z.string().regex(/^@[0-9a-f]{16}$/, 'an agent like @8addfe276526c9f6'),
  account: z.string().regex(/^~[0-9a-f]{16}$/, 'an account like ~0123456789abcdef'),
  ts: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  nonce: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, '16 to 64 of A–Z a–z 0–9 _ -'),
  sig: z.string().regex(/^[A-Za-z0-9+/]{86}==$/, 'a signature of Ed25519 in base64'),
})
const SignOut = z.object({ everywhere: z.boolean().optional() })

export class AccountDoor implements HttpDoor {
  readonly #options: AccountDoorOptions
  /** By address; of who is signed in, by account. */
  readonly #triers = new Buckets(ofOne)
  readonly #all: Bucket
  #sweptAt: number

  constructor(options: AccountDoorOptions) {
    this.#options = options
    this.#sweptAt = options.clock.now()
    this.#all = new Bucket(ofAll, this.#sweptAt)
  }

  readonly #places: Readonly<Record<string, Place>> = {
    'POST /signin/passkey/options': {
      needs: 'anyone',
      answer: async ({ visit, visitor }) => {
        await this.#body(visit, Nothing)
        return { body: await this.#options.accounts.assertion(visitor) }
      },
    },
    'POST /signin/passkey/verify': {
      needs: 'anyone',
      answer: async ({ visit, visitor, me }) => {
        const { answer } = await this.#body(visit, z.object({ answer: Answer }))
        return this.#opened(await this.#options.accounts.signIn(visitor, answer as PasskeyAnswer, me))
      },
    },
    'POST /signin/link/options': {
      needs: 'anyone',
      answer: async ({ visit, visitor }) => {
        const { link, name } = await this.#body(visit, ByLink)
        return { body: await this.#options.accounts.registration(visitor, { link }, name) }
      },
    },
    'POST /signin/link/verify': {
      needs: 'anyone',
      answer: async ({ visit, visitor }) => {
        const { link, name, answer } = await this.#body(visit, ByLink.extend({ answer: Answer }))
        return { ...this.#opened(await this.#options.accounts.register(visitor, { link }, name, answer as PasskeyAnswer)), status: 201 }
      },
    },
    'POST /signout': {
      needs: 'signed',
      answer: async ({ visit, me }) => {
        const { everywhere = false } = await this.#body(visit, SignOut)
        await this.#options.accounts.signOut(me, everywhere ? undefined : me.signIn.id, visit.address)
        return { status: 204, opened: null }
      },
    },
    'GET /account/me': {
      needs: 'signed',
      answer: async ({ me }) => {
        const { accounts } = this.#options
        const [passkeys, signIns] = await Promise.all([accounts.passkeys(me), accounts.signIns(me)])
        return {
          body: {
            ...this.#shown(me),
            passkeys: passkeys.map(({ id, name, rp_id, shared, created, used }) => ({
              ...{ id, name, rp_id, shared: shared === 1, created_at: created, used_at: used },
            })),
            sign_ins: signIns.map(({ id, address, agent, created, seen, expires }) => ({
              ...{ id, address, agent, created_at: created, seen_at: seen, expires_at: expires, here: id === me.signIn.id },
            })),
          },
        }
      },
    },
    'GET /account/audit': {
      needs: 'signed',
      answer: async ({ visit: { query }, me }) => {
        const number = (name: string, most: number): number | undefined => {
          const text = query.get(name)
          if (text === null) return undefined
          if (!/^\d{1,15}$/.test(text) || Number(text) < 1) throw new Problem('INVALID_MSG', `${name}: a number from 1 on`)
          return Math.min(Number(text), most)
        }
        const isAll = query.get('all') === '1'
        if (isAll && me.account.role !== 'operator') throw new Problem('NOT_ALLOWED', 'The audit of all accounts is for operators')
        const items = await this.#options.accounts.audit(isAll ? undefined : me.account.id, number('limit', maxPage) ?? maxPage,
          number('before', Number.MAX_SAFE_INTEGER))
        return { body: { items } }
      },
    },
    'POST /account/passkeys/options': {
      needs: 'fresh',
      answer: async ({ visit, visitor, me }) => ({
        body: await this.#options.accounts.registration(visitor, me, (await this.#body(visit, Named)).name),
      }),
    },
    'POST /account/passkeys': {
      needs: 'fresh',
      answer: async ({ visit, visitor, me }) => {
        const { name, answer } = await this.#body(visit, Named.extend({ answer: Answer }))
        return { ...this.#opened(await this.#options.accounts.register(visitor, me, name, answer as PasskeyAnswer)), status: 201 }
      },
    },
    'DELETE /account/passkeys/': {
      needs: 'fresh',
      answer: async ({ visit, rest, me }) => {
        await this.#options.accounts.removePasskey(me, rest, visit.address)
        return { status: 204 }
      },
    },
    'DELETE /account/sign-ins/': {
      needs: 'signed',
      answer: async ({ visit, rest, me }) => {
        await this.#options.accounts.signOut(me, rest, visit.address)
        return { status: 204 }
      },
    },
    'POST /account/invitations': {
      needs: 'fresh',
      answer: async ({ visit, visitor, me }) => {
        await this.#body(visit, Nothing)
        if (me.account.role !== 'operator') throw new Problem('NOT_ALLOWED', 'Operators invite')
        const { secret, expires } = await this.#options.accounts.invite(me, visit.address)
        return { status: 201, body: { url: linkUrl(visitor.site.origin, secret), expires_at: expires } }
      },
    },
    'POST /account/claims': {
      needs: 'agent',
      answer: async ({ visit }) => {
        await this.#options.claims.claim(await this.#body(visit, Claim))
        return { status: 202, body: { state: 'waiting' } }
      },
    },
    'POST /account/claims/end': {
      needs: 'agent',
      answer: async ({ visit }) => {
        await this.#options.claims.end(await this.#body(visit, Claim), visit.address)
        return { status: 204 }
      },
    },
    'GET /account/agents': {
      needs: 'signed',
      answer: async ({ me }) => {
        const { owned, waiting } = await this.#options.claims.of(me)
        const shown = ({ agent, at, text, sig }: (typeof owned)[number]) => ({ agent, at, claim: { text, sig } })
        return {
          body: { agents: owned.map(shown), waiting: waiting.map(claim => ({ ...shown(claim), expires_at: claim.expires })) },
        }
      },
    },
    'POST /account/agents/': {
      needs: 'fresh',
      answer: async ({ visit, rest, me }) => {
        await this.#body(visit, Nothing)
        await this.#options.claims.accept(me, agentIn(rest), visit.address)
        return { status: 204 }
      },
    },
    'DELETE /account/agents/': {
      needs: 'fresh',
      answer: async ({ visit, rest, me }) => {
        await this.#options.claims.release(me, agentIn(rest), visit.address)
        return { status: 204 }
      },
    },
  }

  takes(path: string): boolean {
    return ['/signin', '/signout', '/account'].some(each => path === each || path.startsWith(`${each}/`))
  }

  answer(visit: DoorVisit): void {
    this.#answer(visit).catch((error: unknown) => {
      let problem = problemOf(error)
      if (problem === undefined) {
        this.#options.log.error({ err: error, path: visit.path.slice(0, 200) }, 'the door of accounts failed')
        problem = new Problem('INTERNAL', 'The relay has a fault; its log says more')
      }
      const { status, body, headers, retryAfterMs } = problem
      this.#send(visit, status, body, {
        ...headers,
        'content-type': 'application/problem+json',
        ...(!visit.request.complete && { connection: 'close' }),
        ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
      })
    })
  }

  async #answer(visit: DoorVisit): Promise<void> {
    const { request, path } = visit
    if (!visit.isWelcome)
      throw new Problem('RATE_LIMITED', 'Too many connections of this address, or in all', { connection: 'close' }, 5_000)
    if (visit.isBanned) throw new Problem('BANNED', 'Your address is banned from this relay')
    const method = request.method === 'HEAD' ? 'GET' : request.method ?? 'GET'
    visit.charge(askedFrames)
    const isPage = path === '/account' || path === '/account/page.js'
    if (method === 'GET' && isPage) {
      const waitMs = visit.pace()
      if (waitMs > 0) throw new Problem('RATE_LIMITED', 'Too many requests of this address', {}, waitMs)
      return path === '/account'
        ? this.#send(visit, 200, page(this.#options.relayName), { ...pageHeaders, 'content-type': 'text/html; charset=utf-8' })
        : this.#send(visit, 200, script, { 'content-type': 'text/javascript; charset=utf-8' })
    }
    const { place, rest } = this.#placeOf(method, path)
    const sites = this.#options.sites()
    const { origin } = request.headers
    const site = sites.find(each => each.origin === origin)
    // Reading changes nothing, and no other page can read the answer; what a key signed is so, whoever brings it.
    if (method !== 'GET' && place.needs !== 'agent' && site === undefined) {
      this.#guess(visit)
      const where = sites.map(each => each.origin).join(', ')
      throw new Problem('FOREIGN_ORIGIN', `This is asked from a page of the relay's own: ${where}/account`)
    }
    const held = cookieOf(request, sites.map(each => each.origin))
    const me = held === undefined ? undefined : await this.#options.accounts.who(held.secret)
    // Who is signed in has proved more than a guess costs, and vouches in a count of its own: strangers hold up nobody else.
    if (me === undefined || place.needs === 'agent') this.#guess(visit)
    else if (place.needs === 'anyone') this.#count(me.account.id)
    const visitor = { site: site ?? sites[0]!, address: visit.address, agent: request.headers['user-agent'] ?? '' }
    const told = place.needs === 'anyone' || place.needs === 'agent'
      ? await place.answer({ visit, visitor, rest, me })
      : await place.answer({ visit, visitor, rest, me: this.#checked(me, place.needs) })
    const { status = 200, body, opened } = told
    const maxAgeMs = this.#options.signInMs
    const cookie = opened !== undefined
      ? setCookie(opened?.secret ?? '', { origin: visitor.site.origin, maxAgeMs })
      : held !== undefined && me?.isProlonged === true
      ? setCookie(held.secret, { origin: held.origin, maxAgeMs })
      : undefined
    this.#send(visit, status, body === undefined ? '' : JSON.stringify(body), {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(cookie !== undefined && { 'set-cookie': cookie }),
    })
  }

  /** @throws Problem */
  #placeOf(method: string, path: string): { readonly place: Place, readonly rest: string } {
    const cut = path.lastIndexOf('/') + 1
    const keys = [[path, ''], [path.slice(0, cut), path.slice(cut)]] as const
    const at = (asked: string) =>
      keys.find(([key, rest]) => Object.hasOwn(this.#places, `${asked} ${key}`) && (rest !== '' || key === path))
    const found = at(method)
    if (found !== undefined) return { place: this.#places[`${method} ${found[0]}`]!, rest: found[1] }
    const others = ['GET', 'POST', 'DELETE'].filter(each => at(each) !== undefined)
    if (others.length === 0) throw new Problem('NOT_FOUND', 'There is nothing here: see docs/ACCOUNTS.md')
    throw new Problem('METHOD_NOT_ALLOWED', `This is asked by ${others.join(', ')}`, { allow: others.join(', ') })
  }

  /** @throws Problem */
  #checked(me: SignedIn | undefined, needs: 'signed' | 'fresh'): SignedIn {
    if (me === undefined) throw new Problem('AUTH_REQUIRED', 'Sign in: /account')
    if (needs === 'fresh' && !this.#options.accounts.isFresh(me))
      throw new Problem('PASSKEY_ASKED', 'This wants your passkey again: POST /signin/passkey/options and verify, then ask again')
    return me
  }

  /** Counts a try of somebody unknown. @throws Problem */
  #guess({ address }: DoorVisit): void {
    const now = this.#options.clock.now()
    // The address first, so that one of them takes no more than its part of what all may.
    const waitMs = Math.max(this.#triers.wait(address, now), this.#all.wait(now))
    if (waitMs > 0) throw new Problem('RATE_LIMITED', 'Too many tries of this address, or in all', {}, waitMs)
    this.#all.take(now)
    this.#count(address)
  }

  /** Counts a try of an address, or of an account. @throws Problem */
  #count(trier: string): void {
    const now = this.#options.clock.now()
    if (now - this.#sweptAt >= sweepMs) {
      this.#triers.sweep(now)
      this.#sweptAt = now
    }
    const waitMs = this.#triers.take(trier, now)
    if (waitMs > 0) throw new Problem('RATE_LIMITED', 'Too many tries of this account', {}, waitMs)
  }

  /** @throws Problem */
  async #body<T extends z.ZodType>(visit: DoorVisit, shape: T): Promise<z.output<T>> {
    const read = shape.safeParse(await readJson(visit, maxBodyBytes))
    if (read.success) return read.data
    const [issue] = read.error.issues
    throw new Problem('INVALID_MSG', `${issue!.path.join('.').slice(0, 100) || 'body'}: ${issue!.message.slice(0, 200)}`)
  }

  #opened(opened: Opened): Told {
    return { opened, body: this.#shown(opened) }
  }

  #shown(me: SignedIn): object {
    const { account: { id, name, role, created }, signIn } = me
    return {
      account: { id, name, role, created_at: created },
      sign_in: { id: signIn.id, level: signIn.level, fresh: this.#options.accounts.isFresh(me), proved_at: signIn.proved },
    }
  }

  #send({ request, response, owe }: DoorVisit, status: number, body: string, headers: Readonly<Record<string, string>>): void {
    if (response.headersSent || response.destroyed) return
    const length = Buffer.byteLength(body)
    owe(length)
    response.writeHead(status, { ...quiet, ...headers, ...(status !== 204 && { 'content-length': length }) })
    response.end(request.method === 'HEAD' ? '' : body)
  }
}

/** As a path has it. @throws Problem */
const agentIn = (rest: string): string => {
  const agent = rest.replace(/^%40/i, '@')
  if (!/^@[0-9a-f]{16}$/.test(agent)) throw new Problem('INVALID_MSG', 'An agent is called like @8addfe276526c9f6')
  return agent
}

/** Where a link leads: its secret stands behind the #, which no server, log or proxy is ever told. */
export const linkUrl = (origin: string, secret: string): string => `${origin}/account#${secret}`
