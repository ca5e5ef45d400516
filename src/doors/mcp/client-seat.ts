// A seat that is a client of the relay with the user's own key: everything is signed here, and the connection comes back by itself.
import { createHash } from 'node:crypto'
import {
  AgentChatError,
  Authors,
  ConnectionError,
  ContentError,
  RelayError,
  TimeoutError,
  type AgentChatClient,
  type AgentId,
  type CallOptions,
  type ChannelName,
  type Offer,
  type SignatureState,
} from '../../../lib/client/index.ts'
import { frames, type Frame, type FrameType, type ReplyType, type RequestType } from '../../../lib/protocol/index.ts'
import { GuestInbox } from './guest-inbox.ts'
import {
  Refusal,
  saidMs,
  ToldRefusal,
  type Body,
  type Change,
  type Kept,
  type Said,
  type Seat,
  type SignedType,
  type Stored,
} from './seat.ts'

/** How often a request is made again whose answer was lost with the connection. */
const maxTries = 4
/** What is remembered of what was said. */
const maxSaid = 100

/** Kinds of events that an inbox holds beside messages. */
const steps = (Object.keys(frames) as FrameType[]).filter(type => type !== 'MSG' && frames[type].kind === 'event')

export class ClientSeat implements Seat {
  readonly signs: boolean
  readonly authors: Authors
  readonly #client: AgentChatClient
  readonly #guest: GuestInbox | undefined
  readonly #waiting = new Set<() => void>()
  readonly #listeners = new Set<(change: Change) => void>()
  /** What was said in the last minute, and where: place and text, hashed, and when. */
  readonly #said = new Map<string, number>()
  /** Why the session is over for good. */
  #ended: string | undefined

  /** `client`: made with `inbox: 'peek'`; one without a key hears what is said to it while it is there. */
  constructor(client: AgentChatClient, isKeyed: boolean) {
    this.#client = client
    this.signs = isKeyed
    this.authors = new Authors(agent => client.request('WHOIS', { agent }))
    this.#guest = isKeyed ? undefined : new GuestInbox()
    const changed = (change: Change) => {
      for (const listener of this.#listeners) listener(change)
    }
    const arrived = () => {
      for (const wake of [...this.#waiting]) wake()
      changed({ kind: 'inbox' })
    }
    client.on('message', ({ mine, to, content, inboxSeq, frame }) => {
      if (to.startsWith('#') && inboxSeq === undefined) changed({ kind: 'channel', channel: to })
      const isForMe = to === client.agentId || inboxSeq !== undefined || (to.startsWith('#') && content.includes(this.me))
      if (mine || !isForMe) return
      this.#guest?.add(frame)
      arrived()
    }, { ack: 'auto' })
    for (const type of steps) {
      client.on(type, event => {
        if ('proposalId' in event && typeof event.proposalId === 'string') changed({ kind: 'deal', id: event.proposalId })
        arrived()
      })
    }
    client.on('status', status => {
      if (status.kind === 'ended') this.#ended = status.error?.message ?? 'the client was closed'
      // What came meanwhile is in the inbox.
      if (status.kind === 'connected') arrived()
    })
  }

  get me(): AgentId {
    return this.#client.agentId!
  }

  async ask<T extends RequestType>(type: T, body: Body<T>, signal?: AbortSignal): Promise<Frame<ReplyType<T>>> {
    const own = this.#guest?.answer(type, body, this.#client.welcome?.ts ?? 0)
    if (own !== undefined) return own as unknown as Frame<ReplyType<T>>
    for (let tries = 1;; tries++) {
      try {
        return await this.#asked(type, body, signal && { signal })
      } catch (error) {
        const isLost = error instanceof ConnectionError && error.code === 'LOST' && error.shouldRetry()
        // Made twice, a channel is one that is there already.
        if (!isLost || type === 'CREATE_CHANNEL' || tries === maxTries || signal?.aborted) throw this.#refusal(error)
      }
    }
  }

  async say({ to, content, id, in_reply_to, newAt }: Said, signal?: AbortSignal): Promise<Stored> {
    const isTwice = newAt !== undefined && this.#hasJustSaid(`${to} ${content}`, newAt)
    try {
      return { ack: (await this.#client.send(to, content, { id, inReplyTo: in_reply_to, ...(signal && { signal }) })).frame, isTwice }
    } catch (error) {
      throw this.#refusal(error)
    }
  }

  async sign(type: SignedType, fields: Readonly<Record<string, unknown>>, signal?: AbortSignal) {
    try {
      return (await this.#signed(type, fields, signal))?.frame
    } catch (error) {
      throw this.#refusal(error)
    }
  }

  async signatureOf(event: Kept): Promise<SignatureState | undefined> {
    if (event.type === 'MSG') return this.#client.signatureOf({ frame: event })
    if (event['sig'] === undefined) return undefined
    // What cannot be checked now was not checked.
    return this.#client.trade.check({ frame: event as never }).catch(() => undefined)
  }

  changes(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** All that is said to this agent, and where it has joined, is heard anyway. */
  want(): () => void {
    return () => undefined
  }

  arrival(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      if (signal.aborted) return resolve()
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  #hasJustSaid(said: string, now: number): boolean {
    const key = createHash('sha256').update(said).digest('base64')
    const before = this.#said.get(key)
    this.#said.delete(key)
    if (this.#said.size >= maxSaid) this.#said.delete(this.#said.keys().next().value!)
    this.#said.set(key, now)
    return before !== undefined && now - before < saidMs
  }

  /** Where it was entered, it is entered again after a reconnect: what is said there is heard. */
  #asked<T extends RequestType>(type: T, body: Body<T>, options: CallOptions | undefined): Promise<Frame<ReplyType<T>>> {
    const client = this.#client
    const { channel } = body as { readonly channel?: ChannelName }
    const entered = type === 'JOIN'
      ? client.join(channel!, { limit: 0, ...options })
      : type === 'LEAVE'
      ? client.leave(channel!, options)
      : undefined
    return entered === undefined
      ? client.request(type, body, options)
      : entered.then(({ frame }) => frame as unknown as Frame<ReplyType<T>>)
  }

  #signed(type: SignedType, fields: Readonly<Record<string, unknown>>, signal: AbortSignal | undefined) {
    const { trade, people } = this.#client
    const { proposal_id, to, text, reason, proof, ...offer } = fields as Readonly<Record<string, never>>
    const options = signal && { signal }
    switch (type) {
      case 'PROPOSAL':
        return trade.propose(to!, offer as unknown as Offer, options)
      case 'COUNTER':
        return trade.counter(proposal_id!, offer as unknown as Offer, options)
      case 'ACCEPT':
        return trade.accept(proposal_id!, {}, options)
      case 'REJECT':
        return trade.reject(proposal_id!, reason, options)
      case 'CANCEL':
        return trade.cancel(proposal_id!, reason, options)
      case 'FUND':
        return trade.fund(proposal_id!, options)
      case 'SUBMIT':
        return trade.submit(proposal_id!, { text }, options)
      case 'REVISE':
        return trade.revise(proposal_id!, reason!, options)
      case 'RELEASE':
        return trade.release(proposal_id!, options)
      case 'COMPLETE':
        return trade.complete(proposal_id!, proof, options)
      case 'DISPUTE':
        return trade.dispute(proposal_id!, reason!, options)
      case 'REGISTER_SKILLS':
        return people.registerSkills(offer['skills']!, options).then(() => undefined)
      case 'SET_PROFILE':
        return people.setProfile(offer['profile']!, options).then(() => undefined)
    }
  }

  /** What went wrong, as tools tell it; a fault of ours stays what it is. */
  #refusal(error: unknown): unknown {
    if (!(error instanceof AgentChatError)) {
      return error instanceof Error && error.name === 'AbortError'
        ? new Refusal('CANCELLED', 'The call was cancelled', undefined, error)
        : error
    }
    if (error.code === 'CLOSED' && this.#ended !== undefined)
      return new ToldRefusal('SESSION_ENDED', this.#ended, {
        advice: 'Start the server again; two at once want different labels (--session).',
      })
    if (error instanceof RelayError)
      return new ToldRefusal(error.wireCode, error.message, { retryAfterMs: error.retryAfterMs, cause: error })
    // Those of a connection, or of a relay's conduct, name what the relay said of itself.
    const isOurs = error instanceof TimeoutError || error instanceof ContentError
    return isOurs ? new Refusal(error.code, error.message, undefined, error) : new ToldRefusal(error.code, error.message, { cause: error })
  }
}
