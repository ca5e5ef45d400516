// Webhooks out: where what an agent is sent, or what is said in a channel of its own, is posted to; how far each came; and a ledger of what
// became of each event. Secrets are sealed: bodies are signed with them.
import type { Held, Holder } from './shares.ts'
import type { Db, Migration, Tx } from './store.ts'

export interface WebhookRow {
  readonly id: string
  readonly agent: string
  /** Its channel, "#…"; of an agent's inbox its own id, "@…". */
  readonly source: string
  readonly url: string
  readonly name: string | null
  /** Only what names the event, without it. */
  readonly thin: 0 | 1
  /** In CEL: of what it is not true is not posted; null: all is. */
  readonly condition: string | null
  /** Sealed, both. */
  readonly secret: string
  readonly old_secret: string | null
  /** Until when the old one signs too. */
  readonly old_until: number
  /** The last number that was delivered, or is not to be. */
  readonly cursor: number
  /** Since when nothing is delivered; null: it is on. */
  readonly off_at: number | null
  readonly problem: string | null
  readonly created: number
  /** The token that it was made with, by whose revocation it ends; null: it was made with the key. */
  readonly token: string | null
  /** Where its agent was when it made it; empty: nobody knows any more. */
  readonly address: string
}

/** What became of an event, or with `seq` 0 of the last test. */
export interface LedgerRow {
  readonly webhook: string
  readonly seq: number
  readonly state: 'delivered' | 'waiting' | 'failed' | 'skipped'
  readonly attempts: number
  /** The HTTP status of the last answer. */
  readonly status: number | null
  readonly problem: string | null
  readonly at: number
  /** When it is tried again. */
  readonly next_at: number | null
}

interface Tables {
  webhooks: WebhookRow
  webhook_ledger: LedgerRow
}

const byToken = 'ALTER TABLE webhooks ADD COLUMN token TEXT'
const conditional = 'ALTER TABLE webhooks ADD COLUMN condition TEXT'
const addressed = "ALTER TABLE webhooks ADD COLUMN address TEXT NOT NULL DEFAULT ''"

export const webhookMigrations: Migration = {
  feature: 'webhooks',
  steps: [
    `
    CREATE TABLE webhooks (id TEXT PRIMARY KEY, agent TEXT NOT NULL, source TEXT NOT NULL, url TEXT NOT NULL, name TEXT, thin INTEGER NOT NULL,
      secret TEXT NOT NULL, old_secret TEXT, old_until INTEGER NOT NULL, cursor INTEGER NOT NULL, off_at INTEGER, problem TEXT,
      created INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX webhooks_agent ON webhooks (agent, created);
    CREATE TABLE webhook_ledger (webhook TEXT NOT NULL, seq INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, status INTEGER,
      problem TEXT, at INTEGER NOT NULL, next_at INTEGER, PRIMARY KEY (webhook, seq)) WITHOUT ROWID;
  `,
    byToken,
    conditional,
    addressed,
  ],
  postgres: [
    `
    CREATE TABLE webhooks (id TEXT PRIMARY KEY, agent TEXT NOT NULL, source TEXT NOT NULL, url TEXT NOT NULL, name TEXT, thin BIGINT NOT NULL,
      secret TEXT NOT NULL, old_secret TEXT, old_until BIGINT NOT NULL, cursor BIGINT NOT NULL, off_at BIGINT, problem TEXT,
      created BIGINT NOT NULL);
    CREATE INDEX webhooks_agent ON webhooks (agent, created);
    CREATE TABLE webhook_ledger (webhook TEXT NOT NULL, seq BIGINT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL, status BIGINT,
      problem TEXT, at BIGINT NOT NULL, next_at BIGINT, PRIMARY KEY (webhook, seq));
  `,
    byToken,
    conditional,
    addressed,
  ],
}

/** Entries of a ledger that are kept, the newest. */
const maxLedger = 1_000

export const addWebhook = async (tx: Tx, row: WebhookRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('webhooks').values(row).execute()
}

/** The oldest first. */
export const webhooksOf = (db: Db, agent: string): Promise<readonly WebhookRow[]> =>
  db.tables<Tables>().selectFrom('webhooks').selectAll().where('agent', '=', agent).orderBy('created').orderBy('id').execute()

/** How many there are: of an agent, of an address, and in all. */
export const heldWebhooks = async (db: Db, { agent, address }: Holder): Promise<Held> => {
  const counts = await db.tables<Tables>().selectFrom('webhooks').select(({ fn }) => [
    fn.countAll().as('all'),
    fn.countAll().filterWhere('agent', '=', agent).as('agent'),
    fn.countAll().filterWhere('address', '=', address).as('address'),
  ]).executeTakeFirstOrThrow()
  return { agent: Number(counts.agent), address: Number(counts.address), all: Number(counts.all) }
}

export const findWebhook = (db: Db, id: string): Promise<WebhookRow | undefined> =>
  db.tables<Tables>().selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst()

export const setWebhook = async (tx: Tx, id: string, change: Partial<WebhookRow>): Promise<void> => {
  await tx.tables<Tables>().updateTable('webhooks').set(change).where('id', '=', id).execute()
}

export const removeWebhook = async (tx: Tx, id: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('webhooks').where('id', '=', id).execute()
  await tx.tables<Tables>().deleteFrom('webhook_ledger').where('webhook', '=', id).execute()
}

/** Notes with which token a webhook was made, where that makes it. */
export const noteWebhookMaker = (tx: Tx, id: string, token: string): Promise<void> => setWebhook(tx, id, { token })

/** Removes the webhooks of an agent: with `token` those that were made with it. What is in line for them goes when its turn comes. */
export const removeWebhooksOf = async (tx: Tx, agent: string, token?: string): Promise<void> => {
  for (const webhook of await webhooksOf(tx, agent))
    if (token === undefined || webhook.token === token) await removeWebhook(tx, webhook.id)
}

/** Those that are on, in order of their ids, behind one. */
export const webhooksOn = (db: Db, after: string, limit: number): Promise<readonly WebhookRow[]> =>
  db.tables<Tables>().selectFrom('webhooks').selectAll().where('id', '>', after).where('off_at', 'is', null).orderBy('id').limit(limit)
    .execute()

/** Notes that events which waited are not tried any more, but for one; false: there was none. */
export const endWaiting = async (tx: Tx, webhook: string, but: number, problem: string): Promise<boolean> => {
  const { numUpdatedRows } = await tx.tables<Tables>().updateTable('webhook_ledger').set({ state: 'skipped', problem, next_at: null })
    .where('webhook', '=', webhook).where('state', '=', 'waiting').where('seq', '<>', but).executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Notes what became of an event, in the place of what was noted of it before; the oldest go. */
export const noteDelivery = async (tx: Tx, row: LedgerRow): Promise<void> => {
  const { webhook, seq, ...rest } = row
  const tables = tx.tables<Tables>()
  await tables.insertInto('webhook_ledger').values(row)
    .onConflict(conflict => conflict.columns(['webhook', 'seq']).doUpdateSet(rest)).execute()
  if (seq > maxLedger)
    await tables.deleteFrom('webhook_ledger').where('webhook', '=', webhook).where('seq', '>', 0).where('seq', '<=', seq - maxLedger)
      .execute()
}

/** The newest first, before a number; the last test, which is 0, comes last. */
export const ledgerOf = (db: Db, webhook: string, before: number, limit: number): Promise<readonly LedgerRow[]> =>
  db.tables<Tables>().selectFrom('webhook_ledger').selectAll().where('webhook', '=', webhook).where('seq', '<', before)
    .orderBy('seq', 'desc').limit(limit).execute()
