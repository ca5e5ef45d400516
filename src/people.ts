// PEOPLE: accounts, their door, and what an operator does with them at the machine of the data, wired for app.ts.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createVerify } from '../lib/node/crypto.ts'
import { limits } from '../lib/protocol/index.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import { sealOf } from './base/seal.ts'
import { ConfigError, type ConfigProblem } from './config/load.ts'
import type { Config } from './config/schema.ts'
import type { Brand } from './domain/brand.ts'
import { loadPasskeys } from './domain/passkey.ts'
import { noSite, sitesOf } from './domain/sites.ts'
import { cookieOf } from './doors/account/cookie.ts'
import { AccountDoor } from './doors/account/door.ts'
import { linkUrl } from './doors/account/own-places.ts'
import { Accounts, signInMs } from './features/account/accounts/accounts.ts'
import { Claims } from './features/account/accounts/claims.ts'
import { claimMigrations } from './features/account/accounts/claims-store.ts'
import { devicePaceMs, Devices } from './features/account/accounts/devices.ts'
import { Identities } from './features/account/accounts/identities.ts'
import { accountsCalled, recover, summaries, type AccountSummary, type Recovery } from './features/account/accounts/keeping.ts'
import { accountMigrations, type AccountRow } from './features/account/accounts/store.ts'
import { Preferences } from './features/account/accounts/preferences.ts'
import { Vault } from './features/account/accounts/vault.ts'
import type { Resolve } from './outbound/guard.ts'
import { oidcOf, type OidcOptions } from './outbound/oidc.ts'
import type { SignIns } from './relay/bonds.ts'
import type { HttpDoor } from './relay/inside.ts'
import { besideRelay } from './store/beside.ts'
import { readMeta, writeMeta } from './store/meta.ts'
import type { Store } from './store/store.ts'

export interface PeopleOptions {
  readonly config: Config
  readonly brand: Brand | undefined
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly secret: string
  readonly serverId: string
  /** Between two questions of a command that signs in, in ms. */
  readonly paceMs?: number | undefined
  readonly resolve: Resolve
  /** Somebody was signed out. */
  readonly signedOut: () => void
  /** The relay stops. */
  readonly signal: AbortSignal
}

export interface People {
  readonly door: HttpDoor
  /** Which browsers are signed in, for what they have open. */
  readonly signIns: SignIns
  /** What signing in is made of. @throws ConfigError it is not installed */
  load(): Promise<void>
  /** Where it listens is known, the best for a browser first. Gives the link by which somebody becomes the operator, where nobody is. */
  listens(ports: readonly number[]): Promise<string | undefined>
}

/** @throws ConfigError where passkeys are good nowhere */
export const openPeople = (
  { config, brand, store, clock, log, secret, serverId, paceMs = devicePaceMs, resolve, signal, signedOut }: PeopleOptions,
): People => {
  let ports: readonly number[] = [config.webPort ?? config.port, config.port]
  const sites = () => sitesOf({ publicUrls: config.publicUrls, isTls: config.cert !== undefined, ports })
  if (sites().length === 0) throw new ConfigError([{ where: 'accounts', message: noSite }])
  const relayName = brand?.name ?? config.name
  const accounts = new Accounts({ ...config, store, clock, randomBytes, secret, relayName })
  const claims = new Claims({ ...limits, ...config, store, clock, verify: createVerify(), serverId })
  const preferences = new Preferences({ ...config, store, clock })
  const vault = new Vault({ ...config, store, clock, randomBytes, accounts })
  const devices = new Devices({ store, clock, randomBytes, claims, paceMs })
  const { providers, oidc } = providersOf(config, { resolve, now: () => clock.now(), signal })
  const identities = new Identities({
    ...config,
    store,
    clock,
    randomBytes,
    accounts,
    trusted: providers.flatMap(({ id, isTrusted }) => isTrusted ? [id] : []),
  })
  const failed = (provider: string, { kind, cause }: Error & { readonly kind: string }) =>
    log.warn({ provider, kind, code: (cause as { readonly code?: unknown } | undefined)?.code }, 'an identity provider could not be used')
  const elsewhere = { identities, oidc, providers, seal: sealOf(secret, 'oidc'), now: () => clock.now(), failed }
  return {
    door: new AccountDoor({
      signedOut,
      oidc: elsewhere,
      accounts,
      claims,
      preferences,
      vault,
      devices,
      devicePaceMs: paceMs,
      clock,
      log,
      sites,
      relayName,
      brand,
      isOpen: config.signUp === 'open',
      signInMs,
    }),
    signIns: {
      of: headers => {
        const origins = sites().map(({ origin }) => origin)
        const held = headers.origin !== undefined && origins.includes(headers.origin) ? cookieOf({ headers }, origins) : undefined
        return held === undefined ? undefined : accounts.lookUp(held.secret).then(known => known?.signIn.id)
      },
      among: ids => accounts.signedIn(ids),
      office: (id, db) => accounts.office(id, db),
      hasOperator: (ids, agents, db) => accounts.hasOperatorAmong(ids, agents, db),
    },
    load: async () => {
      const missing = (where: string) => (error: Error): never => {
        throw new ConfigError([{ where, message: error.message }])
      }
      await loadPasskeys().catch(missing('accounts'))
      if (providers.length > 0) await oidc.load().catch(missing('oidc'))
    },
    listens: async known => {
      ports = known
      const { origin } = sites()[0]!
      if (await readMeta(store.read, pageKey) !== origin) await store.write(tx => writeMeta(tx, pageKey, origin))
      const link = await accounts.setUpLink()
      return link === undefined ? undefined : linkUrl(origin, link)
    },
  }
}

/** The providers of the configuration, with their secrets. @throws ConfigError */
const providersOf = ({ oidc: configured, outboundAllow }: Config, parts: Pick<OidcOptions, 'resolve' | 'now' | 'signal'>) => {
  const problems: ConfigProblem[] = []
  const providers = configured.map(({ clientSecret, clientSecretFile: file, clientSecretEnv: variable, trusted, signUp, ...provider }) => {
    const problem = (message: string): undefined => void problems.push({ where: 'oidc', message: `${provider.id}: ${message}` })
    const given = [clientSecret, file, variable].filter(each => each !== undefined).length
    if (given > 1) problem('one of clientSecret, clientSecretFile and clientSecretEnv, not several')
    if (!isSafe(new URL(provider.issuer))) problem('an issuer is asked over https, but on this machine')
    const secret = clientSecret
      ?? (variable !== undefined ? process.env[variable] : file !== undefined ? secretIn(file, problem) : undefined)
    if (given === 1 && (secret === undefined || secret === '')) problem('its secret is not there')
    return { ...provider, clientSecret: secret, isTrusted: trusted, signsUp: signUp }
  })
  if (new Set(providers.map(({ id }) => id)).size < providers.length) problems.push({ where: 'oidc', message: 'two providers have one id' })
  if (problems.length > 0) throw new ConfigError(problems)
  return { providers, oidc: oidcOf({ ...parts, providers, allow: outboundAllow }) }
}

const isSafe = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost')

const secretIn = (file: string, problem: (message: string) => undefined): string | undefined => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    return problem(`${file} cannot be read: ${(error as Error).message}`)
  }
}

/** Under which the relay keeps where its pages are, for whoever makes a link without it. */
const pageKey = 'account_page'

/** Which database: postgres://… in the place of a directory. */
export interface Whereabouts {
  readonly data: string
  readonly store?: string | undefined
}

/** @internal Accounts, at the machine of the data; a relay may run on it. @throws StorageError */
export const accountBook = (where: Whereabouts) => {
  const open = { ...where, migrations: [accountMigrations, claimMigrations] }
  return {
    list: (now: number): Promise<readonly AccountSummary[]> => besideRelay(open, tables => summaries(tables, now)),
    /** A link by which the one account that is meant gets a passkey more; where none or several are: those, and no link. */
    recover: (
      name: string | undefined,
      now: number,
    ): Promise<{ readonly called: readonly AccountRow[], readonly made?: Recovery & { readonly url: string } }> =>
      besideRelay(open, async tables => {
        const called = await accountsCalled(tables, name)
        if (called.length !== 1) return { called }
        const page = await readMeta(tables, pageKey)
        const made = await recover(tables, called[0]!, randomBytes(32).toString('base64url'), now)
        return { called, made: { ...made, url: linkUrl(page ?? '', made.secret) } }
      }),
  }
}
