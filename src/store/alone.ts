// What a store answers that one process has to itself, by a lock of its own: there is nobody to divide anything with.
import { endedOf } from './credentials.ts'
import type { Divided, Overtaken, TableReader } from './store.ts'

const nothing: Overtaken = { writers: [], channels: [] }

export const alone = (db: TableReader): Divided => ({
  lock: () => undefined,
  mayLock: () => true,
  claim: () => true,
  own: () => true,
  giveUp: () => undefined,
  lockOut: () => undefined,
  lockedOut: () => [],
  changing: () => undefined,
  // Whom this process locks out it knows of at once; what it removes, not.
  overtaken: writers =>
    writers.every(name => name.startsWith('@')) ? nothing : endedOf(db, writers).then(ended => ({ writers: ended, channels: [] })),
})
