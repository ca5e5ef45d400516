// The person's key on another browser: closed here by what the relay never has, and kept by it for the account.
import { signal } from '@preact/signals'
import {
  agentIdOf,
  claimText,
  importBrowserKey,
  newRecoveryCode,
  prfInput,
  randomNonce,
  readRecoveryCode,
  recoveryProof,
  recoverySecret,
  unwrapKey,
  wrapKey,
  type WrapContext,
  type WrapKind,
} from '../../lib/identity/index.ts'
import type { AgentId } from '../../lib/index.ts'
import { account, askAccount, fresh, lookWhoIsIn, signIn, type Vouched } from './account.ts'
import { keepKey, newKey } from './keep.ts'
import { myId, onOpened, visitor, welcome } from './session.ts'

/** A key in the vault, closed. */
export interface Closed {
  readonly id: string
  readonly kind: WrapKind
  readonly agent: AgentId
  readonly passkey?: string | null
  readonly label: string
  readonly wrap: string
}

/** opened: this browser has the key now. none: the account has no key yet. closed: there is one, and this passkey does not open it. */
export type Outcome = 'opened' | 'none' | 'closed'

/** Which relay this is, before anybody is in. */
export const relayId = async (): Promise<string> => {
  const { server_id } = await (await fetch('/.well-known/agentchat.json')).json() as { server_id?: unknown }
  if (typeof server_id !== 'string') throw new Error('This relay does not say who it is')
  return server_id
}

export const closedKeys = async (): Promise<readonly Closed[]> =>
  (await askAccount('GET', '/account/vault') as { items: readonly Closed[] }).items

/** A name that an agent may have, of one that a person has. */
export const agentName = (name: string): string =>
  name.normalize('NFKD').replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 32) || 'me'

/** What a closed key is bound to: closed for somebody else, it does not open. */
export const boundTo = async (agent: AgentId): Promise<WrapContext> => ({ relay: await relayId(), account: account.peek()!.id, agent })

/** Shows an opened key to `use`, and to nobody afterwards. @throws IdentityError where the secret does not open it */
export const withOpened = async <T>(
  { wrap, kind, agent }: Pick<Closed, 'wrap' | 'kind' | 'agent'>,
  secret: Uint8Array,
  use: (pkcs8: Uint8Array<ArrayBuffer>) => Promise<T>,
): Promise<T> => {
  const pkcs8 = await unwrapKey(wrap, secret, kind, await boundTo(agent))
  try {
    return await use(pkcs8)
  } finally {
    pkcs8.fill(0)
  }
}

const open = (closed: Closed, secret: Uint8Array): Promise<void> =>
  withOpened(closed, secret, async pkcs8 => keepKey({ ...await importBrowserKey(pkcs8), name: agentName(closed.label) }))

/** Signs in by a passkey, and opens the account's key where that passkey closed it. Gives what vouched, to close a new one by. */
export const openByPasskey = async (): Promise<{ readonly outcome: Outcome, readonly vouched: Vouched }> => {
  const vouched = await signIn({ input: prfInput(await relayId()) })
  await lookWhoIsIn()
  const keys = await closedKeys()
  const mine = keys.find(({ kind, passkey }) => kind === 'prf' && passkey === vouched.passkey)
  if (mine === undefined || vouched.secret === undefined) return { outcome: keys.length === 0 ? 'none' : 'closed', vouched }
  await open(mine, vouched.secret)
  return { outcome: 'opened', vouched }
}

/** Opens it by the recovery code, which signs in too. @throws IdentityError on what is no code; Refused */
export const openByCode = async (text: string): Promise<void> => {
  const code = readRecoveryCode(text)
  await askAccount('POST', '/signin/recovery', { proof: recoveryProof(code) })
  await lookWhoIsIn()
  const mine = (await closedKeys()).find(({ kind }) => kind === 'recovery')
  if (mine === undefined) throw new Error('The account has no key that a code opens')
  await open(mine, recoverySecret(code))
}

/** Makes a key for the account, and puts it into the vault before this browser has it. Gives the recovery code, which nobody sees again. */
export const newKeyInVault = async (name: string, { account: owner, passkey, secret }: Vouched): Promise<string> => {
  const relay = await relayId()
  const text = newRecoveryCode()
  const code = readRecoveryCode(text)
  await newKey(name, async (pkcs8, publicKey) => {
    const agent = agentIdOf(publicKey)
    const bound = { relay, account: owner, agent }
    const put = (id: string, body: object) => fresh(() => askAccount('PUT', `/account/vault/${id}`, { agent, label: name, ...body }))
    await put('recovery', {
      kind: 'recovery',
      wrap: await wrapKey(pkcs8, recoverySecret(code), 'recovery', bound),
      proof: recoveryProof(code),
    })
    claiming.value = agent
    if (secret !== undefined)
      await put(`prf-${passkey.slice(0, 40)}`, { kind: 'prf', passkey, wrap: await wrapKey(pkcs8, secret, 'prf', bound) })
  })
  return text
}

/** Both halves of a claim: the key says whose it is, and the account that it takes it. @throws Refused */
export const claimMine = async ({ mayAsk = true } = {}): Promise<void> => {
  const [identity, owner, agent, relay] = [visitor.peek()?.identity, account.peek()?.id, myId.peek(), welcome.peek()?.serverId]
  if (identity === undefined || owner === undefined || agent === undefined || relay === undefined) return
  const claim = { agent, account: owner, ts: Date.now(), nonce: randomNonce() }
  await askAccount('POST', '/account/claims', { ...claim, sig: await identity.sign(claimText({ ...claim, relay })) })
  const accept = () => askAccount('POST', `/account/agents/${agent}`, {})
  await (mayAsk ? fresh(accept) : accept())
  await lookWhoIsIn()
}

/** A key that was made for the account a moment ago: it is claimed as soon as the relay knows it. */
const claiming = signal<string | undefined>(undefined)
onOpened(() => {
  if (claiming.peek() === undefined || claiming.peek() !== myId.peek()) return
  claiming.value = undefined
  // Where it does not come about, Settings offers it.
  lookWhoIsIn().then(() => claimMine({ mayAsk: false })).catch(() => undefined)
})
