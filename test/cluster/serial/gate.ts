// A store in which what two processes do at once meets: a transaction stands still for a moment where another one could come between, and on
// request does not do what keeps others out.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store, Tx } from '../../../src/store/store.ts'

/** scopes: nobody waits for who decides about the same. keys: a repeat is not told apart. channels: what is known of them in memory decides. */
export type Broken = 'scopes' | 'keys' | 'channels'

const longestMs = 4
/** Of the moments at which it may, so many are those in which it does. */
const standsStill = 0.6

/** Whether two ask at once: nobody waits for anything else. */
export interface Gate {
  isOpen: boolean
}

export const gated = (store: Store, gate: Gate, random: () => number, broken: Broken | undefined): Store => {
  const pause = async () => {
    if (!gate.isOpen && random() < standsStill) await sleep(random() * longestMs)
  }
  const gatedTx = (tx: Tx): Tx => ({
    ...tx,
    log: broken === 'keys' ? withoutKeys(tx.log) : tx.log,
    lock: async scope => {
      if (broken === 'scopes') return
      await pause()
      await tx.lock(scope)
    },
    goBy: (channel, version) => {
      if (broken !== 'channels') tx.goBy?.(channel, version)
    },
    get writes() {
      return tx.writes
    },
  })
  return {
    epoch: store.epoch,
    read: store.read,
    aside: store.aside,
    write: fn =>
      store.write(async tx => {
        const result = await fn(gatedTx(tx))
        // Nothing of it is seen by others yet; what they read now is what was before.
        await pause()
        return result
      }),
    space: () => store.space(),
    close: () => store.close(),
  }
}

const withoutKeys = (log: Tx['log']): Tx['log'] =>
  new Proxy(log, {
    get: (target, method) => {
      const append: Tx['log']['append'] = ({ key: _, ...entry }, now, encode) => target.append(entry, now, encode)
      if (method === 'append') return append
      if (method === 'together') return () => ({ append })
      const value = target[method as keyof Tx['log']]
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
    },
  })
