// How far inboxes have got: what was sent, and what clients have taken. Noted together, behind the batch that brought it.
import type { Job } from './job.ts'
import type { Connection } from './connection.ts'
import { statusNotices } from './feature.ts'

export class Progress {
  readonly #write: (decide: Job['decide']) => void
  /** Agents whose inbox entries were sent since the last note of it, and up to which number. */
  #offered = new Map<string, number>()

  constructor(write: (decide: Job['decide']) => void) {
    this.#write = write
  }

  /** Entries that went out together are noted together. */
  offered({ agent }: Connection, upTo: number): void {
    if (agent === undefined) return
    if (this.#offered.size === 0) {
      this.#write(async (tx, now) => {
        const offered = this.#offered
        this.#offered = new Map()
        // Sent together, in one order: whoever else notes some of the same takes them in it, too.
        if (tx.take !== undefined) await tx.take([...offered.keys()].map(name => ({ kind: 'rows', name })))
        const noted = [...offered].sort(([a], [b]) => a < b ? -1 : 1).map(([id, seq]) => tx.log.progress(id, 'offered', seq, now))
        return { notify: statusNotices((await Promise.all(noted)).flat()) }
      })
    }
    this.#offered.set(agent.id, Math.max(upTo, this.#offered.get(agent.id) ?? 0))
  }

  /** A pong: the client has taken everything that was sent before the ping, waiting direct messages too. */
  answered(connection: Connection): void {
    const { agent, inboxPinged } = connection
    if (connection.inbox !== 'auto' || agent === undefined || agent.pubkey === null || inboxPinged === 0) return
    connection.inboxPinged = 0
    this.#write(async (tx, now) => ({ notify: statusNotices(await tx.log.progress(agent.id, 'received', inboxPinged, now)) }))
  }
}
