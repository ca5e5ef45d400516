// This browser's account has a key, and another browser asks for it: opened here, by the passkey or the recovery code, and closed for that one
// alone once its digits were typed.
import type { AgentId } from '../../lib/index.ts'
import { newLinkHost, prfInput, readRecoveryCode, recoverySecret } from '../../lib/identity/index.ts'
import { askAccount, vouch } from './account.ts'
import { LinkEnded, until } from './link.ts'
import { boundTo, closedKeys, relayId, withOpened } from './vault.ts'
import { t } from '../text/index.ts'

/** A browser that asks, and nobody has answered it. */
export interface Asking {
  readonly id: string
  readonly commitment: string
  /** What it says of itself, and from where it came. */
  readonly browser: string
  readonly address: string
  /** ms since 1970 */
  readonly at: number
}

interface Listed {
  readonly id: string
  readonly commitment: string
  readonly offer: string | null
  readonly reveal: string | null
  readonly browser: string
  readonly address: string
  readonly created_at: number
}

const listed = async (): Promise<readonly Listed[]> => (await askAccount('GET', '/account/links') as { items: readonly Listed[] }).items

export const whoAsks = async (): Promise<readonly Asking[]> =>
  (await listed()).filter(({ offer }) => offer === null).map(({ created_at: at, ...each }) => ({ ...each, at }))

/** Says no to one. Where the relay knows it no more, that is well. */
export const refuseAsking = async (id: string): Promise<void> =>
  void await askAccount('DELETE', `/account/links/${id}`).catch(() => undefined)

/** Typed wrongly so often, it is no slip. */
export const maxTypings = 3

/** A browser that was answered: both know the digits now. */
export interface Answered {
  readonly agent: AgentId
  /** Nothing opens the key here but the recovery code. */
  readonly needsCode: boolean
  /** Settles once it was fetched; rejects as soon as the other browser gave up, or the time is over. */
  readonly ended: Promise<void>
  /** Whether these are the other one's digits. @throws LinkEnded of too many that are not */
  isRight(digits: string): boolean
  /** Says the key, closed for the other browser. @throws IdentityError of a code that does not open it, which may be typed again; Refused */
  handOver(recoveryCode: string): Promise<void>
  /** Says no. */
  refuse(): Promise<void>
}

/** Answers a browser, by the passkey of the owner. @throws LinkEnded, Refused, DOMException */
export const answerAsking = async ({ id, commitment }: Asking, signal: AbortSignal): Promise<Answered> => {
  // One question to the passkey: it vouches, and gives what opens the key.
  const vouched = await vouch({ input: prfInput(await relayId()) })
  const keys = await closedKeys()
  const byPasskey = vouched.secret === undefined ? undefined : keys.find(each => each.kind === 'prf' && each.passkey === vouched.passkey)
  const closed = byPasskey ?? keys.find(({ kind }) => kind === 'recovery')
  if (closed === undefined) throw new LinkEnded(t.peek().link.noKey)
  const host = await newLinkHost()
  const refuse = () => refuseAsking(id)
  const at = `/account/approvals/${id}`
  await askAccount('POST', at, { offer: host.offer })
  const still = async (): Promise<Listed> => {
    const found = (await listed()).find(each => each.id === id)
    if (found === undefined) throw new LinkEnded(t.peek().link.over)
    return found
  }
  const reveal = await until(signal, async () => (await still()).reveal ?? undefined)
  // By the commitment that stood there before this browser had said anything.
  const code = await host.code(commitment, reveal).catch(async () => {
    await refuse()
    throw new LinkEnded(t.peek().link.between)
  })
  let [typings, isClosed] = [0, false]
  // Once it is fetched the relay has forgotten all of it.
  const ended = until(signal, async () => (await listed()).some(each => each.id === id) ? undefined : true).then(() => {
    if (!isClosed) throw new LinkEnded(t.peek().link.over)
  })
  return {
    ended,
    agent: closed.agent,
    needsCode: byPasskey === undefined,
    refuse,
    isRight: digits => {
      if (digits.replace(/\D/g, '') === code.replace(/\D/g, '')) return true
      if (++typings < maxTypings) return false
      void refuse()
      throw new LinkEnded(t.peek().link.between)
    },
    handOver: async recoveryCode => {
      const secret = byPasskey === undefined ? recoverySecret(readRecoveryCode(recoveryCode)) : vouched.secret!
      const bound = await boundTo(closed.agent)
      const wrap = await withOpened(closed, secret, pkcs8 => host.close(commitment, reveal, pkcs8, bound))
      isClosed = true
      await askAccount('POST', at, { wrap, agent: closed.agent })
    },
  }
}
