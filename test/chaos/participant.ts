// One agent in the run: sends at its pace, listens, and writes down both.
import { AgentChatClient, AgentChatError, RelayError, type AgentId, type ChannelName, type Message } from '../../lib/index.ts'
import { createVerify, nodeIdentity, wsTransport } from '../../lib/node/index.ts'
import { pairStream } from '../../src/store/log.ts'
import { contentOf, Heard, numberOf, type ClientAccount } from './account.ts'

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

const directEvery = 4
const maxOutstanding = 200
const paddings = ['', 'x'.repeat(40), 'the quick brown fox '.repeat(12)] as const

export class Participant {
  readonly #part: Part
  readonly #perSender: number
  readonly #client: AgentChatClient
  readonly #acknowledged: Uint32Array
  readonly #refusals = new Map<string, number>()
  readonly #heard = new Map<string, Heard>()
  #lostAt: number | undefined
  #longestGapMs = 0
  #ended: string | undefined
  issued = 0
  settled = 0
  delivered = 0

  constructor(part: Part, url: string, perSender: number, verify: ReturnType<typeof createVerify>) {
    this.#part = part
    this.#perSender = perSender
    this.#acknowledged = new Uint32Array(perSender)
    this.#client = new AgentChatClient({
      server: url,
      name: `chaos-${part.index}`,
      transport: wsTransport,
      verify,
      requestTimeoutMs: 8_000,
      reconnect: { minMs: 100, maxMs: 1_000 },
      ...(part.privateKey !== undefined && { identity: nodeIdentity(part.privateKey) }),
    })
    this.#client.on('message', message => this.#hear(message))
    this.#client.on('status', status => {
      if (status.kind === 'lost') this.#lostAt ??= performance.now()
      else if (status.kind === 'connected' && this.#lostAt !== undefined) {
        this.#longestGapMs = Math.max(this.#longestGapMs, performance.now() - this.#lostAt)
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
      received: new Map([...this.#heard].map(([stream, { numbers }]) => [stream, numbers.slice()])),
      duplicated: heard.reduce((sum, { duplicated }) => sum + duplicated, 0),
      reordered: heard.reduce((sum, { reordered }) => sum + reordered, 0),
      longestGapMs: this.#longestGapMs,
      ended: this.#ended,
    }
  }

  #send(n: number): void {
    const { index, channel, peers } = this.#part
    const to = n % directEvery === directEvery - 1 ? peers[Math.floor(n / directEvery) % peers.length]! : channel
    const number = index * this.#perSender + n
    this.#client.send(to, contentOf(number, paddings[number % paddings.length]!)).then(
      ({ seq }) => {
        this.#acknowledged[n] = seq
      },
      (error: unknown) => this.#count('send', error),
    ).finally(() => {
      this.settled++
    })
  }

  #hear({ from, to, seq, content, mine }: Message): void {
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
