// What is spent of allowances that hold at all processes of a relay together: each tells the others a few times a second what was spent at
// it, and they take it from their own. Who is at one process alone, and spends little, is told of by nobody.
import type { Clock } from '../base/clock.ts'
import { timerMs } from '../../lib/protocol/index.ts'
import { everyone } from '../bus/bus.ts'
import type { NumberedBus } from './numbered-bus.ts'
import type { Roster } from './roster.ts'
import type { Shared, SharedCounts } from './bucket.ts'
import type { Spent } from './told.ts'

/** How often it is told. */
const tellMs = 200
/** In one message, and in a turn: the others are told in the next. */
const maxTold = 2_000

export interface SpendingDeps {
  readonly bus: Pick<NumberedBus, 'isAlone' | 'isUp' | 'publish'>
  readonly roster: Pick<Roster, 'isElsewhere'>
  readonly clock: Clock
}

export class Spending {
  readonly #deps: SpendingDeps
  readonly #allowances: ReadonlyMap<string, Shared>
  #timer: NodeJS.Timeout | undefined

  constructor(deps: SpendingDeps, allowances: SharedCounts) {
    this.#deps = deps
    this.#allowances = new Map(Object.entries(allowances))
  }

  start(): void {
    if (this.#deps.bus.isAlone) return
    for (const allowance of this.#allowances.values()) allowance.share()
    this.#timer = setInterval(() => this.tell(), timerMs(tellMs))
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** What was spent since it was told last; without the bus it is kept, as far as it is not made up for by then. */
  tell(): void {
    const { bus, roster, clock } = this.#deps
    if (!bus.isUp) return
    const spent: Spent[] = []
    for (const [name, allowance] of this.#allowances) {
      for (const [whose, key, tokens] of allowance.untold(clock.now(), id => roster.isElsewhere(id), maxTold - spent.length))
        spent.push([name, whose, key, tokens])
    }
    if (spent.length > 0) bus.publish(everyone, { kind: 'spent', spent })
  }

  /** What another process tells. */
  hear(spent: readonly Spent[]): void {
    const now = this.#deps.clock.now()
    for (const [name, whose, key, tokens] of spent) this.#allowances.get(name)?.hear(whose, key, now, tokens)
  }
}
