// What /health says: of the relay, whichever of its processes is asked, and of how this one stands to the others.
import type { NodeFacts } from '../store/nodes.ts'
import type { Health, RosterView } from './view.ts'

export interface HealthFacts {
  readonly now: number
  readonly startedAt: number
  readonly isDraining: boolean
  readonly storageProblem: string | undefined
  readonly about: Pick<Health, 'server' | 'version' | 'proposals'>
  readonly roster: Pick<RosterView, 'agentCount'> & {
    readonly keyedCount: number
    readonly channelCount: number
    readonly publicCount: number
  }
  /** undefined: one process is all. */
  readonly nodes: NodeFacts | undefined
}

const unheard = 'NATS does not answer: other processes of the relay are not heard, and what they say comes later'

const someUnheard = 'A process of the relay that runs is not heard: what is said there comes later'

export const healthOf = ({ now, startedAt, isDraining, storageProblem, about, roster, nodes }: HealthFacts): Health => {
  const problem = storageProblem ?? (nodes?.bus === 'down' ? unheard : nodes?.unheard ? someUnheard : undefined)
  const { server, version, ...facts } = about
  return {
    status: isDraining ? 'draining' : problem === undefined ? 'healthy' : 'degraded',
    ...(problem !== undefined && { reason: problem }),
    server,
    version,
    uptime_seconds: Math.floor((now - startedAt) / 1_000),
    started_at: new Date(startedAt).toISOString(),
    agents: { connected: roster.agentCount, with_identity: roster.keyedCount },
    channels: { total: roster.channelCount, public: roster.publicCount },
    ...facts,
    ...(nodes !== undefined && { nodes: { live: nodes.nodes, behind: nodes.behind, bus: nodes.bus } }),
    timestamp: new Date(now).toISOString(),
  }
}
