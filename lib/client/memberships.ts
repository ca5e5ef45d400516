// Channels the client is in: entered again after every reconnect, and once more where the relay could not let it in just then.
import { timerMs } from '../protocol/index.ts'
import { backoffMs, type BackoffPolicy } from './backoff.ts'
import { AgentChatError, ConnectionError, RelayError } from './errors.ts'

export interface MembershipsOptions {
  /** Enters a channel on this connection. */
  readonly join: (channel: string, limit: number | undefined) => Promise<unknown>
  readonly failed: (channel: string, error: unknown) => void
  readonly backoff: BackoffPolicy
  /** 0 ≤ random < 1 */
  readonly random: () => number
}

export class Memberships {
  readonly #options: MembershipsOptions
  /** Each with the number of messages that its first JOIN wanted replayed. */
  readonly #limits = new Map<string, number | undefined>()
  readonly #retries = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(options: MembershipsOptions) {
    this.#options = options
  }

  has(channel: string): boolean {
    return this.#limits.has(channel)
  }

  add(channel: string, limit: number | undefined): void {
    this.#forgetRetry(channel)
    this.#limits.set(channel, limit)
  }

  remove(channel: string): void {
    this.#forgetRetry(channel)
    this.#limits.delete(channel)
  }

  /** A session is open again. */
  rejoin(): void {
    for (const channel of this.#limits.keys()) this.#rejoin(channel, 0)
  }

  /** The connection is gone: the next one brings the next try. */
  lost(): void {
    for (const channel of [...this.#retries.keys()]) this.#forgetRetry(channel)
  }

  #rejoin(channel: string, attempt: number): void {
    const { join, failed, backoff, random } = this.#options
    join(channel, this.#limits.get(channel)).catch((error: unknown) => {
      if (!(error instanceof AgentChatError) || !error.shouldRetry()) {
        // A channel that is gone for this agent stays gone.
        this.remove(channel)
      } else if (!(error instanceof ConnectionError) && this.has(channel)) {
        const waitMs = (error instanceof RelayError ? error.retryAfterMs : undefined) ?? backoffMs(backoff, attempt, random())
        this.#forgetRetry(channel)
        this.#retries.set(channel, setTimeout(() => this.#rejoin(channel, attempt + 1), timerMs(waitMs)))
      }
      failed(channel, error)
    })
  }

  #forgetRetry(channel: string): void {
    clearTimeout(this.#retries.get(channel))
    this.#retries.delete(channel)
  }
}
