// Nothing is refused by what is known in memory alone, where other processes change it too: it is looked up, and asked once more.
import type { ErrorCode } from '../../lib/protocol/index.ts'
import type { Connection } from './connection.ts'
import { Fail } from './feature.ts'

/** Whether the tables know better than memory, of a channel and of where an agent belongs; undefined: nobody else changes them. */
export type LookAgain = (channel: string | undefined, agent: string | undefined) => Promise<boolean> | undefined

/** What is not there, or not yet. */
const doubtful: ReadonlySet<ErrorCode> = new Set(['CHANNEL_NOT_FOUND', 'NOT_INVITED'])

/** @param again asks once more. @throws error where that would not help */
export const lookedAgain = <T>(
  error: unknown,
  { agent }: Pick<Connection, 'agent'>,
  body: object,
  lookAgain: LookAgain,
  again: () => T | Promise<T>,
): Promise<T> => {
  if (!(error instanceof Fail) || !doubtful.has(error.code)) throw error
  const { channel, to } = body as { readonly channel?: unknown, readonly to?: unknown }
  const name = [channel, to].find((each): each is string => typeof each === 'string' && each.startsWith('#'))
  const looked = lookAgain(name, agent?.id)
  if (looked === undefined) throw error
  return looked.then(isNews => {
    if (!isNews) throw error
    return again()
  })
}
