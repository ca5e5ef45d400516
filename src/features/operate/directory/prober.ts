// Looks at relays, turn by turn: those that are due are asked after the commit that took them, and what was seen is written in
// the next turn.
import { serverDocumentProblem } from '../../../../lib/identity/index.ts'
import { ServerDocument } from '../../../../lib/protocol/index.ts'
import type { Outcome } from '../../../relay/feature.ts'
import type { Tx } from '../../../store/store.ts'
import { findServer, supersede, takeDue, type LookedAt, type ServerRow } from '../../../store/servers.ts'
import { keepLook } from './book.ts'

/** Asks a relay for its description; rejects with the reason. */
export type LookAt = (url: string) => Promise<{ readonly document?: unknown, readonly latencyMs: number }>

/** What was seen at an address. */
type Seen =
  | { readonly kind: 'key', readonly latencyMs: number, readonly agents: number, readonly clockIsOff: boolean }
  | { readonly kind: 'otherKey' }
  | { readonly kind: 'nothing', readonly problem: string }

interface Due {
  readonly id: string
  readonly url: string
}

const asksAtOnce = 32
/** Longer than any look takes: what was lost with the process is due again after it. */
const claimMs = 60_000
/** A relay that announced itself and cannot be reached is tried again twice. */
const retriesMs = [10_000, 60_000]
/** Relays that announce themselves no more are looked at seldom, so that their uptime goes on. */
const silentEveryMs = 60 * 60_000

export class Prober {
  readonly #look: LookAt
  readonly #everyMs: number
  #seen: { readonly due: Due, readonly seen: Seen }[] = []
  #asking = 0

  constructor(look: LookAt, everyMs: number) {
    this.#look = look
    this.#everyMs = everyMs
  }

  async turn(tx: Tx, now: number): Promise<Outcome | undefined> {
    const seen = this.#seen
    for (const { due, seen: what } of seen) await this.#note(tx, due, what, now)
    const free = asksAtOnce - this.#asking
    const due = free <= 0 ? [] : (await takeDue(tx, now, free, now + claimMs)).map(({ server_id: id, url }) => ({ id, url }))
    if (seen.length === 0 && due.length === 0) return undefined
    return {
      committed: () => {
        this.#seen = this.#seen.filter(each => !seen.includes(each))
        for (const each of due) void this.#ask(each, now)
      },
    }
  }

  async #ask(due: Due, now: number): Promise<void> {
    this.#asking++
    const seen = await this.#look(due.url).then(({ document, latencyMs }) => whatWasSeen(due, document, latencyMs, now),
      (error: unknown): Seen => ({ kind: 'nothing', problem: (error as Error).message.slice(0, 200) }))
    this.#asking--
    this.#seen = [...this.#seen, { due, seen }]
  }

  async #note(tx: Tx, { id, url }: Due, seen: Seen, now: number): Promise<void> {
    const server = await findServer(tx, id)
    // It moved, or went, while it was asked.
    if (server === undefined || server.url !== url) return
    await keepLook(tx, id, this.#after(server, seen, now), now)
    if (seen.kind === 'key') await supersede(tx, url, id)
  }

  /** How a relay stands after a look. */
  #after({ state, failures, expires_at, latency_ms, agents }: ServerRow, seen: Seen, now: number): Omit<LookedAt, 'checked_at'> {
    const next = now + (now < expires_at ? this.#everyMs : Math.max(silentEveryMs, this.#everyMs))
    switch (seen.kind) {
      case 'key':
        return {
          state: 'listed',
          online: 1,
          next_check: next,
          latency_ms: Math.round(seen.latencyMs),
          agents: seen.agents,
          failures: 0,
          problem: seen.clockIsOff ? 'its clock is off' : null,
        }
      case 'otherKey':
        return {
          state: 'refused',
          online: 0,
          next_check: next,
          latency_ms,
          agents: null,
          failures: failures + 1,
          problem: 'another key answers at its address',
        }
      case 'nothing': {
        const retryMs = state === 'listed' ? undefined : retriesMs[failures]
        return {
          state: state === 'listed' ? 'listed' : retryMs === undefined ? 'refused' : 'pending',
          online: 0,
          next_check: retryMs === undefined ? next : now + retryMs,
          latency_ms,
          agents,
          failures: failures + 1,
          problem: seen.problem,
        }
      }
      default:
        return seen satisfies never
    }
  }
}

/** The relay's own words at its own address: signed by the key that was announced, or by another. */
const whatWasSeen = ({ id }: Due, answer: unknown, latencyMs: number, now: number): Seen => {
  const parsed = ServerDocument.safeParse(answer)
  if (!parsed.success) return { kind: 'nothing', problem: 'what answers is no relay of this kind' }
  const problem = serverDocumentProblem(parsed.data, { now })
  if (problem === 'key' || problem === 'signature' || parsed.data.server_id !== id) return { kind: 'otherKey' }
  return { kind: 'key', latencyMs, agents: parsed.data.counts.agents, clockIsOff: problem !== undefined }
}
