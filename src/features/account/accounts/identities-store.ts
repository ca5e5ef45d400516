// Who somebody is at identity providers: by issuer and subject, which no e-mail address takes the place of.
import type { Migration, TableReader, TableWriter } from '../../../store/store.ts'

export interface IdentityRow {
  readonly issuer: string
  readonly subject: string
  readonly account: string
  /** As the configuration calls it. */
  readonly provider: string
  readonly email: string | null
  /** 1: a provider that the operator trusts says that it is theirs. */
  readonly verified: number
  readonly created: number
  readonly used: number
}

interface Tables {
  account_identities: IdentityRow
}

export const identityMigrations: Migration = {
  feature: 'account identities',
  steps: [`
    CREATE TABLE account_identities (issuer TEXT NOT NULL, subject TEXT NOT NULL, account TEXT NOT NULL, provider TEXT NOT NULL, email TEXT,
      verified INTEGER NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (issuer, subject)) WITHOUT ROWID;
    CREATE INDEX account_identities_account ON account_identities (account, created);
    CREATE INDEX account_identities_email ON account_identities (email);
  `],
  postgres: [`
    CREATE TABLE account_identities (issuer TEXT NOT NULL, subject TEXT NOT NULL, account TEXT NOT NULL, provider TEXT NOT NULL, email TEXT,
      verified BIGINT NOT NULL, created BIGINT NOT NULL, used BIGINT NOT NULL, PRIMARY KEY (issuer, subject));
    CREATE INDEX account_identities_account ON account_identities (account, created);
    CREATE INDEX account_identities_email ON account_identities (email);
  `],
}

export const findIdentity = (db: TableReader, issuer: string, subject: string): Promise<IdentityRow | undefined> =>
  db.tables<Tables>().selectFrom('account_identities').selectAll().where('issuer', '=', issuer).where('subject', '=', subject)
    .executeTakeFirst()

/** The oldest first. */
export const identitiesOf = (db: TableReader, account: string): Promise<readonly IdentityRow[]> =>
  db.tables<Tables>().selectFrom('account_identities').selectAll().where('account', '=', account).orderBy('created').orderBy('issuer')
    .orderBy('subject').execute()

/** Who was vouched for under an address, by providers that are trusted now. At most as many as an account may have, and one more. */
export const vouchedAs = (db: TableReader, email: string, trusted: readonly string[]): Promise<readonly IdentityRow[]> =>
  db.tables<Tables>().selectFrom('account_identities').selectAll().where('email', '=', email).where('verified', '=', 1)
    .where('provider', 'in', trusted).limit(maxVouched).execute()

const maxVouched = 11

export const addIdentity = async (tx: TableWriter, row: IdentityRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('account_identities').values(row).execute()
}

export const noteIdentityUse = async (
  tx: TableWriter,
  { issuer, subject, email, verified, used }: Pick<IdentityRow, 'issuer' | 'subject' | 'email' | 'verified' | 'used'>,
): Promise<void> => {
  await tx.tables<Tables>().updateTable('account_identities').set({ email, verified, used }).where('issuer', '=', issuer)
    .where('subject', '=', subject).execute()
}

export const removeIdentity = async (tx: TableWriter, { issuer, subject }: Pick<IdentityRow, 'issuer' | 'subject'>): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('account_identities').where('issuer', '=', issuer).where('subject', '=', subject).execute()
}
