// One agent in the run: sends at its pace, changes what it said, brings files, listens, and writes all of it down.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AgentChatClient,
  AgentChatError,
  conversation,
  Grown,
  RelayError,
  type AgentId,
  type ChannelName,
  type Conversation,
  type Frame,
  type Message,
} from '../../lib/index.ts'
import { createVerify, nodeIdentity, putFile, wsTransport } from '../../lib/node/index.ts'
import { pairStream } from '../../src/store/log.ts'
import { contentOf, Heard, numberOf, type ClientAccount } from './account.ts'
import { deedOf, isTarget, type Deed } from './deeds.ts'

export interface Part {
  readonly index: number
  /** Missing: an ephemeral agent. */
  readonly privateKey?: string
  readonly channel: ChannelName
  /**
   * Keyed agents that get every fourth message as a direct one, in turn. Only those have an inbox: to nobody else is delivery
   * promised after an absence.
   */
  readonly peers: readonly AgentId[]
}

/** Where the agents of a process are. */
export interface Surroundings {
  readonly url: string
  /** Where files are made that are brought to the relay. */
  readonly folder: string
  readonly perSender: number
  readonly deedsEvery: number
  readonly takesFiles: boolean
  readonly verify: ReturnType<typeof createVerify>
}

/** A message as it says now. */
interface Said {
  readonly id: string
  readonly content: string
}
interface Stored {
  readonly seq: number
  readonly msgId: string
}

const directEvery = 4
/** Between the pieces of a message that grows. */
const growMs = 120
const maxFileKib = 32
/** Pieces of so many growing messages are remembered. */
const maxShown = 1_000
const retryMs = 100
const maxOutstanding = 64
const paddings = ['', 'x'.repeat(40), 'the quick brown fox '.repeat(12)] as const

export class Participant {
  readonly #part: Part
  readonly #url: string
  readonly #folder: string
  readonly #perSender: number
  readonly #deedsEvery: number
  readonly #takesFiles: boolean
  readonly #client: AgentChatClient
  readonly #talk: Conversation
  /** What became of messages that are changed, by their n: one change after the other. */
  readonly #changed = new Map<number, Promise<Said>>()
  readonly #ids = new Map<string, number>()
  readonly #grown = new Grown()
  readonly #shown = new Map<string, string>()
  #misgrown = 0
  readonly #acknowledged: Uint32Array
  readonly #refusals = new Map<string, number>()
  readonly #heard = new Map<string, Heard>()
  #lostAt: number | undefined
  #ended: string | undefined
  issued = 0
  settled = 0
  delivered = 0
  /** Longest time without a session. */
  longestGapMs = 0

  constructor(part: Part, { url, folder, perSender, deedsEvery, takesFiles, verify }: Surroundings) {
    const identity = part.privateKey === undefined ? undefined : nodeIdentity(part.privateKey)
    this.#part = part
    this.#url = url
    this.#folder = folder
    this.#perSender = perSender
    this.#deedsEvery = deedsEvery
    this.#takesFiles = takesFiles
    this.#acknowledged = new Uint32Array(perSender)
    this.#client = new AgentChatClient({
      server: url,
      name: `chaos-${part.index}`,
      transport: wsTransport,
      verify,
      requestTimeoutMs: 8_000,
      reconnect: { minMs: 100, maxMs: 1_000 },
      ...(identity !== undefined && { identity }),
    })
    this.#talk = conversation(this.#client, { identity, verify })
    this.#client.on('DELTA', piece => {
      const text = this.#grown.add(piece)
      if (text === undefined) return
      this.#shown.set(piece.stream, text)
      if (this.#shown.size > maxShown) this.#shown.delete(this.#shown.keys().next().value!)
    })
    this.#client.on('message', message => this.#hear(message))
    this.#client.on('status', status => {
      if (status.kind === 'lost') this.#lostAt ??= performance.now()
      else if (status.kind === 'connected' && this.#lostAt !== undefined) {
        this.longestGapMs = Math.max(this.longestGapMs, performance.now() - this.#lostAt)
        this.#lostAt = undefined
      } else if (status.kind === 'ended') this.#ended = String(status.error)
      else if (status.kind === 'rejoin-failed') this.#count('rejoin-failed', status.error)
      else if (status.kind === 'gap') this.#count('gap', `since ${status.since}, oldest ${status.oldest}`)
      else if (status.kind === 'error' || status.kind === 'listener-error') this.#count(status.kind, status.error)
    })
  }

  get isOpen(): boolean {
    return this.#client.state === 'open'
  }

  async enter(): Promise<void> {
    await this.#client.connect()
    await this.#client.join(this.#part.channel)
  }

  /** Resolves when the relay has answered it. One that gave up is not waited for. */
  async ask(): Promise<void> {
    while (this.#ended === undefined) {
      if (this.isOpen && await this.#client.request('PING', {}).then(() => true, () => false)) return
      await sleep(retryMs)
    }
  }

  /** Sends what is due of its messages by now, but never lets too many wait. */
  sendUpTo(due: number): void {
    while (this.issued < due && this.issued - this.settled < maxOutstanding && this.#ended === undefined) this.#send(this.issued++)
  }

  account(): ClientAccount {
    const heard = [...this.#heard.values()]
    return {
      index: this.#part.index,
      agentId: this.#client.agentId ?? '',
      acknowledged: this.#acknowledged,
      issued: this.issued,
      unanswered: this.issued - this.settled,
      refusals: this.#refusals,
      ids: this.#ids,
      received: new Map([...this.#heard].map(([stream, { numbers }]) => [stream, numbers.slice()])),
      duplicated: heard.reduce((sum, { duplicated }) => sum + duplicated, 0),
      reordered: heard.reduce((sum, { reordered }) => sum + reordered, 0),
      misgrown: this.#misgrown,
      longestGapMs: this.longestGapMs,
      ended: this.#ended,
    }
  }

  #send(n: number): void {
    const deed = deedOf(n, this.#deedsEvery)
    this.#done(n, deed).then(
      ({ seq }) => {
        this.#acknowledged[n] = seq
      },
      (error: unknown) => this.#count(deed.kind === 'say' ? 'send' : `send (${deed.kind})`, error),
    ).finally(() => {
      this.settled++
    })
  }

  #done(n: number, deed: Deed): Promise<Stored> {
    const { index, channel, peers } = this.#part
    const number = index * this.#perSender + n
    const content = contentOf(number, paddings[number % paddings.length]!)
    if (deed.kind === 'edit' || deed.kind === 'retract')
      return this.#change(deed.target, number, deed.kind === 'edit' ? content : undefined)
    if (deed.kind === 'grow') return this.#grow(content)
    if (deed.kind === 'file') return this.#takesFiles ? this.#bring(number, content) : this.#client.send(channel, content)
    const to = n % directEvery === directEvery - 1 ? peers[Math.floor(n / directEvery) % peers.length]! : channel
    const sent = this.#client.send(to, content)
    if (isTarget(n, this.#deedsEvery)) {
      const said = sent.then(({ msgId: id }) => {
        this.#ids.set(id, number)
        return { id, content }
      })
      said.catch(() => undefined)
      this.#changed.set(n, said)
    }
    return sent
  }

  /** Says it anew, or takes it back: asked until it is answered. An answer that was lost is found among what became of the message. */
  #change(target: number, number: number, content: string | undefined): Promise<Stored> {
    const before = this.#changed.get(target) ?? Promise.reject(new Error('what it changes was never said'))
    const stored = before.then(async said => {
      let isAsked = false
      return this.#untilAnswered(async () => {
        try {
          if (content === undefined) return await this.#talk.retract(said.id)
          const edit = await this.#talk.edit(said, content)
          this.#ids.set(edit.msgId, number)
          return edit
        } catch (error) {
          const isDone = error instanceof RelayError && (error.code === 'EDIT_CONFLICT' || error.code === 'MESSAGE_NOT_FOUND')
          if (!isAsked || !isDone) {
            isAsked = true
            throw error
          }
          return await this.#found(said.id, number, content)
        }
      })
    })
    const after = stored.then(() => before.then(said => content === undefined ? said : { ...said, content }), () => before)
    after.catch(() => undefined)
    this.#changed.set(target, after)
    return stored
  }

  async #found(id: string, number: number, content: string | undefined): Promise<Stored> {
    for (const { frame } of await this.#talk.edits(id)) {
      const { seq, msg_id: msgId, content: says, retract } = frame as unknown as Frame<'MSG'> & { seq: number, msg_id: string }
      if (content === undefined ? retract === undefined : says !== content) continue
      if (content !== undefined) this.#ids.set(msgId, number)
      return { seq, msgId }
    }
    throw new Error('it was refused as done, and is not there')
  }

  async #grow(content: string): Promise<Stored> {
    const message = this.#client.stream(this.#part.channel)
    const middle = content.length >> 1
    for (const piece of [content.slice(0, middle), content.slice(middle)]) {
      message.write(piece)
      await sleep(growMs)
    }
    return await message.end()
  }

  async #bring(number: number, content: string): Promise<Stored> {
    const path = join(this.#folder, String(number))
    writeFileSync(path, Buffer.alloc((number % maxFileKib + 1) * 1_024, `file ${number} `))
    try {
      const file = await this.#untilAnswered(() => putFile(this.#client, path, { server: this.#url }))
      return await this.#client.send(this.#part.channel, content, { files: [file] })
    } finally {
      rmSync(path, { force: true })
    }
  }

  /** What may have been done already, or was refused for now, is asked again. */
  async #untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        if (this.#ended !== undefined || !(error instanceof AgentChatError) || !error.shouldRetry()) throw error
        await sleep(retryMs)
      }
    }
  }

  #hear(message: Message): void {
    const { from, to, seq, content, mine, frame } = message
    const shown = frame.stream === undefined ? undefined : this.#shown.get(frame.stream)
    if (this.#grown.end(message) && shown !== undefined && !content.startsWith(shown)) this.#misgrown++
    // A sender's own direct messages are echoed to it while it is there, and that is all.
    if (seq === undefined || (mine && !to.startsWith('#'))) return
    const stream = to.startsWith('#') ? to : pairStream(from, to)
    let heard = this.#heard.get(stream)
    if (heard === undefined) this.#heard.set(stream, heard = new Heard())
    heard.add(seq, numberOf(content))
    this.delivered++
  }

  #count(what: string, error: unknown): void {
    const reason = `${what} ${error instanceof RelayError ? error.code : error instanceof AgentChatError ? error.name : String(error)}`
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1)
  }
}
