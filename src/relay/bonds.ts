// Connections that belong to a browser which is signed in: they end once it is signed out, wherever that was done.
import type { IncomingHttpHeaders } from 'node:http'
import type { Office } from '../../lib/access/table.ts'
import type { Logger } from '../base/log.ts'
import type { Db, TableReader } from '../store/store.ts'

/** What an account is at the relay, whether a passkey opened this browser to it, and whether one vouched a moment ago. */
export interface OfficeHolder {
  readonly account: string
  readonly office: Office
  readonly isSure: boolean
  readonly isFresh: boolean
}

/** Who knows which browsers are signed in. */
export interface SignIns {
  /** By what name the browser is known that sent these headers; undefined: it is not signed in, or not on a page of the relay's own. */
  of(headers: IncomingHttpHeaders): Promise<string | undefined> | undefined
  /** Those of some that are signed in still. */
  among(names: readonly string[]): Promise<readonly string[]>
  /** What whoever sits there is at the relay now; undefined: nothing, or not signed in any more. */
  office(name: string, db: TableReader): Promise<OfficeHolder | undefined>
  /** Whether an operator sits at one of these, or owns one of some agents, as they are called now. */
  hasOperator(names: readonly string[], agents: readonly string[], db: Db): Promise<boolean>
}

interface Bound {
  readonly open: boolean
}

export class Bonds<C extends Bound> {
  readonly #signIns: SignIns | undefined
  readonly #end: (connection: C) => void
  readonly #log: Logger
  readonly #held = new Map<string, Set<C>>()
  #isChecking = false
  #isAsked = false

  /** @param signIns undefined: nobody signs in here */
  constructor(signIns: SignIns | undefined, end: (connection: C) => void, log: Logger) {
    this.#signIns = signIns
    this.#end = end
    this.#log = log
  }

  /** Gives by what name its browser is known, once that is looked up. */
  hold(connection: C, headers: IncomingHttpHeaders): Promise<string | undefined> | undefined {
    return this.#signIns?.of(headers)?.then(name => {
      if (name === undefined || !connection.open) return undefined
      const held = this.#held.get(name) ?? new Set()
      this.#held.set(name, held.add(connection))
      // It may have been signed out while this was looked up.
      void this.#look([name])
      return name
    }).catch((error: unknown) => {
      this.#failed(error)
      return undefined
    })
  }

  /** What whoever sits at its browser is at the relay, now. */
  async office(signIn: Promise<string | undefined>, db: TableReader): Promise<OfficeHolder | undefined> {
    const name = await signIn
    return name === undefined ? undefined : this.#signIns!.office(name, db)
  }

  /** Whether an operator owns one of some agents, as they are called now, or sits where one of these connections comes from. */
  async hasOperator(agents: readonly string[], isMeant: (connection: C) => boolean, db: Db): Promise<boolean> {
    const names = [...this.#held].filter(([, held]) => [...held].some(each => each.open && isMeant(each))).map(([name]) => name)
    return await this.#signIns?.hasOperator(names, agents, db) ?? false
  }

  /** Ends those of browsers that were signed out. */
  async check(): Promise<void> {
    this.#isAsked = this.#isChecking
    if (this.#isChecking) return
    for (const [name, held] of this.#held) {
      for (const connection of held) if (!connection.open) held.delete(connection)
      if (held.size === 0) this.#held.delete(name)
    }
    this.#isChecking = true
    await this.#look([...this.#held.keys()])
    this.#isChecking = false
    // What was asked for meanwhile may not have been so when this looked.
    if (this.#isAsked) await this.check()
  }

  /** Of these alone: whoever comes in meanwhile is looked up by itself. */
  async #look(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    try {
      const there = new Set(await this.#signIns!.among(names))
      for (const name of names) {
        if (there.has(name)) continue
        for (const connection of this.#held.get(name) ?? []) if (connection.open) this.#end(connection)
        this.#held.delete(name)
      }
    } catch (error) {
      this.#failed(error)
    }
  }

  /** The next look is soon. */
  #failed(error: unknown): void {
    this.#log.warn({ error: String(error) }, 'which browsers are signed in could not be looked up')
  }
}
