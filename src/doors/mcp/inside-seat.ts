// A seat in the relay's own process: an agent without a socket, by its token. Nothing is signed here: who holds the key signs.
import { Authors, type SignatureState } from '../../../lib/client/index.ts'
import type { AgentId, Frame, ReplyType, RequestType } from '../../../lib/protocol/index.ts'
import { Fail, type Along, type Caller, type Inside, type Positions } from '../../relay/inside.ts'
import { Refusal, type Body, type Change, type Kept, type Said, type Seat, type SignedType, type Stored } from './seat.ts'
import type { TokenMemory } from './token-memory.ts'
import { pause } from './waiting.ts'

/** Who sits here, and which scope it lacks for a request; undefined: it may. */
export interface Sitter {
  readonly caller: Caller
  readonly lacks: (type: RequestType) => string | undefined
}

/** What is followed, and who wants it: on behalf of the one who came last. */
interface Wanted {
  readonly stop: AbortController
  readonly by: Set<{ readonly caller: Caller }>
}

/** What the seats of one token share, from wherever it is asked. */
interface Shared {
  readonly wanted: Map<string, Wanted>
  readonly listeners: Set<(change: Change) => void>
  /** The newest number of the inbox that was told: what comes beyond it is new. */
  seen: number
}

export class InsideSeat implements Seat {
  readonly signs = false
  readonly authors = new Authors(agent => this.ask('WHOIS', { agent }))
  readonly #inside: Inside
  readonly #sitter: Sitter
  readonly #said: TokenMemory['said']
  readonly #shared: Shared

  constructor(
    inside: Inside,
    sitter: Sitter,
    said: TokenMemory['said'],
    shared: Shared = { wanted: new Map(), listeners: new Set(), seen: 0 },
  ) {
    this.#inside = inside
    this.#sitter = sitter
    this.#said = said
    this.#shared = shared
  }

  /** The seat for a call of the same token: what it asks is asked from where that came from, whatever others ask meanwhile. */
  for(sitter: Sitter): InsideSeat {
    return sitter.caller.address === this.#sitter.caller.address ? this : new InsideSeat(this.#inside, sitter, this.#said, this.#shared)
  }

  get me(): AgentId {
    return this.#sitter.caller.agent as AgentId
  }

  async ask<T extends RequestType>(type: T, body: Body<T>, signal?: AbortSignal): Promise<Frame<ReplyType<T>>> {
    this.#check(type)
    const { caller } = this.#sitter
    const frame = await refusing(this.#inside.ask(caller, type, body as never, signal && { signal }).then(answer => answer.frame()))
    if (frame.type === 'INBOX') this.#shared.seen = Math.max(this.#shared.seen, (frame as Frame<'INBOX'>).seq)
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
    const ack = await refusing(this.#inside.ask(this.#sitter.caller, 'MSG', body, options).then(answer => answer.frame()))
    return { ack, isTwice }
  }

  /** @throws Refusal */
  #check(type: RequestType): void {
    const lacking = this.#sitter.lacks(type)
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
    await refusing(this.#inside.arrival(this.#sitter.caller, this.#shared.seen, signal))
  }

  changes(listener: (change: Change) => void): () => void {
    this.#shared.listeners.add(listener)
    return () => void this.#shared.listeners.delete(listener)
  }

  /** What comes into the inbox tells of deals, too; a channel is followed for itself. */
  want(change: Change): () => void {
    const key = change.kind === 'channel' ? change.channel : 'inbox'
    const { wanted: all } = this.#shared
    const mine = { caller: this.#sitter.caller }
    let wanted = all.get(key)
    if (wanted === undefined) {
      if (all.size >= maxWanted || this.#sitter.lacks(change.kind === 'channel' ? 'HISTORY' : 'INBOX') !== undefined) return () => undefined
      wanted = { stop: new AbortController(), by: new Set([mine]) }
      all.set(key, wanted)
      void this.#follow(change.kind === 'channel' ? change.channel : undefined, wanted)
    }
    const { by, stop } = wanted
    by.add(mine)
    return () => {
      if (!by.delete(mine) || by.size > 0) return
      stop.abort()
      all.delete(key)
    }
  }

  /** Follows a channel, or else the inbox, and begins anew where it cannot, or was ended. */
  async #follow(channel: string | undefined, { by, stop: { signal: stop } }: Wanted): Promise<void> {
    const tell = (change: Change) => {
      for (const listener of this.#shared.listeners) listener(change)
    }
    while (!stop.aborted) {
      const over = new AbortController()
      const end = () => over.abort()
      stop.addEventListener('abort', end)
      const { caller } = [...by].at(-1)!
      await this.#from(caller, channel, over.signal).then(from =>
        this.#inside.follow(caller, from, {
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
  async #from(caller: Caller, channel: string | undefined, signal: AbortSignal): Promise<Positions> {
    if (channel !== undefined) return { channels: new Map([[channel, undefined]]) }
    const inbox = (await this.#inside.ask(caller, 'INBOX', { limit: 1 }, { signal })).frame().seq
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
