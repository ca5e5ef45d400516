// What the vault keeps: keys of people, closed by what the relay does not have, and for ten minutes what two browsers tell each other.
import type { Migration, TableReader, TableWriter } from '../../../store/store.ts'

export interface WrapRow {
  readonly account: string
  /** Its browser names it. */
  readonly id: string
  readonly kind: 'prf' | 'recovery'
  /** Whose key it is, "@…". */
  readonly agent: string
  /** By which passkey it opens; null: by a recovery code. */
  readonly passkey: string | null
  /** SHA-256 of what whoever has the recovery code signs in by, in hex; null: nobody does. */
  readonly proof: string | null
  readonly label: string
  /** The closed key: of no meaning here. */
  readonly wrap: string
  readonly created: number
}

/** A browser that wants the key of another one of the same account. */
export interface BrowserLinkRow {
  readonly id: string
  readonly account: string
  /** SHA-256 of what the newcomer shows it by, in hex. */
  readonly hash: string
  /** What the browsers said, of no meaning here; each once, in this order. */
  readonly commitment: string
  readonly offer: string | null
  readonly reveal: string | null
  readonly wrap: string | null
  /** Whose key it is, told with the wrap. */
  readonly agent: string | null
  /** Where the newcomer is, for the eyes of who is asked. */
  readonly address: string
  readonly browser: string
  readonly created: number
  readonly expires: number
}

interface Tables {
  vault_wraps: WrapRow
  browser_links: BrowserLinkRow
}

export const vaultMigrations: Migration = {
  feature: 'vault',
  steps: [`
    CREATE TABLE vault_wraps (account TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, agent TEXT NOT NULL, passkey TEXT, proof TEXT UNIQUE,
      label TEXT NOT NULL, wrap TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (account, id)) WITHOUT ROWID;
    CREATE TABLE browser_links (id TEXT PRIMARY KEY, account TEXT NOT NULL, hash TEXT NOT NULL, commitment TEXT NOT NULL, offer TEXT, reveal TEXT,
      wrap TEXT, agent TEXT, address TEXT NOT NULL, browser TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX browser_links_account ON browser_links (account, created);
    CREATE INDEX browser_links_expires ON browser_links (expires);
  `],
  postgres: [`
    CREATE TABLE vault_wraps (account TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, agent TEXT NOT NULL, passkey TEXT, proof TEXT UNIQUE,
      label TEXT NOT NULL, wrap TEXT NOT NULL, created BIGINT NOT NULL, PRIMARY KEY (account, id));
    CREATE TABLE browser_links (id TEXT PRIMARY KEY, account TEXT NOT NULL, hash TEXT NOT NULL, commitment TEXT NOT NULL, offer TEXT, reveal TEXT,
      wrap TEXT, agent TEXT, address TEXT NOT NULL, browser TEXT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL);
    CREATE INDEX browser_links_account ON browser_links (account, created);
    CREATE INDEX browser_links_expires ON browser_links (expires);
  `],
}

/** The oldest first. */
export const wrapsOf = (db: TableReader, account: string): Promise<readonly WrapRow[]> =>
  db.tables<Tables>().selectFrom('vault_wraps').selectAll().where('account', '=', account).orderBy('created').orderBy('id').execute()

export const wrapByProof = (db: TableReader, proof: string): Promise<WrapRow | undefined> =>
  db.tables<Tables>().selectFrom('vault_wraps').selectAll().where('proof', '=', proof).executeTakeFirst()

/** In the place of the one of its name. */
export const putWrap = async (tx: TableWriter, row: WrapRow): Promise<void> => {
  await removeWrap(tx, row.account, row.id)
  await tx.tables<Tables>().insertInto('vault_wraps').values(row).execute()
}

/** False: there is none. */
export const removeWrap = async (tx: TableWriter, account: string, id: string): Promise<boolean> =>
  (await tx.tables<Tables>().deleteFrom('vault_wraps').where('account', '=', account).where('id', '=', id).executeTakeFirst())
    .numDeletedRows > 0n

/** Those that open by a passkey. */
export const removeWrapsBy = async (tx: TableWriter, account: string, passkey: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('vault_wraps').where('account', '=', account).where('passkey', '=', passkey).execute()
}

export const addBrowserLink = async (tx: TableWriter, row: BrowserLinkRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('browser_links').values(row).execute()
}

/** The oldest first. */
export const browserLinksOf = (db: TableReader, account: string, now: number): Promise<readonly BrowserLinkRow[]> =>
  db.tables<Tables>().selectFrom('browser_links').selectAll().where('account', '=', account).where('expires', '>', now).orderBy('created')
    .orderBy('id').execute()

type Said = Partial<Pick<BrowserLinkRow, 'offer' | 'reveal' | 'wrap' | 'agent'>>

export const sayInLink = async (tx: TableWriter, id: string, said: Said): Promise<void> => {
  await tx.tables<Tables>().updateTable('browser_links').set(said).where('id', '=', id).execute()
}

export const removeBrowserLink = async (tx: TableWriter, account: string, id: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('browser_links').where('account', '=', account).where('id', '=', id).execute()
}

export const forgetBrowserLinks = async (tx: TableWriter, now: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('browser_links').where('expires', '<=', now).execute()
}
