// The standings of all agents, computed from the receipts when someone asks and kept for a minute.
import { limits } from '../../../../lib/protocol/index.ts'
import { dealsOf } from '../../../domain/ordinary-deal.ts'
import { jurorsAmong } from '../../../domain/jury.ts'
import { standingsInPieces, type Score, type Standings } from '../../../domain/standing.ts'
import { successions } from '../../../store/agents.ts'
import type { Db } from '../../../store/store.ts'
import { PieceWork } from './piece-work.ts'
import { provenPayments, vouchedAgents } from './store.ts'

/** Older receipts than these newest ones have faded, or the relay is too large for one pass. */
const maxPayments = 10_000
const freshMs = 60_000

interface Board {
  readonly standings: Standings
  readonly asOf: number
}

/** Of agents that belong to an account, which; by any of the keys that they have had. */
export type Owners = (db: Db) => Promise<ReadonlyMap<string, string>>

export class StandingBoard {
  readonly #owners: Owners
  #board: Promise<Board> | undefined
  #asOf = -Infinity
  readonly #arithmetic = new PieceWork()

  constructor(owners: Owners) {
    this.#owners = owners
  }

  /** The standings of some agents, in their order, as of at most a minute ago. */
  async scores(db: Db, now: number, agents: readonly string[]): Promise<{ readonly scores: readonly Score[], readonly asOf: number }> {
    const { standings, asOf } = await this.#at(db, now)
    return { scores: await this.#arithmetic.run(scoresOf(standings, agents)), asOf }
  }

  /** The best, best first. */
  async leaders(db: Db, now: number, limit: number): Promise<{ readonly scores: readonly Score[], readonly asOf: number }> {
    const { standings, asOf } = await this.#at(db, now)
    // Of all that there may be, so that the next one who asks for more or fewer finds them.
    const scores = await this.#arithmetic.run(standings.leadersInPieces(limits.maxLeaders))
    return { scores: scores.slice(0, limit), asOf }
  }

  /** Those of some agents that may judge. */
  async jurors(db: Db, now: number, agents: readonly string[]): Promise<readonly string[]> {
    const { standings } = await this.#at(db, now)
    return this.#arithmetic.run(jurorsAmong(agents, standings))
  }

  #at(db: Db, now: number): Promise<Board> {
    if (this.#board === undefined || now - this.#asOf >= freshMs || now < this.#asOf) {
      this.#asOf = now
      const board = this.#board = this.#compute(db, now)
      // What failed is not kept.
      board.catch(() => {
        if (this.#board === board) this.#board = undefined
      })
    }
    return this.#board
  }

  async #compute(db: Db, now: number): Promise<Board> {
    const [rows, vouched, followed, owned] = await Promise.all([
      provenPayments(db, maxPayments),
      vouchedAgents(db),
      successions(db),
      this.#owners(db),
    ])
    /** Whoever changed its key is still the same. */
    const present = (agent: string): string => followed.get(agent) ?? agent
    const anchors = new Map(vouched.map(agent => [present(agent), 1]))
    const owners = new Map([...owned].map(([agent, account]) => [present(agent), account]))
    /** What goes from one hand of an owner into the other vouches for nobody. */
    const isWithin = ({ client, provider }: { readonly client: string, readonly provider: string }): boolean => {
      const owner = owners.get(present(client))
      return owner !== undefined && owners.get(present(provider)) === owner
    }
    const payments = rows.filter(row => !isWithin(row)).map(({ client, provider, currency, paid, completed_at }) => ({
      client: present(client),
      provider: present(provider),
      currency: currency ?? '',
      minor: paid!,
      at: completed_at,
    }))
    return { standings: await this.#arithmetic.run(standingsInPieces(dealsOf(payments, anchors), { anchors, now })), asOf: now }
  }
}

function* scoresOf(standings: Standings, agents: readonly string[]): Generator<undefined, readonly Score[], void> {
  const scores: Score[] = []
  for (const agent of agents) {
    if (!standings.isSolved(agent)) yield
    scores.push(standings.of(agent))
  }
  return scores
}
