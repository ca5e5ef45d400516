// A seat in the relay's own process: an agent without a socket, by its token. Nothing is signed here: who holds the key signs.
import type { AgentId, Frame, ReplyType, RequestType } from '../../../lib/protocol/index.ts'
import { Fail, type Caller, type Inside } from '../../relay/inside.ts'
import { Refusal, type Body, type Change, type Kept, type Said, type Seat, type SignedType } from './seat.ts'

export class InsideSeat implements Seat {
  readonly #inside: Inside
  readonly #caller: Caller
  /** The newest number of the inbox that was told: what comes beyond it is new. */
  #seen = 0

  readonly #lacks: (type: RequestType) => string | undefined

  constructor(inside: Inside, { caller, lacks }: { readonly caller: Caller, readonly lacks: (type: RequestType) => string | undefined }) {
    this.#inside = inside
    this.#caller = caller
    this.#lacks = lacks
  }

  get me(): AgentId {
    return this.#caller.agent as AgentId
  }

  async ask<T extends RequestType>(type: T, body: Body<T>, signal?: AbortSignal): Promise<Frame<ReplyType<T>>> {
    this.#check(type)
    const frame = await refusing(this.#inside.ask(this.#caller, type, body as never, signal && { signal }).then(answer => answer.frame()))
    if (frame.type === 'INBOX') this.#seen = Math.max(this.#seen, (frame as Frame<'INBOX'>).seq)
    return frame as Frame<ReplyType<T>>
  }

  async say(said: Said, signal?: AbortSignal): Promise<Frame<'ACK'>> {
    this.#check('MSG')
    const { in_reply_to, ...message } = said
    const body = { ...message, ...(in_reply_to !== undefined && { in_reply_to }) }
    return refusing(this.#inside.ask(this.#caller, 'MSG', body, signal && { signal }).then(answer => answer.frame()))
  }

  /** @throws Refusal */
  #check(type: RequestType): void {
    const lacking = this.#lacks(type)
    if (lacking !== undefined)
      throw new Refusal('SCOPE_MISSING', `This token does not have the scope ${lacking}: agentchat token create --scopes`)
  }

  sign(type: SignedType, fields: Readonly<Record<string, unknown>>): Promise<never> {
    return Promise.reject(new Refusal('SIGNATURE_REQUIRED', `A token does not sign: only your key does. ${commandFor(type, fields)}`))
  }

  /** The relay lets in no message whose signature does not fit: what it has says which it was. */
  signatureOf({ type, sig, sig_v }: Kept): Promise<string | undefined> {
    return Promise.resolve(type !== 'MSG' ? undefined : sig === undefined ? 'none' : sig_v === 2 ? 'valid' : 'weak')
  }

  async arrival(signal: AbortSignal): Promise<void> {
    await refusing(this.#inside.arrival(this.#caller, this.#seen, signal))
  }

  changes(listener: (change: Change) => void): () => void {
    const over = new AbortController()
    const listen = async () => {
      while (!over.signal.aborted) {
        await this.arrival(over.signal)
        if (over.signal.aborted) return
        listener({ kind: 'inbox' })
        await this.ask('INBOX', { limit: 1 }, over.signal)
      }
    }
    listen().catch(() => undefined)
    return () => over.abort()
  }
}

/** The command that does it with the key. */
const commandFor = (type: SignedType, { proposal_id }: Readonly<Record<string, unknown>>): string => {
  const verb = { REGISTER_SKILLS: 'skills announce', SET_PROFILE: 'profile set', PROPOSAL: 'propose', COUNTER: 'counter' } as Partial<
    Record<SignedType, string>
  >
  const escrow: readonly SignedType[] = ['FUND', 'RELEASE']
  const word = verb[type] ?? `${escrow.includes(type) ? 'escrow ' : ''}${type.toLowerCase()}`
  return `Where the key is: agentchat ${word}${
    typeof proposal_id === 'string' ? ` ${proposal_id}` : ''
  }. Or run agentchat mcp there, which signs.`
}

const refusing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof Fail) throw new Refusal(error.code, error.message, error.retryAfterMs, error)
    throw error
  }
}
