// Who brought which file, who names it where, and how much each holds. The bytes are elsewhere.
//
// | a row of file_owners   | what it is                    | goes                                                        |
// |------------------------|-------------------------------|-------------------------------------------------------------|
// | whole 0                | an upload                     | a day after something came of it, or it was asked for       |
// | whole 1, named 0       | a file that no message names  | a day after it came, was asked for, or was named last       |
// | whole 1, named > 0     | a file of so many messages    | stays                                                       |
import type { Db, Migration, Tx } from './store.ts'

export interface OwnerRow {
  readonly sha256: string
  readonly agent: string
  readonly address: string
  readonly bytes: number
  /** Since when it has not been asked for, or named. */
  readonly at: number
  /** The id under which it comes, or came. */
  readonly upload: string
  /** 1: all of it is here. */
  readonly whole: number
  /** Messages of the agent that name it. */
  readonly named: number
}

export interface RefRow {
  readonly id: string
  readonly sha256: string
  readonly agent: string
  readonly stream: string
  readonly at: number
  /** Its message stands behind this number; -1: it is known where. */
  readonly after: number
  /** Where its message stands; 0: not known yet. */
  readonly seq: number
}

interface Tables {
  file_owners: OwnerRow
  file_refs: RefRow
  file_usage: { holder: string, files: number, bytes: number }
  file_gone: {
    sha256: string
    /** ms: until then one process is at it, and nobody brings it again. */
    until: number
  }
}

export const fileMigrations: Migration = {
  feature: 'files',
  steps: [
    `
    CREATE TABLE file_owners (sha256 TEXT NOT NULL, agent TEXT NOT NULL, address TEXT NOT NULL, bytes INTEGER NOT NULL, at INTEGER NOT NULL,
      upload TEXT NOT NULL, whole INTEGER NOT NULL, named INTEGER NOT NULL, PRIMARY KEY (sha256, agent)) WITHOUT ROWID;
    CREATE INDEX file_owners_upload ON file_owners (upload);
    CREATE INDEX file_owners_agent ON file_owners (agent);
    CREATE INDEX file_owners_named ON file_owners (named, at);
    CREATE TABLE file_refs (id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, agent TEXT NOT NULL, stream TEXT NOT NULL, at INTEGER NOT NULL,
      after INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX file_refs_seq ON file_refs (stream, seq);
    CREATE INDEX file_refs_agent ON file_refs (agent);
    CREATE INDEX file_refs_unknown ON file_refs (seq, at);
    CREATE TABLE file_usage (holder TEXT PRIMARY KEY, files INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE file_gone (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
  `,
    'CREATE INDEX file_refs_sha256 ON file_refs (sha256, at)',
    'ALTER TABLE file_gone ADD COLUMN until INTEGER NOT NULL DEFAULT 0',
  ],
  postgres: [
    `
    CREATE TABLE file_owners (sha256 TEXT NOT NULL, agent TEXT NOT NULL, address TEXT NOT NULL, bytes BIGINT NOT NULL, at BIGINT NOT NULL,
      upload TEXT NOT NULL, whole BIGINT NOT NULL, named BIGINT NOT NULL, PRIMARY KEY (sha256, agent));
    CREATE INDEX file_owners_upload ON file_owners (upload);
    CREATE INDEX file_owners_agent ON file_owners (agent);
    CREATE INDEX file_owners_named ON file_owners (named, at);
    CREATE TABLE file_refs (id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, agent TEXT NOT NULL, stream TEXT NOT NULL, at BIGINT NOT NULL,
      after BIGINT NOT NULL, seq BIGINT NOT NULL);
    CREATE INDEX file_refs_seq ON file_refs (stream, seq);
    CREATE INDEX file_refs_agent ON file_refs (agent);
    CREATE INDEX file_refs_unknown ON file_refs (seq, at);
    CREATE TABLE file_usage (holder TEXT PRIMARY KEY, files BIGINT NOT NULL, bytes BIGINT NOT NULL);
    CREATE TABLE file_gone (sha256 TEXT PRIMARY KEY);
  `,
    'CREATE INDEX file_refs_sha256 ON file_refs (sha256, at)',
    { expand: 'ALTER TABLE file_gone ADD COLUMN until BIGINT NOT NULL DEFAULT 0' },
  ],
}

/** The holder of everything; no agent and no address is called so. */
const everyone = '*'

export interface FileUse {
  readonly files: number
  readonly bytes: number
}

const useOf = async (db: Db, holder: string): Promise<FileUse> =>
  await db.tables<Tables>().selectFrom('file_usage').select(['files', 'bytes']).where('holder', '=', holder).executeTakeFirst()
    ?? { files: 0, bytes: 0 }

/** What an agent, its address and all together hold, uploads that are not whole among it. */
export const fileUse = async (db: Db, { agent, address }: { readonly agent: string, readonly address: string }) => ({
  agent: await useOf(db, agent),
  address: await useOf(db, address),
  all: await useOf(db, everyone),
})

const use = async (tx: Tx, { agent, address, bytes }: Pick<OwnerRow, 'agent' | 'address' | 'bytes'>, sign: 1 | -1): Promise<void> => {
  for (const holder of [agent, address, everyone]) {
    await tx.tables<Tables>().insertInto('file_usage').values({ holder, files: sign, bytes: sign * bytes }).onConflict(conflict =>
      conflict.column('holder').doUpdateSet(({ ref, eb }) => ({
        files: eb(ref('file_usage.files'), '+', sign),
        bytes: eb(ref('file_usage.bytes'), '+', sign * bytes),
      }))
    ).execute()
  }
  if (sign === -1) await tx.tables<Tables>().deleteFrom('file_usage').where('files', '<=', 0).execute()
}

export const findOwner = (db: Db, sha256: string, agent: string): Promise<OwnerRow | undefined> =>
  db.tables<Tables>().selectFrom('file_owners').selectAll().where('sha256', '=', sha256).where('agent', '=', agent).executeTakeFirst()

export const findUpload = (db: Db, upload: string): Promise<OwnerRow | undefined> =>
  db.tables<Tables>().selectFrom('file_owners').selectAll().where('upload', '=', upload).executeTakeFirst()

/** Whether somebody brought it whole. */
export const isWhole = async (db: Db, sha256: string): Promise<boolean> =>
  await db.tables<Tables>().selectFrom('file_owners').select('agent').where('sha256', '=', sha256).where('whole', '=', 1).limit(1)
    .executeTakeFirst() !== undefined

export const addUpload = async (tx: Tx, row: Omit<OwnerRow, 'named' | 'whole'>): Promise<void> => {
  await tx.tables<Tables>().insertInto('file_owners').values({ ...row, whole: 0, named: 0 }).execute()
  await use(tx, row, 1)
}

/** It was asked for: its day begins anew. False: it was taken away meanwhile. */
export const touchOwner = async (tx: Tx, { sha256, agent }: Pick<OwnerRow, 'sha256' | 'agent'>, at: number): Promise<boolean> =>
  (await tx.tables<Tables>().updateTable('file_owners').set({ at }).where('sha256', '=', sha256).where('agent', '=', agent)
    .executeTakeFirst()).numUpdatedRows > 0n

/** It is asked for, and its bytes are not here, or not all: its day begins anew. */
export const bringAgain = async (tx: Tx, { upload }: Pick<OwnerRow, 'upload'>, at: number): Promise<void> => {
  await tx.tables<Tables>().updateTable('file_owners').set({ whole: 0, at }).where('upload', '=', upload).execute()
}

/**
 * The bytes of an upload are kept: it is whole. going: the bytes of such a file go at another process at this moment. gone: it was given up,
 * and what was kept goes where nobody else brought it.
 */
export const finishUpload = async (
  tx: Tx,
  { upload, sha256 }: Pick<OwnerRow, 'upload' | 'sha256'>,
  at: number,
): Promise<'noted' | 'going' | 'gone'> => {
  const tables = tx.tables<Tables>()
  // Whoever takes it from its owner waits for this, or this for them.
  const { numUpdatedRows } = await tables.updateTable('file_owners').set({ at }).where('upload', '=', upload).executeTakeFirst()
  if (numUpdatedRows === 0n) {
    if (!await isWhole(tx, sha256)) await goes(tx, sha256)
    return 'gone'
  }
  // Whoever has the bytes go takes this row first, and finds that they are needed; or has taken it.
  const { until } = await tables.insertInto('file_gone').values({ sha256, until: 0 }).onConflict(conflict =>
    conflict.column('sha256').doUpdateSet(({ ref }) => ({ until: ref('file_gone.until') }))
  ).returning('until').executeTakeFirstOrThrow()
  if (until > at) return 'going'
  await neededFile(tx, sha256)
  await tables.updateTable('file_owners').set({ whole: 1 }).where('upload', '=', upload).execute()
  return 'noted'
}

/** Its bytes are to go, once more where they went at this moment: they may have been kept again since, and that is not noted as done. */
const goes = async (tx: Tx, sha256: string): Promise<void> => {
  await tx.tables<Tables>().insertInto('file_gone').values({ sha256, until: 0 }).onConflict(conflict =>
    conflict.column('sha256').doUpdateSet(({ ref, eb }) => ({ until: eb(ref('file_gone.until'), '+', 1) }))
  ).execute()
}

/** Takes a file, or an upload, from its owner; notes that the bytes go where nobody else brought them. */
export const removeOwner = async (tx: Tx, row: OwnerRow): Promise<void> => {
  await takeFrom(tx, row, false)
}

/** The same of one that nobody asked for or named since it was looked at. */
export const removeIdle = (tx: Tx, row: OwnerRow): Promise<boolean> => takeFrom(tx, row, true)

const takeFrom = async (tx: Tx, row: OwnerRow, isIdle: boolean): Promise<boolean> => {
  const { sha256, agent } = row
  const taken = tx.tables<Tables>().deleteFrom('file_owners').where('sha256', '=', sha256).where('agent', '=', agent)
  // Another process may name it, or take it away too, at this moment.
  const { numDeletedRows } = await (isIdle ? taken.where('named', '=', 0).where('at', '<=', row.at) : taken).executeTakeFirst()
  if (numDeletedRows === 0n) return false
  await use(tx, row, -1)
  if (!await isWhole(tx, sha256)) await goes(tx, sha256)
  return true
}

/** Those that nobody asked for or named since, the longest first. */
export const idleOwners = (db: Db, before: number, limit: number): Promise<readonly OwnerRow[]> =>
  db.tables<Tables>().selectFrom('file_owners').selectAll().where('named', '=', 0).where('at', '<', before).orderBy('at').limit(limit)
    .execute()

/** Files whose bytes are to go, and at which nobody is. */
export const goneFiles = async (db: Db, now: number, limit: number): Promise<readonly string[]> =>
  (await db.tables<Tables>().selectFrom('file_gone').select('sha256').where('until', '<=', now).orderBy('sha256').limit(limit).execute())
    .map(({ sha256 }) => sha256)

/** Whether this process has the bytes of a file go now: until a time nobody brings it again. False: another one does, or it is needed again. */
export const takeGone = async (tx: Tx, sha256: string, now: number, until: number): Promise<boolean> => {
  const taken = await tx.tables<Tables>().updateTable('file_gone').set({ until }).where('sha256', '=', sha256).where('until', '<=', now)
    .returning('sha256').executeTakeFirst()
  if (taken === undefined) return false
  if (!await isWhole(tx, sha256)) return true
  await neededFile(tx, sha256)
  return false
}

/** The bytes went, as `takeGone` took them until then. */
export const wentFile = async (tx: Tx, sha256: string, until: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('file_gone').where('sha256', '=', sha256).where('until', '=', until).execute()
}

/** Somebody has brought it whole. */
const neededFile = async (tx: Tx, sha256: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('file_gone').where('sha256', '=', sha256).execute()
}

/** A message names a file; where it will stand is not known while that is decided. False: it was taken away at this moment. */
export const addRef = async (tx: Tx, row: Omit<RefRow, 'seq'>): Promise<boolean> => {
  const { sha256, agent } = row
  const { numUpdatedRows } = await tx.tables<Tables>().updateTable('file_owners').set(({ eb, ref }) => ({
    named: eb(ref('named'), '+', 1),
  })).where('sha256', '=', sha256).where('agent', '=', agent).executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await tx.tables<Tables>().insertInto('file_refs').values({ ...row, seq: 0 }).execute()
  return true
}

export const removeRef = async (tx: Tx, { id, sha256, agent }: RefRow, at: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('file_refs').where('id', '=', id).execute()
  await tx.tables<Tables>().updateTable('file_owners').set(({ eb, ref }) => ({ named: eb(ref('named'), '-', 1), at }))
    .where('sha256', '=', sha256).where('agent', '=', agent).execute()
}

export const placeRef = async (tx: Tx, id: string, place: Pick<RefRow, 'after' | 'seq'>): Promise<void> => {
  await tx.tables<Tables>().updateTable('file_refs').set(place).where('id', '=', id).execute()
}

/** Messages that name files, and are not found yet: the oldest first. */
export const unplacedRefs = (db: Db, limit: number): Promise<readonly RefRow[]> =>
  db.tables<Tables>().selectFrom('file_refs').selectAll().where('seq', '=', 0).orderBy('at').orderBy('id').limit(limit).execute()

/** Whether a message is known to name a file. */
export const isPlaced = async (db: Db, sha256: string, stream: string, seq: number): Promise<boolean> =>
  await db.tables<Tables>().selectFrom('file_refs').select('id').where('stream', '=', stream).where('seq', '=', seq).where('sha256', '=',
    sha256)
    .executeTakeFirst() !== undefined

/** Messages that name a file, the newest first. */
export const refsOf = (db: Db, sha256: string, limit: number): Promise<readonly RefRow[]> =>
  db.tables<Tables>().selectFrom('file_refs').selectAll().where('sha256', '=', sha256).where('seq', '>', 0).orderBy('at', 'desc').limit(
    limit,
  )
    .execute()

/** The next messages that name files, in the order of streams and numbers. */
export const placedRefs = (db: Db, after: Pick<RefRow, 'stream' | 'seq' | 'id'>, limit: number): Promise<readonly RefRow[]> =>
  db.tables<Tables>().selectFrom('file_refs').selectAll().where('seq', '>', 0).where(({ eb, or, and }) =>
    or([
      eb('stream', '>', after.stream),
      and([eb('stream', '=', after.stream), eb('seq', '>', after.seq)]),
      and([eb('stream', '=', after.stream), eb('seq', '=', after.seq), eb('id', '>', after.id)]),
    ])
  ).orderBy('stream').orderBy('seq').orderBy('id').limit(limit).execute()

/** Of an agent whose messages are erased: nothing of it is named any more, and goes with the next sweep. */
export const forgetFiles = async (tx: Tx, agent: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('file_refs').where('agent', '=', agent).execute()
  await tx.tables<Tables>().updateTable('file_owners').set({ named: 0, at: 0 }).where('agent', '=', agent).execute()
}
