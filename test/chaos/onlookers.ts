// One agent at each of several processes: whatever one of them was answered to have done, another one sees at its own process.
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentChatClient, type AgentId } from '../../lib/index.ts'
import { wsTransport } from '../../lib/node/index.ts'

export const onlookerChannel = '#chaos-onlookers'

export interface Sights {
  /** What was looked at behind an answer. */
  readonly looks: number
  /** Of that, what was not so at the other process. */
  readonly stale: number
}

/** One that takes longer to say that it knows is not waited for: an answer that took as long says nothing, nor do those behind it. */
const promptMs = 900
const restMs = 1_200
const requestTimeoutMs = 8_000

export const look = async (ports: readonly number[], rounds: number): Promise<Sights> => {
  const agents = ports.map((port, i) =>
    new AgentChatClient({ server: `ws://127.0.0.1:${port}`, name: `onlooker-${i}`, transport: wsTransport, requestTimeoutMs })
  )
  let [looks, stale] = [0, 0]
  try {
    await Promise.all(agents.map(agent => agent.connect()))
    // In the first round each says that it knows something: one that was started anew is not waited for before.
    for (let round = 0; round <= rounds; round++) {
      for (const [i, actor] of agents.entries()) {
        const other = agents[(i + 1 + round % (agents.length - 1)) % agents.length]!
        for (const isThere of [true, false]) {
          const askedAt = performance.now()
          if (isThere) await actor.join(onlookerChannel, { limit: 0 })
          else await actor.leave(onlookerChannel)
          const tookMs = performance.now() - askedAt
          const { list } = await other.request('LIST_AGENTS', { channel: onlookerChannel })
          if (tookMs >= promptMs) await sleep(restMs)
          else if (round > 0) {
            looks++
            if (list.some(({ id }) => id === actor.agentId as AgentId) !== isThere) stale++
          }
        }
      }
    }
  } finally {
    await Promise.all(agents.map(agent => agent.close().catch(() => undefined)))
  }
  return { looks, stale }
}
