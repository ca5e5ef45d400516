// A measured load on a relay: agents that talk at a steady rate in a channel of their own, and how long each message took.
import { createHistogram, performance } from 'node:perf_hooks'
import { timerMs } from '../../lib/protocol/timer.ts'
import type { AgentChatClient, ChannelName, RelayError } from '../../lib/client/index.ts'

export interface LoadPlan {
  /** members of the channel; every one of them talks */
  readonly clients: readonly AgentChatClient[]
  readonly channel: ChannelName
  /** of each agent */
  readonly messagesPerSecond: number
  /** messages of one agent that may wait for their ACK; past it the agent skips its turn */
  readonly outstanding: number
  /** characters of each content */
  readonly size: number
  readonly durationMs: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: { readonly elapsedMs: number, readonly sent: number, readonly received: number }) => void
}

/** ms; undefined where nothing came. */
export interface Latency {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface LoadResult {
  readonly seconds: number
  readonly sent: number
  readonly acknowledged: number
  /** refused or without an answer, by code */
  readonly failed: Readonly<Record<string, number>>
  /** turns that were skipped because too much was outstanding: the relay, or this machine, did not keep up */
  readonly skipped: number
  /** what the other members should have got of what was acknowledged, and what they got */
  readonly expected: number
  readonly received: number
  /** from send to ACK, and from send to each reader */
  readonly ackMs: Latency | undefined
  readonly deliveryMs: Latency | undefined
}

/** How long what is on its way may still take, once sending is over. */
const graceMs = 5_000
const progressMs = 200

export const runLoad = async (
  { clients, channel, messagesPerSecond, outstanding, size, durationMs, signal, onProgress }: LoadPlan,
): Promise<LoadResult> => {
  const acks = createHistogram()
  const deliveries = createHistogram()
  const sentAt = new Map<string, number>()
  const failed: Record<string, number> = {}
  let [sent, acknowledged, skipped, received] = [0, 0, 0, 0]
  const toMicros = (ms: number) => Math.max(1, Math.round(ms * 1_000))

  const stops = clients.map(client =>
    client.on('MSG', ({ to, from, content }) => {
      if (to !== channel || from === client.agentId) return
      const at = sentAt.get(content.slice(0, content.indexOf(' ')))
      if (at === undefined) return
      received++
      deliveries.record(toMicros(performance.now() - at))
    })
  )

  const startedAt = performance.now()
  const say = async (client: AgentChatClient): Promise<void> => {
    const number = String(sent++)
    const at = performance.now()
    sentAt.set(number, at)
    try {
      await client.send(channel, `${number} `.padEnd(size, '.'))
      acknowledged++
      acks.record(toMicros(performance.now() - at))
    } catch (error) {
      const code = (error as Partial<RelayError>).code ?? (error as Error).name
      failed[code] = (failed[code] ?? 0) + 1
    }
  }
  const talk = async (client: AgentChatClient, index: number): Promise<void> => {
    const waiting = new Set<Promise<void>>()
    // Spread over the interval: agents that all talk at the same moment measure their own crowd.
    for (let turn = index / clients.length;; turn++) {
      const dueMs = startedAt + turn * 1_000 / messagesPerSecond - performance.now()
      if (dueMs > 0) await pause(dueMs, signal)
      if (signal.aborted || performance.now() - startedAt >= durationMs) break
      if (waiting.size >= outstanding) {
        skipped++
        continue
      }
      const saying = say(client).finally(() => waiting.delete(saying))
      waiting.add(saying)
    }
    await Promise.race([Promise.all(waiting), pause(graceMs, signal)])
  }

  const ticking = setInterval(() => onProgress({ elapsedMs: performance.now() - startedAt, sent, received }), timerMs(progressMs))
  try {
    await Promise.all(clients.map(talk))
    const seconds = (performance.now() - startedAt) / 1_000
    const expected = () => acknowledged * (clients.length - 1)
    for (const end = performance.now() + graceMs; received < expected() && performance.now() < end && !signal.aborted;)
      await pause(20, signal)
    return {
      seconds,
      sent,
      acknowledged,
      failed,
      skipped,
      expected: expected(),
      received,
      ackMs: latencyOf(acks),
      deliveryMs: latencyOf(deliveries),
    }
  } finally {
    clearInterval(ticking)
    for (const stop of stops) stop()
  }
}

const latencyOf = (histogram: ReturnType<typeof createHistogram>): Latency | undefined => {
  const ms = (percentile: number) => Math.round(histogram.percentile(percentile)) / 1_000
  return histogram.count === 0 ? undefined : { p50: ms(50), p90: ms(90), p99: ms(99), max: histogram.max / 1_000 }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, timerMs(ms))
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
