// A PostgreSQL server of the run's own, which ends connections, crashes and becomes read-only, behind a line that stalls, is cut, and is
// cut behind a COMMIT.
import { setTimeout as sleep } from 'node:timers/promises'
import { asked, crashAndRestart, newServerFolder, startServer, stopServer, urlOf } from '../kit/postgres.ts'
import { newProxy } from '../kit/proxy.ts'
import type { Fault, Ground, Wait } from './ground.ts'
import type { Random } from './random.ts'
import { postgresRemains } from './remains.ts'

const database = 'postgres'
const retryMs = 100
/** So many faults of all kinds, and a commit cut off among them. */
const minFaults = 4
/** So often a relay that starts is left alone: it does not try again by itself, and would hardly ever be there. */
const sparedChance = 0.9

/** `isDoubtful`: commits are lost on their way as often as can be, for a relay that does not listen to what became of them. */
export const postgresGround = async (isDoubtful: boolean): Promise<Ground> => {
  const folder = newServerFolder()
  let server = await startServer(folder)
  const line = await newProxy(server.port)
  const url = new URL(urlOf(server, database, true))
  url.port = String(line.port)
  const counts = { terminations: 0, crashes: 0, commits_cut: 0, lines_cut: 0, lines_stalled: 0, read_only: 0 }
  const ask = (sql: string) => asked(urlOf(server, database), sql)
  /** It may be down. */
  const tryTo = (sql: string) => ask(sql).then(() => true, () => false)
  const setReadOnly = async (to: 'SET default_transaction_read_only = on' | 'RESET default_transaction_read_only') =>
    await tryTo(`ALTER SYSTEM ${to}`) && await tryTo('SELECT pg_reload_conf()')
  return {
    store: url.href,
    get counts() {
      return { ...counts, commits_cut: line.cuts }
    },
    get isTried() {
      return line.cuts > 0 && line.cuts + Object.values(counts).reduce((sum, count) => sum + count, 0) >= minFaults
    },
    afterKill: () => undefined,
    faults: victim => {
      const after =
        (minMs: number, maxMs: number, happens: (random: Random, wait: Wait) => Promise<void> | void): Fault =>
        async (random, wait, isOver) => {
          await wait(random.between(minMs, maxMs))
          const isSpared = random.chance(sparedChance)
          if (!isOver() && !(isSpared && victim.isStarting)) await happens(random, wait)
        }
      return {
        terminate: after(1_000, 5_000, async random => {
          const which = random.chance(0.5) ? 'OFFSET 0' : `OFFSET ${random.between(0, 4)} LIMIT 1`
          const isDone = await tryTo(`SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY backend_start ${which}) AS those`)
          if (isDone) counts.terminations++
        }),
        commit: isDoubtful
          ? after(100, 400, () => line.cutAt('lost'))
          : after(500, 3_000, random => line.cutAt(random.chance(0.5) ? 'answer' : 'lost')),
        line: after(2_000, 10_000, () => {
          counts.lines_cut++
          line.cut()
        }),
        'dead line': after(6_000, 30_000, () => {
          counts.lines_stalled++
          line.stall()
        }),
        server: after(3_000, 15_000, async () => {
          counts.crashes++
          server = await crashAndRestart(server)
        }),
        'read-only': after(3_000, 15_000, async (random, wait) => {
          if (!await setReadOnly('SET default_transaction_read_only = on')) return
          counts.read_only++
          await wait(random.between(200, 2_000))
          while (!await setReadOnly('RESET default_transaction_read_only')) await sleep(retryMs)
        }),
      }
    },
    remains: () => postgresRemains(urlOf(server, database)),
    [Symbol.asyncDispose]: async () => {
      await line[Symbol.asyncDispose]()
      await stopServer(server)
    },
  }
}
