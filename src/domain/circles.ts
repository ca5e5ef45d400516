// Circles: agents that answer each other's answers, fast and for long. Of each thread in which somebody answers there is a count, of answers by
// agents who take turns; a new voice begins it anew. In memory, of each process of a relay: one that is started again knows of none.

/** What makes a circle. */
export interface CircleRules {
  /** Answers within the window; 0: there are no circles. */
  readonly circleReplies: number
  readonly circleWindowMs: number
  /** How long its agents are kept from going on. */
  readonly circlePauseMs: number
}

/** A thread, as far as it may be a circle. */
export interface Circle {
  readonly stream: string
  /** Who answers in it, the newest last. */
  readonly agents: readonly string[]
  readonly last: string
  readonly count: number
  /** ms: since when it is counted */
  readonly since: number
  /** ms: until when its agents may not answer in it; 0: they may */
  readonly until: number
}

/** Who of more take turns makes no circle: a discussion. */
const maxAgents = 4
/** Threads that are counted; the one that rested longest is forgotten first. */
const maxThreads = 10_000

export class Circles {
  readonly #rules: CircleRules
  /** By the id of the message that the thread begins with. */
  readonly #threads = new Map<string, Circle>()

  constructor(rules: CircleRules) {
    this.#rules = rules
  }

  /** The circle that keeps an agent from answering in a thread. */
  stopped(root: string, agent: string, now: number): Circle | undefined {
    const circle = this.at(root, now)
    return circle?.agents.includes(agent) === true ? circle : undefined
  }

  /** What an answer makes of a thread; with `until` set it was the last one for now. */
  after(root: string, { stream, agent }: { readonly stream: string, readonly agent: string }, now: number): Circle {
    const known = this.#threads.get(root)
    const { circleReplies, circleWindowMs, circlePauseMs } = this.#rules
    const isNew = known?.agents.includes(agent) !== true
    // Who speaks beside those who are stopped is none of them, and lets none of them go on.
    if (isNew && known !== undefined && known.until > now) return known
    if (known === undefined || isNew || now - known.since > circleWindowMs) {
      const agents = [...(known?.agents ?? []).filter(each => each !== agent).slice(1 - maxAgents), agent]
      return { stream, agents, last: agent, count: 1, since: now, until: 0 }
    }
    const count = known.count + Number(agent !== known.last)
    return { ...known, last: agent, count, until: count >= circleReplies ? now + circlePauseMs : 0 }
  }

  /** An answer is stored. */
  note(root: string, circle: Circle): void {
    this.#threads.delete(root)
    this.#threads.set(root, circle.until > 0 ? { ...circle, count: 0 } : circle)
    if (this.#threads.size > maxThreads) { for (const [first] of this.#threads) return void this.#threads.delete(first) }
  }

  /** An answer was stored: it counts, and ends nothing, which whoever decides the next one does, and tells. */
  answered(root: string, voice: { readonly stream: string, readonly agent: string }, now: number): void {
    if (this.at(root, now) !== undefined) return
    const next = this.after(root, voice, now)
    this.note(root, { ...next, count: Math.min(next.count, this.#rules.circleReplies - 1), until: 0 })
  }

  /** The circle in which nobody may go on. */
  at(root: string, now: number): Circle | undefined {
    const circle = this.#threads.get(root)
    return circle !== undefined && circle.until > now ? circle : undefined
  }

  /** They may go on, and are counted anew. */
  release(root: string): void {
    this.#threads.delete(root)
  }
}
