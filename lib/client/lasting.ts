// What the client has at the relay for as long as it is connected: the channels it is in, its presence, whom it watches. Asked for
// again after every reconnect, and once more where the relay could not grant it just then.
import { timerMs } from '../protocol/index.ts'
import { backoffMs, type BackoffPolicy } from './backoff.ts'
import { AgentChatError, ConnectionError, RelayError } from './errors.ts'
import { after } from './timer.ts'

/** What is asked for again in a channel. */
export const lastingIn = (channel: string) => ({ channel, subscription: `subscription in ${channel}` })

export interface LastingOptions {
  readonly failed: (key: string, error: unknown) => void
  readonly backoff: BackoffPolicy
  /** 0 ≤ random < 1 */
  readonly random: () => number
}

export class Lasting {
  readonly #options: LastingOptions
  /** How each is asked for. */
  #asks = new Map<string, () => Promise<unknown>>()
  /** What stops the next try. */
  readonly #retries = new Map<string, () => void>()

  constructor(options: LastingOptions) {
    this.#options = options
  }

  has(key: string): boolean {
    return this.#asks.has(key)
  }

  /** The relay has granted it; `ask` asks for it on another connection, `first` before what is kept already. */
  keep(key: string, ask: () => Promise<unknown>, first?: true): void {
    this.drop(key)
    this.#asks = first ? new Map([[key, ask], ...this.#asks]) : this.#asks.set(key, ask)
  }

  drop(key: string): void {
    this.#forgetRetry(key)
    this.#asks.delete(key)
  }

  /** A session is open again; or these are wanted once more. */
  askAgain(keys: Iterable<string> = [...this.#asks.keys()]): void {
    for (const key of keys) this.#ask(key, 0)
  }

  /** The connection is gone: the next one brings the next try. */
  lost(): void {
    for (const key of [...this.#retries.keys()]) this.#forgetRetry(key)
  }

  #ask(key: string, attempt: number): void {
    const { failed, backoff, random } = this.#options
    this.#asks.get(key)?.().catch((error: unknown) => {
      if (!(error instanceof AgentChatError) || !error.shouldRetry()) {
        // What is gone for this agent stays gone.
        this.drop(key)
      } else if (!(error instanceof ConnectionError) && this.has(key)) {
        const waitMs = (error instanceof RelayError ? error.retryAfterMs : undefined) ?? backoffMs(backoff, attempt, random())
        this.#forgetRetry(key)
        this.#retries.set(key, after(timerMs(waitMs), () => this.#ask(key, attempt + 1)))
      }
      failed(key, error)
    })
  }

  #forgetRetry(key: string): void {
    this.#retries.get(key)?.()
    this.#retries.delete(key)
  }
}
