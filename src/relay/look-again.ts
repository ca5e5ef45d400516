// Nothing is refused by what is known in memory alone, where other processes change it too: it is looked up, and asked once more. What that
// found not to be so costs queries for which the writes of others wait, so an address has some of them, and is refused by memory then.
import type { ErrorCode } from '../../lib/protocol/index.ts'
import { Buckets } from './bucket.ts'
import type { Connection } from './connection.ts'
import { Fail } from './feature.ts'

/** Whether the tables know better than memory, of a channel and of where an agent belongs; undefined: nobody else changes them. */
export type Look = (channel: string | undefined, agent: string | undefined) => Promise<boolean> | undefined

/** What is not there, or not yet. */
const doubtful: ReadonlySet<ErrorCode> = new Set(['CHANNEL_NOT_FOUND', 'NOT_INVITED'])
/** What an address may have looked up in vain; what the tables know better costs nothing. */
const vainRate = { perSecond: 5, burst: 20 }

export class LookAgain {
  readonly #look: Look
  /** By address. */
  readonly #vain = new Buckets(vainRate)

  constructor(look: Look) {
    this.#look = look
  }

  /** @param again asks once more. @throws error where that would not help */
  instead<T>(
    error: unknown,
    { agent, address }: Pick<Connection, 'agent' | 'address'>,
    body: object,
    now: number,
    again: () => T | Promise<T>,
  ): Promise<T> {
    if (!(error instanceof Fail) || !doubtful.has(error.code) || this.#vain.wait(address, now) > 0) throw error
    const { channel, to } = body as { readonly channel?: unknown, readonly to?: unknown }
    const name = [channel, to].find((each): each is string => typeof each === 'string' && each.startsWith('#'))
    const looked = this.#look(name, agent?.id)
    if (looked === undefined) throw error
    return looked.then(isNews => {
      if (isNews) return again()
      // Reads look at the same time: what was too much is owed.
      this.#vain.owe(address, now, 1)
      throw error
    })
  }

  /** Addresses that may look as often as ever are forgotten. */
  sweep(now: number): void {
    this.#vain.sweep(now)
  }
}
