// The name an agent appears under.
import { CliError } from './exit.ts'
import type { Io } from './io.ts'

/** The name that was asked for, if the wire allows it; else agent- and four random characters. */
export const agentName = (wanted: string | undefined, { random }: Pick<Io, 'random'>): string => {
  if (wanted === undefined) return `agent-${Math.floor(random() * 36 ** 4).toString(36).padStart(4, '0')}`
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(wanted))
    throw new CliError('usage', `${JSON.stringify(wanted)} is not a name`, 'Names are 1 to 32 of A-Z a-z 0-9 _ -')
  return wanted
}
