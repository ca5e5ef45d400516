// What is kept of accounts: who answers, by which passkeys they sign in, where they are signed in, links that are still good, and what was
// done. Of every secret its SHA-256 alone: whoever reads the database or a backup can sign in as nobody.
import type { Office } from '../../../relay/feature.ts'
import type { Db, Migration, TableReader, TableWriter } from '../../../store/store.ts'

/** Persons are what everybody is who has an account; the others are something at the relay besides. */
export type AccountRole = Office | 'person'

export interface AccountRow {
  /** "~" and 16 hex digits. */
  readonly id: string
  readonly name: string
  readonly role: AccountRole
  readonly created: number
  /** In which language it is spoken to, as in `de`; null: in what its browser asks for. */
  readonly locale: string | null
}

export interface PasskeyRow {
  /** In base64url, as its authenticator names it. */
  readonly id: string
  readonly account: string
  /** The domain that it is good at. */
  readonly rp_id: string
  /** In COSE, in base64url. */
  readonly public_key: string
  readonly counter: number
  /** Separated by spaces. */
  readonly transports: string
  /** 1: it is on more devices than one. */
  readonly shared: number
  readonly name: string
  readonly created: number
  readonly used: number
}

/** A browser that is signed in. */
export interface SignInRow {
  readonly id: string
  /** SHA-256 of what its cookie holds, in hex. */
  readonly hash: string
  readonly account: string
  /** How sure it is who sits there: 1, or 2 once a passkey that looked at its owner vouched for it. */
  readonly level: number
  /** When that was last. */
  readonly proved: number
  readonly passkey: string
  readonly address: string
  /** What the browser calls itself. */
  readonly agent: string
  readonly created: number
  /** By the hour. */
  readonly seen: number
  readonly expires: number
}

/** A link by which somebody who has no account yet makes one, or who lost his passkeys has one again. */
export interface LinkRow {
  /** SHA-256 of its secret, in hex. */
  readonly hash: string
  readonly role: AccountRole
  /** Whose it is already: it gets a passkey more. null: whose account it will be. */
  readonly account: string | null
  /** The account that made it; null: the relay itself, at its start. */
  readonly by: string | null
  readonly created: number
  readonly expires: number
}

export interface AccountAuditRow {
  /** Rises by one. */
  readonly n: number
  readonly at: number
  readonly account: string
  readonly sign_in: string | null
  readonly action: string
  /** Of what it was. */
  readonly target: string | null
  readonly address: string
}

interface Tables {
  owner_accounts: AccountRow
  passkeys: PasskeyRow
  sign_ins: SignInRow
  account_links: LinkRow
  spent_challenges: { name: string, expires: number }
  account_audit: AccountAuditRow
}

export const accountMigrations: Migration = {
  feature: 'accounts',
  steps: [
    `
    CREATE TABLE owner_accounts (id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX owner_accounts_role ON owner_accounts (role);
    CREATE TABLE passkeys (id TEXT PRIMARY KEY, account TEXT NOT NULL, rp_id TEXT NOT NULL, public_key TEXT NOT NULL,
      counter INTEGER NOT NULL, transports TEXT NOT NULL, shared INTEGER NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL,
      used INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX passkeys_account ON passkeys (account, created);
    CREATE TABLE sign_ins (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, account TEXT NOT NULL, level INTEGER NOT NULL,
      proved INTEGER NOT NULL, passkey TEXT NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL, created INTEGER NOT NULL,
      seen INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX sign_ins_account ON sign_ins (account, created);
    CREATE INDEX sign_ins_expires ON sign_ins (expires);
    CREATE TABLE account_links (hash TEXT PRIMARY KEY, role TEXT NOT NULL, by TEXT, created INTEGER NOT NULL, expires INTEGER NOT NULL)
      WITHOUT ROWID;
    CREATE TABLE spent_challenges (name TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX spent_challenges_expires ON spent_challenges (expires);
    CREATE TABLE account_audit (n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, account TEXT NOT NULL, sign_in TEXT,
      action TEXT NOT NULL, target TEXT, address TEXT NOT NULL);
    CREATE INDEX account_audit_account ON account_audit (account, n);
  `,
    'ALTER TABLE account_links ADD COLUMN account TEXT',
    'CREATE INDEX account_audit_action ON account_audit (account, action, n)',
    'ALTER TABLE owner_accounts ADD COLUMN locale TEXT',
  ],
  postgres: [
    `
    CREATE TABLE owner_accounts (id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, created BIGINT NOT NULL);
    CREATE INDEX owner_accounts_role ON owner_accounts (role);
    CREATE TABLE passkeys (id TEXT PRIMARY KEY, account TEXT NOT NULL, rp_id TEXT NOT NULL, public_key TEXT NOT NULL,
      counter BIGINT NOT NULL, transports TEXT NOT NULL, shared BIGINT NOT NULL, name TEXT NOT NULL, created BIGINT NOT NULL,
      used BIGINT NOT NULL);
    CREATE INDEX passkeys_account ON passkeys (account, created);
    CREATE TABLE sign_ins (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, account TEXT NOT NULL, level BIGINT NOT NULL,
      proved BIGINT NOT NULL, passkey TEXT NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL, created BIGINT NOT NULL,
      seen BIGINT NOT NULL, expires BIGINT NOT NULL);
    CREATE INDEX sign_ins_account ON sign_ins (account, created);
    CREATE INDEX sign_ins_expires ON sign_ins (expires);
    CREATE TABLE account_links (hash TEXT PRIMARY KEY, role TEXT NOT NULL, by TEXT, created BIGINT NOT NULL, expires BIGINT NOT NULL);
    CREATE TABLE spent_challenges (name TEXT PRIMARY KEY, expires BIGINT NOT NULL);
    CREATE INDEX spent_challenges_expires ON spent_challenges (expires);
    CREATE TABLE account_audit (n BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, at BIGINT NOT NULL, account TEXT NOT NULL,
      sign_in TEXT, action TEXT NOT NULL, target TEXT, address TEXT NOT NULL);
    CREATE INDEX account_audit_account ON account_audit (account, n);
  `,
    'ALTER TABLE account_links ADD COLUMN account TEXT',
    { expand: 'CREATE INDEX account_audit_action ON account_audit (account, action, n)' },
    { expand: 'ALTER TABLE owner_accounts ADD COLUMN locale TEXT' },
  ],
}

/** Whether one of these accounts operates the relay. */
export const isOperatorAmong = async (db: Db, accounts: readonly string[]): Promise<boolean> =>
  await db.tables<Tables>().selectFrom('owner_accounts').select('id').where('role', '=', 'operator')
    .where(db.dialect.isAmong('id', accounts)).limit(1).executeTakeFirst() !== undefined

export const hasOperator = async (db: TableReader): Promise<boolean> =>
  await db.tables<Tables>().selectFrom('owner_accounts').select('id').where('role', '=', 'operator').limit(1).executeTakeFirst()
    !== undefined

export const findAccount = (db: TableReader, id: string): Promise<AccountRow | undefined> =>
  db.tables<Tables>().selectFrom('owner_accounts').selectAll().where('id', '=', id).executeTakeFirst()

export const countAccounts = async (db: TableReader): Promise<number> =>
  Number((await db.tables<Tables>().selectFrom('owner_accounts').select(eb => eb.fn.countAll().as('n')).executeTakeFirstOrThrow()).n)

/** A role that it has from now on. False: there is no such account, or it operates the relay. */
export const setRole = async (tx: TableWriter, id: string, role: AccountRole): Promise<boolean> =>
  (await tx.tables<Tables>().updateTable('owner_accounts').set({ role }).where('id', '=', id).where('role', '!=', 'operator')
    .executeTakeFirst())
    .numUpdatedRows > 0n

/** null: none of its own. */
export const setLocale = async (tx: TableWriter, id: string, locale: string | null): Promise<void> => {
  await tx.tables<Tables>().updateTable('owner_accounts').set({ locale }).where('id', '=', id).execute()
}

/** The oldest first. */
export const allAccounts = (db: TableReader): Promise<readonly AccountRow[]> =>
  db.tables<Tables>().selectFrom('owner_accounts').selectAll().orderBy('created').orderBy('id').execute()

export const addAccount = async (tx: TableWriter, made: Omit<AccountRow, 'locale'>): Promise<AccountRow> => {
  const row = { ...made, locale: null }
  await tx.tables<Tables>().insertInto('owner_accounts').values(row).execute()
  return row
}

export const findPasskey = (db: TableReader, id: string): Promise<PasskeyRow | undefined> =>
  db.tables<Tables>().selectFrom('passkeys').selectAll().where('id', '=', id).executeTakeFirst()

/** The oldest first. */
export const passkeysOf = (db: TableReader, account: string): Promise<readonly PasskeyRow[]> =>
  db.tables<Tables>().selectFrom('passkeys').selectAll().where('account', '=', account).orderBy('created').orderBy('id').execute()

export const addPasskey = async (tx: TableWriter, row: PasskeyRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('passkeys').values(row).execute()
}

export const notePasskeyUse = async (tx: TableWriter, id: string, counter: number, used: number): Promise<void> => {
  await tx.tables<Tables>().updateTable('passkeys').set({ counter, used }).where('id', '=', id).execute()
}

export const removePasskey = async (tx: TableWriter, account: string, id: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('passkeys').where('account', '=', account).where('id', '=', id).execute()
}

export const addSignIn = async (tx: TableWriter, row: SignInRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('sign_ins').values(row).execute()
}

export const findSignIn = (db: TableReader, hash: string): Promise<SignInRow | undefined> =>
  db.tables<Tables>().selectFrom('sign_ins').selectAll().where('hash', '=', hash).executeTakeFirst()

export const findSignInById = (db: TableReader, id: string): Promise<SignInRow | undefined> =>
  db.tables<Tables>().selectFrom('sign_ins').selectAll().where('id', '=', id).executeTakeFirst()

/** The oldest first. */
export const signInsOf = (db: TableReader, account: string, now: number): Promise<readonly SignInRow[]> =>
  db.tables<Tables>().selectFrom('sign_ins').selectAll().where('account', '=', account).where('expires', '>', now)
    .orderBy('created').orderBy('id').execute()

/** Those of some that are there still. */
export const signInsAmong = async (db: Db, ids: readonly string[], now: number): Promise<readonly string[]> => {
  const rows = await db.tables<Tables>().selectFrom('sign_ins').select('id').where(db.dialect.isAmong('id', ids)).where('expires', '>', now)
    .execute()
  return rows.map(({ id }) => id)
}

/** To which accounts some browsers are signed in. */
export const accountsSignedIn = async (db: Db, ids: readonly string[], now: number): Promise<readonly string[]> => {
  const rows = await db.tables<Tables>().selectFrom('sign_ins').select('account').where(db.dialect.isAmong('id', ids))
    .where('expires', '>', now).execute()
  return rows.map(({ account }) => account)
}

/** By what its cookie holds: a browser that vouched meanwhile has another. False: there is none. */
export const noteSeen = async (tx: TableWriter, hash: string, seen: number, expires: number): Promise<boolean> =>
  (await tx.tables<Tables>().updateTable('sign_ins').set({ seen, expires }).where('hash', '=', hash).executeTakeFirst()).numUpdatedRows > 0n

/** Ends one of an account, or all of them. False: there is none. */
export const removeSignIns = async (tx: TableWriter, account: string, id?: string): Promise<boolean> => {
  const all = tx.tables<Tables>().deleteFrom('sign_ins').where('account', '=', account)
  return (await (id === undefined ? all : all.where('id', '=', id)).executeTakeFirst()).numDeletedRows > 0n
}

/** Those of an account that no passkey opened. */
export const removeUnsureSignIns = async (tx: TableWriter, account: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('sign_ins').where('account', '=', account).where('level', '<', 2).execute()
}

/** Those that a passkey opened. */
export const removeSignInsBy = async (tx: TableWriter, passkey: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('sign_ins').where('passkey', '=', passkey).execute()
}

export const addLink = async (tx: TableWriter, row: LinkRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('account_links').values(row).execute()
}

export const findLink = (db: TableReader, hash: string): Promise<LinkRow | undefined> =>
  db.tables<Tables>().selectFrom('account_links').selectAll().where('hash', '=', hash).executeTakeFirst()

/** Those that an account made; null: the relay itself. The oldest first. */
export const linksBy = (db: TableReader, by: string | null): Promise<readonly LinkRow[]> =>
  db.tables<Tables>().selectFrom('account_links').selectAll().where('by', by === null ? 'is' : '=', by).orderBy('created').orderBy('hash')
    .execute()

/** False: it is gone already. */
export const removeLink = async (tx: TableWriter, hash: string): Promise<boolean> =>
  (await tx.tables<Tables>().deleteFrom('account_links').where('hash', '=', hash).executeTakeFirst()).numDeletedRows > 0n

/** By which new accounts of a role would be made. */
export const removeLinksFor = async (tx: TableWriter, role: AccountRole): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('account_links').where('role', '=', role).where('account', 'is', null).execute()
}

/** By which an account that is there would be opened. */
export const removeLinksTo = async (tx: TableWriter, account: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('account_links').where('account', '=', account).execute()
}

/** Notes that a challenge was answered. False: it was before. */
export const spendChallenge = async (tx: TableWriter, name: string, expires: number): Promise<boolean> =>
  (await tx.tables<Tables>().insertInto('spent_challenges').values({ name, expires }).onConflict(conflict => conflict.doNothing())
    .executeTakeFirst()).numInsertedOrUpdatedRows! > 0n

/** What time has ended. */
export const forgetOver = async (tx: TableWriter, now: number): Promise<void> => {
  const tables = tx.tables<Tables>()
  for (const table of ['sign_ins', 'account_links', 'spent_challenges'] as const)
    await tables.deleteFrom(table).where('expires', '<=', now).execute()
}

/** Adds an entry; of older ones `keep` stay with it. */
export const addAccountAudit = async (tx: TableWriter, row: Omit<AccountAuditRow, 'n'>, keep: number): Promise<void> => {
  const tables = tx.tables<Tables>()
  const { n } = await tables.insertInto('account_audit').values(row as AccountAuditRow).returning('n').executeTakeFirstOrThrow()
  await tables.deleteFrom('account_audit').where('n', '<=', n - keep).execute()
  // What one does again and again takes the place of itself: neither other acts of the account go for it, nor those of others.
  const same = tables.selectFrom('account_audit').select('n').where('account', '=', row.account).where('action', '=', row.action)
  const beyond = await same.orderBy('n', 'desc').offset(shareOf(keep)).limit(1).executeTakeFirst()
  if (beyond === undefined) return
  await tables.deleteFrom('account_audit').where('account', '=', row.account).where('action', '=', row.action)
    .where('n', '<=', beyond.n).execute()
}

/** Of one kind of act of one account, a hundredth. */
const shareOf = (keep: number): number => Math.max(1, Math.floor(keep / 100))

export interface AccountAuditQuery {
  /** undefined: of all of them. */
  readonly account?: string | undefined
  /** Only entries before this one. */
  readonly before?: number | undefined
  readonly limit: number
}

/** The newest first. */
export const accountAuditPage = (db: TableReader, { account, before, limit }: AccountAuditQuery): Promise<readonly AccountAuditRow[]> => {
  let query = db.tables<Tables>().selectFrom('account_audit').selectAll()
  if (account !== undefined) query = query.where('account', '=', account)
  if (before !== undefined) query = query.where('n', '<', before)
  return query.orderBy('n', 'desc').limit(limit).execute()
}
