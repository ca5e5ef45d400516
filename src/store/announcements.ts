// Announcements, how far each got at each place, and when each place may be posted to again.
import type { Db, Migration, Tx } from './store.ts'

export interface AnnouncementRow {
  readonly id: string
  readonly number: number
  readonly title: string
  readonly text: string
  readonly url: string | null
  readonly at: number
  readonly digest: string
  readonly withdrawn: 0 | 1
}

export type PostState = 'queued' | 'posting' | 'dry-run' | 'challenged' | 'answering' | 'posted' | 'refused' | 'failed' | 'unknown'

export interface PostRow {
  readonly announcement: string
  readonly place: string
  readonly state: PostState
  readonly due_at: number | null
  readonly posted_at: number | null
  readonly url: string | null
  readonly problem: string | null
  /** The place's own word for a challenge. */
  readonly challenge: string | null
  readonly question: string | null
  readonly answer_by: number | null
  readonly answer: string | null
}

export interface PlaceRow {
  readonly place: string
  readonly not_before: number /** challenges in a row that were not met */
  readonly failures: number
}

interface Tables {
  announcements: AnnouncementRow
  announcement_posts: PostRow
  announcement_places: PlaceRow
}

export const announcementMigrations: Migration = {
  feature: 'announcements',
  steps: [`
    CREATE TABLE announcements (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
      text TEXT NOT NULL, url TEXT, at INTEGER NOT NULL, digest TEXT NOT NULL UNIQUE, withdrawn INTEGER NOT NULL);
    CREATE TABLE announcement_posts (announcement TEXT NOT NULL, place TEXT NOT NULL, state TEXT NOT NULL, due_at INTEGER,
      posted_at INTEGER, url TEXT, problem TEXT,
      challenge TEXT, question TEXT, answer_by INTEGER, answer TEXT, PRIMARY KEY (announcement, place)) WITHOUT ROWID;
    CREATE INDEX announcement_posts_open ON announcement_posts (place, state);
    CREATE TABLE announcement_places (place TEXT PRIMARY KEY, not_before INTEGER NOT NULL, failures INTEGER NOT NULL) WITHOUT ROWID;
  `],
}

const emptyPost = {
  due_at: null,
  posted_at: null,
  url: null,
  problem: null,
  challenge: null,
  question: null,
  answer_by: null,
  answer: null,
}

/** False: the same was announced before. */
export const addAnnouncement = async (
  tx: Tx,
  announcement: Omit<AnnouncementRow, 'number' | 'withdrawn'>,
  posts: readonly (Partial<PostRow> & Pick<PostRow, 'place' | 'state'>)[],
): Promise<boolean> => {
  const added = await tx.tables<Tables>().insertInto('announcements').values({ ...announcement, withdrawn: 0 } as AnnouncementRow)
    .onConflict(conflict => conflict.column('digest').doNothing()).returning('number').executeTakeFirst()
  if (added === undefined) return false
  for (const post of posts)
    await tx.tables<Tables>().insertInto('announcement_posts').values({ ...emptyPost, ...post, announcement: announcement.id }).execute()
  return true
}

export const findAnnouncement = (db: Db, id: string): Promise<AnnouncementRow | undefined> =>
  db.tables<Tables>().selectFrom('announcements').selectAll().where('id', '=', id).executeTakeFirst()

/** The newest ones; with `postedAt` those that stand at this place. */
export const listAnnouncements = (db: Db, limit: number, postedAt?: string): Promise<readonly AnnouncementRow[]> =>
  db.tables<Tables>().selectFrom('announcements').selectAll()
    .$if(postedAt !== undefined, query =>
      query.where('withdrawn', '=', 0).where(({ exists, selectFrom }) =>
        exists(
          selectFrom('announcement_posts').select('place').whereRef('announcement', '=', 'announcements.id').where('place', '=', postedAt!)
            .where('state', '=', 'posted'),
        )
      ))
    .orderBy('number', 'desc').limit(limit).execute()

/** How many posts wait for a place. */
export const countQueued = async (db: Db, place: string): Promise<number> =>
  (await db.tables<Tables>().selectFrom('announcement_posts').select(eb => eb.fn.countAll<number>().as('n')).where('place', '=', place)
    .where('state', '=', 'queued').executeTakeFirstOrThrow()).n

export const postsOf = async (db: Db, ids: readonly string[]): Promise<readonly PostRow[]> =>
  ids.length === 0
    ? []
    : db.tables<Tables>().selectFrom('announcement_posts').selectAll().where('announcement', 'in', ids).orderBy('place').execute()

export const setWithdrawn = async (tx: Tx, id: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('announcements').set({ withdrawn: 1 }).where('id', '=', id).execute()
  await tx.tables<Tables>().updateTable('announcement_posts').set({ state: 'refused', problem: 'withdrawn' }).where('announcement', '=', id)
    .where('state', '=', 'queued').execute()
}

/** Changes a post that is still in the state it was thought to be in; false: it is not. */
export const movePost = async (
  tx: Tx,
  { announcement, place, state }: Pick<PostRow, 'announcement' | 'place' | 'state'>,
  change: Partial<PostRow>,
): Promise<boolean> =>
  await tx.tables<Tables>().updateTable('announcement_posts').set(change).where('announcement', '=', announcement).where('place', '=',
    place).where('state', '=', state).returning('place').executeTakeFirst() !== undefined

/** Posts of a place that are in one of the states, the oldest first, with their texts. */
export const openPosts = (
  db: Db,
  place: string,
  states: readonly PostState[],
  limit: number,
): Promise<readonly (PostRow & Pick<AnnouncementRow, 'title' | 'text'> & { readonly link: string | null })[]> =>
  db.tables<Tables>().selectFrom('announcement_posts').innerJoin('announcements', 'announcements.id', 'announcement_posts.announcement')
    .selectAll('announcement_posts').select(['title', 'text', 'announcements.url as link'])
    .where('place', '=', place).where('state', 'in', states).orderBy('number').limit(limit).execute()

export const findPlace = async (db: Db, place: string): Promise<PlaceRow> =>
  await db.tables<Tables>().selectFrom('announcement_places').selectAll().where('place', '=', place).executeTakeFirst()
    ?? { place, not_before: 0, failures: 0 }

export const setPlace = async (tx: Tx, { place, ...row }: PlaceRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('announcement_places').values({ place, ...row }).onConflict(conflict =>
    conflict.column('place').doUpdateSet(row)
  ).execute()
}
