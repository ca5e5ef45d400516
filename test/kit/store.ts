// A store that a test holds in its hand: commits wait, or fail, when it says so. Around the real one, never in its place.
import type { LogWriter } from '../../src/store/log.ts'
import type { Awaitable, StorageError, Store, Tx } from '../../src/store/store.ts'

/** Called inside the transaction, with its name, before a method of the log runs: a throw is the storage's or the handler's. */
export type Tamper = (method: keyof LogWriter | 'tables' | 'lock', args: readonly unknown[]) => void

export class HeldStore implements Store {
  readonly #store: Store
  #held: Promise<void> | undefined
  #untold: Promise<void> | undefined
  #release: (() => void) | undefined
  #tell: (() => void) | undefined
  /** Whether the transaction appended, while answers are held. */
  #hasAppended = false
  #waiting = 0
  #onWaiting: (() => void) | undefined
  /** Set to make statements fail. */
  tamper: Tamper | undefined
  /** Duties that are another process's. */
  isTaken: (duty: string) => boolean = () => false
  /** Set to break off behind the next commit, before anybody hears of it. */
  doubt: StorageError | undefined

  /** Set to undo the next transaction when all in it is decided. */
  undone: Error | undefined

  /** Set to make transactions fail before they begin: nobody is there who would take them. */
  unwritable: Error | undefined

  /** Set to make reads fail, of whoever asks for one from now on. */
  unreadable: Error | undefined

  constructor(store: Store) {
    this.#store = store
  }

  get read(): Store['read'] {
    if (this.unreadable !== undefined) throw this.unreadable
    return this.#store.read
  }

  get aside(): Store['aside'] {
    return this.#store.aside
  }

  get epoch(): string {
    return this.#store.epoch
  }

  /** From now on transactions run up to their commit and stand still there. */
  hold(): void {
    this.#held = new Promise(resolve => {
      this.#release = resolve
    })
  }

  /** From now on the relay hears of events that are committed when it is released: they are stored, and whoever reads sees them. */
  holdAnswers(): void {
    this.#untold = new Promise(resolve => {
      this.#tell = resolve
    })
  }

  /** Resolves when a transaction stands before its commit. */
  reached(): Promise<void> {
    return this.#waiting > 0 ? Promise.resolve() : new Promise(resolve => {
      this.#onWaiting = resolve
    })
  }

  release(): void {
    this.#held = undefined
    this.#release?.()
    this.#untold = undefined
    this.#tell?.()
  }

  write<T>(fn: (tx: Tx) => Awaitable<T>): Promise<T> {
    if (this.unwritable !== undefined) return Promise.reject(this.unwritable)
    return this.#store.write(async tx => {
      this.#hasAppended = false
      const result = await fn(this.#tampered(tx))
      const { undone } = this
      this.undone = undefined
      if (undone !== undefined) throw undone
      if (this.#held === undefined) return result
      this.#waiting++
      this.#onWaiting?.()
      await this.#held
      this.#waiting--
      return result
    }).then(async result => {
      if (this.#hasAppended) await this.#untold
      const { doubt } = this
      this.doubt = undefined
      if (doubt !== undefined) throw doubt
      return result
    })
  }

  space(): ReturnType<Store['space']> {
    return this.#store.space()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #tampered(tx: Tx): Tx {
    const tamper = this.tamper ?? (() => undefined)
    const log = new Proxy(tx.log, {
      get: (target, method) => (...args: unknown[]) => {
        tamper(method as keyof LogWriter, args)
        if (method === 'append') this.#hasAppended = true
        return (target[method as keyof LogWriter] as (...args: unknown[]) => unknown).apply(target, args)
      },
    })
    return {
      ...tx,
      log: this.tamper === undefined && this.#untold === undefined ? tx.log : log,
      lock: scope => {
        tamper('lock', [scope])
        return tx.lock(scope)
      },
      claim: duty => !this.isTaken(duty) && tx.claim(duty),
      own: (duty, leaseMs) => !this.isTaken(duty) && tx.own(duty, leaseMs),
      tables: () => {
        tamper('tables', [])
        return tx.tables()
      },
      get writes() {
        return tx.writes
      },
    }
  }
}
