// The database server of the settings: whether a relay could use it, how it is reached, and its clock.
import { lookAtLine } from '../../store/postgres/line.ts'
import { lookAtPostgres } from '../../store/postgres/look.ts'
import { spanText } from '../discovery/found.ts'
import { fail, failed, ok, warn, type Finding } from './finding.ts'

/** What a process tells in its log, too. */
const warnClockMs = 2_000

const pooled = (why: string): Finding =>
  fail('store', why,
    'Name the server itself in the store url, not a pooler: a relay prepares statements, and holds a lock for as long as its connection lives.')

export const lookAtStore = async (url: string, now: () => number): Promise<readonly Finding[]> => {
  try {
    const told = await lookAtPostgres(url)
    const { isLent, offMs } = await lookAtLine(url, now)
    if (isLent) return [pooled('A pooler lends connections of the database, each for a transaction')]
    return [...clock(offMs), ok('store', told)]
  } catch (error) {
    // What PgBouncer says to a parameter of the connection that it does not know; a server does not say it.
    const { message } = error as Error
    return [message.includes('unsupported startup parameter') ? pooled(message) : failed('store', error)]
  }
}

const clock = (offMs: number): readonly Finding[] =>
  Math.abs(offMs) <= warnClockMs ? [] : [
    warn('clock', `This machine's clock is ${spanText(Math.abs(offMs))} ${offMs > 0 ? 'ahead of' : 'behind'} the database's`,
      'Set it (timedatectl set-ntp true). Several processes go by the clock of the database; agents on this machine sign by its own.'),
  ]
