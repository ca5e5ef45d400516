// What is kept of a token between its calls, which may come in at any process of the relay: in the row of the token. What a call is about to show
// stands there under its claim until the answer was handed over, which is written behind it; until then no other call acknowledges it, or shows
// more. A claim of a process that is gone is nobody's: what was not acknowledged is shown again.
import { createHmac, randomBytes } from 'node:crypto'
import {
  endSession,
  isSessionEnded,
  noteSaid,
  replaceShown,
  settleShown,
  shownBy,
  takeBackShown,
  type Shown,
  type ShownBy,
} from '../../store/by-token.ts'
import { liveNodes } from '../../store/nodes.ts'
import { BusyError, StorageError, type Store, type Tx } from '../../store/store.ts'
import type { Refused } from './node-http.ts'
import { Refusal, saidMs } from './seat.ts'
import type { EndedSessions } from './sessions.ts'
import { nothingShown, type ShownMemory, type Telling } from './shown.ts'
import { pause } from './waiting.ts'

/** What is kept of one token. */
export interface TokenMemory {
  readonly shown: ShownMemory
  /** Notes what is said, in the transaction that stores it: whether the same was said less than a minute before. */
  said(tx: Tx, said: string, now: number): Promise<boolean>
  readonly ended: EndedSessions
}

const retryMs = 1_000

export interface TokenMemoryOptions {
  readonly store: Pick<Store, 'read' | 'write'>
  /** This process, since it started. */
  readonly incarnation: string
  /** Seals what is said: who reads the tables alone cannot guess it. */
  readonly secret: string
  /** Aborts when the door is closed: what could not be written by then is not tried again. */
  readonly closing: AbortSignal
}

/** How long a call waits for another one to tell what it claimed: twice as long each time, 1.3 s in all. */
const firstWaitMs = 10
const maxWaitMs = 640

class TokenShown implements ShownMemory {
  readonly #options: TokenMemoryOptions
  readonly #token: string
  /** The newest claim of this process that was told, which may not be written yet. */
  #told = ''
  /** It is not known whether a claim of this process was stored, and it is not taken back yet. */
  #isInDoubt = false

  constructor(options: TokenMemoryOptions, token: string) {
    this.#options = options
    this.#token = token
  }

  async shown(signal: AbortSignal): Promise<Shown> {
    for (let waitMs = firstWaitMs;;) {
      const found = await refusing(() => shownBy(this.#options.store.read, this.#token))
      if (found === undefined) throw new Refusal('TOKEN_INVALID', 'The token of this call has ended meanwhile')
      if (!this.#isInDoubt && (found.by === '' || found.by === this.#told)) return found
      if (!this.#isInDoubt && !await refusing(() => this.#lives(found.by))) await this.#replace(found, { ...nothingShown, by: '' })
      else if (waitMs > maxWaitMs) throw new Refusal('BUSY', 'Another call by this token is not answered yet', retryMs)
      else {
        await pause(waitMs, signal)
        signal.throwIfAborted()
        waitMs *= 2
      }
    }
  }

  async claim(before: Shown, now: Shown, told: Telling['told']): Promise<boolean> {
    const by = `${this.#options.incarnation} ${randomBytes(6).toString('base64url')}`
    try {
      if (!await this.#replace({ ...before, by: this.#told }, { ...now, by })) return false
    } catch (error) {
      this.#isInDoubt = true
      void this.#written(tx => takeBackShown(tx, this.#token, by, before)).then(() => this.#isInDoubt = false)
      throw error
    }
    void told.then(isTold => {
      if (isTold) this.#told = by
      return this.#written(tx => isTold ? settleShown(tx, this.#token, by) : takeBackShown(tx, this.#token, by, before))
    })
    return true
  }

  async forget(before: Shown): Promise<void> {
    await this.#replace({ ...before, by: this.#told }, { ...nothingShown, by: '' })
  }

  #replace(before: ShownBy, now: ShownBy): Promise<boolean> {
    return refusing(() => this.#options.store.write(tx => replaceShown(tx, this.#token, before, now)))
  }

  /** Whether the process runs whose claim it is. Those of a version before wrote only their name, and never that it was told: it is not believed. */
  async #lives(claim: string): Promise<boolean> {
    const { store, incarnation } = this.#options
    const isOf = (process: string) => claim.startsWith(`${process} `)
    return isOf(incarnation) || (await liveNodes(store.read)).some(node => isOf(node.incarnation))
  }

  /** Writes behind an answer, and again until the storage takes it: as long as this process lives, nobody else may. */
  async #written(work: (tx: Tx) => Promise<void>): Promise<void> {
    const { store, closing } = this.#options
    for (;;) {
      try {
        return await store.write(work)
      } catch {
        if (closing.aborted) return
        await pause(retryMs, closing)
      }
    }
  }
}

export const tokenMemory = (options: TokenMemoryOptions, token: string): TokenMemory => {
  const { store, secret } = options
  return {
    shown: new TokenShown(options, token),
    async said(tx, said, now) {
      const hash = createHmac('sha256', secret).update(`mcp-said|${token}|${said}`).digest('base64url')
      const before = await noteSaid(tx, token, hash, now)
      return before !== undefined && now - before < saidMs
    },
    ended: {
      has: session => refusing(() => isSessionEnded(store.read, token, session), refused),
      add: session => refusing(() => store.write(tx => endSession(tx, token, session)), refused),
    },
  }
}

/** What is told of a storage that does not answer: by a tool, and to who asks for no tool. */
const refusal = (error: unknown): unknown => {
  if (error instanceof BusyError) return new Refusal('BUSY', error.message, retryMs, error)
  if (error instanceof StorageError) return new Refusal('STORAGE_UNAVAILABLE', 'The relay cannot reach its storage now', retryMs, error)
  return error
}
const refused = (error: unknown): unknown => {
  const told = refusal(error)
  if (!(told instanceof Refusal)) return error
  return { status: 503, title: told.message, headers: { 'retry-after': String(retryMs / 1_000) } } satisfies Refused
}

const refusing = async <T>(work: () => Promise<T>, of = refusal): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw of(error)
  }
}
