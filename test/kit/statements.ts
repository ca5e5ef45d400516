// What a run's relays have asked of PostgreSQL and not heard yet. On SQLite an answer is there before the next frame is read; on a server
// what a login or a write brings about may come a little later, and whoever says "by now" has to wait for it.
import { setImmediate as turn } from 'node:timers/promises'

export const isOnPostgres = process.env['STORE'] === 'postgres'

/** A server that hangs is what some tests are about. */
const maxWaitMs = 2_000
/** Between two statements of one piece of work it may take its turns too. */
const quietTurns = 5

const work = { underWay: 0, isWatched: false }

type Method = (this: unknown, ...args: unknown[]) => unknown

/** Counts calls of a method of the driver until their promises are fulfilled, or what they call back is called. */
const counted = (prototype: Record<string, Method>, name: string): void => {
  const method = prototype[name]!
  prototype[name] = function(...args) {
    const over = () => void work.underWay--
    const last = args.at(-1)
    work.underWay++
    if (typeof last === 'function') args[args.length - 1] = (...results: unknown[]) => [over(), (last as Method)(...results)]
    const result = method.apply(this, args)
    if (result instanceof Promise) result.then(over, over)
    else if (typeof last !== 'function') over()
    return result
  }
}

/** From now on they are counted: before a relay of this process opens its database. */
export const watchStatements = async (): Promise<void> => {
  if (work.isWatched) return
  work.isWatched = true
  const { default: { Client } } = await import('pg')
  for (const name of ['connect', 'query']) counted(Client.prototype as unknown as Record<string, Method>, name)
}

export const areWatched = (): boolean => work.isWatched

if (isOnPostgres) await watchStatements()

/** Resolves when the relays of this process wait for nothing of their server. */
export const settled = async (): Promise<void> => {
  const until = performance.now() + maxWaitMs
  for (let quiet = 0; work.isWatched && quiet < quietTurns && performance.now() < until; quiet = work.underWay === 0 ? quiet + 1 : 0)
    await turn()
}
