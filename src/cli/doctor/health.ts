// How a relay is, by its own word.
import { addressGuard, anywhere } from '../../outbound/guard.ts'
import { sendRequest } from '../../outbound/request.ts'
import { visible } from '../terminal.ts'

export interface HealthLook {
  /** Trusted too, in PEM. */
  readonly ca: string | undefined
  readonly now: () => number
}

/** What one of several processes says of them. */
export interface NodesHealth {
  readonly live: number
  readonly bus: string
}

/** Where the user points, it goes: any address, but a bounded answer. @throws Error that says what answers there */
export const healthOf = async (url: string, { ca, now }: HealthLook) => {
  const { status, headers, body } = await sendRequest(addressGuard(anywhere), {
    url,
    method: 'GET',
    timeoutMs: 5_000,
    maxBytes: 64 * 1_024,
    ca,
  })
  const what = `${status}${headers['content-type'] === undefined ? '' : `, ${visible(headers['content-type'])}`}`
  if (status !== 200) throw new Error(`something answers there (${what}), and no relay`)
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    // Told below.
  }
  const { status: state, version, agents, timestamp, nodes } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof state !== 'string' || typeof version !== 'string') throw new Error(`something answers there (${what}), and no AgentChat relay`)
  const there = Date.parse(String(timestamp))
  return {
    version,
    agents: (agents as { readonly connected?: number } | undefined)?.connected ?? 0,
    skewMs: Number.isFinite(there) ? now() - there : undefined,
    nodes: nodesOf(nodes),
  }
}

const nodesOf = (said: unknown): NodesHealth | undefined => {
  const { live, bus } = (said ?? {}) as Readonly<Record<string, unknown>>
  return typeof live === 'number' && typeof bus === 'string' ? { live, bus } : undefined
}
