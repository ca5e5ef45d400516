// Messages on their way in: each once, in order, checked. A small machine:
//
// | state   | a message comes              | its work is done          | reset (a new connection, the end) | too many wait |
// |---------|------------------------------|---------------------------|-----------------------------------|---------------|
// | idle    | done at once: idle; else     | –                         | idle                              | –             |
// |         | working                      |                           |                                   |               |
// | working | it waits in the queue        | the next one, until one   | idle; what is under way comes to  | given up      |
// |         |                              | has to wait; else idle    | nothing                           |               |
//
// and what becomes of a message that has a number, by the last one seen in its stream:
//
// | its number is | nothing seen yet | not above it        | the next one, or it is replayed | further on                                   |
// |---------------|------------------|---------------------|---------------------------------|----------------------------------------------|
// |               | check, deliver   | it was there before | check, deliver                  | read what is between; then check, deliver it |
//
// Waits (for a key, a check, a page) hold back what comes after them. What a SUBSCRIBE left out is no gap: `prev_seq` says so.
import type { SignatureState } from '../identity/index.ts'
import type { Frame, Target } from '../protocol/index.ts'
import type { Delivery } from './deliveries.ts'
import { isPromise } from './emitter.ts'
import { AgentChatError } from './errors.ts'
import type { MessageFacts } from './message.ts'
import { pagesOf } from './pages.ts'
import type { Fate, Place, Progress } from './progress.ts'

export interface InboundOptions {
  readonly progress: Progress
  /** An event of a channel comes, in its order … */
  readonly heard: (channel: string, seq: number, frame: Frame<'MSG'>) => void
  /** … and its signature was checked. */
  readonly said: (channel: string, frame: Frame<'MSG'>, signature: SignatureState) => void
  readonly check: (frame: Frame<'MSG'>) => SignatureState | Promise<SignatureState>
  readonly myId: () => string | undefined
  /** Whether the agent has a key: what it missed of its direct messages waits in its inbox. */
  readonly isKeyed: boolean
  /** A page of a stream after a position, its messages marked as read from the log. */
  readonly page: (stream: string, after: number) => Promise<LogPage>
  readonly deliver: (delivery: Delivery) => void
  /** Whether messages of the stream are let go for now: they come again to who listens for them. */
  readonly isBehind: (stream: string) => boolean
  /** Whether the channel itself brings its messages. */
  readonly isJoined: (channel: string) => boolean
  /** Resolves when more can be delivered; undefined: at once. */
  readonly room: () => Promise<void> | undefined
  /** Messages that are missing cannot be had at all. */
  readonly failed: (error: AgentChatError) => void
  /** What is missing cannot be had on this connection: it should be given up and resumed. */
  readonly giveUp: (reason: string) => void
  /** More waits than may: nothing more is taken from this connection. */
  readonly overflow: () => void
}

/** Messages of a stream, oldest first. */
export interface LogPage {
  readonly events: readonly Frame<'MSG'>[]
  readonly more: boolean
}

interface Held {
  readonly frame: Frame<'MSG'>
  readonly chars: number
  /** set when a mention was offered from the inbox */
  readonly inboxSeq?: number
  /** read to fill a gap: the inbox may not have come that far */
  readonly isRepair?: true
}
/** What waits its turn: a message, or what is to be done once all before it was delivered; and what it takes meanwhile. */
type Waiting = Held | { readonly then: () => void, readonly chars: number }

/** What may wait while a key is looked up or a page is read: entries, and characters of their frames. */
const maxHeld = 20_000
const maxHeldChars = 32 * 1024 * 1024
/** Messages that are read to fill one gap. */
const maxRepaired = 100_000
const maxEchoed = 10_000

const noFate: Fate = { handled: () => undefined, letGo: () => undefined, isOpen: () => true }

export class Inbound {
  readonly #options: InboundOptions
  /** The newest own message to each agent of whom nothing has come yet. */
  readonly #echoed = new Map<string, number>()
  #queue: Waiting[] = []
  #queuedChars = 0
  #state: 'idle' | 'working' = 'idle'
  #generation = 0
  #order = 0

  constructor(options: InboundOptions) {
    this.#options = options
  }

  /** What waits for its turn. */
  get queued(): { readonly count: number, readonly chars: number } {
    return { count: this.#queue.length, chars: this.#queuedChars }
  }

  /** A message, or with `inboxSeq` a mention that was offered from the inbox; `chars` is what its frame came to. */
  push(frame: Frame<'MSG'>, chars: number, inboxSeq?: number): void {
    this.#wait(inboxSeq === undefined ? { frame, chars } : { frame, chars, inboxSeq })
  }

  /** Calls once everything that came before was delivered. */
  after(then: () => void, chars: number): void {
    this.#wait({ then, chars })
  }

  /** A new connection resumes from what was seen: what was held of the old one will come again. */
  reset(): void {
    this.#generation++
    this.#queue = []
    this.#queuedChars = 0
    this.#state = 'idle'
  }

  /** The stream of a message: its channel, or the other agent of the pair. */
  streamOf(frame: Frame<'MSG'>): Target {
    return frame.to.startsWith('#') ? frame.to : frame.from === this.#options.myId() ? frame.to : frame.from
  }

  #wait(waiting: Waiting): void {
    this.#queue.push(waiting)
    this.#queuedChars += waiting.chars
    // One message alone may be as long as the transport lets it.
    if (this.#queue.length > maxHeld || (this.#queuedChars > maxHeldChars && this.#queue.length > 1)) {
      this.reset()
      this.#options.overflow()
    } else if (this.#state === 'idle') this.#run()
  }

  #next(): Waiting | undefined {
    const waiting = this.#queue.shift()
    this.#queuedChars -= waiting?.chars ?? 0
    return waiting
  }

  #run(): void {
    for (let held = this.#next(); held !== undefined; held = this.#next()) {
      if ('then' in held) {
        held.then()
        continue
      }
      const work = held.inboxSeq === undefined ? this.#process(held) : this.#offered(held, held.inboxSeq)
      if (work === undefined) continue
      this.#state = 'working'
      const generation = this.#generation
      void work.finally(() => {
        if (generation !== this.#generation) return
        this.#state = 'idle'
        this.#run()
      })
      return
    }
  }

  /** undefined when the message was delivered (or dropped) at once. */
  #process(held: Held): Promise<void> | undefined {
    const { frame, frame: { seq } } = held
    if (this.#isLetGo(held)) return undefined
    if (seq === undefined) return this.#checked(held)
    const seen = this.#options.progress.seen(this.streamOf(frame))
    if (seen !== undefined && seq <= seen) {
      this.#enter(held)
      return undefined
    }
    const isGap = seen !== undefined && seq > seen + 1 && frame.replay !== true && (frame.prev_seq ?? seq) > seen
    return isGap ? this.#repair(held, seen) : this.#checked(held)
  }

  /** A mention from the inbox: its channel brings it to who is there; to others it comes this way alone, and moves no position. */
  #offered(held: Held, inboxSeq: number): Promise<void> | undefined {
    const { progress, isJoined } = this.#options
    const { to, seq = 0 } = held.frame
    if (!isJoined(to)) return this.#isLetGo(held) ? undefined : this.#checked(held)
    progress.offer({ seq: inboxSeq }, to, seq)
    return undefined
  }

  /** A live message that does not follow the last one: what is between is read from the log first. */
  async #repair(held: Held, after: number): Promise<void> {
    const { frame } = held
    const { progress, page, myId, room, giveUp, failed } = this.#options
    const generation = this.#generation
    const stream = this.streamOf(frame)
    const echoed = this.#echoed.get(stream) ?? 0
    try {
      const pages = pagesOf({
        read: (position: number | undefined = after) => page(stream, position),
        entries: ({ events }) => events,
        more: ({ events, more }) => more && (events.at(-1)?.seq ?? 0) < frame.seq! - 1,
        next: ({ events }) => events.at(-1)?.seq,
        order: 'rising',
        maxEntries: maxRepaired,
        maxChars: Infinity,
      })
      for await (const { events } of pages) {
        if (generation !== this.#generation) return
        for (const missing of events) {
          if (missing.seq === undefined || missing.seq >= frame.seq!) break
          await room()
          if (generation !== this.#generation) return
          if (missing.seq <= (progress.seen(stream) ?? 0) || (missing.seq <= echoed && missing.from === myId())) continue
          await this.#checked({ frame: missing, chars: missing.content.length, isRepair: true })
          if (generation !== this.#generation) return
        }
      }
    } catch (error) {
      if (generation !== this.#generation) return
      // What can be read another time is not skipped; what is refused for good, or never comes to its end, stays missing, and the
      // message itself is not held back for it.
      if (error instanceof AgentChatError && error.shouldRetry()) {
        this.reset()
        return giveUp('a gap could not be read')
      }
      if (error instanceof AgentChatError) failed(error)
    }
    await this.#checked(held)
  }

  #checked(held: Held): Promise<void> | undefined {
    const { frame, inboxSeq } = held
    if (inboxSeq === undefined && frame.seq !== undefined && frame.to.startsWith('#')) this.#options.heard(frame.to, frame.seq, frame)
    const state = this.#options.check(held.frame)
    if (isPromise(state)) return this.#deliverLater(held, state)
    this.#deliver(held, state)
    return undefined
  }

  async #deliverLater(held: Held, state: Promise<SignatureState>): Promise<void> {
    const generation = this.#generation
    const signature = await state
    if (generation === this.#generation) this.#deliver(held, signature)
  }

  #deliver(held: Held, signature: SignatureState): void {
    const { frame, chars, inboxSeq } = held
    if (inboxSeq === undefined && frame.to.startsWith('#')) this.#options.said(frame.to, frame, signature)
    if (this.#isLetGo(held)) return
    const fate = this.#fateOf(held)
    // It came on an earlier connection, and is being handled or was.
    if (fate === undefined) return
    const facts: MessageFacts = {
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
    }
    this.#options.deliver({ facts, stream: this.streamOf(frame), chars, order: this.#order++, ...fate })
  }

  /** Nothing of the inbox behind it counts as received then. */
  #isLetGo({ frame, inboxSeq }: Held): boolean {
    const { isBehind, myId, progress } = this.#options
    if (!isBehind(this.streamOf(frame))) return false
    if (inboxSeq !== undefined || frame.to === myId()) progress.block()
    return true
  }

  #fateOf(held: Held): Fate | undefined {
    const { frame, inboxSeq } = held
    if (inboxSeq !== undefined) return this.#options.progress.offerOnce({ seq: inboxSeq }, `mention ${inboxSeq}`)
    this.#enter(held)
    return this.#see(frame)
  }

  /** The stream was seen up to here. */
  #see(frame: Frame<'MSG'>): Fate {
    const { progress, isKeyed, myId } = this.#options
    const { seq } = frame
    if (seq === undefined) return noFate
    const stream = this.streamOf(frame)
    // An own message says nothing of those that were sent to this agent before it: they come from its inbox.
    if (!isKeyed || !stream.startsWith('@') || frame.to === myId() || progress.seen(stream) !== undefined) return progress.see(stream, seq)
    if (this.#echoed.size >= maxEchoed && !this.#echoed.has(stream)) this.#echoed.delete(this.#echoed.keys().next().value!)
    this.#echoed.set(stream, seq)
    return noFate
  }

  /** A direct message is an entry of the inbox, unless it was read to fill a gap: the inbox brings it in its own turn. */
  #enter({ frame, isRepair }: Held): void {
    const { progress, myId } = this.#options
    const place: Place | undefined = frame.msg_id === undefined ? undefined : { msg_id: frame.msg_id }
    if (frame.to === myId() && isRepair === undefined && place !== undefined && frame.seq !== undefined)
      progress.offer(place, this.streamOf(frame), frame.seq)
  }
}
