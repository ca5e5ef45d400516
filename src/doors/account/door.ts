// THE DOOR OF ACCOUNTS: people sign in here, by a passkey, and see to their account. Cookies count here and nowhere else; whatever changes
// something comes from a page of the relay's own.
import type { OutgoingHttpHeaders } from 'node:http'
import { can, rights } from '../../../lib/access/table.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Brand } from '../../domain/brand.ts'
import type { Site } from '../../domain/passkey.ts'
import { Buckets, sharedBuckets } from '../../relay/bucket.ts'
import { requestsSpent, socketsSpent, type DoorVisit, type HttpDoor } from '../../relay/inside.ts'
import { Problem, problemOf } from '../http/problem.ts'
import { cookieOf, setCookie } from './cookie.ts'
import { logoHeaders, page, pageHeaders, script } from './page.ts'
import { devicePlaces } from './device-places.ts'
import { oidcPlaces, type OidcPlaces } from './oidc-places.ts'
import { ownPlaces } from './own-places.ts'
import { checkRole, isOwn, passkeyAsked, type OwnPlace, type Place, type Places } from './place.ts'
import type { AccountsPort, ClaimsPort, DevicesPort, PreferencesPort, SignedIn, VaultPort } from './port.ts'
import { localeOf } from './texts/index.ts'
import { vaultPlaces } from './vault-places.ts'

export interface AccountDoorOptions {
  readonly accounts: AccountsPort
  readonly claims: ClaimsPort
  readonly preferences: PreferencesPort
  readonly vault: VaultPort
  readonly devices: DevicesPort
  readonly devicePaceMs: number
  /** Told when browsers may have been signed out. */
  readonly signedOut: () => void
  /** Where people sign in elsewhere. */
  readonly oidc: Omit<OidcPlaces, 'origins'>
  readonly clock: Clock
  readonly log: Logger
  /** Pages that passkeys are good at; known once the relay listens. */
  readonly sites: () => readonly Site[]
  readonly relayName: string
  readonly brand: Brand | undefined
  /** Whoever comes gets an account. */
  readonly isOpen: boolean
  /** How long a browser stays signed in when nobody comes. */
  readonly signInMs: number
}

/** What strangers of one address may try in a second, or who is signed in to one account; and all strangers together: a guess costs one. */
const ofOne = { perSecond: 1, burst: 30 }
const ofAll = { perSecond: 50, burst: 300 }
/** Accounts of people who come uninvited, from one address: a class at once, and no crowd. */
const ofNewcomers = { perSecond: 10 / 3_600, burst: 20 }
const sweepMs = 60_000
const everybody = ''
/** A check of a passkey takes as long as so many frames do. */
const askedFrames = 10

const quiet = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

export class AccountDoor implements HttpDoor {
  readonly #options: AccountDoorOptions
  /** By address; of who is signed in, by account. */
  readonly #triers = new Buckets(ofOne)
  readonly #newcomers = new Buckets(ofNewcomers)
  /** All together, under one key. */
  readonly #all = new Buckets(ofAll)
  readonly shared = {
    'sign-ins': sharedBuckets(this.#triers),
    'all sign-ins': sharedBuckets(this.#all),
    newcomers: sharedBuckets(this.#newcomers),
  }
  readonly #places: Places
  #sweptAt: number

  constructor(options: AccountDoorOptions) {
    this.#options = options
    const shown = (me: SignedIn) => this.#shown(me)
    this.#places = {
      ...ownPlaces({ ...options, admit: address => this.#admit(address), shown }),
      ...vaultPlaces({ ...options, shown }),
      ...devicePlaces(options),
      ...oidcPlaces({ ...options.oidc, origins: () => options.sites().map(({ origin }) => origin) }),
    }
    this.#sweptAt = options.clock.now()
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
      throw new Problem('RATE_LIMITED', socketsSpent, { connection: 'close' }, 5_000)
    if (visit.isBanned) throw new Problem('BANNED', 'Your address is banned from this relay')
    const method = request.method === 'HEAD' ? 'GET' : request.method ?? 'GET'
    visit.charge(askedFrames)
    const logo = path === '/account/logo' ? this.#options.brand?.logo : undefined
    const isPage = path === '/account' || path === '/account/page.js' || logo !== undefined
    if (method === 'GET' && isPage) {
      const waitMs = visit.pace()
      if (waitMs > 0) throw new Problem('RATE_LIMITED', requestsSpent(waitMs), {}, waitMs)
      if (logo !== undefined) return this.#send(visit, 200, logo.bytes, { ...logoHeaders, 'content-type': logo.type })
      if (path !== '/account') return this.#send(visit, 200, script, { 'content-type': 'text/javascript; charset=utf-8' })
      const own = await this.#localeOf(request)
      const locale = localeOf([visit.query.get('lang'), own], request.headers['accept-language'])
      return this.#send(visit, 200, page({ ...this.#options, locale, isOwn: locale === own }), {
        ...pageHeaders,
        'content-type': 'text/html; charset=utf-8',
        vary: 'accept-language, cookie',
      })
    }
    const { place, rest } = this.#placeOf(method, path)
    const sites = this.#options.sites()
    const { origin } = request.headers
    const site = sites.find(each => each.origin === origin)
    // Reading changes nothing, and no other page can read the answer; what a key signed is so, whoever brings it.
    const isByKey = can(['agent'], place.may)
    if (method !== 'GET' && !isByKey && site === undefined) {
      this.#guess(visit)
      const where = sites.map(each => each.origin).join(', ')
      throw new Problem('FOREIGN_ORIGIN', `This is asked from a page of the relay's own: ${where}/account`)
    }
    const held = cookieOf(request, sites.map(each => each.origin))
    const me = held === undefined ? undefined : await this.#options.accounts.who(held.secret)
    // Who is signed in has proved more than a guess costs, and vouches in a count of its own: strangers hold up nobody else.
    if (me === undefined || isByKey) this.#guess(visit)
    // What cannot be undone is noted, and must not fill what is noted of others.
    else if (!isOwn(place) || place.guesses === true || rights[place.may].aal === 2) this.#count(me.account.id)
    const visitor = { site: site ?? sites[0]!, address: visit.address, agent: request.headers['user-agent'] ?? '' }
    const told = isOwn(place)
      ? await place.answer({ visit, visitor, rest, me: await this.#checked(me, place) })
      : await place.answer({ visit, visitor, rest, me })
    const { status = 200, body, opened, origin: cookieOrigin = visitor.site.origin, headers = {} } = told
    if (opened === null || /^(?:PUT|DELETE) \/account\/(?:passkeys|sign-ins|identities|vault)\//.test(`${method} ${path}`))
      this.#options.signedOut()
    const maxAgeMs = this.#options.signInMs
    const cookie = opened !== undefined
      ? setCookie(opened?.secret ?? '', { origin: cookieOrigin, maxAgeMs })
      : held !== undefined && me?.isProlonged === true
      ? setCookie(held.secret, { origin: held.origin, maxAgeMs })
      : undefined
    this.#send(visit, status, body === undefined ? '' : JSON.stringify(body), {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
      ...(cookie !== undefined && { 'set-cookie': [cookie, ...[headers['set-cookie'] ?? []].flat()] }),
    })
  }

  /** Of the account that is signed in there; a page that cannot look it up is shown all the same. */
  async #localeOf(request: DoorVisit['request']): Promise<string | null> {
    const held = cookieOf(request, this.#options.sites().map(({ origin }) => origin))
    const me = held === undefined ? undefined : await this.#options.accounts.lookUp(held.secret).catch(() => undefined)
    return me?.account.locale ?? null
  }

  /** @throws Problem */
  #placeOf(method: string, path: string): { readonly place: Place, readonly rest: string } {
    const cut = path.lastIndexOf('/') + 1
    const keys = [[path, ''], [path.slice(0, cut), path.slice(cut)]] as const
    const at = (asked: string) =>
      keys.find(([key, rest]) => Object.hasOwn(this.#places, `${asked} ${key}`) && (rest !== '' || key === path))
    const found = at(method)
    if (found !== undefined) return { place: this.#places[`${method} ${found[0]}`]!, rest: found[1] }
    const others = ['GET', 'POST', 'PUT', 'DELETE'].filter(each => at(each) !== undefined)
    if (others.length === 0) throw new Problem('NOT_FOUND', 'There is nothing here: see docs/ACCOUNTS.md')
    throw new Problem('METHOD_NOT_ALLOWED', `This is asked by ${others.join(', ')}`, { allow: others.join(', ') })
  }

  /** @throws Problem */
  async #checked(me: SignedIn | undefined, { may, orFirst }: OwnPlace): Promise<SignedIn> {
    if (me === undefined) throw new Problem('AUTH_REQUIRED', 'Sign in: /account')
    const { accounts } = this.#options
    checkRole(me, may)
    if (rights[may].aal === 2 && !accounts.isFresh(me) && !(orFirst === true && await accounts.isFirst(me))) throw passkeyAsked()
    return me
  }

  /** Counts a try of somebody unknown. @throws Problem */
  #guess({ address }: DoorVisit): void {
    const now = this.#options.clock.now()
    // The address first, so that one of them takes no more than its part of what all may.
    const waitMs = Math.max(this.#triers.wait(address, now), this.#all.wait(everybody, now))
    if (waitMs > 0) throw new Problem('RATE_LIMITED', 'Too many tries of this address, or in all', {}, waitMs)
    this.#all.take(everybody, now)
    this.#count(address)
  }

  /** Counts a try of an address, or of an account. @throws Problem */
  #count(trier: string): void {
    const now = this.#options.clock.now()
    if (now - this.#sweptAt >= sweepMs) {
      this.#triers.sweep(now)
      this.#newcomers.sweep(now)
      this.#sweptAt = now
    }
    const waitMs = this.#triers.take(trier, now)
    if (waitMs > 0) throw new Problem('RATE_LIMITED', 'Too many tries of this account', {}, waitMs)
  }

  /** @throws Problem */
  #admit(address: string): void {
    const waitMs = this.#newcomers.take(address, this.#options.clock.now())
    if (waitMs > 0) throw new Problem('RATE_LIMITED', 'Many accounts were made from your address', {}, waitMs)
  }

  #shown(me: SignedIn): object {
    const { account: { id, name, role, created, locale }, signIn } = me
    return {
      account: { id, name, role, created_at: created, locale },
      sign_in: { id: signIn.id, level: signIn.level, fresh: this.#options.accounts.isFresh(me), proved_at: signIn.proved },
    }
  }

  #send(
    { request, response, owe }: DoorVisit,
    status: number,
    body: string | Buffer,
    headers: Readonly<Record<string, string | readonly string[]>>,
  ): void {
    if (response.headersSent || response.destroyed) return
    const length = Buffer.byteLength(body)
    owe(length)
    response.writeHead(status, { ...quiet, ...headers, ...(status !== 204 && { 'content-length': length }) } as OutgoingHttpHeaders)
    response.end(request.method === 'HEAD' ? '' : body)
  }
}
