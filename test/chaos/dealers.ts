// Agents that deal: money sent to and fro, and jobs from offer to payment, while the relay is killed under them. They write
// down what they were promised.
import { generateKeyPairSync } from 'node:crypto'
import { AgentChatClient } from '../../lib/index.ts'
import { createVerify, nodeIdentity, wsTransport } from '../../lib/node/index.ts'
import { Random } from './random.ts'

export const chaosAdminKey = 'for the chaos run alone'
const creditMinor = 100_000
const priceMinor = 300

/** A transfer under a note of its own. */
export interface Sent {
  readonly note: string
  readonly from: string
  readonly to: string
  readonly amountMinor: number
  isAcknowledged: boolean
}
/** How far a deal was answered to have come. */
export interface Dealt {
  readonly proposalId: string
  readonly client: string
  readonly provider: string
  states: string[]
}

export interface Dealings {
  readonly credits: ReadonlyMap<string, number>
  readonly sent: readonly Sent[]
  readonly dealt: readonly Dealt[] /** every request was, one way or the other */
  readonly isAnswered: boolean
}

export class Dealers implements Disposable {
  readonly #clients: readonly AgentChatClient[]
  readonly #seed: number
  readonly #maxPauseMs: number
  readonly #end = new AbortController()
  readonly #sent: Sent[] = []
  readonly #dealt: Dealt[] = []
  #running: Promise<unknown> = Promise.resolve()

  /** @param maxPauseMs between two turns of each */
  constructor(url: string, count: number, seed: number, maxPauseMs: number) {
    const verify = createVerify()
    this.#seed = seed
    this.#maxPauseMs = maxPauseMs
    this.#clients = Array.from({ length: count }, (_, i) => {
      const identity = nodeIdentity(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
      return new AgentChatClient({
        server: url,
        name: `dealer-${i}`,
        identity,
        transport: wsTransport,
        verify,
        requestTimeoutMs: 8_000,
        reconnect: { minMs: 100, maxMs: 1_000 },
        inbox: 'none',
      })
    })
  }

  /** Everybody is here, and has money. */
  async enter(): Promise<void> {
    for (const client of this.#clients) {
      const { agentId: agent_id } = await client.connect()
      await client.request('ADMIN_CREDIT', {
        admin_key: chaosAdminKey,
        agent_id,
        currency: 'USD',
        amount_minor: creditMinor,
        note: 'to begin with',
        key: agent_id,
      })
    }
  }

  /** Each deals with the next one until `stop`. */
  start(): void {
    this.#running = Promise.all(
      this.#clients.map((client, i) =>
        this.#deal(client, this.#clients[(i + 1) % this.#clients.length]!, new Random(this.#seed, `dealer ${i}`), i)
      ),
    )
  }

  /** Nothing new is begun, and what is under way is waited for; whoever still waits after that time has been forgotten. */
  async stop(withinMs: number): Promise<Dealings> {
    this.#end.abort()
    let timer: NodeJS.Timeout | undefined
    const isAnswered = await Promise.race([
      this.#running.then(() => true),
      new Promise<false>(resolve => {
        timer = setTimeout(() => resolve(false), withinMs)
      }),
    ])
    clearTimeout(timer)
    return {
      credits: new Map(this.#clients.map(client => [client.agentId!, creditMinor])),
      sent: [...this.#sent],
      dealt: this.#dealt.map(dealt => ({ ...dealt, states: [...dealt.states] })),
      isAnswered,
    }
  }

  [Symbol.dispose](): void {
    this.#end.abort()
    for (const client of this.#clients) void client.close().catch(() => undefined)
  }

  /** Transfers in bursts, and beside them one job after the other. What fails may have been done: what is in the books decides. */
  async #deal(me: AgentChatClient, other: AgentChatClient, random: Random, index: number): Promise<void> {
    const again = async (turn: (n: number) => Promise<unknown>): Promise<void> => {
      for (let n = 0; !this.#end.signal.aborted; n++) {
        await turn(n).catch(() => undefined)
        await new Promise(resolve => setTimeout(resolve, random.between(1, this.#maxPauseMs)))
      }
    }
    await Promise.all([
      again(n =>
        Promise.all(
          Array.from({ length: random.between(1, 6) }, (_, j) => this.#transfer(me, other, random.between(1, 50), `${index} ${n} ${j}`)),
        )
      ),
      again(() => this.#job(me, other, random)),
    ])
  }

  async #transfer(me: AgentChatClient, other: AgentChatClient, amountMinor: number, note: string): Promise<void> {
    const sent: Sent = { note, from: me.agentId!, to: other.agentId!, amountMinor, isAcknowledged: false }
    this.#sent.push(sent)
    await me.trade.transfer(other.agentId!, amountMinor, 'USD', note).then(() => {
      sent.isAcknowledged = true
    }, () => undefined)
  }

  async #job(client: AgentChatClient, provider: AgentChatClient, random: Random): Promise<void> {
    const parts = [{ title: 'half', amount: 1 }, { title: 'rest', amount: 2 }]
    const { proposalId } = await client.trade.propose(provider.agentId!, {
      task: 'x',
      amount: priceMinor / 100,
      currency: 'USD',
      milestones: parts,
    })
    const dealt: Dealt = { proposalId, client: client.agentId!, provider: provider.agentId!, states: ['pending'] }
    this.#dealt.push(dealt)
    const end = random.between(0, 4)
    const steps = [
      () => provider.trade.accept(proposalId),
      () => client.trade.fund(proposalId),
      () => provider.trade.submit(proposalId, { text: 'x' }),
      () => client.trade.release(proposalId),
      ...(end === 0 ? [() => provider.trade.cancel(proposalId)] : end === 1 ? [] : [() => client.trade.complete(proposalId)]),
    ]
    for (const step of steps) dealt.states.push((await step()).status)
  }
}
