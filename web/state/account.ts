// Whose browser this is: the account that it is signed in to at this relay, if any, the agents of it, and asking its owner's passkey.
import { signal } from '@preact/signals'
import { offices, type Office } from '../../lib/access/table.ts'
import { agentId, isAgent, type AgentId } from '../../lib/index.ts'
import { locales, t, type Locale } from '../text/index.ts'
import { chooseLocale } from './preferences.ts'
import { onOpened } from './session.ts'

/** An account that this browser is signed in to. */
export interface Account {
  readonly id: string
  readonly name: string
  /** What it is at the relay; undefined: a person like any other. */
  readonly office: Office | undefined
  /** In which language it is spoken to; undefined: in what each browser asks for. */
  readonly locale: Locale | undefined
  readonly agents: readonly AgentId[]
  /** Agents whose keys say that they belong to it: its owner has not answered yet. */
  readonly waiting: readonly { readonly agent: AgentId, readonly expiresAt: number }[]
  /** Ids of its passkeys, in base64url; who came by an identity provider may have none. */
  readonly passkeys: readonly string[]
}

/** undefined: this browser is signed in to none, or the relay has none. */
export const account = signal<Account | undefined>(undefined)
/** Whether people can sign in here. */
export const takesAccounts = signal(false)

type Answer = Readonly<Record<string, unknown>>

/** What says that nobody is signed in, or that there are no accounts here. */
const nobody: ReadonlySet<number> = new Set([401, 404])

/** What the relay refused, and its code. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status: number) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** Asks the door of accounts. @throws Refused */
export const askAccount = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Answer> => {
  const response = await fetch(path, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const told = response.headers.get('content-type')?.includes('json') === true ? await response.json() as Answer : {}
  if (!response.ok) throw new Refused(String(told['code'] ?? ''), String(told['detail'] ?? response.statusText), response.status)
  return told
}

const accountIn = (told: Answer): Pick<Account, 'id' | 'name' | 'office' | 'locale'> | undefined => {
  const { account: found } = told as { account?: { id?: unknown, name?: unknown, role?: unknown, locale?: unknown } }
  if (typeof found?.id !== 'string') return undefined
  const [office, locale] = [offices.find(each => each === found.role), locales.find(each => each === found.locale)]
  return { id: found.id, name: String(found.name ?? ''), office, locale }
}

interface ToldAgents {
  readonly agents?: readonly { readonly agent?: unknown }[]
  readonly waiting?: readonly { readonly agent?: unknown, readonly expires_at?: unknown }[]
}

/** Asks who is signed in here. @throws Error where that cannot be told; what was known stays */
export const askWhoIsIn = async (): Promise<Account | undefined> => {
  try {
    const me = await askAccount('GET', '/account/me')
    const mine = accountIn(me)
    const { agents = [], waiting = [] } = await askAccount('GET', '/account/agents') as ToldAgents
    const owned = agents.map(each => String(each.agent)).filter(isAgent)
    const claims = waiting.map(each => ({ agent: String(each.agent), expiresAt: Number(each.expires_at) }))
    const { passkeys } = me as { passkeys?: readonly { readonly id?: unknown }[] }
    takesAccounts.value = mine !== undefined
    account.value = mine && {
      ...mine,
      agents: owned.map(agentId),
      waiting: claims.filter(({ agent }) => isAgent(agent)).map(each => ({ ...each, agent: agentId(each.agent) })),
      passkeys: passkeys?.map(({ id }) => String(id)) ?? [],
    }
    // This browser has it from here on, signed in or not.
    if (mine?.locale !== undefined) chooseLocale(mine.locale)
  } catch (error) {
    if (!(error instanceof Refused && nobody.has(error.status))) throw error
    takesAccounts.value = error.status === 401
    account.value = undefined
  }
  return account.peek()
}

/** The same, where nothing hangs on it. */
export const lookWhoIsIn = (): Promise<unknown> => askWhoIsIn().catch(() => undefined)

/** How the visitor vouches for what moves money: who has a passkey by nothing less. */
export type Vouching = 'passkey' | 'typing'

/** Asked each time: somebody may have signed in or out in another tab. @throws Error where it cannot be told */
export const askVouching = async (): Promise<Vouching> => (await askWhoIsIn())?.passkeys.length ? 'passkey' : 'typing'

/** A passkey that vouched, and what its PRF gave, where it has one. */
export interface Vouched {
  readonly account: string
  readonly passkey: string
  readonly secret: Uint8Array<ArrayBuffer> | undefined
}

/** What a passkey is asked beside its signature: what its PRF gives of `input`; and that it is one of these. */
interface SignInOptions {
  readonly input?: Uint8Array<ArrayBuffer>
  readonly passkeys?: readonly string[]
}

/** Has somebody sign in by a passkey, now. What its PRF gives never leaves the page. @throws Refused, DOMException */
export const signIn = async ({ input, passkeys }: SignInOptions = {}): Promise<Vouched> => {
  const any = await askAccount('POST', '/signin/passkey/options', {}) as unknown as PublicKeyCredentialRequestOptionsJSON
  const options = passkeys === undefined ? any : { ...any, allowCredentials: passkeys.map(id => ({ id, type: 'public-key' as const })) }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  const extensions = input === undefined ? publicKey.extensions : { ...publicKey.extensions, prf: { eval: { first: input } } }
  const given = await navigator.credentials.get({
    publicKey: { ...publicKey, ...(extensions !== undefined && { extensions }) },
  }) as PublicKeyCredential
  const first = given.getClientExtensionResults().prf?.results?.first
  const { clientExtensionResults: _, ...answer } = given.toJSON() as AuthenticationResponseJSON
  const told = accountIn(await askAccount('POST', '/signin/passkey/verify', { answer: { ...answer, clientExtensionResults: {} } }))
  if (told === undefined) throw new Refused('', 'The relay did not say whose passkey it is', 200)
  return { account: told.id, passkey: given.id, secret: first === undefined ? undefined : new Uint8Array(first as ArrayBuffer) }
}

/**
 * Has the owner vouch by a passkey, now. @throws Error where he does not, or with a passkey of another account
 */
export const vouch = async (more: Pick<SignInOptions, 'input'> = {}): Promise<Vouched> => {
  const { id: asked, passkeys = [] } = account.peek() ?? {}
  // With one of another account this browser would be signed in to that.
  const vouched = await signIn({ passkeys, ...more })
  if (vouched.account !== asked) {
    await lookWhoIsIn()
    throw new Error(t.peek().acts.otherPasskey)
  }
  return vouched
}

/** Asks for the passkey again where the relay wants it: at the door of accounts, or over the session. */
export const fresh = async <T>(act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'PASSKEY_ASKED') throw error
    await vouch()
    return act()
  }
}

/** The owner's word on what an agent's key says: it is the account's, or it is not. @throws Refused */
export const answerClaim = async (agent: AgentId, isMine: boolean): Promise<void> => {
  await fresh(() => askAccount(isMine ? 'POST' : 'DELETE', `/account/agents/${agent}`, isMine ? {} : undefined))
  await lookWhoIsIn()
}

/** Chooses a language, here and wherever the account is signed in, if any is here. @throws Refused it is so here alone */
export const setLocale = async (chosen: Locale | undefined): Promise<void> => {
  chooseLocale(chosen)
  const mine = account.peek()
  if (mine === undefined) return
  await askAccount('PUT', '/account/locale', { locale: chosen ?? null })
  account.value = { ...mine, locale: chosen }
  // Who is in may have been asked meanwhile.
  chooseLocale(chosen)
}

/** Signs this browser out of the account, or every browser. The key stays. */
export const signOut = async (everywhere: boolean): Promise<void> => {
  await askAccount('POST', '/signout', { everywhere })
  await lookWhoIsIn()
}

const isAsked = signal(false)
onOpened(() => {
  if (isAsked.peek()) return
  isAsked.value = true
  void lookWhoIsIn()
})
