// Whose browser this is: the account that it is signed in to at this relay, if any, the agents of it, and asking its owner's passkey.
import { signal } from '@preact/signals'
import { agentId, isAgent, type AgentId } from '../../lib/index.ts'
import { t } from '../text/index.ts'
import { onOpened } from './session.ts'

/** An account that this browser is signed in to. */
export interface Account {
  readonly id: string
  readonly name: string
  readonly agents: readonly AgentId[]
  /** Ids of its passkeys, in base64url; who came by an identity provider may have none. */
  readonly passkeys: readonly string[]
}

/** undefined: this browser is signed in to none, or the relay has none. */
export const account = signal<Account | undefined>(undefined)

type Answer = Readonly<Record<string, unknown>>

/** What says that nobody is signed in, or that there are no accounts here. */
const nobody: ReadonlySet<number> = new Set([401, 404])

class Refusal extends Error {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

const ask = async (method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> => {
  const response = await fetch(path, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const told = response.headers.get('content-type')?.includes('json') === true ? await response.json() as Answer : {}
  if (!response.ok) throw new Refusal(String(told['detail'] ?? response.statusText), response.status)
  return told
}

const accountIn = (told: Answer): { readonly id: string, readonly name: string } | undefined => {
  const { account: found } = told as { account?: { id?: unknown, name?: unknown } }
  return typeof found?.id === 'string' ? { id: found.id, name: String(found.name ?? '') } : undefined
}

/** Asks who is signed in here. @throws Error where that cannot be told; what was known stays */
export const askWhoIsIn = async (): Promise<Account | undefined> => {
  try {
    const me = await ask('GET', '/account/me')
    const mine = accountIn(me)
    const { agents } = await ask('GET', '/account/agents') as { agents?: readonly { readonly agent?: unknown }[] }
    const owned = agents?.map(each => String(each.agent)).filter(isAgent) ?? []
    const { passkeys } = me as { passkeys?: readonly { readonly id?: unknown }[] }
    account.value = mine && { ...mine, agents: owned.map(agentId), passkeys: passkeys?.map(({ id }) => String(id)) ?? [] }
  } catch (error) {
    if (!(error instanceof Refusal && nobody.has(error.status))) throw error
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

/**
 * Has the owner vouch by a passkey, now. @throws Error where he does not, or with a passkey of another account
 */
export const vouch = async (): Promise<void> => {
  const { id: asked, passkeys = [] } = account.peek() ?? {}
  const any = await ask('POST', '/signin/passkey/options', {}) as unknown as PublicKeyCredentialRequestOptionsJSON
  // With one of another account this browser would be signed in to that.
  const options = { ...any, allowCredentials: passkeys.map(id => ({ id, type: 'public-key' as const })) }
  const given = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
  const told = accountIn(await ask('POST', '/signin/passkey/verify', { answer: (given as PublicKeyCredential).toJSON() }))
  if (told === undefined || told.id !== asked) {
    await lookWhoIsIn()
    throw new Error(t.peek().acts.otherPasskey)
  }
}

const isAsked = signal(false)
onOpened(() => {
  if (isAsked.peek()) return
  isAsked.value = true
  void lookWhoIsIn()
})
