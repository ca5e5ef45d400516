// Agents that are banned while they speak: at whichever process the ban was answered, nothing that they say behind the answer is stored at
// any. Each says what it says under numbers, and goes on for a while.
import { generateKeyPairSync } from 'node:crypto'
import { AgentChatClient, RelayError } from '../../lib/index.ts'
import { createVerify, nodeIdentity, wsTransport } from '../../lib/node/index.ts'
import { contentOf, numberOf } from './account.ts'
import { chaosAdminKey } from './dealers.ts'
import { Pauses } from './pauses.ts'
import { Random } from './random.ts'
import type { Remains } from './remains.ts'

/** Where they speak, and nobody else does. */
export const lockoutChannel = '#chaos-lockouts'

/** Who was banned, and what it said first behind the answer. */
export interface LockedOut {
  readonly agentId: string
  readonly from: number
}

export interface LockoutVerdict {
  /** Bans that were answered. */
  readonly bans: number
  /** Stored, and said behind the answer. */
  readonly trespasses: number
}

/** Between two things that one says. */
const speakMs = 20
const minSpeakMs = 60
const maxSpeakMs = 250
/** So long it goes on behind the answer: another process may not have heard of the ban for longer. */
const goOnMs = 800
const retryMs = 100
const requestTimeoutMs = 4_000
const reconnect = { minMs: 50, maxMs: 500 } as const

export class Lockouts implements Disposable {
  readonly #url: string
  readonly #lanes: number
  readonly #seed: number
  readonly #maxPauseMs: number
  readonly #verify = createVerify()
  readonly #pauses = new Pauses()
  readonly #clients = new Set<AgentChatClient>()
  readonly #banned: LockedOut[] = []
  #running: Promise<unknown> = Promise.resolve()

  /** @param maxPauseMs between two that one lane locks out */
  constructor(url: string, { lanes, seed, maxPauseMs }: { readonly lanes: number, readonly seed: number, readonly maxPauseMs: number }) {
    this.#url = url
    this.#lanes = lanes
    this.#seed = seed
    this.#maxPauseMs = maxPauseMs
  }

  /** One after the other in each lane, until `stop`. */
  start(): void {
    this.#running = Promise.all(
      Array.from({ length: this.#lanes }, (_, lane) => this.#lane(lane, new Random(this.#seed, `lockout ${lane}`))),
    )
  }

  /** Bans that were answered until now. */
  get count(): number {
    return this.#banned.length
  }

  /** No more of them; of those under way nobody says anything any more. */
  async stop(): Promise<readonly LockedOut[]> {
    this.#pauses.end()
    await this.#running
    return this.#banned
  }

  [Symbol.dispose](): void {
    this.#pauses.end()
    for (const client of this.#clients) void client.close().catch(() => undefined)
  }

  async #lane(lane: number, random: Random): Promise<void> {
    for (let n = 0; !this.#pauses.isOver; n++) {
      // Each operator is another session, at any process.
      const [operator, speaker] = [this.#client(`operator-${lane}`), this.#client(`speaker-${lane}-${n}`)]
      try {
        await Promise.all([operator.connect(), speaker.connect().then(() => speaker.join(lockoutChannel))])
        await this.#lockOut(operator, speaker, random)
      } catch {
        // It could not get in: the next one may.
      } finally {
        await Promise.all([operator, speaker].map(client => this.#close(client)))
      }
      await this.#pauses.wait(random.between(0, this.#maxPauseMs))
    }
  }

  async #lockOut(operator: AgentChatClient, speaker: AgentChatClient, random: Random): Promise<void> {
    const agentId = speaker.agentId!
    let said = 0
    let isSpeaking = true
    const speaking = (async () => {
      while (isSpeaking) {
        speaker.send(lockoutChannel, contentOf(said++, '')).catch(() => undefined)
        await this.#pauses.wait(speakMs)
        if (this.#pauses.isOver) return
      }
    })()
    await this.#pauses.wait(random.between(minSpeakMs, maxSpeakMs))
    if (await this.#isBanned(operator, agentId)) {
      this.#banned.push({ agentId, from: said })
      await this.#pauses.wait(goOnMs)
    }
    isSpeaking = false
    await speaking
  }

  async #isBanned(operator: AgentChatClient, agentId: string): Promise<boolean> {
    while (!this.#pauses.isOver) {
      try {
        await operator.request('ADMIN_BAN', { admin_key: chaosAdminKey, agent_id: agentId as `@${string}` })
        return true
      } catch (error) {
        if (error instanceof RelayError && !error.shouldRetry()) return false
        await this.#pauses.wait(retryMs)
      }
    }
    return false
  }

  #client(name: string): AgentChatClient {
    const identity = nodeIdentity(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    const client = new AgentChatClient({
      server: this.#url,
      name,
      identity,
      transport: wsTransport,
      verify: this.#verify,
      requestTimeoutMs,
      reconnect,
      inbox: 'none',
    })
    this.#clients.add(client)
    return client
  }

  async #close(client: AgentChatClient): Promise<void> {
    await client.close().catch(() => undefined)
    this.#clients.delete(client)
  }
}

/** Against what is stored. */
export const auditLockouts = async (remains: Remains, banned: readonly LockedOut[]): Promise<LockoutVerdict> => {
  const from = new Map(banned.map(({ agentId, from }) => [agentId, from]))
  let trespasses = 0
  for (const { id } of await remains.ask<{ id: number }>(`SELECT id FROM streams WHERE name = '${lockoutChannel}'`))
    for await (const { author, text } of remains.events(id))
      if (numberOf((JSON.parse(text) as { readonly content: string }).content) >= (from.get(author) ?? Infinity)) trespasses++
  return { bans: banned.length, trespasses }
}
