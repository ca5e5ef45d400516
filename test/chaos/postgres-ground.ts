// A PostgreSQL server of the run's own, which ends connections, crashes and becomes read-only, behind a line for each process of the relay that
// stalls, is cut, is cut behind a COMMIT, and leads nowhere.
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
/** So often a relay that starts is let come up first: it does not try again by itself, and would hardly ever be there. */
const sparedChance = 0.9
const startedPollMs = 20

/** Where nobody listens. */
const nowhere = 1

/** `nodes`: processes of the relay; `isDoubtful`: commits are lost on their way as often as can be, for a relay that does not listen to what became of them. */
export const postgresGround = async (nodes: number, isDoubtful: boolean): Promise<Ground> => {
  const folder = newServerFolder()
  let server = await startServer(folder)
  const lines = await Promise.all(Array.from({ length: nodes }, () => newProxy(server.port)))
  const counts = { terminations: 0, crashes: 0, commits_cut: 0, lines_cut: 0, lines_stalled: 0, lines_parted: 0, read_only: 0 }
  const commitsCut = () => lines.reduce((sum, { cuts }) => sum + cuts, 0)
  const one = (random: Random) => lines[random.between(0, lines.length)]!
  const oneOrAll = (random: Random) => random.chance(0.5) ? lines : [one(random)]
  const ask = (sql: string) => asked(urlOf(server, database), sql)
  /** It may be down. */
  const tryTo = (sql: string) => ask(sql).then(() => true, () => false)
  const setReadOnly = async (to: 'SET default_transaction_read_only = on' | 'RESET default_transaction_read_only') =>
    await tryTo(`ALTER SYSTEM ${to}`) && await tryTo('SELECT pg_reload_conf()')
  return {
    storeOf: n => {
      const url = new URL(urlOf(server, database, true))
      url.port = String(lines[n]!.port)
      return url.href
    },
    get counts() {
      return { ...counts, commits_cut: commitsCut() }
    },
    get isTried() {
      return commitsCut() > 0 && commitsCut() + Object.values(counts).reduce((sum, count) => sum + count, 0) >= minFaults
    },
    afterKill: () => undefined,
    faults: victim => {
      const after =
        (minMs: number, maxMs: number, happens: (random: Random, wait: Wait) => Promise<void> | void): Fault =>
        async (random, wait, isOver) => {
          await wait(random.between(minMs, maxMs))
          const isSpared = random.chance(sparedChance)
          while (isSpared && victim.isStarting && !isOver()) await wait(startedPollMs)
          if (!isOver()) await happens(random, wait)
        }
      return {
        terminate: after(1_000, 5_000, async random => {
          const which = random.chance(0.5) ? 'OFFSET 0' : `OFFSET ${random.between(0, 4)} LIMIT 1`
          const isDone = await tryTo(`SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY backend_start ${which}) AS those`)
          if (isDone) counts.terminations++
        }),
        commit: isDoubtful
          ? after(100, 400, random => one(random).cutAt('lost'))
          : after(500, 3_000, random => one(random).cutAt(random.chance(0.5) ? 'answer' : 'lost')),
        line: after(2_000, 10_000, random => {
          counts.lines_cut++
          for (const line of oneOrAll(random)) line.cut()
        }),
        'dead line': after(6_000, 30_000, random => {
          counts.lines_stalled++
          for (const line of oneOrAll(random)) line.stall()
        }),
        ...(nodes > 1 && {
          'no line': after(4_000, 20_000, async (random, wait) => {
            counts.lines_parted++
            const line = one(random)
            line.leadTo(nowhere)
            line.cut()
            await wait(random.between(1_000, 12_000))
            line.leadTo(server.port)
          }),
        }),
        server: after(3_000, 15_000, async () => {
          counts.crashes++
          server = await crashAndRestart(server)
        }),
        'read-only': after(3_000, 15_000, async (random, wait) => {
          if (await setReadOnly('SET default_transaction_read_only = on')) {
            counts.read_only++
            await wait(random.between(200, 2_000))
          }
          // Also where the answer alone was lost, or the server crashed before it looked: it would be read-only from its next start.
          while (!await setReadOnly('RESET default_transaction_read_only')) await sleep(retryMs)
        }),
      }
    },
    remains: () => postgresRemains(urlOf(server, database)),
    [Symbol.asyncDispose]: async () => {
      for (const line of lines) await line[Symbol.asyncDispose]()
      await stopServer(server)
    },
  }
}
