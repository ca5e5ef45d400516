// The places of accounts: signing in by a passkey or a link, and what an account has.
import * as z from 'zod'
import { Problem } from '../http/problem.ts'
import { bodyOf, checkRole, Claim, Line, Nothing, numberIn, Secret, type Places, type Told } from './place.ts'
import type { AccountsPort, ClaimsPort, Opened, PasskeyAnswer, PreferencesPort, SignedIn } from './port.ts'
import { locales } from './texts/index.ts'

export interface OwnPlaces {
  readonly accounts: AccountsPort
  readonly claims: ClaimsPort
  readonly preferences: PreferencesPort
  /** Counts who is about to get an account uninvited. @throws Problem */
  readonly admit: (address: string) => void
  /** What is told of who is signed in. */
  readonly shown: (me: SignedIn) => object
}

const maxPage = 100

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
  // What a passkey's PRF gave opens the vault: a browser that sends it by mistake is told so.
  clientExtensionResults: z.object({ prf: z.object({ results: z.undefined('leave it out: it opens your key').optional() }).optional() })
    .default({}),
})
const GivenRole = z.enum(['person', 'moderator', 'reviewer', 'auditor'])
const Named = z.object({ name: Line })
const ByLink = Named.extend({ link: Secret })
/** `user`: the id of the options that were asked for. */
const Newcomer = Named.extend({ user: Base64.max(40), answer: Answer })
const SignOut = z.object({ everywhere: z.boolean().optional() })

export const ownPlaces = ({ accounts, claims, preferences, admit, shown }: OwnPlaces): Places => {
  const opened = (by: Opened): Told => ({ opened: by, body: shown(by) })
  return {
    'POST /signin/passkey/options': {
      may: 'account.enter',
      answer: async ({ visit, visitor }) => {
        await bodyOf(visit, Nothing)
        return { body: await accounts.assertion(visitor) }
      },
    },
    'POST /signin/passkey/verify': {
      may: 'account.enter',
      answer: async ({ visit, visitor, me }) => {
        const { answer } = await bodyOf(visit, z.object({ answer: Answer }))
        return opened(await accounts.signIn(visitor, answer as PasskeyAnswer, me))
      },
    },
    'POST /signin/link/options': {
      may: 'account.enter',
      answer: async ({ visit, visitor }) => {
        const { link, name } = await bodyOf(visit, ByLink)
        return { body: await accounts.registration(visitor, { link }, name) }
      },
    },
    'POST /signin/link/verify': {
      may: 'account.enter',
      answer: async ({ visit, visitor }) => {
        const { link, name, answer } = await bodyOf(visit, ByLink.extend({ answer: Answer }))
        return { ...opened(await accounts.register(visitor, { link }, name, answer as PasskeyAnswer)), status: 201 }
      },
    },
    'POST /signin/up/options': {
      may: 'account.enter',
      answer: async ({ visit, visitor }) => {
        const { name } = await bodyOf(visit, Named)
        return { body: await accounts.registration(visitor, accounts.newcomer(), name) }
      },
    },
    'POST /signin/up/verify': {
      may: 'account.enter',
      answer: async ({ visit, visitor }) => {
        const { name, user, answer } = await bodyOf(visit, Newcomer)
        const newcomer = accountIn(Buffer.from(user, 'base64url').toString())
        admit(visit.address)
        return { ...opened(await accounts.register(visitor, { newcomer }, name, answer as PasskeyAnswer)), status: 201 }
      },
    },
    'POST /signout': {
      may: 'account.leave',
      answer: async ({ visit, me }) => {
        const { everywhere = false } = await bodyOf(visit, SignOut)
        await accounts.signOut(me, everywhere ? undefined : me.signIn.id, visit.address)
        return { status: 204, opened: null }
      },
    },
    'GET /account/me': {
      may: 'account.read',
      answer: async ({ me }) => {
        const [passkeys, signIns] = await Promise.all([accounts.passkeys(me), accounts.signIns(me)])
        return {
          body: {
            ...shown(me),
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
      may: 'account.read',
      answer: async ({ visit, me }) => {
        const isAll = visit.query.get('all') === '1'
        if (isAll) checkRole(me, 'people.audit')
        const items = await accounts.audit(isAll ? undefined : me.account.id, numberIn(visit, 'limit', maxPage) ?? maxPage,
          numberIn(visit, 'before', Number.MAX_SAFE_INTEGER))
        return { body: { items } }
      },
    },
    'PUT /account/locale': {
      may: 'account.prefer',
      answer: async ({ visit, me }) => {
        const { locale } = await bodyOf(visit, z.object({ locale: z.enum(locales).nullable() }))
        await preferences.setLocale(me, locale, visit.address)
        return { status: 204 }
      },
    },
    'POST /account/passkeys/options': {
      may: 'credential.write',
      orFirst: true,
      answer: async ({ visit, visitor, me }) => ({
        body: await accounts.registration(visitor, me, (await bodyOf(visit, Named)).name),
      }),
    },
    'POST /account/passkeys': {
      may: 'credential.write',
      orFirst: true,
      answer: async ({ visit, visitor, me }) => {
        const { name, answer } = await bodyOf(visit, Named.extend({ answer: Answer }))
        return { ...opened(await accounts.register(visitor, me, name, answer as PasskeyAnswer)), status: 201 }
      },
    },
    'DELETE /account/passkeys/': {
      may: 'credential.write',
      answer: async ({ visit, rest, me }) => {
        await accounts.removePasskey(me, rest, visit.address)
        return { status: 204 }
      },
    },
    'DELETE /account/sign-ins/': {
      may: 'account.leave',
      answer: async ({ visit, rest, me }) => {
        await accounts.signOut(me, rest, visit.address)
        return { status: 204 }
      },
    },
    'POST /account/invitations': {
      may: 'people.invite',
      answer: async ({ visit, visitor, me }) => {
        const { role = 'person' } = await bodyOf(visit, z.object({ role: GivenRole.optional() }))
        const { secret, expires } = await accounts.invite(me, role, visit.address)
        return { status: 201, body: { url: linkUrl(visitor.site.origin, secret), expires_at: expires } }
      },
    },
    'GET /account/people': {
      may: 'people.audit',
      answer: async () => {
        const all = await accounts.people()
        return { body: { items: all.map(({ id, name, role, created }) => ({ id, name, role, created_at: created })) } }
      },
    },
    'PUT /account/people/': {
      may: 'people.write',
      answer: async ({ visit, rest, me }) => {
        const { role } = await bodyOf(visit, z.object({ role: GivenRole }))
        await accounts.setRole(me, accountIn(rest), role, visit.address)
        return { status: 204 }
      },
    },
    'POST /account/claims': {
      may: 'account.claim',
      answer: async ({ visit }) => {
        await claims.claim(await bodyOf(visit, Claim), visit.address)
        return { status: 202, body: { state: 'waiting' } }
      },
    },
    'POST /account/claims/end': {
      may: 'account.claim',
      answer: async ({ visit }) => {
        await claims.end(await bodyOf(visit, Claim), visit.address)
        return { status: 204 }
      },
    },
    'GET /account/agents': {
      may: 'account.read',
      answer: async ({ me }) => {
        const { owned, waiting } = await claims.of(me)
        const shown = ({ agent, at, text, sig }: (typeof owned)[number]) => ({ agent, at, claim: { text, sig } })
        return {
          body: { agents: owned.map(shown), waiting: waiting.map(claim => ({ ...shown(claim), expires_at: claim.expires })) },
        }
      },
    },
    'POST /account/agents/': {
      may: 'agent.own',
      answer: async ({ visit, rest, me }) => {
        await bodyOf(visit, Nothing)
        await claims.accept(me, agentIn(rest), visit.address)
        return { status: 204 }
      },
    },
    'DELETE /account/agents/': {
      may: 'agent.own',
      answer: async ({ visit, rest, me }) => {
        await claims.release(me, agentIn(rest), visit.address)
        return { status: 204 }
      },
    },
  }
}

/** As a path has it. @throws Problem */
const agentIn = (rest: string): string => {
  const agent = rest.replace(/^%40/i, '@')
  if (!/^@[0-9a-f]{16}$/.test(agent)) throw new Problem('INVALID_MSG', 'An agent is called like @8addfe276526c9f6')
  return agent
}

/** As a path has it. @throws Problem */
const accountIn = (rest: string): string => {
  const account = rest.replace(/^%7e/i, '~')
  if (!/^~[0-9a-f]{16}$/.test(account)) throw new Problem('INVALID_MSG', 'An account is called like ~0123456789abcdef')
  return account
}

/** Where a link leads: its secret stands behind the #, which no server, log or proxy is ever told. */
export const linkUrl = (origin: string, secret: string): string => `${origin}/account#${secret}`
