// Signals to an audience: whom of it this process is connected to, and what they are written.
import type { Clock } from '../base/clock.ts'
import type { FrameBody } from '../../lib/protocol/index.ts'
import type { Connection } from './connection.ts'
import { frameOf } from './encode.ts'
import type { Audience, Notify } from './feature.ts'
import type { Hub } from './hub.ts'
import type { Outbox } from './outbox.ts'
import type { Roster } from './roster.ts'

/** A reader for whom more waits does without what is never stored. */
const maxLightBytes = 64 * 1024

export interface NoticesDeps {
  readonly roster: Roster
  readonly hub: Hub
  readonly outbox: Outbox
  readonly clock: Clock
}

export class Notices {
  readonly #deps: NoticesDeps
  readonly #connections: () => Iterable<Connection>

  /** @param connections every open one */
  constructor(deps: NoticesDeps, connections: () => Iterable<Connection>) {
    this.#deps = deps
    this.#connections = connections
  }

  /** Encoded once, and once per connection however often it is in reach. */
  tell({ to, type, body, isLight }: Notify, asker: Connection | undefined): void {
    const { hub, outbox, clock } = this.#deps
    const frame = frameOf(type, { ts: clock.now(), ...body } as FrameBody<typeof type>)
    const spared = to.kind !== 'everyone' && to.exceptAsker === true ? asker : undefined
    const add = (connection: Connection) => {
      if (connection !== spared && (isLight !== true || connection.bytesWaiting <= maxLightBytes)) outbox.add(connection, frame)
    }
    if (to.kind !== 'channel') {
      for (const connection of new Set(this.#reach(to))) add(connection)
      return
    }
    // Who does not hear everything hears nothing of what is still being written.
    for (const connection of hub.listeners(to.channel))
      if (type !== 'DELTA' || connection.filters?.get(to.channel)?.isWanted !== true) add(connection)
  }

  *#reach(to: Exclude<Audience, { kind: 'channel' }>): Iterable<Connection> {
    switch (to.kind) {
      case 'agents': {
        for (const id of to.agents) yield* this.#deps.roster.connectionsOf(id)
        return
      }
      case 'everyone':
        return yield* this.#connections()
      default:
        to satisfies never
    }
  }
}
