// The end of a channel: gone at once for everybody, and cleared away piece by piece.
import type { Fate } from './log.ts'
import { endBudgets } from './budgets.ts'
import { releaseShare } from './shares.ts'
import type { Db, Tx } from './store.ts'

interface Tables {
  channels: { name: string, version: number }
  /** Names of channels that were deleted, until nothing of them is left: no channel is made under them meanwhile. */
  endings: { channel: string }
  memberships: { agent: string, channel: string }
  invitations: { agent: string, channel: string }
  channel_groups: { agent: string, channel: string }
  retention: { channel: string }
}

/** The channel is no more. What belonged to it is cleared away afterwards, piece by piece. Gives its last version; undefined: there is none. */
export const endChannel = async (tx: Tx, name: string): Promise<number | undefined> => {
  await tx.changing(name)
  const ended = await tx.tables<Tables>().deleteFrom('channels').where('name', '=', name).returning('version').executeTakeFirst()
  if (ended === undefined) return undefined
  await tx.tables<Tables>().insertInto('endings').values({ channel: name }).execute()
  await releaseShare(tx, 'channels', name)
  await endBudgets(tx, name)
  await tx.log.end(name)
  return ended.version
}

/** Whether something of a deleted channel of that name is left. */
export const isEnding = async (db: Db, name: string): Promise<boolean> =>
  (await db.tables<Tables>().selectFrom('endings').select('channel').where('channel', '=', name).executeTakeFirst()) !== undefined

const rowsAtOnce = 1_000

/** Clears a bounded piece of a deleted channel away; gives whether there was one, and the fates to tell. */
export const clearSome = async (tx: Tx, now: number): Promise<{ readonly worked: boolean, readonly fates: readonly Fate[] }> => {
  const tables = tx.tables<Tables>()
  const ending = await tables.selectFrom('endings').select('channel').limit(1).executeTakeFirst()
  if (ending === undefined) return { worked: false, fates: [] }
  const { channel } = ending
  for (const table of ['memberships', 'invitations', 'channel_groups'] as const) {
    const { numDeletedRows } = await tables.deleteFrom(table).where('channel', '=', channel)
      .where('agent', 'in', tables.selectFrom(table).select('agent').where('channel', '=', channel).limit(rowsAtOnce)).executeTakeFirst()
    if (numDeletedRows > 0n) return { worked: true, fates: [] }
  }
  const { deleted, fates } = await tx.keep.clearEnded(channel, now)
  if (deleted > 0) return { worked: true, fates }
  await tables.deleteFrom('retention').where('channel', '=', channel).execute()
  // A mirror that is made again goes by its home's numbers.
  if (channel.includes('@', 1)) await tx.log.beginAnew(channel)
  await tables.deleteFrom('endings').where('channel', '=', channel).execute()
  return { worked: true, fates: [] }
}
