// How far the inbox was received, told to the relay: the newest message only, one request at a time, until the relay has heard it.
import { timerMs, type RequestInput } from '../protocol/index.ts'
import { backoffMs, defaultBackoff } from './backoff.ts'
import { ConnectionError, isPassing, RelayError } from './errors.ts'
import { after } from './timer.ts'

type Place = RequestInput<'RECEIVED'>

export class Received {
  readonly #ask: (place: Place) => Promise<unknown>
  #newest: Place | undefined
  #telling: Promise<void> | undefined
  /** Counts connections: a refusal on one says nothing of what another one offers. */
  #connection = 0
  /** Ends the wait for the time to tell it again. */
  #endPause: (() => void) | undefined

  constructor(ask: (place: Place) => Promise<unknown>) {
    this.#ask = ask
  }

  /** Resolves when the relay has heard of everything, or the connection was lost. */
  get told(): Promise<void> | undefined {
    return this.#telling
  }

  /** The inbox was received up to here. */
  tell(place: Place): void {
    this.#newest = place
    this.#telling ??= this.#tell()
  }

  /** The connection is gone: what is not acknowledged is offered again on the next one, and told there. */
  lost(): void {
    this.#connection++
    this.#newest = undefined
    this.#endPause?.()
  }

  async #tell(): Promise<void> {
    for (let attempt = 0; this.#newest !== undefined;) {
      const [place, connection] = [this.#newest, this.#connection]
      this.#newest = undefined
      try {
        await this.#ask(place)
        attempt = 0
      } catch (error) {
        if (connection !== this.#connection || !mayTellAgain(error)) continue
        // On this connection nothing is offered again: a quiet inbox would stay as if it had not been received.
        this.#newest ??= place
        await this.#pause(
          (error instanceof RelayError ? error.retryAfterMs : undefined) ?? backoffMs(defaultBackoff, attempt++, Math.random()),
        )
      }
    }
    this.#telling = undefined
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      // However long the relay says.
      const stop = after(timerMs(Math.min(ms, defaultBackoff.maxMs)), resolve)
      this.#endPause = () => {
        stop()
        resolve()
      }
    })
  }
}

/** What passes while the connection stays. */
const mayTellAgain = (error: unknown): boolean => isPassing(error) && !(error instanceof ConnectionError && error.code !== 'TOO_MANY')
