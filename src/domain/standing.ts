// Standing: what agents of standing vouch for with money. docs/REPUTATION.md says why each step is as it is.
//
// A walk of trust starts at an anchor and follows funded deals; an agent's standing is the chance that a walk ever reaches him.
// What he or his friends do among themselves comes after that, and so cannot raise it.

/** Funded work that was paid and that both parties signed for. */
export interface Deal {
  readonly client: string
  readonly provider: string
  /** What the provider got, in ordinary deals: 1 is one. */
  readonly volume: number
  /** ms since 1970 */
  readonly at: number
}

export interface StandingOptions {
  /**
   * Where trust comes from, and how much: agents that an operator vouches for, or money that came from outside. Fakes must not
   * be able to mint it.
   */
  readonly anchors: ReadonlyMap<string, number>
  /** ms since 1970 */
  readonly now: number
  /** After this time a deal counts half. */
  readonly halfLifeDays?: number
}

export interface Score {
  readonly agent: string
  /** 0 to 100; 50 is a typical agent of standing. */
  readonly standing: number
  /** What it is made from: the chance that a walk of trust reaches the agent. */
  readonly reach: number
  /** 0 to 1: how much stands behind the number. */
  readonly confidence: number
  /** Agents it dealt with for money. */
  readonly counterparties: number
}

export interface Standings {
  /** An agent without deals has standing 0, with confidence 0: nothing is known. Costs a fixpoint, once for each agent. */
  of(agent: string): Score
  /** What an agent's standing is not above; costs nothing. */
  atMost(agent: string): number
  /**
   * Whether an agent dealt with so many others of this standing (by `atMost`; anchors always are) no two of which dealt with each
   * other. The first 32 of them, by standing, are looked at.
   */
  isVouchedApart(agent: string, least: { readonly standing: number, readonly counterparties: number }): boolean
  /** Whether asking for the agent costs nothing any more. */
  isSolved(agent: string): boolean
  /** The best, best first. */
  leaders(limit: number): readonly Score[]
  /** The same in pieces. */
  leadersInPieces(limit: number): Pieces<readonly Score[]>
}

/**
 * Work that can be left and gone on with: it stops after each piece and says how large that was, in deals, agents or steps of walks.
 * A fixpoint is one piece.
 */
export type Pieces<T> = Generator<number, T, void>

/** All of it at once. */
const whole = <T>(pieces: Pieces<T>): T => {
  for (let piece = pieces.next();; piece = pieces.next()) if (piece.done === true) return piece.value
}

/** The chance that a walk goes on. */
const damping = 0.8
/** What a provider's word for a client weighs against a client's word for a provider: paying is easier than delivering. */
const backward = 0.1
/** Volume with one counterparty counts less and less, and never as more than this many ordinary deals. */
const pairCap = 10
/** Counterparties of typical standing that make half a confidence. */
const halfConfidence = 2
/** The mean below is near the few at the top; an agent in the middle has about this part of it. */
const typicalPart = 0.25
const dayMs = 24 * 60 * 60_000

/** No deal counts as more; keeps sums finite. */
const maxVolume = 1e9

/** Walks of more steps are not followed: what they would add is below one part in a million. */
const maxSteps = 64
const negligible = 1e-9
/** Counterparties that are looked at for some that are strangers to each other. */
const maxApart = 32
/** Fixpoints that one list of leaders may cost. */
const maxSolves = 150
/** Deals, or edges of the graph, in one piece. */
const pieceSize = 2_000

/** Which agent vouches for which, as chances of a step: row u is `from[u]` up to `from[u + 1]`. */
interface Graph {
  readonly agents: readonly string[]
  readonly from: Uint32Array
  readonly to: Uint32Array
  readonly chance: Float64Array
  /** When u and its counterparty last dealt, as a weight: 1 now, ½ a half-life ago. */
  readonly freshness: Float64Array
}

interface Pair {
  paid: number
  received: number
  freshness: number
}

function* graphOf(deals: readonly Deal[], now: number, halfLifeMs: number): Pieces<Graph> {
  const between = new Map<string, Map<string, Pair>>()
  const pairOf = (agent: string, other: string): Pair => {
    let others = between.get(agent)
    if (others === undefined) between.set(agent, others = new Map())
    let pair = others.get(other)
    if (pair === undefined) others.set(other, pair = { paid: 0, received: 0, freshness: 0 })
    return pair
  }
  for (const [i, { client, provider, volume, at }] of deals.entries()) {
    if (i % pieceSize === pieceSize - 1) yield pieceSize
    if (client === provider || !(volume > 0)) continue
    const freshness = 2 ** (-Math.max(0, now - at) / halfLifeMs)
    for (const [agent, other, side] of [[client, provider, 'paid'], [provider, client, 'received']] as const) {
      const pair = pairOf(agent, other)
      pair[side] += Math.min(volume, maxVolume) * freshness
      pair.freshness = Math.max(pair.freshness, freshness)
    }
  }

  const agents = [...between.keys()].sort()
  const index = new Map(agents.map((agent, i) => [agent, i]))
  let count = 0
  for (const { size } of between.values()) count += size
  const graph = {
    agents,
    from: new Uint32Array(agents.length + 1),
    to: new Uint32Array(count),
    chance: new Float64Array(count),
    freshness: new Float64Array(count),
  }
  let edge = 0
  let left = pieceSize
  for (const [u, agent] of agents.entries()) {
    const pairs = between.get(agent)!
    left -= pairs.size
    if (left <= 0) {
      yield pieceSize - left
      left = pieceSize
    }
    const row = [...pairs].map(([other, { paid, received, freshness }]) => {
      // What goes to and fro between two agents says nothing about either.
      const net = Math.abs(paid - received)
      const said = net / (1 + net / pairCap)
      return { to: index.get(other)!, weight: paid > received ? said : backward * said, said, freshness }
    }).sort((a, b) => a.to - b.to)
    const all = row.reduce((sum, { said }) => sum + said, 0)
    for (const { to, weight, freshness } of row) {
      graph.to[edge] = to
      graph.chance[edge] = all > 0 ? damping * weight / all : 0
      graph.freshness[edge] = freshness
      edge++
    }
    graph.from[u + 1] = edge
  }
  return graph
}

/** How often walks from `start` arrive at each agent. Walks end at `end`: there it is the chance that one ever arrives. */
const arrivals = ({ from, to, chance }: Graph, start: Float64Array, end = -1): Float64Array => {
  const total = new Float64Array(start.length)
  let present = start
  for (let step = 0; step < maxSteps; step++) {
    const next = new Float64Array(start.length)
    let moving = 0
    for (let u = 0; u < present.length; u++) {
      const mass = present[u]!
      if (mass === 0 || u === end) continue
      for (let edge = from[u]!; edge < from[u + 1]!; edge++) next[to[edge]!]! += mass * chance[edge]!
    }
    for (let v = 0; v < next.length; v++) {
      total[v]! += next[v]!
      moving += next[v]!
    }
    if (moving < negligible) break
    present = next
  }
  return total
}

/** The standing of every agent that took part in these deals. Cost: one fixpoint here, one for each agent that is asked about. */
export const standings = (deals: readonly Deal[], options: StandingOptions): Standings => whole(standingsInPieces(deals, options))

/** The same in pieces. */
export function* standingsInPieces(
  deals: readonly Deal[],
  { anchors, now, halfLifeDays = 90 }: StandingOptions,
): Pieces<Standings> {
  const graph = yield* graphOf(deals, now, halfLifeDays * dayMs)
  const { agents, from, to, chance, freshness } = graph
  const index = new Map(agents.map((agent, i) => [agent, i]))

  // Anchors that never dealt say nothing about anybody: trust starts at the others.
  const start = Float64Array.from(agents, agent => Math.max(0, anchors.get(agent) ?? 0))
  const anchored = start.reduce((sum, weight) => sum + weight, 0)
  if (anchored > 0) { for (let u = 0; u < start.length; u++) start[u]! /= anchored }

  const visits = arrivals(graph, start)
  /** What a fixpoint costs at most. */
  const fixpoint = maxSteps * to.length
  yield fixpoint
  const sum = visits.reduce((all, mass) => all + mass, 0)
  // The mean of the agents, each weighted by its own standing: any number of agents without standing does not move it.
  const typical = sum > 0 ? typicalPart * visits.reduce((all, mass) => all + mass * mass, 0) / sum : 1
  const others = (v: number) => 1 - start[v]!

  /** Never below what `reached` gives. */
  const bound = (v: number) => others(v) > 0 ? visits[v]! / others(v) : 0
  const reached = (v: number): number => {
    // Nobody is an anchor of himself: walks that start here are left out.
    if (bound(v) === 0) return 0
    const own = start[v]!
    start[v] = 0
    const chance = arrivals(graph, start, v)[v]!
    start[v] = own
    return chance / others(v)
  }

  const standingOf = (chance: number): number => 100 * chance / (chance + typical)
  const mostOf = (v: number): number => standingOf(bound(v))

  const dealt = (v: number, other: number): boolean => {
    let [low, high] = [from[v]!, from[v + 1]!]
    while (low < high) {
      const middle = (low + high) >> 1
      if (to[middle]! < other) low = middle + 1
      else high = middle
    }
    return low < from[v + 1]! && to[low] === other
  }

  /** Whether `count` of these, from `first` on, are strangers to those chosen and to each other. */
  const areApart = (others: readonly number[], count: number, first = 0, chosen: readonly number[] = []): boolean =>
    count === 0
    || others.slice(first).some((u, i) =>
      chosen.every(other => !dealt(u, other)) && areApart(others, count - 1, first + i + 1, [...chosen, u])
    )

  const score = (v: number, chance: number): Score => {
    let weight = 0
    for (let edge = from[v]!; edge < from[v + 1]!; edge++) {
      const u = to[edge]!
      weight += freshness[edge]! * Math.min(1, (start[u]! + visits[u]!) / typical)
    }
    return {
      agent: agents[v]!,
      standing: rounded(standingOf(chance), 1),
      reach: rounded(chance, 6),
      confidence: rounded(weight / (weight + halfConfidence), 2),
      counterparties: from[v + 1]! - from[v]!,
    }
  }

  const solved = new Map<number, { readonly chance: number, readonly score: Score }>()
  const solve = (v: number) => {
    let known = solved.get(v)
    if (known === undefined) {
      const chance = reached(v)
      solved.set(v, known = { chance, score: score(v, chance) })
    }
    return known
  }

  function* leadersInPieces(limit: number): Pieces<readonly Score[]> {
    const candidates = agents.map((_, v) => v).filter(v => bound(v) > 0).sort((a, b) => bound(b) - bound(a) || a - b).slice(0, maxSolves)
    yield agents.length
    const best: { readonly v: number, readonly chance: number }[] = []
    for (const v of candidates) {
      // Nobody further down can reach what the last one of the list has.
      if (best.length >= limit && best[limit - 1]!.chance >= bound(v)) break
      const isNew = !solved.has(v)
      best.push({ v, chance: solve(v).chance })
      best.sort((a, b) => b.chance - a.chance || a.v - b.v)
      if (isNew) yield fixpoint
    }
    return best.slice(0, limit).map(({ v }) => solve(v).score)
  }

  return {
    of: agent => {
      const v = index.get(agent)
      return v === undefined ? { agent, standing: 0, reach: 0, confidence: 0, counterparties: 0 } : solve(v).score
    },
    isSolved: agent => {
      const v = index.get(agent)
      return v === undefined || solved.has(v)
    },
    atMost: agent => {
      const v = index.get(agent)
      return v === undefined ? 0 : mostOf(v)
    },
    isVouchedApart: (agent, { standing, counterparties }) => {
      const v = index.get(agent)
      if (v === undefined) return false
      const others: number[] = []
      // What goes to and fro says nothing.
      for (let edge = from[v]!; edge < from[v + 1]!; edge++) if (chance[edge]! > 0) others.push(to[edge]!)
      return areApart(
        others.filter(u => start[u]! > 0 || mostOf(u) >= standing).sort((a, b) => visits[b]! - visits[a]! || a - b).slice(0, maxApart),
        counterparties,
      )
    },
    leaders: limit => whole(leadersInPieces(limit)),
    leadersInPieces,
  }
}

const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits
