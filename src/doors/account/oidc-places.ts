// The places of identity providers: going there, coming back, and which ones an account has. What is kept meanwhile is sealed in a cookie, so
// that it comes back to the browser that went.
import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import type { Seal } from '../../base/seal.ts'
import { Fail } from '../../relay/inside.ts'
import { Problem } from '../http/problem.ts'
import { flowCookieOf, setFlowCookie } from './cookie.ts'
import { bodyOf, type Places, type Told } from './place.ts'
import type { GivenRole, IdentitiesPort, Opened, OidcPort, ProviderFacts, SignedIn, Visitor } from './port.ts'

export interface OidcPlaces {
  readonly identities: IdentitiesPort
  readonly oidc: OidcPort
  readonly providers: readonly ProviderFacts[]
  readonly seal: Seal
  readonly now: () => number
  /** Told why a provider could not be used, for the operator. */
  readonly failed: (provider: string, problem: Error & { readonly kind: 'down' | 'refused' }) => void
  /** Of the relay's own pages. */
  readonly origins: () => readonly string[]
}

const flowMs = 10 * 60_000
const Begin = z.object({ to: z.enum(['account', 'console']).default('account') })
const Flow = z.object({
  provider: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  origin: z.string(),
  to: z.enum(['account', 'console']),
  expires: z.number(),
  signIn: z.string().optional(),
})
type Flow = z.output<typeof Flow>

/** What a page says then is its own: nobody else's words come with it. */
type Ended = 'ok' | 'down' | 'refused' | 'late' | 'unknown'
const ways = { account: '/account', console: '/console/' } as const

export const oidcPlaces = ({ identities, oidc, providers, seal, now, origins, failed }: OidcPlaces): Places => {
  const redirectOf = (origin: string, provider: string) => `${origin}/signin/callback/${provider}`
  const checked = (provider: string): void => {
    if (!providers.some(({ id }) => id === provider))
      throw new Problem('NOT_FOUND', 'There is no such provider here: see GET /signin/providers')
  }
  const random = () => randomBytes(32).toString('base64url')
  const begin = async (visitor: Visitor, provider: string, to: Flow['to'], signIn: string | undefined): Promise<Told> => {
    checked(provider)
    const { origin } = visitor.site
    const flow: Flow = {
      ...{ provider, state: random(), nonce: random(), verifier: random(), origin, to, expires: now() + flowMs },
      ...(signIn !== undefined && { signIn }),
    }
    const url = await oidc.begin(provider, { ...flow, redirect: redirectOf(origin, provider) }).catch((error: unknown) => {
      if (!isProblem(error)) throw error
      failed(provider, error)
      throw new Problem('BUSY', `${labelOf(provider)} cannot be asked at the moment: try again, or sign in by a passkey`)
    })
    return { body: { url }, headers: { 'set-cookie': setFlowCookie(seal.close(JSON.stringify(flow)), origin, flowMs) } }
  }
  const labelOf = (provider: string) => providers.find(({ id }) => id === provider)!.label
  const back = (origin: string, to: Flow['to'], ended: Ended, opened?: Opened): Told => ({
    status: 303,
    headers: { location: `${ways[to]}${ended === 'ok' ? '' : `#oidc=${ended}`}`, 'set-cookie': setFlowCookie('', origin, 0) },
    ...(opened !== undefined && { opened, origin }),
  })
  return {
    'GET /signin/providers': {
      may: 'account.enter',
      answer: async () => ({ body: { items: providers.map(({ id, label }) => ({ id, label })) } }),
    },
    'POST /signin/oidc/': {
      may: 'account.enter',
      answer: async ({ visit, visitor, rest }) => begin(visitor, rest, (await bodyOf(visit, Begin)).to, undefined),
    },
    'POST /account/identities/': {
      may: 'credential.write',
      answer: async ({ visit, visitor, rest, me }) => begin(visitor, rest, (await bodyOf(visit, Begin)).to, me.signIn.hash),
    },
    'GET /signin/callback/': {
      may: 'account.enter',
      answer: async ({ visit, visitor, rest }) => {
        checked(rest)
        const flow = flowIn(seal, flowCookieOf(visit.request, origins()))
        const origin = flow?.origin ?? visitor.site.origin
        if (flow === undefined || flow.provider !== rest || flow.expires <= now()) return back(origin, 'account', 'late')
        try {
          const { values, ...told } = await oidc.finish(rest, { ...flow, redirect: redirectOf(origin, rest) }, visit.query.toString())
          const provider = providers.find(({ id }) => id === rest)!
          const vouched = {
            provider: rest,
            isTrusted: provider.isTrusted,
            signsUp: provider.signsUp,
            role: roleBy(provider, values),
            ...told,
          }
          const departure = { state: flow.state, expires: flow.expires, signIn: flow.signIn }
          return back(origin, flow.to, 'ok', await identities.arrive({ ...visitor, site: { ...visitor.site, origin } }, departure, vouched))
        } catch (error) {
          if (isProblem(error)) {
            failed(rest, error)
            return back(origin, flow.to, error.kind)
          }
          if (error instanceof Fail) return back(origin, flow.to, error.code === 'VERIFICATION_EXPIRED' ? 'late' : 'unknown')
          throw error
        }
      },
    },
    'GET /account/identities': {
      may: 'account.read',
      answer: async ({ me }) => ({ body: { items: await shownOf(identities, me) } }),
    },
    'DELETE /account/identities/': {
      may: 'credential.write',
      answer: async ({ visit, rest, me }) => {
        await identities.remove(me, rest, visit.address)
        return { status: 204 }
      },
    },
  }
}

/** What an account is here, by the word of its provider; undefined: that says nothing of it. */
const roleBy = ({ roles }: ProviderFacts, values: readonly string[]): GivenRole | undefined =>
  roles && (Object.entries(roles.map).find(([value]) => values.includes(value))?.[1] ?? 'person')

const shownOf = async (identities: IdentitiesPort, me: SignedIn) =>
  (await identities.of(me)).map(each => ({
    ...{ id: identities.idOf(each), provider: each.provider, email: each.email, created_at: each.created, used_at: each.used },
  }))

const isProblem = (error: unknown): error is Error & { readonly kind: 'down' | 'refused' } =>
  error instanceof Error && ['down', 'refused'].includes((error as { readonly kind?: string }).kind ?? '')

const flowIn = (seal: Seal, text: string | undefined): Flow | undefined => {
  try {
    return Flow.parse(JSON.parse(seal.open(text ?? '')))
  } catch {
    return undefined
  }
}
