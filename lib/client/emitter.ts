// A typed emitter whose listeners cannot hurt each other.

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => unknown>>()
  readonly #onError: <K extends keyof Events>(error: unknown, event: K, value: Events[K]) => void

  /** `onError` is told when a listener throws, or its promise rejects: of which event, and what it was told. */
  constructor(onError: <K extends keyof Events>(error: unknown, event: K, value: Events[K]) => void) {
    this.#onError = onError
  }

  /** Adds a listener; gives the function that removes it. */
  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => unknown): () => void {
    let listeners = this.#listeners.get(event)
    if (listeners === undefined) this.#listeners.set(event, listeners = new Set())
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  has(event: keyof Events): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0
  }

  /** Gives a promise where a listener takes its time: it resolves once all are done. */
  emit<K extends keyof Events>(event: K, value: Events[K]): Promise<unknown> | undefined {
    let busy: PromiseLike<unknown>[] | undefined
    // Those that are added meanwhile hear the next one.
    for (const listener of [...this.#listeners.get(event) ?? []]) {
      try {
        const result = (listener as (value: Events[K]) => unknown)(value)
        if (isPromise(result)) (busy ??= []).push(result.then(undefined, (error: unknown) => this.#onError(error, event, value)))
      } catch (error) {
        this.#onError(error, event, value)
      }
    }
    return busy && Promise.all(busy)
  }
}

export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
