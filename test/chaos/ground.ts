// Where the relay of a run keeps its data: what can happen to it there, and what is found there afterwards.
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import type { Random } from './random.ts'
import { sqliteRemains, type Remains } from './remains.ts'
import type { Attacked } from './victim.ts'

/** Waits for a while, or until the time of faults is over. */
export type Wait = (ms: number) => Promise<unknown>
/** One fault, after a pause: it begins, and it is over, before the promise resolves. */
export type Fault = (random: Random, wait: Wait, isOver: () => boolean) => Promise<void>

export interface Ground extends AsyncDisposable {
  /** What the n-th process of the relay is told of it, if it is not its data directory. */
  storeOf(n: number): string | undefined
  /** By name: each has chances of its own. */
  faults(victim: Attacked): Readonly<Record<string, Fault>>
  /** How often what happened. */
  readonly counts: Readonly<Record<string, number>>
  /** Whether enough of it happened to say something. */
  readonly isTried: boolean
  /** Damages what the end of a relay may damage, before the next one starts. */
  afterKill(victim: Attacked, random: Random): void
  /** What an ended relay left. */
  remains(): Promise<Remains>
}

/** The data directory, on a disk that fills. */
export const folderGround = (data: string): Ground => {
  const counts = { full_disks: 0, torn_logs: 0 }
  return {
    storeOf: () => undefined,
    counts,
    isTried: true,
    faults: victim => ({
      disk: async (random, wait, isOver) => {
        await wait(random.between(3_000, 15_000))
        if (isOver()) return
        counts.full_disks++
        victim.setDisk(true)
        await wait(random.between(200, 2_500))
        victim.setDisk(false)
      },
    }),
    afterKill: (victim, random) => {
      if (victim.tearLog(random)) counts.torn_logs++
    },
    remains: () => Promise.resolve(sqliteRemains(new BetterSqlite3(join(data, 'agentchat.db'), { readonly: true }))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
