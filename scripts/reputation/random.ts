// Randomness from a seed: the same world for every measure, and again tomorrow.

export interface Random {
  /** 0 ≤ n < 1 */
  next(): number
  pick<T>(items: readonly T[]): T
  /** Around 1: half of the values below it, few above 5. */
  spread(): number
}

/** A 32-bit generator of the splitmix family: plenty for a simulation. */
export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
  return {
    next,
    pick: items => items[Math.floor(next() * items.length)]!,
    spread: () => Math.exp(0.7 * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())),
  }
}
