// This browser has no key, and another one of the account hands it over: closed on its way, and by digits that both show, so that nobody in
// between, the relay too, has put a key of its own in the place of either.
import { agentId, type AgentId } from '../../lib/index.ts'
import { agentIdOf, importBrowserKey, newLinkGuest } from '../../lib/identity/index.ts'
import { account, askAccount } from './account.ts'
import { keepKey } from './keep.ts'
import { LinkEnded, until } from './link.ts'
import { agentName, boundTo } from './vault.ts'
import { t } from '../text/index.ts'

/** A key that came: nothing is kept before its owner has seen whose it is. */
export interface Handed {
  readonly agent: AgentId
  keep(): Promise<void>
}

/** What was said so far, as the relay tells it. */
interface Talk {
  readonly offer: string | null
  readonly wrap: string | null
  readonly agent: string | null
}

export interface AskOptions {
  readonly signal: AbortSignal
  /** The digits that the other browser is to be told. */
  readonly onCode: (code: string) => void
}

/** Asks the account's other browsers for its key. @throws LinkEnded, IdentityError, Refused */
export const askForKey = async ({ signal, onCode }: AskOptions): Promise<Handed> => {
  const guest = await newLinkGuest()
  const { id, key } = await askAccount('POST', '/account/links', { commitment: guest.commitment }) as { id: string, key: string }
  const tell = (more: object = {}) => askAccount('POST', `/account/links/${id}`, { key, ...more }) as unknown as Promise<Talk>
  try {
    const offer = await until(signal, async () => (await tell()).offer ?? undefined)
    // From here on this is what was offered, whatever the relay says later.
    const code = await guest.code(offer)
    await until(signal, async () => await tell({ reveal: guest.reveal }))
    onCode(code)
    const { wrap, agent } = await until(signal, async () => {
      const { wrap, agent } = await tell()
      return wrap !== null && agent !== null ? { wrap, agent: agentId(agent) } : undefined
    })
    const pkcs8 = await guest.open(offer, wrap, await boundTo(agent))
    const made = await importBrowserKey(pkcs8).finally(() => pkcs8.fill(0))
    if (agentIdOf(made.publicKey) !== agent) throw new LinkEnded(t.peek().link.wrongKey)
    const name = agentName(account.peek()?.name ?? '')
    return { agent, keep: () => keepKey({ ...made, name }) }
  } catch (error) {
    // Nobody is kept waiting for it; where the relay knows it no more, that is well.
    await askAccount('DELETE', `/account/links/${id}`).catch(() => undefined)
    throw error
  }
}
