// Announcing: what the operator says, in the relay's feeds and at other places, and what those places ask back.
import { createHash } from 'node:crypto'
import type { FrameBody } from '../../../../lib/protocol/index.ts'
import {
  addAnnouncement,
  countQueued,
  findAnnouncement,
  listAnnouncements,
  movePost,
  postsOf,
  setWithdrawn,
  type AnnouncementRow,
  type PostRow,
} from './store.ts'
import type { Db } from '../../../store/store.ts'
import { Fail, reply, type Feature, type Outcome, type Reply } from '../../../relay/feature.ts'
import { atomFeed, feedPlace, jsonFeed, type FeedFacts } from './feeds.ts'
import type { Place } from './place.ts'
import { Poster, type PosterOptions } from './poster.ts'

export interface AnnouncementOptions extends PosterOptions {
  readonly serverName: string
  readonly serverId: string
  readonly urls: () => readonly string[]
  /** Places beside the feed. */
  readonly places: readonly Place[]
  readonly randomHex: (bytes: number) => string
}

const feedItems = 50
/** What may wait for one place: at its pace that is days. */
const maxWaiting = 100

/** One text, however it is spaced or spelled. */
const digestOf = (title: string, text: string): string =>
  createHash('sha256').update(`${title}\n${text}`.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()).digest('hex')

export const announcements = (
  { serverName, serverId, urls, places, randomHex, onPost }: AnnouncementOptions,
): Feature<'ADMIN_ANNOUNCE' | 'ADMIN_ANNOUNCEMENTS' | 'ADMIN_ANNOUNCE_ANSWER' | 'ADMIN_ANNOUNCE_WITHDRAW'> => {
  const all = [feedPlace, ...places]
  const posters = all.map(place => new Poster(place, { onPost }))
  const wake = () => {
    for (const poster of posters) poster.wake()
  }
  const facts = (): FeedFacts => ({ serverName, serverId, base: urls()[0]?.replace(/^ws/, 'http').replace(/\/$/, '') ?? '' })

  const told = async (db: Db, rows: readonly AnnouncementRow[]): Promise<Reply<'ANNOUNCEMENTS'>> => {
    const posts = await postsOf(db, rows.map(({ id }) => id))
    return reply('ANNOUNCEMENTS', {
      announcements: rows.map(({ id, title, text, url, at }) => ({
        announcement_id: id,
        title,
        text,
        ...(url !== null && { url }),
        at,
        posts: posts.filter(post => post.announcement === id).map(postOf),
      })),
    })
  }
  const one = async (db: Db, id: string): Promise<AnnouncementRow> => {
    const row = await findAnnouncement(db, id)
    if (row === undefined) throw new Fail('MESSAGE_NOT_FOUND', 'There is no such announcement')
    return row
  }

  return {
    scope: 'announcements',
    handlers: {
      ADMIN_ANNOUNCE: {
        async write({ tx, now }, { title, text = '', url }) {
          for (const { name } of all)
            if (await countQueued(tx, name) >= maxWaiting)
              throw new Fail('LIMIT_REACHED', `${maxWaiting} announcements wait for ${name} already`)
          const announcement = { id: `ann_${randomHex(8)}`, title, text, url: url ?? null, at: now, digest: digestOf(title, text) }
          if (!await addAnnouncement(tx, announcement, all.map(({ name }) => ({ place: name, state: 'queued', due_at: now }))))
            throw new Fail('INVALID_MSG', 'text: the same was announced before; places take a repeated text for spam')
          return { reply: await told(tx, [await one(tx, announcement.id)]), committed: wake }
        },
      },
      ADMIN_ANNOUNCEMENTS: {
        read: async ({ db }, { limit = 20 }) => told(db, await listAnnouncements(db, limit)),
      },
      ADMIN_ANNOUNCE_ANSWER: {
        async write({ tx, now }, { announcement_id, answer }) {
          const row = await one(tx, announcement_id)
          const open = (await postsOf(tx, [row.id])).find(({ state }) => state === 'challenged')
          if (open === undefined || (open.answer_by ?? 0) <= now)
            throw new Fail('INVALID_MSG', 'No place waits for an answer about this announcement')
          await movePost(tx, open, { state: 'answering', answer, due_at: now })
          return { reply: await told(tx, [row]), committed: wake }
        },
      },
      ADMIN_ANNOUNCE_WITHDRAW: {
        async write({ tx }, { announcement_id }) {
          const row = await one(tx, announcement_id)
          await setWithdrawn(tx, row.id)
          return { reply: await told(tx, [row]) }
        },
      },
    },
    async tick({ tx, now }) {
      const outcomes: Outcome[] = []
      for (const poster of posters) outcomes.push(await poster.turn(tx, now) ?? {})
      const committed = outcomes.flatMap(outcome => outcome.committed ?? [])
      return committed.length === 0 ? undefined : {
        committed: () => {
          for (const each of committed) each()
        },
      }
    },
    routes: [
      { path: '/feed.atom', get: async ({ db }) => atomFeed(await listAnnouncements(db, feedItems, feedPlace.name), facts()) },
      { path: '/feed.json', get: async ({ db }) => jsonFeed(await listAnnouncements(db, feedItems, feedPlace.name), facts()) },
    ],
  }
}

const postOf = (
  { place, state, due_at, posted_at, url, problem, question, answer_by }: PostRow,
): FrameBody<'ANNOUNCEMENTS'>['announcements'][number]['posts'][number] => ({
  place,
  state,
  ...(state === 'queued' && due_at !== null && { due_at }),
  ...(posted_at !== null && { posted_at }),
  ...(url !== null && { url }),
  ...(problem !== null && { problem }),
  ...(state === 'challenged' && question !== null && { question }),
  ...(state === 'challenged' && answer_by !== null && { answer_by }),
})
