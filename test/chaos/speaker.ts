// One agent of linked relays: says what is due in channels of its own relay and of others, signed for each, until it is told where that
// stands there; and writes down what it hears. A session and requests of the client library, for what it keeps is what was said, not what is shown.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultBackoff } from '../../lib/client/backoff.ts'
import { AgentChatError, RelayError } from '../../lib/client/errors.ts'
import { Requests } from '../../lib/client/requests.ts'
import { sessionOptions } from '../../lib/client/session-options.ts'
import { Session } from '../../lib/client/session.ts'
import { messageTextV2, type Identity } from '../../lib/identity/index.ts'
import { createVerify, wsTransport } from '../../lib/node/index.ts'
import { addressOf, hasHost, type Frame, type ReplyType, type RequestInput, type RequestType } from '../../lib/protocol/index.ts'
import { chaosAdminKey } from './dealers.ts'
import { contentOf, Heard, numberOf } from './account.ts'

export interface Place {
  readonly seq: number
  readonly msgId: string
}

/** What one agent knows of one channel when the run is over. */
export interface SpokenAccount {
  /** Its messages there are from this number on. */
  readonly first: number
  /** It is a channel of another relay. */
  readonly isAway: boolean
  /** Each in its turn was kept by the agent's relay. */
  readonly issued: number
  /** Where each was said to stand at its home, by its turn. */
  readonly places: ReadonlyMap<number, Place>
  /** What was refused, and why. */
  readonly refused: ReadonlyMap<number, string>
  readonly heard: Heard
}

interface Spoken extends SpokenAccount {
  /** Its name here, and the relay that it is signed for. */
  readonly channel: string
  readonly serverId: string
  issued: number
  readonly places: Map<number, Place>
  readonly refused: Map<number, string>
  /** Frames by their ids: kept here, and not known to be at home. */
  readonly waiting: Map<string, { readonly n: number, readonly text: string }>
  last: number
  isSaying: boolean
  isIn: boolean
}

const verify = createVerify()
const timeoutMs = 8_000
const retryMs = 100
/** Fewer than a relay keeps of one agent. */
const maxWaiting = 50

export class Speaker {
  readonly #identity: Identity
  readonly #session: Session
  readonly #requests: Requests
  readonly #spoken: readonly Spoken[]
  readonly #perChannel: number
  #due = 0
  #lastId = 0
  #ended: unknown
  /** PEM of its relay. */
  relayKey = ''

  /** `channels`: as they are called here, and whose they are; `first`: the number of its first message. */
  constructor(
    { url, name, identity, channels, first, perChannel }: {
      readonly url: string
      readonly name: string
      readonly identity: Identity
      readonly channels: readonly { readonly channel: string, readonly serverId: string }[]
      readonly first: number
      readonly perChannel: number
    },
  ) {
    this.#identity = identity
    this.#perChannel = perChannel
    this.#spoken = channels.map((each, i) => ({
      ...each,
      ...{ first: first + i * perChannel, isAway: hasHost(each.channel), issued: 0, last: 0, isSaying: false, isIn: false },
      ...{ places: new Map<number, Place>(), refused: new Map<number, string>(), waiting: new Map(), heard: new Heard() },
    }))
    const backoff = { ...defaultBackoff, minMs: 100, maxMs: 500 }
    this.#session = new Session(
      sessionOptions({ server: url, identity, name, inbox: 'none', transport: wsTransport, verify, heartbeatMs: 4_000 }, {
        ...{ timeoutMs, backoff, now: Date.now, random: Math.random },
      }),
      {
        opened: ({ limits }, { key }) => {
          this.relayKey = key ?? ''
          this.#requests.open(limits.max_frame_bytes)
          for (const spoken of this.#spoken) void this.#enter(spoken)
          this.#requests.catchUp()
        },
        frame: frame => this.#hear(frame),
        invalid: message => this.#end(new Error(message)),
        lost: error => {
          for (const spoken of this.#spoken) spoken.isIn = false
          this.#requests.lost(error)
        },
        gaveUp: error => this.#end(error),
        ended: error => this.#end(error),
      },
    )
    this.#requests = new Requests(text => {
      if (typeof text === 'string') this.#session.send(text)
    }, () => undefined)
  }

  async connect(): Promise<void> {
    await this.#session.connect({ wait: true })
  }

  get spoken(): readonly SpokenAccount[] {
    return this.#spoken
  }

  get issued(): number {
    return this.#spoken.reduce((sum, { issued }) => sum + issued, 0)
  }

  /** Told where it stands, or why not. */
  get settled(): number {
    return this.#spoken.reduce((sum, { places, refused }) => sum + places.size + refused.size, 0)
  }

  /** Messages heard, in all channels. */
  get heard(): number {
    return this.#spoken.reduce((sum, { last }) => sum + last, 0)
  }

  /** Says what is due by now, one after the other in each channel. */
  sayUpTo(due: number): void {
    this.#due = Math.min(due, this.#perChannel)
    for (const spoken of this.#spoken) void this.#say(spoken)
  }

  /** Says again what it was not told of: it was said while it was away. */
  async askAgain(): Promise<void> {
    for (const spoken of this.#spoken) {
      for (const [id, { n, text }] of [...spoken.waiting]) if (spoken.waiting.has(id)) await this.#isAnswered(spoken, n, id, text)
    }
  }

  ask<T extends RequestType>(type: T, body: Omit<RequestInput<T>, 'id'>): Promise<Frame<ReplyType<T>>> {
    const id = `r${++this.#lastId}`
    return this.#requests.call(id, type, () => JSON.stringify({ type, id, ...body }), { timeoutMs }) as Promise<Frame<ReplyType<T>>>
  }

  /** As the operator of its relay. */
  operate<T extends 'ADMIN_LINK' | 'ADMIN_LINKS'>(type: T, body: Omit<RequestInput<T>, 'id'>): Promise<Frame<ReplyType<T>>> {
    return this.ask(type, { ...body, admin_key: chaosAdminKey } as Omit<RequestInput<T>, 'id'>)
  }

  async close(): Promise<void> {
    this.#ended ??= new Error('it was closed')
    await this.#session.close()
  }

  #end(error: unknown): void {
    this.#ended ??= error ?? new Error('its session ended')
    this.#requests.failAll(new Error('its session ended'))
  }

  async #enter(spoken: Spoken): Promise<void> {
    while (this.#ended === undefined && this.#session.state === 'open') {
      try {
        await this.ask('JOIN', { channel: spoken.channel as `#${string}`, since: spoken.last })
        spoken.isIn = true
        return
      } catch {
        await sleep(retryMs)
      }
    }
  }

  async #say(spoken: Spoken): Promise<void> {
    if (spoken.isSaying) return
    spoken.isSaying = true
    while (spoken.issued < this.#due && spoken.waiting.size < maxWaiting && this.#ended === undefined) {
      const n = spoken.issued
      const id = `m${spoken.first + n}`
      const text = await this.#written(spoken, id, spoken.first + n)
      while (!await this.#isAnswered(spoken, n, id, text) && this.#ended === undefined) await sleep(retryMs)
      spoken.issued++
    }
    spoken.isSaying = false
  }

  async #written({ channel, serverId }: Spoken, id: string, number: number): Promise<string> {
    const [content, ts, nonce] = [contentOf(number, ''), Date.now(), randomBytes(16).toString('hex')]
    const to = addressOf(channel).name
    const sig = await this.#identity.sign(messageTextV2({ by: this.#identity.agentId, relay: serverId, to, content, id, ts, nonce }))
    return JSON.stringify({ type: 'MSG', id, to: channel, content, sig_v: 2, ts, nonce, sig })
  }

  /** False: it is to be said again under its id, for nobody knows whether it is kept. */
  async #isAnswered(spoken: Spoken, n: number, id: string, text: string): Promise<boolean> {
    try {
      const { seq, msg_id: msgId, pending } = await this.#requests.call(id, 'MSG', () => text, { timeoutMs }) as Frame<'ACK'>
      if (pending !== true) this.#settle(spoken, n, id, { seq, msgId })
      else if (!spoken.places.has(n) && !spoken.refused.has(n)) spoken.waiting.set(id, { n, text })
      return true
    } catch (error) {
      // Before it is in the channel again it is refused for that alone.
      const isLater = error instanceof AgentChatError && (error.shouldRetry() || !spoken.isIn)
      if (!isLater) this.#refuse(spoken, n, id, error)
      return !isLater
    }
  }

  #settle({ places, waiting }: Spoken, n: number, id: string, place: Place): void {
    places.set(n, place)
    waiting.delete(id)
  }

  #refuse({ refused, waiting }: Spoken, n: number, id: string, error: unknown): void {
    refused.set(n, error instanceof RelayError ? error.code : String(error))
    waiting.delete(id)
  }

  #hear(frame: Frame): void {
    if (this.#requests.answer(frame)) return
    if (frame.type === 'SETTLED') {
      const spoken = this.#spoken.find(({ channel }) => channel === frame.to)
      const n = Number(frame.pub_id.slice(1)) - (spoken?.first ?? NaN)
      if (spoken === undefined || !(n >= 0 && n < this.#perChannel))
        return this.#end(new Error(`told of ${frame.pub_id}, which is not its own`))
      if (frame.code !== undefined) this.#refuse(spoken, n, frame.pub_id, new RelayError(frame.code, frame.message ?? ''))
      else this.#settle(spoken, n, frame.pub_id, { seq: frame.seq!, msgId: frame.home_msg_id! })
    }
    if (frame.type !== 'MSG') return
    const spoken = this.#spoken.find(({ channel }) => channel === frame.to)
    if (spoken === undefined || frame.seq === undefined) return
    spoken.heard.add(frame.seq, numberOf(frame.content))
    spoken.last = Math.max(spoken.last, frame.seq)
  }

  get ended(): unknown {
    return this.#ended
  }
}
