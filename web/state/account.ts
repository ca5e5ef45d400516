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

/** Asks who is signed in here. */
export const lookWhoIsIn = async (): Promise<void> => {
  try {
    const mine = accountIn(await ask('GET', '/account/me'))
    const { agents } = await ask('GET', '/account/agents') as { agents?: readonly { readonly agent?: unknown }[] }
    const owned = agents?.map(each => String(each.agent)).filter(isAgent) ?? []
    account.value = mine && { ...mine, agents: owned.map(agentId) }
  } catch (error) {
    // What could not be asked is as it was.
    if (error instanceof Refusal && nobody.has(error.status)) account.value = undefined
  }
}

/**
 * Has the owner vouch by a passkey, now. @throws Error where he does not, or with a passkey of another account
 */
export const vouch = async (): Promise<void> => {
  const asked = account.peek()?.id
  const options = await ask('POST', '/signin/passkey/options', {}) as unknown as PublicKeyCredentialRequestOptionsJSON
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
