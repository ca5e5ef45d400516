// Messages on their way in: each once, in order, checked. Waits (for a missing page, for a key) hold back what comes after them.
import { agentIdOf, messageText, type Identity } from '../identity/index.ts'
import type { Frame, RequestInput } from '../protocol/index.ts'
import { AgentChatError } from './errors.ts'
import { pagesOf } from './pages.ts'
import type { Positions } from './positions.ts'

/** Whether the sender's key signed the message. unknown-key: signed, but the relay could not show a key that belongs to the sender's id. */
export type SignatureState = 'valid' | 'invalid' | 'none' | 'unknown-key'

export interface Message {
  /** the relay's id of a stored message */
  readonly id?: string
  /** "@…" */
  readonly from: string
  readonly fromName: string
  /** "#channel" or "@agent" */
  readonly to: string
  readonly content: string
  /** relay time in ms, strictly rising per stream */
  readonly ts: number
  /** position in the channel, or in the direct messages of the pair */
  readonly seq?: number
  /** read from the log, not live */
  readonly replay: boolean
  /** the operator approved the sender */
  readonly verified: boolean
  readonly mine: boolean
  readonly inReplyTo?: string
  readonly signature: SignatureState
  /** set when a mention was offered from the inbox, of a channel this client is not in */
  readonly inboxSeq?: number
  /** the frame as it came */
  readonly frame: Frame<'MSG'>
}

export type VerifySignature = (publicPem: string, text: string, signature: string) => boolean | Promise<boolean>

export interface InboundOptions {
  readonly positions: Positions
  readonly identity: Identity | undefined
  readonly verify: VerifySignature
  readonly myId: () => string | undefined
  /** A page of a stream after a position. */
  readonly page: (stream: string, after: number) => Promise<Frame<'HISTORY'>>
  /** The public key the relay has for an agent; undefined when it knows none. */
  readonly keyOf: (agent: string) => Promise<string | undefined>
  readonly deliver: (message: Message) => void
  /** Whether the channel itself brings its messages. */
  readonly isJoined: (channel: string) => boolean
  /** The inbox was received up to here. */
  readonly received: (place: RequestInput<'RECEIVED'>) => void
  /** Messages that are missing cannot be had at all. */
  readonly failed: (error: AgentChatError) => void
  /** What is missing cannot be had on this connection: it should be given up and resumed. */
  readonly giveUp: (reason: string) => void
}

interface Held {
  readonly frame: Frame<'MSG'>
  /** set when a mention was offered from the inbox */
  readonly inboxSeq?: number
  /** read to fill a gap: the inbox may not have come that far */
  readonly isRepair?: true
}
/** What waits its turn: a message, or what is to be done once all before it was delivered; and what it takes meanwhile. */
type Waiting = (Held | { readonly then: () => void }) & { readonly chars: number }

/** What may wait while a key is looked up or a page is read: entries, and characters of their frames. */
const maxHeld = 20_000
const maxHeldChars = 32 * 1024 * 1024
const maxKeys = 10_000
/** Messages that are read to fill one gap. */
const maxRepaired = 100_000

export class Inbound {
  readonly #options: InboundOptions
  readonly #keys = new Map<string, string>()
  /** Agents whose keys were asked for and not told yet. */
  readonly #wanted = new Set<string>()
  /** The newest own message to each agent of whom nothing has come yet. */
  readonly #echoed = new Map<string, number>()
  /**
   * Mentions that the inbox has told of, and that their channels still have to bring: until then nothing behind them counts as
   * received.
   */
  #awaited = new Map<string, number>()
  /** How far the inbox has come, while some of it is awaited. */
  #reached: RequestInput<'RECEIVED'> | undefined
  #queue: Waiting[] = []
  #queuedChars = 0
  #isBusy = false
  #generation = 0

  constructor(options: InboundOptions) {
    this.#options = options
  }

  /** A message, or with `inboxSeq` a mention that was offered from the inbox; `chars` is what its frame came to. */
  push(frame: Frame<'MSG'>, chars: number, inboxSeq?: number): void {
    this.#wait(inboxSeq === undefined ? { frame, chars } : { frame, chars, inboxSeq })
  }

  /** Calls once everything that came before was delivered. */
  after(then: () => void): void {
    this.#wait({ then, chars: 0 })
  }

  #wait(waiting: Waiting): void {
    this.#queue.push(waiting)
    this.#queuedChars += waiting.chars
    // One message alone may be as long as the transport lets it.
    if (this.#queue.length > maxHeld || (this.#queuedChars > maxHeldChars && this.#queue.length > 1))
      return this.#giveUp('too many messages at once')
    if (!this.#isBusy) this.#run()
  }

  #next(): Waiting | undefined {
    const waiting = this.#queue.shift()
    this.#queuedChars -= waiting?.chars ?? 0
    return waiting
  }

  /** A new connection resumes from the positions: what was held of the old one will come again. */
  reset(): void {
    this.#generation++
    this.#queue = []
    this.#queuedChars = 0
    this.#isBusy = false
    this.#awaited = new Map()
    this.#reached = undefined
  }

  /** Asks again for the keys whose lookup ended with the last connection: before a long replay stands in the way of the answer. */
  askAgain(): void {
    for (const agent of this.#wanted) this.#lookUp(agent).catch(() => undefined)
  }

  /** The stream of a message: its channel, or the other agent of the pair. */
  streamOf(frame: Frame<'MSG'>): string {
    return frame.to.startsWith('#') ? frame.to : frame.from === this.#options.myId() ? frame.to : frame.from
  }

  #run(): void {
    for (let held = this.#next(); held !== undefined; held = this.#next()) {
      if ('then' in held) {
        held.then()
        continue
      }
      const work = held.inboxSeq === undefined ? this.#process(held) : this.#offered(held, held.inboxSeq)
      if (work === undefined) continue
      this.#isBusy = true
      const generation = this.#generation
      void work.finally(() => {
        if (generation !== this.#generation) return
        this.#isBusy = false
        this.#run()
      })
      return
    }
  }

  /** undefined when the message was delivered (or dropped) at once. */
  #process(held: Held): Promise<void> | undefined {
    const { frame, frame: { seq } } = held
    if (seq === undefined) return this.#checked(held)
    const position = this.#options.positions.get(this.streamOf(frame))
    if (position !== undefined && seq <= position) {
      this.#settle(held)
      return undefined
    }
    const isGap = position !== undefined && seq > position + 1 && frame.replay !== true
    return isGap ? this.#repair(held, position) : this.#checked(held)
  }

  /** A mention from the inbox: its channel brings it to who is there; to others it comes this way alone, and moves no position. */
  #offered(held: Held, inboxSeq: number): Promise<void> | undefined {
    const { to, seq = 0 } = held.frame
    if (!this.#options.isJoined(to)) return this.#checked(held)
    if (seq > (this.#options.positions.get(to) ?? 0)) this.#awaited.set(to, Math.max(seq, this.#awaited.get(to) ?? 0))
    this.#receive({ seq: inboxSeq })
    return undefined
  }

  /** A live message that does not follow the last one: what is between is read from the log first. */
  async #repair(held: Held, after: number): Promise<void> {
    const { frame } = held
    const generation = this.#generation
    const stream = this.streamOf(frame)
    const echoed = this.#echoed.get(stream) ?? 0
    try {
      const pages = pagesOf({
        read: (position: number | undefined = after) => this.#options.page(stream, position),
        entries: ({ events }) => events,
        more: ({ events, more }) => more && (events.at(-1)?.seq ?? 0) < frame.seq! - 1,
        next: ({ events }) => events.at(-1)?.seq,
        order: 'rising',
        maxEntries: maxRepaired,
        maxChars: Infinity,
      })
      for await (const { events } of pages) {
        if (generation !== this.#generation) return
        for (const event of events) {
          if (event.seq === undefined || event.seq >= frame.seq!) break
          const missing = { ...event, replay: true } as unknown as Frame<'MSG'>
          if (event.seq <= echoed && missing.from === this.#options.myId()) continue
          await this.#checked({ frame: missing, isRepair: true })
          if (generation !== this.#generation) return
        }
      }
    } catch (error) {
      if (generation !== this.#generation) return
      // What can be read another time is not skipped; what is refused for good, or never comes to its end, stays missing, and the
      // message itself is not held back for it.
      if (error instanceof AgentChatError && error.shouldRetry()) return this.#giveUp('a gap could not be read')
      if (error instanceof AgentChatError) this.#options.failed(error)
    }
    await this.#checked(held)
  }

  /** Nothing more is taken from this connection. */
  #giveUp(reason: string): void {
    this.reset()
    this.#options.giveUp(reason)
  }

  #checked(held: Held): Promise<void> | undefined {
    const { sig, sig_ts: ts, to, content, from } = held.frame
    if (sig === undefined || ts === undefined) {
      this.#deliver(held, 'none')
      return undefined
    }
    const text = messageText({ to, content, ts })
    const key = this.#knownKey(from)
    if (key === undefined) return this.#checkedLater(held, text, sig)
    const result = this.#options.verify(key, text, sig)
    if (result instanceof Promise) return this.#deliverAfter(held, result.then(isValid => isValid ? 'valid' : 'invalid', () => 'invalid'))
    this.#deliver(held, result ? 'valid' : 'invalid')
    return undefined
  }

  #checkedLater(held: Held, text: string, sig: string): Promise<void> {
    return this.#deliverAfter(held, this.#lookUp(held.frame.from).then(async key => {
      if (key === undefined) return 'unknown-key'
      return await this.#options.verify(key, text, sig) ? 'valid' : 'invalid'
    }).catch((): SignatureState => 'unknown-key'))
  }

  async #lookUp(agent: string): Promise<string | undefined> {
    const generation = this.#generation
    this.#wanted.add(agent)
    try {
      const key = await this.#options.keyOf(agent)
      // The id is the hash of the key: a relay cannot pass off another one.
      if (key === undefined || agentIdOf(key) !== agent) return undefined
      if (this.#keys.size >= maxKeys) this.#keys.delete(this.#keys.keys().next().value!)
      this.#keys.set(agent, key)
      return key
    } finally {
      if (generation === this.#generation) this.#wanted.delete(agent)
    }
  }

  async #deliverAfter(held: Held, state: Promise<SignatureState>): Promise<void> {
    const generation = this.#generation
    const signature = await state
    if (generation === this.#generation) this.#deliver(held, signature)
  }

  #knownKey(agent: string): string | undefined {
    const { identity } = this.#options
    return agent === identity?.agentId ? identity.publicKey : this.#keys.get(agent)
  }

  #deliver(held: Held, signature: SignatureState): void {
    const { frame, inboxSeq } = held
    const awaited = this.#awaited
    if (frame.seq !== undefined && inboxSeq === undefined) this.#advance(frame, frame.seq)
    this.#options.deliver({
      ...(frame.msg_id !== undefined && { id: frame.msg_id }),
      from: frame.from,
      fromName: frame.from_name,
      to: frame.to,
      content: frame.content,
      ts: frame.ts,
      ...(frame.seq !== undefined && { seq: frame.seq }),
      replay: frame.replay === true,
      verified: frame.verified === true,
      mine: frame.from === this.#options.myId(),
      ...(frame.in_reply_to !== undefined && { inReplyTo: frame.in_reply_to }),
      signature,
      ...(inboxSeq !== undefined && { inboxSeq }),
      frame,
    })
    // A listener that closed the client has had its message, but not what is still awaited.
    if (awaited === this.#awaited || awaited.size === 0) this.#settle(held)
  }

  /** The stream was heard up to here. */
  #advance(frame: Frame<'MSG'>, seq: number): void {
    const { positions, identity, myId } = this.#options
    const stream = this.streamOf(frame)
    // An own message says nothing of those that were sent to this agent before it: they come from its inbox.
    if (identity !== undefined && stream.startsWith('@') && frame.to !== myId() && positions.get(stream) === undefined)
      this.#echo(stream, seq)
    else positions.set(stream, seq)
  }

  #echo(stream: string, seq: number): void {
    if (this.#echoed.size >= maxKeys && !this.#echoed.has(stream)) this.#echoed.delete(this.#echoed.keys().next().value!)
    this.#echoed.set(stream, seq)
  }

  /** The message was delivered, now or before. */
  #settle({ frame, inboxSeq, isRepair }: Held): void {
    if (inboxSeq !== undefined) return this.#receive({ seq: inboxSeq })
    if (frame.to === this.#options.myId()) {
      if (isRepair === undefined && frame.msg_id !== undefined) this.#receive({ msg_id: frame.msg_id })
      return
    }
    const awaited = this.#awaited.get(frame.to)
    if (awaited === undefined || (frame.seq ?? 0) < awaited) return
    this.#awaited.delete(frame.to)
    if (this.#reached !== undefined) this.#receive(this.#reached)
  }

  #receive(place: RequestInput<'RECEIVED'>): void {
    this.#reached = this.#awaited.size === 0 ? undefined : place
    if (this.#reached === undefined) this.#options.received(place)
  }
}
