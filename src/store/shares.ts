// Who holds what of the things that all share: one row for each thing, and how many they are by agent, by address and in all.
// The counts are kept by triggers, so that asking costs three look-ups however much there is.
import { preparedRead, preparedWrite } from './prepared.ts'
import type { Db, Migration, ReadTables, Tx, WriteTables } from './store.ts'

/** What is shared and remembered in these tables; beside it only what lasts as long as a session. */
export type StoredKind =
  | 'channels'
  | 'skillLists'
  | 'profiles'
  | 'revocations'
  | 'proofs'
  | 'openProposals'
  | 'blocks'
  | 'agents'
  | 'memberships'
  | 'invitations'

interface Tables {
  shares: { kind: string, thing: string, agent: string, address: string }
  share_counts: { kind: string, holder: string, n: number }
}

/** Who holds a thing. An agent or an address that is not known is empty, and counts as nobody. */
export interface Holder {
  readonly agent: string
  readonly address: string
}

/** How much is held: by an agent, by its address, and in all. */
export interface Held {
  readonly agent: number
  readonly address: number
  readonly all: number
}

/** The holder of everything; no agent and no address is called so. */
const everyone = '*'

const added = (holder: string) =>
  `INSERT INTO share_counts (kind, holder, n) SELECT new.kind, ${holder}, 1 WHERE ${holder} <> ''
    ON CONFLICT (kind, holder) DO UPDATE SET n = n + 1;`
const removed = (holder: string) =>
  `UPDATE share_counts SET n = n - 1 WHERE kind = old.kind AND holder = ${holder};
  DELETE FROM share_counts WHERE kind = old.kind AND holder = ${holder} AND n = 0;`

/** The same in SQL. */
const membership = (row: string) => `${row}.agent || ' ' || ${row}.channel`
const invitation = (row: string) => `${row}.channel || ' ' || ${row}.agent`

/** Rows that go by themselves, or many at once, give back what was held for them. */
const goesWith = (table: string, kind: StoredKind, thing: string) =>
  `CREATE TRIGGER shares_of_${table} AFTER DELETE ON ${table} BEGIN DELETE FROM shares WHERE kind = '${kind}' AND thing = ${thing}; END;`

/** Before the tables of those who hold: a step of each notes what was there before, for its agents and for no address. */
export const shareMigrations: Migration = {
  feature: 'shares',
  steps: [
    `
    CREATE TABLE shares (kind TEXT NOT NULL, thing TEXT NOT NULL, agent TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (kind, thing))
      WITHOUT ROWID;
    CREATE INDEX shares_agent ON shares (agent);
    CREATE TABLE share_counts (kind TEXT NOT NULL, holder TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (kind, holder)) WITHOUT ROWID;
    CREATE TRIGGER shares_added AFTER INSERT ON shares BEGIN
      ${added(`'${everyone}'`)} ${added('new.agent')} ${added('new.address')}
    END;
    CREATE TRIGGER shares_removed AFTER DELETE ON shares BEGIN
      ${removed(`'${everyone}'`)} ${removed('old.agent')} ${removed('old.address')}
    END;
    CREATE TRIGGER shares_moved AFTER UPDATE OF agent ON shares BEGIN
      ${removed('old.agent')} ${added('new.agent')}
    END;
  `,
    `
    INSERT INTO shares SELECT 'agents', id, '', '' FROM agents;
    INSERT INTO shares SELECT 'memberships', ${membership('memberships')}, agent, '' FROM memberships;
    INSERT INTO shares SELECT 'invitations', ${invitation('invitations')}, by, '' FROM invitations;
    ${goesWith('agents', 'agents', 'old.id')}
    ${goesWith('memberships', 'memberships', membership('old'))}
    ${goesWith('invitations', 'invitations', invitation('old'))}
  `,
  ],
  postgres: [`
    CREATE TABLE shares (kind TEXT NOT NULL, thing TEXT NOT NULL, agent TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (kind, thing));
    CREATE INDEX shares_agent ON shares (agent);
    CREATE TABLE share_counts (kind TEXT NOT NULL, holder TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (kind, holder));
    CREATE FUNCTION share_counted(of_kind TEXT, of_holder TEXT, change BIGINT) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
      IF of_holder = '' THEN RETURN; END IF;
      INSERT INTO share_counts AS c (kind, holder, n) VALUES (of_kind, of_holder, change)
        ON CONFLICT (kind, holder) DO UPDATE SET n = c.n + change;
      IF change < 0 THEN DELETE FROM share_counts WHERE kind = of_kind AND holder = of_holder AND n = 0; END IF;
    END $$;
    CREATE FUNCTION shares_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_OP <> 'INSERT' THEN
        IF TG_OP = 'DELETE' THEN
          PERFORM share_counted(old.kind, '${everyone}', -1);
          PERFORM share_counted(old.kind, old.address, -1);
        END IF;
        PERFORM share_counted(old.kind, old.agent, -1);
      END IF;
      IF TG_OP <> 'DELETE' THEN
        IF TG_OP = 'INSERT' THEN
          PERFORM share_counted(new.kind, '${everyone}', 1);
          PERFORM share_counted(new.kind, new.address, 1);
        END IF;
        PERFORM share_counted(new.kind, new.agent, 1);
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER shares_changed AFTER INSERT OR DELETE OR UPDATE OF agent ON shares FOR EACH ROW EXECUTE FUNCTION shares_changed();
    CREATE FUNCTION shares_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      DELETE FROM shares WHERE (kind, thing) = (TG_TABLE_NAME, CASE TG_TABLE_NAME WHEN 'agents' THEN to_jsonb(old) ->> 'id'
        WHEN 'memberships' THEN (to_jsonb(old) ->> 'agent') || ' ' || (to_jsonb(old) ->> 'channel')
        ELSE (to_jsonb(old) ->> 'channel') || ' ' || (to_jsonb(old) ->> 'agent') END);
      RETURN NULL;
    END $$;
    ${
    ['agents', 'memberships', 'invitations'].map(table =>
      `CREATE TRIGGER shares_of_${table} AFTER DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION shares_gone();`
    ).join(' ')
  }
  `],
}

/** How a membership and an invitation are called among what is held. */
export const membershipName = (agent: string, channel: string): string => `${agent} ${channel}`
export const invitationName = (channel: string, agent: string): string => `${channel} ${agent}`

const findCounts = preparedRead((tables: ReadTables<Tables>, kind: string, agent: string, address: string) =>
  tables.selectFrom('share_counts').select(['holder', 'n']).where('kind', '=', kind).where('holder', 'in', [everyone, agent, address])
)

export const heldBy = async (db: Db, kind: StoredKind, { agent, address }: Holder): Promise<Held> => {
  const counts = await findCounts(db, kind, agent, address)
  const of = (holder: string) => counts.find(count => count.holder === holder)?.n ?? 0
  return { agent: of(agent), address: of(address), all: of(everyone) }
}

const insertShare = preparedWrite((tables: WriteTables<Tables>, kind: string, thing: string, agent: string, address: string) =>
  tables.insertInto('shares').values({ kind, thing, agent, address }).onConflict(conflict => conflict.doNothing())
)

/** Notes who holds a thing, unless that is noted. */
export const addShare = async (tx: Tx, kind: StoredKind, thing: string, { agent, address }: Holder): Promise<void> => {
  await insertShare(tx, kind, thing, agent, address)
}

/** The thing is gone. */
export const releaseShare = async (tx: Tx, kind: StoredKind, thing: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('shares').where('kind', '=', kind).where('thing', '=', thing).execute()
}

/** A thing is called otherwise from now on, unless there is one of that name. */
export const renameShare = async (tx: Tx, kind: StoredKind, from: string, to: string): Promise<void> => {
  const tables = tx.tables<Tables>()
  const isTaken = await tables.selectFrom('shares').select('thing').where('kind', '=', kind).where('thing', '=', to).executeTakeFirst()
  if (isTaken === undefined)
    await tables.updateTable('shares').set({ thing: to }).where('kind', '=', kind).where('thing', '=', from).execute()
}

/** What an agent holds belongs to another from now on. */
export const moveShares = async (tx: Tx, from: string, to: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('shares').set({ agent: to }).where('agent', '=', from).execute()
}
