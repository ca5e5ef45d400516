// What agents say of themselves: skill lists and profiles with their signatures, and the index they are found by.
// Full-text search is SQLite's FTS5: the one place here that another database would do in its own way.
import { sql, type RawBuilder } from 'kysely'
import { findAgent, type AgentRow } from './agents.ts'
import { releaseShare } from './shares.ts'
import type { SkillIndex } from './skill-index.ts'
import type { Db, Migration, Tx } from './store.ts'

/** A skill as it was signed; these are the fields it is found by. */
export interface Skill {
  readonly capability: string
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly rate?: number | null | undefined
  readonly currency?: string | null | undefined
  readonly tags?: readonly string[] | undefined
  readonly examples?: readonly string[] | undefined
}

/** A profile as it was signed; these are the fields it is found by. */
export interface Profile {
  readonly description?: string | undefined
  readonly capabilities?: readonly string[] | undefined
  readonly prices?: readonly { readonly item: string }[] | undefined
  readonly languages?: readonly string[] | undefined
  readonly availability?: string | undefined
}

export interface SkillList {
  readonly agent: string
  readonly skills: readonly Skill[]
  readonly sig: string
  /** 1: one of the older texts, which names no relay and no time */
  readonly sigV: 1 | 2
  readonly sigTs: number | null
  readonly nonce: string | null
  readonly registeredAt: number
}

export interface ProfileRow {
  readonly agent: string
  readonly profile: Profile
  readonly sig: string
  readonly sigTs: number
  readonly nonce: string
}

interface Tables {
  agents: AgentRow
  bans: { agent: string }
  skill_lists: {
    agent: string
    skills: string
    sig: string
    sig_v: 1 | 2
    sig_ts: number | null
    nonce: string | null
    registered_at: number /** whether it is in the index */
    listed: 0 | 1
  }
  profiles: {
    agent: string
    profile: string
    sig: string
    sig_ts: number
    nonce: string
    availability: string | null /** JSON, lower case */
    languages: string
  }
  /** One row per listed skill; `n` is its place in the list. */
  skills: { id: number, agent: string, n: number, capability: string, rate: number | null, currency: string | null, registered_at: number }
}

export const peopleMigrations: Migration = {
  feature: 'people',
  steps: [
    `
    CREATE TABLE skill_lists (agent TEXT PRIMARY KEY, skills TEXT NOT NULL, sig TEXT NOT NULL, sig_v INTEGER NOT NULL, sig_ts INTEGER,
      nonce TEXT,
      registered_at INTEGER NOT NULL, listed INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE profiles (agent TEXT PRIMARY KEY, profile TEXT NOT NULL, sig TEXT NOT NULL, sig_ts INTEGER NOT NULL, nonce TEXT NOT NULL,
      availability TEXT, languages TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE skills (id INTEGER PRIMARY KEY AUTOINCREMENT, agent TEXT NOT NULL, n INTEGER NOT NULL, capability TEXT NOT NULL,
      rate REAL, currency TEXT, registered_at INTEGER NOT NULL);
    CREATE INDEX skills_agent ON skills (agent);
    CREATE VIRTUAL TABLE skill_words USING fts5 (capability, words, about, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
    CREATE VIRTUAL TABLE skill_parts USING fts5 (capability, tokenize = 'trigram');
    INSERT INTO skill_words (skill_words, rank) VALUES ('secure-delete', 1);
    INSERT INTO skill_parts (skill_parts, rank) VALUES ('secure-delete', 1);
  `,
    `
    INSERT INTO shares SELECT 'skillLists', agent, agent, '' FROM skill_lists;
    INSERT INTO shares SELECT 'profiles', agent, agent, '' FROM profiles;
  `,
  ],
}

export const findSkillList = async (db: Db, agent: string): Promise<SkillList | undefined> => {
  const row = await db.tables<Tables>().selectFrom('skill_lists').selectAll().where('agent', '=', agent).executeTakeFirst()
  return row
    && {
      agent,
      skills: JSON.parse(row.skills) as Skill[],
      sig: row.sig,
      sigV: row.sig_v,
      sigTs: row.sig_ts,
      nonce: row.nonce,
      registeredAt: row.registered_at,
    }
}

export const findProfile = async (db: Db, agent: string): Promise<ProfileRow | undefined> => {
  const row = await db.tables<Tables>().selectFrom('profiles').selectAll().where('agent', '=', agent).executeTakeFirst()
  return row && { agent, profile: JSON.parse(row.profile) as Profile, sig: row.sig, sigTs: row.sig_ts, nonce: row.nonce }
}

/** Keeps a list in place of the agent's former one; an empty list stays, as what was said last, and is found by nothing. */
export const setSkillList = async (tx: Tx, { agent, skills, sig, sigV, sigTs, nonce, registeredAt }: SkillList): Promise<void> => {
  const row = { skills: JSON.stringify(skills), sig, sig_v: sigV, sig_ts: sigTs, nonce, registered_at: registeredAt, listed: 1 as const }
  await tx.tables<Tables>().insertInto('skill_lists').values({ agent, ...row }).onConflict(conflict =>
    conflict.column('agent').doUpdateSet(row)
  ).execute()
  await index(tx, agent)
}

export const setProfile = async (tx: Tx, { agent, profile, sig, sigTs, nonce }: ProfileRow): Promise<void> => {
  const row = {
    profile: JSON.stringify(profile),
    sig,
    sig_ts: sigTs,
    nonce,
    availability: profile.availability ?? null,
    languages: JSON.stringify((profile.languages ?? []).map(language => language.toLowerCase())),
  }
  await tx.tables<Tables>().insertInto('profiles').values({ agent, ...row }).onConflict(conflict =>
    conflict.column('agent').doUpdateSet(row)
  ).execute()
  await index(tx, agent)
}

/** Nothing of what the agent said of itself is left. */
export const forgetPerson = async (tx: Tx, agent: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('skill_lists').where('agent', '=', agent).execute()
  await tx.tables<Tables>().deleteFrom('profiles').where('agent', '=', agent).execute()
  await releaseShare(tx, 'skillLists', agent)
  await releaseShare(tx, 'profiles', agent)
  await index(tx, agent)
}

/**
 * Looks at the next `count` lists after an agent: those not seen since `before` leave the index, or with `forget` go altogether;
 * those seen again return. Gives the agent to go on after; undefined at the end.
 */
export const ageLists = async (tx: Tx, after: string, count: number, before: number, forget: boolean): Promise<string | undefined> => {
  const rows = await tx.tables<Tables>().selectFrom('skill_lists').innerJoin('agents', 'agents.id', 'skill_lists.agent')
    .select(['agent', 'listed', 'last_seen', 'revoked_at']).where('agent', '>', after).orderBy('agent').limit(count).execute()
  for (const { agent, listed, last_seen, revoked_at } of rows) {
    const isFresh = last_seen >= before && revoked_at === null
    if (!isFresh && forget) {
      await tx.tables<Tables>().deleteFrom('skill_lists').where('agent', '=', agent).execute()
      await releaseShare(tx, 'skillLists', agent)
    } else if (isFresh !== (listed === 1))
      await tx.tables<Tables>().updateTable('skill_lists').set({ listed: isFresh ? 1 : 0 }).where('agent', '=', agent).execute()
    else continue
    await index(tx, agent)
  }
  return rows.length < count ? undefined : rows.at(-1)?.agent
}

/** Of the next `count` profiles after an agent those go whose agents were not seen since `before`; gives the agent to go on after. */
export const forgetProfiles = async (tx: Tx, after: string, count: number, before: number): Promise<string | undefined> => {
  const rows = await tx.tables<Tables>().selectFrom('profiles').innerJoin('agents', 'agents.id', 'profiles.agent')
    .select(['agent', 'last_seen', 'revoked_at']).where('agent', '>', after).orderBy('agent').limit(count).execute()
  for (const { agent, last_seen, revoked_at } of rows) {
    if (last_seen >= before && revoked_at === null) continue
    await tx.tables<Tables>().deleteFrom('profiles').where('agent', '=', agent).execute()
    await releaseShare(tx, 'profiles', agent)
    await index(tx, agent)
  }
  return rows.length < count ? undefined : rows.at(-1)?.agent
}

/** Writes the index of one agent anew, from its list, its profile and its name. */
const index = async (tx: Tx, agent: string): Promise<void> => {
  const tables = tx.tables<Tables>()
  await tx.dialect.skills.forget(tx.tables(), agent)
  await tables.deleteFrom('skills').where('agent', '=', agent).execute()
  const listed = await tables.selectFrom('skill_lists').select(['skills', 'registered_at']).where('agent', '=', agent).where('listed', '=',
    1).executeTakeFirst()
  const skills = listed === undefined ? [] : JSON.parse(listed.skills) as Skill[]
  if (skills.length === 0) return
  const profile = (await findProfile(tx, agent))?.profile
  const about = [
    (await findAgent(tx, agent))?.name,
    profile?.description,
    ...profile?.capabilities ?? [],
    ...(profile?.prices ?? []).map(price => price.item),
  ].filter(Boolean).join(' '
    + '')
  const rows = await tables.insertInto('skills').values(skills.map(({ capability, rate, currency }, n) => (
    {
      agent,
      n,
      capability: capability.toLowerCase(),
      rate: rate ?? null,
      currency: currency?.toUpperCase() ?? null,
      registered_at: listed!.registered_at,
    } as Tables['skills']
  ))).returning(['id', 'n']).execute()
  const texts = rows.map(({ id, n }) => {
    const { capability, name, description, tags = [], examples = [] } = skills[n]!
    return { id, capability, words: [name, description, ...tags, ...examples].filter(Boolean).join(' '), about }
  })
  await tx.dialect.skills.add(tx.tables(), texts)
}

/** What narrows a search. Everything else is decided by who is here, which the store does not know. */
export interface SkillFilter {
  readonly capability?: string | undefined
  readonly text?: string | undefined
  readonly maxRate?: number | undefined
  readonly currency?: string | undefined
  readonly language?: string | undefined
  readonly availability?: string | undefined
  /** ms: agents not heard since are left out */
  readonly seenSince?: number | undefined
}

/** A skill that was found, without its text. */
export interface FoundSkill {
  readonly agent: string
  readonly n: number
  readonly capability: string
  readonly rate: number | null
  /** upper case */
  readonly currency: string | null
  readonly registeredAt: number
  readonly name: string
  readonly verified: 0 | 1
  readonly lastSeen: number
  readonly availability: string | null
  /** JSON list, lower case; null without a profile */
  readonly languages: string | null
  /** lower is better; 0 where no text was asked for */
  readonly rank: number
}

/** Words of a search that are looked for; more are no more precise. */
const maxWords = 10

/** Finds the newest `maxFound` skills among the newest `maxScanned` that have the words asked for; `isAll`: there are no more. */
export const searchSkills = async (
  db: Db,
  filter: SkillFilter,
  { maxScanned, maxFound }: { readonly maxScanned: number, readonly maxFound: number },
): Promise<{ readonly found: readonly FoundSkill[], readonly isAll: boolean }> => {
  const { capability, maxRate, currency, language, availability, seenSince } = filter
  const part = capability?.toLowerCase()
  const candidates = candidatesOf(db.dialect.skills, filter, maxScanned).as('m')
  const tables = db.tables<Tables>()
  const found = await tables.selectFrom(candidates).innerJoin('skills as s', 's.id', 'm.id').innerJoin('agents as a', 'a.id', 's.agent')
    .leftJoin('profiles as p', 'p.agent', 's.agent')
    .where('a.revoked_at', 'is', null)
    .where(({ not, exists, selectFrom }) => not(exists(selectFrom('bans').select('bans.agent').whereRef('bans.agent', '=', 's.agent'))))
    .$if(part !== undefined && part !== '', query => query.where(db.dialect.contains('s.capability', part!)))
    .$if(seenSince !== undefined, query => query.where('a.last_seen', '>=', seenSince!))
    .$if(maxRate !== undefined, query => query.where(({ or, eb }) => or([eb('s.rate', 'is', null), eb('s.rate', '<=', maxRate!)])))
    .$if(currency !== undefined,
      query => query.where(({ or, eb }) => or([eb('s.currency', 'is', null), eb('s.currency', '=', currency!.toUpperCase())])))
    .$if(availability !== undefined, query => query.where('p.availability', '=', availability!))
    // A list of tags, which have no quotes: the tag itself, or one that says more.
    .$if(language !== undefined,
      query => query.where(({ or }) => or(['"', '-'].map(end => db.dialect.contains('p.languages', `"${language!.toLowerCase()}${end}`)))))
    .select([
      's.agent',
      's.n',
      's.capability',
      's.rate',
      's.currency',
      's.registered_at as registeredAt',
      'a.name',
      'a.verified',
      'a.last_seen as lastSeen',
      'p.availability',
      'p.languages',
      'm.rank',
    ])
    .orderBy('s.id', 'desc').limit(maxFound).execute()
  if (found.length === maxFound) return { found, isAll: false }
  const { scanned } = await tables.selectFrom(candidates).select(eb => eb.fn.countAll<number>().as('scanned')).executeTakeFirstOrThrow()
  return { found, isAll: scanned < maxScanned }
}

/** The newest skills that have the words or the part, by an index; a part of fewer than three letters has none, and all are candidates. */
const candidatesOf = (
  index: SkillIndex,
  { text, capability }: SkillFilter,
  limit: number,
): RawBuilder<{ id: number, rank: number }> => {
  const words = (text?.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, maxWords)
  if (words.length > 0) return index.withWords(words, limit)
  if (capability !== undefined && [...capability].length >= 3) return index.withPart(capability.toLowerCase(), limit)
  return sql`(SELECT id, 0 AS rank FROM skills ORDER BY id DESC LIMIT ${limit})`
}

/** The lists of several agents. */
export const skillsOf = async (db: Db, agents: readonly string[]): Promise<ReadonlyMap<string, readonly Skill[]>> => {
  if (agents.length === 0) return new Map()
  const rows = await db.tables<Tables>().selectFrom('skill_lists').select(['agent', 'skills']).where(db.dialect.isAmong('agent', agents))
    .execute()
  return new Map(rows.map(({ agent, skills }) => [agent, JSON.parse(skills) as Skill[]]))
}
