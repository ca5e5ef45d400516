// Commands that want to be somebody's: each waits for ten minutes for a person who types its code.
import type { Migration, TableReader, TableWriter } from '../../../store/store.ts'

export interface DeviceRow {
  /** SHA-256 of what the command shows itself by, in hex. */
  readonly hash: string
  /** SHA-256 of the code that a person types, in hex. */
  readonly code: string
  /** Whose key it has, "@…". */
  readonly agent: string
  /** Where it came from. */
  readonly address: string
  /** Who typed the code, and in which browser; null: nobody yet. */
  readonly account: string | null
  readonly sign_in: string | null
  /** When it asked last. */
  readonly asked: number
  readonly created: number
  readonly expires: number
}

interface Tables {
  account_devices: DeviceRow
}

export const deviceMigrations: Migration = {
  feature: 'account devices',
  steps: [`
    CREATE TABLE account_devices (hash TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, agent TEXT NOT NULL, address TEXT NOT NULL, account TEXT,
      sign_in TEXT, asked INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX account_devices_address ON account_devices (address);
    CREATE INDEX account_devices_expires ON account_devices (expires);
  `],
  postgres: [`
    CREATE TABLE account_devices (hash TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, agent TEXT NOT NULL, address TEXT NOT NULL, account TEXT,
      sign_in TEXT, asked BIGINT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL);
    CREATE INDEX account_devices_address ON account_devices (address);
    CREATE INDEX account_devices_expires ON account_devices (expires);
  `],
}

export const addDevice = async (tx: TableWriter, row: DeviceRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('account_devices').values(row).execute()
}

export const findDevice = (db: TableReader, by: 'hash' | 'code', value: string): Promise<DeviceRow | undefined> =>
  db.tables<Tables>().selectFrom('account_devices').selectAll().where(by, '=', value).executeTakeFirst()

/** How many wait; undefined: from everywhere. */
export const countDevices = async (db: TableReader, address?: string): Promise<number> => {
  const all = db.tables<Tables>().selectFrom('account_devices').select(({ fn }) => fn.countAll<number>().as('n'))
  return Number((await (address === undefined ? all : all.where('address', '=', address)).executeTakeFirstOrThrow()).n)
}

export const changeDevice = async (
  tx: TableWriter,
  hash: string,
  change: Partial<Pick<DeviceRow, 'account' | 'sign_in' | 'asked'>>,
): Promise<void> => {
  await tx.tables<Tables>().updateTable('account_devices').set(change).where('hash', '=', hash).execute()
}

export const removeDevice = async (tx: TableWriter, hash: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('account_devices').where('hash', '=', hash).execute()
}

/** Of the address that has most, the one that waits for longest; what somebody confirmed stays. */
export const removeOfMost = async (tx: TableWriter): Promise<void> => {
  const waiting = tx.tables<Tables>().selectFrom('account_devices').where('account', 'is', null)
  const most = await waiting.select('address').groupBy('address').orderBy(({ fn }) => fn.countAll(), 'desc')
    .orderBy(({ fn }) => fn.min('created')).limit(1).executeTakeFirst()
  if (most === undefined) return
  const { hash } = await waiting.select('hash').where('address', '=', most.address).orderBy('created').orderBy('hash').limit(1)
    .executeTakeFirstOrThrow()
  await removeDevice(tx, hash)
}

export const forgetDevices = async (tx: TableWriter, now: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('account_devices').where('expires', '<=', now).execute()
}
