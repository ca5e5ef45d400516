// How anything about accounts is decided: in a transaction, one at a time.
import type { Store, Tx } from '../../../store/store.ts'

export interface Deciding {
  readonly store: Pick<Store, 'read' | 'write'>
  readonly clock: { now(): number }
}

export type Decide<T> = (tx: Tx, now: number) => Promise<T>

/** Nothing about accounts is decided twice at once. */
export const decided = <T>({ store, clock }: Deciding, decide: Decide<T>): Promise<T> =>
  store.write(async tx => {
    await tx.lock('accounts')
    return decide(tx, clock.now())
  })
