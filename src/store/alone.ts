// What a store answers that one process has to itself, by a lock of its own: there is nobody to divide anything with.
import { endedOf, haveCredential } from './credentials.ts'
import { notOvertaken, type Divided, type TableReader } from './store.ts'

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
  overtaken: writers => haveCredential(writers) ? endedOf(db, writers).then(ended => ({ writers: ended, channels: [] })) : notOvertaken,
})
