// Identity providers, by openid-client, which is fetched when the first who signs in by one asks.
import { addressGuard, anywhere, type Resolve } from './guard.ts'
import { guardedFetch } from './fetch.ts'
import { OutboundError } from './request.ts'

export interface OidcProvider {
  /** In the addresses of this relay. */
  readonly id: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** A claim of which the values are wanted too, and the scope that it takes, if one of its own. */
  readonly roles?: { readonly claim: string, readonly scope?: string | undefined } | undefined
}

/** What is kept between going there and coming back. */
export interface OidcFlow {
  readonly state: string
  readonly nonce: string
  /** Of PKCE. */
  readonly verifier: string
  /** Where it comes back to. */
  readonly redirect: string
}

/** Who signed in there, as the provider says. */
export interface OidcIdentity {
  readonly issuer: string
  readonly subject: string
  readonly email: string | undefined
  readonly isVerified: boolean
  readonly name: string | undefined
  /** Of the claim that is wanted; there may be none. */
  readonly values: readonly string[]
}

/** down: it does not answer; refused: what came back does not hold. */
export class OidcProblem extends Error {
  readonly kind: 'down' | 'refused'

  constructor(kind: 'down' | 'refused', message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

export interface OidcOptions {
  readonly providers: readonly OidcProvider[]
  /** Networks that may be reached though they are not public; the hosts of issuers may anyhow, which the operator names. */
  readonly allow: readonly string[]
  readonly resolve: Resolve
  readonly now: () => number
  readonly signal: AbortSignal
}

export interface Oidc {
  /** Fetches the package. @throws OidcProblem it is not installed */
  load(): Promise<void>
  /** Where a browser signs in. @throws OidcProblem */
  begin(provider: string, flow: OidcFlow): Promise<string>
  /** @param query what it brought back @throws OidcProblem */
  finish(provider: string, flow: OidcFlow, query: string): Promise<OidcIdentity>
}

const timeoutMs = 10_000
const maxBytes = 256 * 1024
const maxValues = 1_000
/** What a provider says of itself is asked for again after so long. */
const keptMs = 60 * 60_000
/** … and one that failed after so long. */
const failedMs = 5_000

type Package = typeof import('openid-client')

export const oidcOf = ({ providers, allow, resolve, now, signal }: OidcOptions): Oidc => {
  const known = new Map<string, { readonly until: number, readonly config: ReturnType<Package['discovery']> }>()
  const load = async (): Promise<Package> =>
    await import('openid-client').catch((error: unknown) => {
      throw new OidcProblem('down', 'signing in by a provider needs a package that is not installed: npm install openid-client@6', error)
    })

  const configOf = (client: Package, { id, issuer, clientId, clientSecret }: OidcProvider) => {
    const found = known.get(id)
    if (found !== undefined && found.until > now()) return found.config
    const at = new URL(issuer)
    const own = addressGuard(anywhere, resolve)
    const others = addressGuard({ allow }, resolve)
    const fetch = guardedFetch({ guardOf: host => host === at.hostname ? own : others, timeoutMs, maxBytes, signal })
    const config = client.discovery(at, clientId, clientSecret, clientSecret === undefined ? client.None() : undefined, {
      [client.customFetch]: fetch as never,
      ...(at.protocol === 'http:' && { execute: [client.allowInsecureRequests] }),
    })
    // Whoever asks meanwhile waits for the same; one that failed is asked again soon.
    known.set(id, { until: now() + keptMs, config })
    config.catch(() => known.set(id, { until: now() + failedMs, config }))
    return config
  }

  /** What the package finds wrong, by whether the provider was there. */
  const telling = async <T>(provider: string, work: (client: Package, config: Awaited<ReturnType<Package['discovery']>>) => Promise<T>) => {
    const client = await load()
    try {
      return await work(client, await configOf(client, providers.find(({ id }) => id === provider)!))
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof OutboundError ? error.cause : error
      const { code } = error as { readonly code?: unknown }
      const isDown = cause instanceof OutboundError || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM'
      throw new OidcProblem(isDown ? 'down' : 'refused', isDown ? 'The identity provider does not answer as one' : 'It does not hold',
        error)
    }
  }

  const rolesOf = (provider: string) => providers.find(({ id }) => id === provider)!.roles

  return {
    load: () => load().then(() => undefined),
    begin: (provider, { state, nonce, verifier, redirect }) =>
      telling(provider, async (client, config) =>
        client.buildAuthorizationUrl(config, {
          redirect_uri: redirect,
          scope: ['openid email profile', rolesOf(provider)?.scope ?? []].flat().join(' '),
          state,
          nonce,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        }).href),
    finish: (provider, { state, nonce, verifier, redirect }, query) =>
      telling(provider, async (client, config) => {
        const tokens = await client.authorizationCodeGrant(config, new URL(`${redirect}?${query}`), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const claims = tokens.claims()!
        const wanted = rolesOf(provider)?.claim
        const isWhole = claims['email'] !== undefined && (wanted === undefined || claims[wanted] !== undefined)
        const more = !isWhole && config.serverMetadata().userinfo_endpoint !== undefined
          ? await client.fetchUserInfo(config, tokens.access_token, claims.sub)
          : {}
        const all: Readonly<Record<string, unknown>> = { ...more, ...claims }
        if (!/^[ -~]{1,255}$/.test(claims.sub)) throw new OidcProblem('refused', 'It names nobody')
        const email = all['email']
        return {
          issuer: claims.iss,
          subject: claims.sub,
          // Letters that only look like others, or become them, are another's mailbox.
          email: typeof email === 'string' && /^[!-~]{3,254}$/.test(email) ? email.toLowerCase() : undefined,
          isVerified: all['email_verified'] === true,
          name: typeof all['name'] === 'string' ? all['name'] : undefined,
          values: wanted === undefined ? [] : [all[wanted]].flat().slice(0, maxValues).filter(each => typeof each === 'string'),
        }
      }),
  }
}
