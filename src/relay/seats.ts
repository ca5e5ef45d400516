// Who has a session: how a connection learns that it is another one's, and what is removed from the tables when it is over, some at a time.
import type { CloseName, FrameBody } from '../../lib/protocol/index.ts'
import { forgetSeats, goneWithSeats, leaveSeats } from '../store/seats.ts'
import type { Seat, Tx } from '../store/store.ts'
import type { Connection } from './connection.ts'

interface Displacing {
  send(connection: Connection, type: 'SESSION_DISPLACED', body: Omit<FrameBody<'SESSION_DISPLACED'>, 'ts'>): void
  depart(connection: Connection): void
  end(connection: Connection, close: CloseName, reason: string): void
}

const reason = 'Identity claimed by another connection'

/** Its session is another connection's. */
export const displace = (former: Connection, effects: Displacing): void => {
  effects.send(former, 'SESSION_DISPLACED', { reason })
  effects.depart(former)
  effects.end(former, 'DISPLACED', reason)
}

/** In one turn: more than log in at one process meanwhile. */
const leftAtOnce = 5_000
/**
 * Between two looks for what processes left that ended without a word. One that is not there at two of them is not there: whoever stands still
 * and was taken for dead tells its clients first to come back.
 */
const lookEveryMs = 10 * 60_000

export class Seats {
  #left: Seat[] = []
  #lookedAt = -Infinity
  #gone: readonly string[] = []

  /** A connection that had a session is gone. */
  left(seat: Seat | undefined): void {
    if (seat !== undefined) this.#left.push(seat)
  }

  /** Gives what is to be called once it is stored. */
  async sweep(tx: Tx, now: number): Promise<() => void> {
    const left = this.#left.slice(0, leftAtOnce)
    await leaveSeats(tx, left)
    const isDue = now >= this.#lookedAt + lookEveryMs
    if (isDue) await forgetSeats(tx, this.#gone)
    const gone = isDue ? await goneWithSeats(tx) : this.#gone
    return () => {
      this.#left.splice(0, left.length)
      if (isDue) this.#lookedAt = now
      this.#gone = gone
    }
  }
}
