// A login of an agent: a connection of this process, or what another process told of one of its own.
import type { Connection } from './connection.ts'
import type { Agent } from './view.ts'

/** Connected elsewhere: its agent is here, and nothing can be written to it. */
export class RemoteSession {
  /** Whose connection it is. */
  readonly node: string
  readonly address: string
  /** Its label. */
  readonly session: string
  readonly heardAt: number
  readonly since: number
  agent: Agent | undefined
  /** Channels it hears. */
  readonly channels = new Set<string>()

  constructor(node: string, { session, address, heardAt, since }: Pick<RemoteSession, 'session' | 'address' | 'heardAt' | 'since'>) {
    this.node = node
    this.session = session
    this.address = address
    this.heardAt = heardAt
    this.since = since
  }
}

export type Session = Connection | RemoteSession
