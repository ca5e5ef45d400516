// Who is still there: pings, deadlines, and what the answer to a ping vouches for.
import type { Clock } from '../base/clock.ts'
import type { CloseName } from '../../lib/protocol/index.ts'
import type { Connection } from './connection.ts'
import type { Effects } from './effects.ts'
import { refusalMark } from './encode.ts'
import type { Progress } from './progress.ts'

export interface PulseDeps {
  readonly clock: Clock
  readonly effects: Effects
  readonly connections: () => Iterable<Connection>
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  readonly progress: Progress
  /** Ends one that does not answer. */
  readonly drop: (connection: Connection, close: CloseName) => void
}

export class Pulse {
  readonly #deps: PulseDeps

  constructor(deps: PulseDeps) {
    this.#deps = deps
  }

  sweep(now: number): void {
    const { pingIntervalMs, pingTimeoutMs, effects, connections, drop } = this.#deps
    for (const connection of connections()) {
      if (!connection.open) continue
      // Nobody is silent while nobody listens: a client that is given up then comes back, and asks for all of it once more.
      if (connection.isUnread) connection.heardAt = now
      if (connection.deadline !== undefined && now >= connection.deadline.at) {
        if (connection.deadline.close === 'CHALLENGE_EXPIRED')
          effects.send(connection, 'ERROR', { code: 'VERIFICATION_EXPIRED', message: 'Not answered in time' })
        effects.end(connection, connection.deadline.close)
      } else if (now - connection.heardAt >= pingTimeoutMs) {
        drop(connection, 'PING_TIMEOUT')
      } else if (now - connection.pingedAt >= pingIntervalMs || now < connection.pingedAt) {
        this.#ping(connection, now)
      } else if (
        connection.inbox === 'auto' && connection.agent?.pubkey != null && connection.inboxPinged === 0
        && (connection.inboxSent ?? 0) > connection.inboxVouched
      ) {
        this.#ping(connection, now)
      }
    }
  }

  /** A pong: the client has taken everything that was sent before the ping, waiting direct messages too. */
  heard(connection: Connection): void {
    connection.heardAt = this.#deps.clock.now()
    this.#deps.progress.answered(connection)
  }

  #ping(connection: Connection, now: number): void {
    connection.pingedAt = now
    connection.inboxPinged = connection.inboxVouched = connection.inboxSent ?? 0
    connection.ws.ping()
    // Of several pings a client may answer the last one only.
    const asked = connection.refused?.asked ?? 0
    if (asked > 0) connection.ws.ping(refusalMark(asked))
  }
}
