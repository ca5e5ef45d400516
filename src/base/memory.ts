// How much memory the process may use.
import { totalmem } from 'node:os'

/** What a relay is deployed with, and counts on where nothing says how much there is. */
export const ordinaryMemoryBytes = 512 * 1024 * 1024

/**
 * The limit that the system sets for this process (its control group: a container's or a unit's), in bytes; undefined where it sets none.
 * `constrained` is what Node reads there: 0, or more than there is, where nothing is set.
 */
export const memoryLimit = (constrained = process.constrainedMemory(), total = totalmem()): number | undefined =>
  constrained > 0 && constrained < total ? constrained : undefined
