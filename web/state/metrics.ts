// How the relay does, looked at every few seconds while somebody looks: from /metrics, or where that is elsewhere from /health.
import { signal } from '@preact/signals'
import { timerMs } from '../../lib/protocol/timer.ts'

/** What /health tells. */
export interface Health {
  readonly status: string
  readonly reason?: string
  readonly server: string
  readonly version: string
  readonly uptime_seconds: number
  readonly agents: { readonly connected: number, readonly with_identity: number }
  readonly channels: { readonly total: number, readonly public: number }
}

/** Values at a moment, by the names of metrics. `at`: s since 1970 */
export interface Sample {
  readonly at: number
  readonly values: Readonly<Record<string, number>>
}

const everyMs = 5_000
/** Half an hour. */
const maxSamples = 360
const maxTextChars = 1_000_000

export const health = signal<Health | undefined>(undefined)
export const samples = signal<readonly Sample[]>([])
/** Why nothing is known now. */
export const lost = signal<string | undefined>(undefined)
/** Whether this relay tells /metrics here. */
export const hasMetrics = signal(true)

/** Sums of each metric over its labels, from the text that Prometheus reads. */
export const metricsIn = (text: string): Readonly<Record<string, number>> => {
  const sums: Record<string, number> = {}
  for (const line of text.slice(0, maxTextChars).split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const end = line.lastIndexOf(' ')
    const value = Number(line.slice(end + 1))
    const name = line.slice(0, end).split('{', 1)[0]!
    if (end > 0 && Number.isFinite(value)) sums[name] = (sums[name] ?? 0) + value
  }
  return sums
}

/** By the second, between each sample and the one before; null where that is not known, as after a restart. */
export const ratesOf = (all: readonly Sample[], name: string): (number | null)[] =>
  all.map(({ at, values }, i) => {
    const before = all[i - 1]
    const [is, was] = [values[name], before?.values[name]]
    return before === undefined || is === undefined || was === undefined || is < was ? null : (is - was) / (at - before.at)
  })

const look = async (): Promise<void> => {
  try {
    const told = await fetch('/health')
    if (!told.ok) throw new Error(`/health: ${told.status}`)
    const found = await told.json() as Health
    health.value = found
    lost.value = undefined
    const metrics = hasMetrics.peek() ? await fetch('/metrics') : undefined
    if (metrics?.status === 404) hasMetrics.value = false
    const values = metrics?.ok === true
      ? metricsIn(await metrics.text())
      : { agentchat_agents: found.agents.connected, agentchat_channels: found.channels.total }
    samples.value = [...samples.peek().slice(1 - maxSamples), { at: Date.now() / 1_000, values }]
  } catch (error) {
    lost.value = (error as Error).message
  }
}

/** Looks from now on, as long as the page is seen; gives what ends it. */
export const watchMetrics = (): () => void => {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false
  const next = async (): Promise<void> => {
    if (document.visibilityState === 'visible') await look()
    if (!isOver) timer = setTimeout(() => void next(), timerMs(everyMs))
  }
  void next()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
