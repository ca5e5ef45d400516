// Accounts and their entries. Every posting is two entries, one out of an account and one into another; nothing is ever changed afterwards.
import { issuer, post, transfer, type Accounts } from '../../../domain/ledger/ledger.ts'
import type { FrameBody } from '../../../../lib/protocol/index.ts'
import { Fail } from '../../../relay/feature.ts'
import { keysOf, successorOf } from '../../../store/agents.ts'
import type { Db, Migration, Tx } from '../../../store/store.ts'

export type EntryKind = FrameBody<'STATEMENT'>['entries'][number]['kind']

interface EntryRow {
  readonly entry: number
  readonly at: number
  readonly kind: EntryKind
  readonly account: string
  readonly currency: string
  readonly amount: number
  readonly balance: number
  readonly other: string
  readonly ref: string | null
  readonly by: string
  readonly note: string | null
}

interface Tables {
  accounts: { account: string, currency: string, balance: number }
  ledger_entries: EntryRow
  ledger_keys: { key: string, fingerprint: string }
  holds: { agent: string, account: string, currency: string }
}

export const ledgerMigrations: Migration = {
  feature: 'ledger',
  steps: [
    `
    CREATE TABLE accounts (account TEXT NOT NULL, currency TEXT NOT NULL, balance INTEGER NOT NULL, PRIMARY KEY (account,
      currency)) WITHOUT ROWID;
    CREATE TABLE ledger_entries (entry INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, account TEXT NOT NULL,
      currency TEXT NOT NULL, amount INTEGER NOT NULL,
      balance INTEGER NOT NULL, other TEXT NOT NULL, ref TEXT, by TEXT NOT NULL, note TEXT);
    CREATE INDEX ledger_entries_account ON ledger_entries (account, entry);
    CREATE TABLE ledger_keys (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID;
  `,
    'CREATE INDEX ledger_entries_kind ON ledger_entries (account, kind)',
    // Whose money lies in escrow, as long as it does: an agent's history grows, what it has in escrow now does not.
    `
    CREATE TABLE holds (agent TEXT NOT NULL, account TEXT NOT NULL, currency TEXT NOT NULL, PRIMARY KEY (agent, account, currency)) WITHOUT ROWID;
    CREATE INDEX holds_account ON holds (account, currency);
    INSERT OR IGNORE INTO holds SELECT e.account, e.other, e.currency FROM ledger_entries e
      JOIN accounts a ON a.account = e.other AND a.currency = e.currency WHERE e.kind = 'fund' AND e.amount < 0 AND a.balance > 0;
    CREATE TRIGGER holds_funded AFTER INSERT ON ledger_entries WHEN new.kind = 'fund' AND new.amount < 0 BEGIN
      INSERT OR IGNORE INTO holds VALUES (new.account, new.other, new.currency);
    END;
    CREATE TRIGGER holds_settled AFTER UPDATE OF balance ON accounts WHEN new.balance <= 0 BEGIN
      DELETE FROM holds WHERE account = new.account AND currency = new.currency;
    END;
  `,
  ],
}

export interface Posting {
  readonly kind: EntryKind
  readonly from: string
  readonly to: string
  readonly currency: string
  readonly amountMinor: number
  /** A repeat under the same key posts nothing. */
  readonly key: string
  readonly ref?: string | undefined
  readonly by: string
  readonly note?: string | undefined
  /** How far below zero `from` may go; default 0. */
  readonly credit?: number
}

/** What lies in one account. */
export const balanceOf = async (db: Db, account: string, currency: string): Promise<number> =>
  (await db.tables<Tables>().selectFrom('accounts').select('balance').where('account', '=', account).where('currency', '=', currency)
    .executeTakeFirst())?.balance ?? 0

/** Moves an amount, unless the key was used for it before. @throws Fail INSUFFICIENT_FUNDS, ID_REUSED */
export const postEntries = async (
  tx: Tx,
  { kind, from, to, currency, amountMinor, key, ref, by, note, credit = 0 }: Posting,
  now: number,
): Promise<'posted' | 'repeat'> => {
  const tables = tx.tables<Tables>()
  const fingerprint = JSON.stringify([kind, from, to, currency, amountMinor])
  const known = await tables.selectFrom('ledger_keys').select('fingerprint').where('key', '=', key).executeTakeFirst()
  if (known !== undefined && known.fingerprint !== fingerprint)
    throw new Fail('ID_REUSED', 'This key was used before, for another movement of money')
  if (known !== undefined) return 'repeat'
  const legs = transfer(from, to, currency, amountMinor)
  const before = [await balanceOf(tx, from, currency), await balanceOf(tx, to, currency)]
  const accounts: Accounts = {
    balance: account => account === from ? before[0]! : before[1]!,
    credit: account => account === from ? credit : 0,
  }
  const posted = post(accounts, legs)
  if (!posted.ok) {
    if (posted.problem.kind === 'insufficient') throw new Fail('INSUFFICIENT_FUNDS', 'The account does not hold that much')
    throw new Fail('INVALID_MSG', 'The amount is not one that can be moved')
  }
  await tables.insertInto('ledger_keys').values({ key, fingerprint }).execute()
  for (const [i, { account, amount }] of legs.entries()) {
    const balance = posted.balances[i]!
    await tables.insertInto('accounts').values({ account, currency, balance }).onConflict(conflict =>
      conflict.columns(['account', 'currency']).doUpdateSet({ balance })
    ).execute()
    await tables.insertInto('ledger_entries').values(
      {
        at: now,
        kind,
        account,
        currency,
        amount,
        balance,
        other: account === from ? to : from,
        ref: ref ?? null,
        by,
        note: note ?? null,
      } as EntryRow,
    ).execute()
  }
  return 'posted'
}

/** What an agent has, under all its keys, per currency. */
export const balancesOf = (db: Db, agent: string): Promise<readonly { readonly currency: string, readonly balance: number }[]> =>
  db.tables<Tables>().selectFrom('accounts').select(({ fn }) => ['currency', fn.sum<number>('balance').as('balance')])
    .where('account', 'in', keysOf(agent)).groupBy('currency').orderBy('currency').execute()

/** What its money holds in escrow, per currency. */
export const heldOf = async (db: Db, agent: string): Promise<ReadonlyMap<string, number>> => {
  const rows = await db.tables<Tables>().selectFrom('holds as h')
    .innerJoin('accounts as a', join => join.onRef('a.account', '=', 'h.account').onRef('a.currency', '=', 'h.currency'))
    .select(({ fn }) => ['a.currency', fn.sum<number>('a.balance').as('held')]).where('h.agent', 'in', keysOf(agent))
    .where('a.balance', '>', 0).groupBy('a.currency').execute()
  return new Map(rows.map(row => [row.currency, row.held]))
}

/** The account of an agent: that of its present key. */
export const accountOf = (db: Db, agent: string): Promise<string> => agent === issuer ? Promise.resolve(issuer) : successorOf(db, agent)

/** What lies under an agent's former keys comes to its present one. */
export const gather = async (tx: Tx, agent: string, now: number): Promise<void> => {
  const left = await tx.tables<Tables>().selectFrom('accounts').selectAll().where('account', 'in', keysOf(agent)).where('account', '<>',
    agent).where('balance', '<>', 0).execute()
  for (const { account: former, currency, balance } of left) {
    const [from, to] = balance > 0 ? [former, agent] : [agent, former]
    const count = (await tx.tables<Tables>().selectFrom('ledger_entries').select(eb =>
      eb.fn.countAll<number>().as('n')
    ).where('account', '=', former).executeTakeFirstOrThrow()).n
    await postEntries(tx, {
      kind: 'transfer',
      from,
      to,
      currency,
      amountMinor: Math.abs(balance),
      key: `rotation ${former} ${currency} ${count}`,
      by: '@server',
      note: 'the key was rotated',
      credit: Infinity,
    }, now)
  }
}

/** Newest first. */
export const entriesOf = (
  db: Db,
  account: string,
  { currency, before = Number.MAX_SAFE_INTEGER, limit }: {
    readonly currency?: string | undefined
    readonly before?: number | undefined
    readonly limit: number
  },
): Promise<readonly EntryRow[]> => {
  let query = db.tables<Tables>().selectFrom('ledger_entries').selectAll().where('account', '=', account).where('entry', '<', before)
  if (currency !== undefined) query = query.where('currency', '=', currency)
  return query.orderBy('entry', 'desc').limit(limit).execute()
}
