// Tells directories that the relay is here: on a schedule, and after a failure later and later.
import type { ServerDocument } from '../../../../lib/protocol/index.ts'

/** What a directory answered; `retryAfterMs` where it said when to come back. Rejects when there was no answer. */
export type Announce = (
  directory: string,
  document: ServerDocument,
) => Promise<{ readonly ok: boolean, readonly message: string, readonly retryAfterMs?: number }>

export interface AnnouncerOptions {
  readonly announce: readonly string[]
  readonly announceEveryMs: number
  readonly sendAnnouncement: Announce
  /** 0 ≤ random < 1 */
  readonly random: () => number
  readonly onAnnounced: (event: { readonly directory: string, readonly ok: boolean, readonly message: string }) => void
}

interface Due {
  at: number
  failures: number
  isAsking: boolean
  said: string
}

const firstRetryMs = 5_000

export class Announcer {
  readonly #options: AnnouncerOptions
  readonly #due: ReadonlyMap<string, Due>

  constructor(options: AnnouncerOptions) {
    this.#options = options
    this.#due = new Map(options.announce.map(directory => [directory, { at: 0, failures: 0, isAsking: false, said: '' }]))
  }

  /** Announces where it is time to. */
  turn(now: number, document: () => ServerDocument): void {
    for (const [directory, due] of this.#due) {
      // A clock that stepped back far does not silence the relay.
      if (due.isAsking || (now < due.at && due.at - now <= this.#options.announceEveryMs)) continue
      void this.#announce(directory, due, now, document())
    }
  }

  async #announce(directory: string, due: Due, now: number, document: ServerDocument): Promise<void> {
    const { announceEveryMs, sendAnnouncement, random, onAnnounced } = this.#options
    due.isAsking = true
    const { ok, message, retryAfterMs = 0 } = await sendAnnouncement(directory, document).catch((error: unknown) => ({
      ok: false,
      message: (error as Error).message,
      retryAfterMs: 0,
    }))
    due.isAsking = false
    // Told when it changes: a directory that is away for a day is not a thousand lines.
    if (message !== due.said) onAnnounced({ directory, ok, message })
    due.said = message
    due.failures = ok ? 0 : due.failures + 1
    const waitMs = ok
      ? announceEveryMs
      : Math.min(announceEveryMs, Math.max(retryAfterMs, firstRetryMs * 2 ** Math.min(due.failures - 1, 20)))
    // Relays that were started together do not stay together.
    due.at = now + waitMs * (0.9 + 0.1 * random())
  }
}
