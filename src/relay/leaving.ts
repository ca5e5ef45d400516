// How a relay stops: not ready first; then nobody new, and what is queued is committed and answered; then everybody is told to come back.
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../lib/protocol/index.ts'
import type { Committer } from './committer.ts'
import type { Connection } from './connection.ts'
import type { Effects } from './effects.ts'
import type { HttpDoor } from './inside.ts'
import type { Listener } from './listener.ts'

/** Turns of the event loop in which a destroyed socket tells that it is closed; it takes a few. */
const maxClosingTurns = 1_000
/** How often is looked whether anybody is left, and how long a process waits to have told others. */
const lookMs = 50
const tellMs = 1_000

export interface LeavingDeps {
  readonly connections: ReadonlySet<Connection>
  readonly effects: Effects
  readonly listener: Listener
  readonly committer: Committer
  readonly doors: readonly HttpDoor[]
  /** 0 ≤ random < 1 */
  readonly random: () => number
  readonly drainNoticeMs: number
  readonly drainMs: number
  /** Tells other processes that this one leaves, and gives up what it alone does. */
  readonly tell: () => Promise<unknown>
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

export const leave = async (deps: LeavingDeps): Promise<void> => {
  const { connections, effects, listener, committer, doors, random, drainNoticeMs, drainMs } = deps
  // A database that is away keeps nobody here; nor does the wait for it, where it answered.
  await Promise.race([deps.tell().catch(() => undefined), sleep(timerMs(tellMs), undefined, { ref: false })])
  if (drainNoticeMs > 0) {
    // Whoever asks whether it is ready hears that it is not, and sends nobody any more; who comes all the same is turned back.
    for (const connection of connections) if (connection.agent === undefined) turnBack(connection, effects, random)
    for (let waited = 0; waited < drainNoticeMs && connections.size > 0; waited += lookMs) await sleep(timerMs(lookMs))
  }
  const stopped = listener.stop()
  deps.stop()
  for (const door of doors) door.leave?.()
  for (const connection of connections) connection.pause()
  await committer.idle()
  for (const connection of connections) turnBack(connection, effects, random)
  const deadline = setTimeout(() => {
    for (const connection of connections) connection.ws.terminate()
    listener.cut()
  }, timerMs(drainMs))
  await stopped
  clearTimeout(deadline)
  // The server is through once its sockets are; that they closed is told a little later, and still has to be noted.
  for (let turns = 0; turns < maxClosingTurns && connections.size > 0; turns++) await new Promise(resolve => setImmediate(resolve))
}
