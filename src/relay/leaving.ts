// How a relay stops: not ready first; then nobody new, and what is queued is committed and answered; then everybody is told to come back.
// A storage that does not answer keeps nobody from being told.
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../lib/protocol/index.ts'
import type { Committer } from './committer.ts'
import type { Connection } from './connection.ts'
import type { Effects } from './effects.ts'
import type { HttpDoor } from './inside.ts'
import type { Listener } from './listener.ts'

/** Turns of the event loop in which a destroyed socket tells that it is closed; it takes a few. */
const maxClosingTurns = 1_000
/** How often is looked whether anybody is left. */
const lookMs = 50
/** How long is waited at least: for a storage that may be away, and for clients to go once they were told. */
const shortMs = 1_000

export interface LeavingDeps {
  readonly connections: ReadonlySet<Connection>
  readonly effects: Effects
  readonly listener: Listener
  readonly committer: Committer
  readonly doors: readonly HttpDoor[]
  /** 0 ≤ random < 1 */
  readonly random: () => number
  readonly drainNoticeMs: number
  /** For what is queued to be stored, and then for everybody to go: for both together, where the storage answers in time. */
  readonly drainMs: number
  /** ms on a clock that only goes on */
  readonly elapsed: () => number
  /** Tells other processes that this one leaves, and gives up what it alone does. */
  readonly tell: () => Promise<unknown>
  /** Notes, behind everything else, that it is gone. */
  readonly end: () => Promise<unknown>
  /** Nothing happens by the clock any more, and nothing is taken on. */
  readonly stop: () => void
}

/** Tells one to come back, at a time of its own, so that whoever serves them next is not met by all of them at once. */
export const turnBack = (connection: Connection, effects: Effects, random: () => number): void => {
  const retryAfterMs = 250 + Math.floor(random() * 1_500)
  effects.send(connection, 'GOING_AWAY', { reason: 'restarting', retry_after_ms: retryAfterMs })
  effects.end(connection, 'RESTARTING', `retry_after_ms=${retryAfterMs}`)
  connection.resume()
}

/** False: it took longer than that. */
const isWithin = (ms: number, work: Promise<unknown>): Promise<boolean> =>
  Promise.race([work.then(() => true, () => true), sleep(timerMs(ms), false, { ref: false })])

export const leave = async (deps: LeavingDeps): Promise<void> => {
  const { connections, effects, listener, committer, doors, random, elapsed, drainNoticeMs, drainMs } = deps
  await isWithin(shortMs, deps.tell())
  if (drainNoticeMs > 0) {
    // Whoever asks whether it is ready hears that it is not, and sends nobody any more; who comes all the same is turned back.
    for (const connection of connections) if (connection.agent === undefined) turnBack(connection, effects, random)
    for (let waited = 0; waited < drainNoticeMs && connections.size > 0; waited += lookMs) await sleep(timerMs(lookMs))
  }
  const stopsAt = elapsed() + drainMs
  const stopped = listener.stop()
  deps.stop()
  for (const door of doors) door.leave?.()
  for (const connection of connections) connection.pause()
  const storeMs = Math.max(drainMs, shortMs)
  const storeBy = elapsed() + storeMs
  // What an answer let somebody ask meanwhile, too: who is turned back is not to find stored later what it was told to ask again.
  while (!committer.isIdle && elapsed() < storeBy) await isWithin(storeBy - elapsed(), committer.idle())
  const isStored = committer.isIdle
  for (const connection of connections) turnBack(connection, effects, random)
  const deadline = setTimeout(() => {
    for (const connection of connections) connection.ws.terminate()
    listener.cut()
  }, timerMs(Math.max(stopsAt - elapsed(), Math.min(drainMs, shortMs))))
  await stopped
  clearTimeout(deadline)
  // The server is through once its sockets are; that they closed is told a little later, and still has to be noted.
  for (let turns = 0; turns < maxClosingTurns && connections.size > 0; turns++) await new Promise(resolve => setImmediate(resolve))
  // Behind what of those who went is still to be noted.
  await isWithin(isStored ? storeMs : shortMs, deps.end())
}
