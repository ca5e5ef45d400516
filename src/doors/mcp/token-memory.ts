// What is kept of a token between its calls, which may come in at any process of the relay: in the row of the token. Of what a process showed that
// was killed nobody knows whether it was told: it is shown again, as far as it was not acknowledged.
import { createHmac } from 'node:crypto'
import { endSession, isSessionEnded, noteSaid, replaceShown, settleShown, shownBy, type ShownBy } from '../../store/by-token.ts'
import { liveNodes } from '../../store/nodes.ts'
import { BusyError, StorageError, type Store, type Tx } from '../../store/store.ts'
import type { Refused } from './node-http.ts'
import { Refusal, saidMs } from './seat.ts'
import type { EndedSessions } from './sessions.ts'
import { nothingShown, type Shown, type ShownMemory } from './shown.ts'

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
}

export const tokenMemory = ({ store, incarnation: by, secret }: TokenMemoryOptions, token: string): TokenMemory => {
  const isToldBy = async (process: string): Promise<boolean> =>
    process === '' || process === by || (await liveNodes(store.read)).some(({ incarnation }) => incarnation === process)
  const replace = (before: Shown, now: Shown) => refusing(() => store.write(tx => replaceShown(tx, token, before, { ...now, by })))
  const shown = async (): Promise<ShownBy> => {
    const found = await refusing(() => shownBy(store.read, token))
    if (found === undefined) throw new Refusal('TOKEN_INVALID', 'The token of this call has ended meanwhile')
    if (await refusing(() => isToldBy(found.by))) return found
    await replace(found, nothingShown)
    return shown()
  }
  return {
    shown: { shown, replace },
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

/** This process ends: what it showed was told. */
export const settle = ({ store, incarnation }: Omit<TokenMemoryOptions, 'secret'>): Promise<void> =>
  store.write(tx => settleShown(tx, incarnation))

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
