// A transaction of a store that a test keeps open: all that it does is sent and done, and nobody else sees it yet.
import type { Store, Tx } from '../../src/store/store.ts'

export interface Held {
  /** Commits it. */
  release(): Promise<void>
}

export const held = async (store: Store, fn: (tx: Tx) => Promise<unknown>): Promise<Held> => {
  let open = (): void => undefined
  const gate = new Promise<void>(resolve => open = resolve)
  let over = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    over = store.write(async tx => {
      await fn(tx)
      await tx.log.flush()
      // Answered behind all that was sent.
      await tx.tables<{ events: { id: number } }>().selectFrom('events').select('id').limit(1).execute()
      resolve()
      await gate
    })
    over.catch(reject)
  })
  return {
    release: () => {
      open()
      return over
    },
  }
}
