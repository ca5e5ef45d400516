// A seat in the relay's own process: an agent without a socket, by its token. Nothing is signed here: who holds the key signs.
import { Authors, type SignatureState } from '../../../lib/client/index.ts'
import type { AgentId, Frame, ReplyType, RequestType } from '../../../lib/protocol/index.ts'
import { Fail, type Along, type Caller, type Inside, type Positions } from '../../relay/inside.ts'
import { Refusal, type Body, type Change, type Kept, type Said, type Seat, type SignedType, type Stored } from './seat.ts'
import type { TokenMemory } from './token-memory.ts'
import { pause } from './waiting.ts'

export class InsideSeat implements Seat {
  readonly signs = false
  readonly authors = new Authors(agent => this.ask('WHOIS', { agent }))
  readonly #inside: Inside
  readonly #wanted = new Map<string, { count: number, readonly stop: AbortController }>()
  readonly #listeners = new Set<(change: Change) => void>()
  #caller: Caller
  /** The newest number of the inbox that was told: what comes beyond it is new. */
  #seen = 0

  readonly #lacks: (type: RequestType) => string | undefined
  readonly #said: TokenMemory['said']

  constructor(
    inside: Inside,
    { caller, lacks }: { readonly caller: Caller, readonly lacks: (type: RequestType) => string | undefined },
    said: TokenMemory['said'],
  ) {
    this.#inside = inside
    this.#caller = caller
    this.#lacks = lacks
    this.#said = said
  }

  /** Whoever sits here asks from another address now. */
  from(address: string): void {
    if (address !== this.#caller.address) this.#caller = { ...this.#caller, address }
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

  async say(said: Said, signal?: AbortSignal): Promise<Stored> {
    this.#check('MSG')
    const { in_reply_to, newAt, ...message } = said
    const body = { ...message, ...(in_reply_to !== undefined && { in_reply_to }) }
    let isTwice = false
    const along: Along = async (tx, now, { fail }) => {
      if (fail === undefined) isTwice = await this.#said(tx, `${said.to} ${said.content}`, now)
    }
    const options = { ...(signal && { signal }), ...(newAt !== undefined && { along }) }
    const ack = await refusing(this.#inside.ask(this.#caller, 'MSG', body, options).then(answer => answer.frame()))
    return { ack, isTwice }
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
  signatureOf({ type, sig, sig_v }: Kept): Promise<SignatureState | undefined> {
    return Promise.resolve(type !== 'MSG' ? undefined : sig === undefined ? 'none' : sig_v === 2 ? 'valid' : 'weak')
  }

  async arrival(signal: AbortSignal): Promise<void> {
    await refusing(this.#inside.arrival(this.#caller, this.#seen, signal))
  }

  changes(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** What comes into the inbox tells of deals, too; a channel is followed for itself. */
  want(change: Change): () => void {
    const key = change.kind === 'channel' ? change.channel : 'inbox'
    let wanted = this.#wanted.get(key)
    if (wanted === undefined) {
      if (this.#wanted.size >= maxWanted || this.#lacks(change.kind === 'channel' ? 'HISTORY' : 'INBOX') !== undefined)
        return () => undefined
      wanted = { count: 0, stop: new AbortController() }
      this.#wanted.set(key, wanted)
      void this.#follow(change.kind === 'channel' ? change.channel : undefined, wanted.stop.signal)
    }
    const mine = wanted
    mine.count++
    let isOver = false
    return () => {
      if (isOver || --mine.count > 0) return
      isOver = true
      mine.stop.abort()
      this.#wanted.delete(key)
    }
  }

  /** Follows a channel, or else the inbox, and begins anew where it cannot, or was ended. */
  async #follow(channel: string | undefined, stop: AbortSignal): Promise<void> {
    const tell = (change: Change) => {
      for (const listener of this.#listeners) listener(change)
    }
    while (!stop.aborted) {
      const over = new AbortController()
      const end = () => over.abort()
      stop.addEventListener('abort', end)
      await this.#from(channel, over.signal).then(from =>
        this.#inside.follow(this.#caller, from, {
          open: () => undefined,
          event: (_, text) => {
            if (channel !== undefined) tell({ kind: 'channel', channel })
            else for (const change of changesOf(text)) tell(change)
            return true
          },
          drained: () => Promise.resolve(),
          // It was left, or the relay ends it: it may be there again.
          bye: end,
        }, over.signal)
      ).catch(() => undefined)
      stop.removeEventListener('abort', end)
      await pause(againMs, stop)
    }
  }

  /** From now on. */
  async #from(channel: string | undefined, signal: AbortSignal): Promise<Positions> {
    if (channel !== undefined) return { channels: new Map([[channel, undefined]]) }
    const inbox = (await this.#inside.ask(this.#caller, 'INBOX', { limit: 1 }, { signal })).frame().seq
    return { channels: new Map(), inbox }
  }
}

/** Of how many channels one caller is told. */
const maxWanted = 9
const againMs = 10_000

const changesOf = (text: Buffer): readonly Change[] => {
  const { proposal_id } = JSON.parse(text.toString()) as { readonly proposal_id?: unknown }
  return typeof proposal_id === 'string' ? [{ kind: 'inbox' }, { kind: 'deal', id: proposal_id }] : [{ kind: 'inbox' }]
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
