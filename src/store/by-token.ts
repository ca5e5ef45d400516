// What an agent said and was shown by one token, wherever it asked: in the token's row, so that all processes see it and it goes with the token.
import { sql, type RawBuilder } from 'kysely'
import { preparedRead, preparedWrite } from './prepared.ts'
import type { Db, ReadTables, Tx, WriteTables } from './store.ts'

/** What of an inbox was shown. */
export interface Shown {
  /** Everything up to this number. */
  readonly upTo: number
  /** Numbers beyond it, in the order in which they were shown. */
  readonly apart: readonly number[]
}

/** And under which claim, of a call that has not told it yet; empty: it was told. */
export type ShownBy = Shown & { readonly by: string }

interface Tables {
  door_tokens: {
    id: string
    shown: number
    /** Numbers, separated by spaces. */
    shown_apart: string
    shown_by: string
    /** Hashes of what was said and when, the newest first, each as long as the others. */
    said: string
    /** Names of sessions, the newest first, each as long as the others. */
    ended_sessions: string
  }
}

export const byTokenColumns = (integer: string): string => `
  ALTER TABLE door_tokens ADD COLUMN shown ${integer} NOT NULL DEFAULT 0;
  ALTER TABLE door_tokens ADD COLUMN shown_apart TEXT NOT NULL DEFAULT '';
  ALTER TABLE door_tokens ADD COLUMN shown_by TEXT NOT NULL DEFAULT '';
  ALTER TABLE door_tokens ADD COLUMN said TEXT NOT NULL DEFAULT '';
  ALTER TABLE door_tokens ADD COLUMN ended_sessions TEXT NOT NULL DEFAULT '';
`

const findShown = preparedRead((tables: ReadTables<Tables>, token: string) =>
  tables.selectFrom('door_tokens').select(['shown', 'shown_apart', 'shown_by']).where('id', '=', token)
)

/** undefined: there is no such token any more. */
export const shownBy = async (db: Db, token: string): Promise<ShownBy | undefined> => {
  const [row] = await findShown(db, token)
  return row && {
    upTo: row.shown,
    apart: row.shown_apart === '' ? [] : row.shown_apart.split(' ').map(Number),
    by: row.shown_by,
  }
}

const putShown = preparedWrite((
  tables: WriteTables<Tables>,
  shown: number,
  shown_apart: string,
  shown_by: string,
  token: string,
  shownBefore: number,
  apartBefore: string,
  byBefore: string,
) =>
  tables.updateTable('door_tokens').set({ shown, shown_apart, shown_by }).where('id', '=', token).where('shown', '=', shownBefore)
    .where('shown_apart', '=', apartBefore).where('shown_by', 'in', ['', byBefore])
)

/** Puts another state in the place of one that was read, or of the same that was told since. False: it is not that one any more. */
export const replaceShown = async (tx: Tx, token: string, before: ShownBy, now: ShownBy): Promise<boolean> =>
  await putShown(tx, now.upTo, now.apart.join(' '), now.by, token, before.upTo, before.apart.join(' '), before.by) > 0

const putTold = preparedWrite((tables: WriteTables<Tables>, token: string, claim: string) =>
  tables.updateTable('door_tokens').set({ shown_by: '' }).where('id', '=', token).where('shown_by', '=', claim)
)

/** What was shown under a claim was told. */
export const settleShown = async (tx: Tx, token: string, claim: string): Promise<void> => void await putTold(tx, token, claim)

/** It was not told: what was shown before is there again. */
export const takeBackShown = async (tx: Tx, token: string, claim: string, { upTo, apart }: Shown): Promise<void> => {
  const rows = tx.tables<Tables>()
  // Whoever holds the row is waited for: a commit in doubt may come yet, and nobody would take that back.
  await rows.updateTable('door_tokens').set(({ ref }) => ({ shown_by: ref('shown_by') })).where('id', '=', token).execute()
  await rows.updateTable('door_tokens').set({ shown: upTo, shown_apart: apart.join(' '), shown_by: '' }).where('id', '=', token)
    .where('shown_by', '=', claim).execute()
}

/** A list with one more in front, of which so many characters are kept: whole ones, as all are as long. */
const pushed = (column: 'said' | 'ended_sessions', entry: string, maxChars: number): RawBuilder<string> =>
  sql<string>`substr(${entry} || ${sql.ref(column)}, 1, ${sql.lit(maxChars)})`

const hashChars = 16
/** ms in base 36, for some thousand years. */
const timeChars = 9
const saidChars = hashChars + timeChars
/** What is remembered of what was said. */
const maxSaid = 60

/**
 * Notes that something was said, by its hash, and gives when the same was said before, in ms; undefined: it was not, or so long ago that it is not
 * remembered. Whoever says the same at another process at that moment waits, and finds it.
 */
export const noteSaid = async (tx: Tx, token: string, hash: string, now: number): Promise<number | undefined> => {
  const entry = `${hash.slice(0, hashChars).padEnd(hashChars)}${now.toString(36).padStart(timeChars, '0')}`
  const row = await tx.tables<Tables>().updateTable('door_tokens').set({ said: pushed('said', entry, maxSaid * saidChars) })
    .where('id', '=', token).returning('said').executeTakeFirst()
  const said = row?.said ?? ''
  for (let at = saidChars; at < said.length; at += saidChars)
    if (said.startsWith(entry.slice(0, hashChars), at)) return parseInt(said.slice(at + hashChars, at + saidChars), 36)
  return undefined
}

/** Of one token, and characters of each. */
const maxEnded = 64
const sessionChars = 22

const findEnded = preparedRead((tables: ReadTables<Tables>, token: string) =>
  tables.selectFrom('door_tokens').select('ended_sessions').where('id', '=', token)
)

/** `session`: 22 characters that name it. */
export const isSessionEnded = async (db: Db, token: string, session: string): Promise<boolean> => {
  const ended = (await findEnded(db, token))[0]?.ended_sessions ?? ''
  for (let at = 0; at < ended.length; at += sessionChars) if (ended.startsWith(session, at)) return true
  return false
}

export const endSession = async (tx: Tx, token: string, session: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('door_tokens')
    .set({ ended_sessions: pushed('ended_sessions', session, maxEnded * sessionChars) }).where('id', '=', token).execute()
}
