// The relay's announcements as feeds that anyone can follow: Atom (RFC 4287) and JSON Feed 1.1.
import { escapedMarkup } from '../../../base/markup.ts'
import type { AnnouncementRow } from './store.ts'
import type { HttpAnswer } from '../../../relay/feature.ts'
import type { Place } from './place.ts'

export interface FeedFacts {
  readonly serverName: string
  readonly serverId: string
  /** where pages are, without a slash at the end; '' where that is not known */
  readonly base: string
}

const cacheSeconds = 60

/** A feed is a place too: what is announced is in it. */
export const feedPlace: Place = {
  name: 'feed',
  account: 'feed',
  paceMs: 0,
  post: () => Promise.resolve({ posted: { kind: 'posted', url: null }, nextInMs: 0 }),
  answer: () => Promise.resolve({ kind: 'failed', problem: 'the feed asks nothing' }),
}

const urn = (kind: string, id: string): string => `urn:agentchat:${kind}:${id}`
const iso = (at: number): string => new Date(at).toISOString()

export const atomFeed = (items: readonly AnnouncementRow[], { serverName, serverId, base }: FeedFacts): HttpAnswer => ({
  status: 200,
  contentType: 'application/atom+xml; charset=utf-8',
  maxAgeSeconds: cacheSeconds,
  body: [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `  <id>${urn('feed', serverId)}</id>`,
    `  <title>${escapedMarkup(serverName)}: announcements</title>`,
    `  <updated>${iso(items[0]?.at ?? 0)}</updated>`,
    `  <author><name>${escapedMarkup(serverName)}</name></author>`,
    `  <link rel="self" type="application/atom+xml" href="${escapedMarkup(`${base}/feed.atom`)}"/>`,
    ...items.flatMap(({ id, title, text, url, at }) => [
      '  <entry>',
      `    <id>${urn('announcement', `${serverId}:${id}`)}</id>`,
      `    <title>${escapedMarkup(title)}</title>`,
      `    <updated>${iso(at)}</updated>`,
      ...(url === null ? [] : [`    <link rel="alternate" href="${escapedMarkup(url)}"/>`]),
      `    <content type="text">${escapedMarkup(text === '' ? title : text)}</content>`,
      '  </entry>',
    ]),
    '</feed>',
    '',
  ].join('\n'),
})

export const jsonFeed = (items: readonly AnnouncementRow[], { serverName, serverId, base }: FeedFacts): HttpAnswer => ({
  status: 200,
  contentType: 'application/feed+json',
  maxAgeSeconds: cacheSeconds,
  body: `${
    JSON.stringify({
      version: 'https://jsonfeed.org/version/1.1',
      title: `${serverName}: announcements`,
      ...(base !== '' && { feed_url: `${base}/feed.json`, home_page_url: base }),
      authors: [{ name: serverName }],
      items: items.map(({ id, title, text, url, at }) => ({
        id: urn('announcement', `${serverId}:${id}`),
        title,
        content_text: text === '' ? title : text,
        date_published: iso(at),
        ...(url !== null && { url }),
      })),
    })
  }\n`,
})
