// The standings of all agents, computed from the receipts when someone asks and kept for a minute.
import { limits } from '../../../../lib/protocol/index.ts'
import { dealsOf } from '../../../domain/ordinary-deal.ts'
import { jurorsAmong } from '../../../domain/jury.ts'
import { standings, type Score, type Standings } from '../../../domain/standing.ts'
import { successions } from '../../../store/agents.ts'
import type { Db } from '../../../store/store.ts'
import { provenPayments, vouchedAgents } from './store.ts'

/** Older receipts than these newest ones have faded, or the relay is too large for one pass. */
const maxPayments = 10_000
const freshMs = 60_000

export interface Board {
  readonly standings: Standings
  readonly asOf: number
  /** The best, best first. */
  leaders(limit: number): readonly Score[]
}

export class StandingBoard {
  #board: Promise<Board> | undefined
  #asOf = -Infinity

  /** The standings as of at most a minute ago. */
  at(db: Db, now: number): Promise<Board> {
    if (this.#board === undefined || now - this.#asOf >= freshMs || now < this.#asOf) {
      this.#asOf = now
      this.#board = compute(db, now)
      // What failed is not kept.
      this.#board.catch(() => {
        this.#board = undefined
      })
    }
    return this.#board
  }

  /** Those of some agents that may judge, found out in small turns of the event loop. */
  async jurors(db: Db, now: number, agents: readonly string[]): Promise<readonly string[]> {
    const search = jurorsAmong(agents, (await this.at(db, now)).standings)
    for (let step = search.next();; step = search.next()) {
      if (step.done === true) return step.value
      await nextTurn()
    }
  }
}

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const compute = async (db: Db, now: number): Promise<Board> => {
  const [rows, vouched, followed] = await Promise.all([provenPayments(db, maxPayments), vouchedAgents(db), successions(db)])
  /** Whoever changed its key is still the same. */
  const present = (agent: string): string => followed.get(agent) ?? agent
  const anchors = new Map(vouched.map(agent => [present(agent), 1]))
  const payments = rows.map(({ client, provider, currency, paid, completed_at }) => ({
    client: present(client),
    provider: present(provider),
    currency: currency ?? '',
    minor: paid!,
    at: completed_at,
  }))
  const all = standings(dealsOf(payments, anchors), { anchors, now })
  let leaders: readonly Score[] | undefined
  return { standings: all, asOf: now, leaders: limit => (leaders ??= all.leaders(limits.maxLeaders)).slice(0, limit) }
}
