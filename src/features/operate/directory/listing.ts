// The directory as others read it: pages of signed descriptions, each beside what the directory saw of the relay.
import { findServer, listServers, type ServerRow } from '../../../store/servers.ts'
import type { Db } from '../../../store/store.ts'
import type { HttpAnswer, RouteCtx } from '../../../relay/feature.ts'

const defaultPage = 50
const maxPage = 200
const maxWords = 8
const cacheSeconds = 10

/** What the directory itself says of a relay; the rest of an entry is the relay's own, under its signature. */
const statusOf = (
  { state, online, checked_at, latency_ms, agents, first_seen, expires_at, uptime_day, uptime_week, problem }: ServerRow,
  now: number,
) => ({
  state: state === 'listed' && expires_at <= now ? 'expired' as const : state,
  online: online === 1,
  checked_at,
  latency_ms,
  agents,
  uptime_day,
  uptime_week,
  first_seen,
  problem,
})

/** JSON of one entry. The description is spliced in as it is kept: thousands are not parsed to be written again. */
const entryText = (row: ServerRow, document: string, now: number): string =>
  `{"document":${document},"status":${JSON.stringify(statusOf(row, now))}}`

/** GET /directory/servers?q=&feature=&region=&online=&limit=&after= */
export const listingOf = async ({ aside, now, query }: RouteCtx, serverId: string): Promise<HttpAnswer> => {
  const limitText = query.get('limit') ?? String(defaultPage)
  const online = query.get('online')
  const after = /^(\d{1,16})-([0-9a-f]{64})$/.exec(query.get('after') ?? '')
  if (!/^[1-9]\d{0,5}$/.test(limitText)) return refusal('limit: a whole number, 1 or more')
  if (online !== null && !['true', 'false'].includes(online)) return refusal('online: true or false')
  if (query.has('after') && after === null) return refusal('after: what `next` of the page before said')
  const limit = Math.min(Number(limitText), maxPage)
  const region = query.get('region')
  const { total, page } = await listServers(aside, {
    words: (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(word => word !== '').slice(0, maxWords).map(word => word.slice(0, 64)),
    features: query.getAll('feature').flatMap(value => value.split(',')).map(value => value.trim()).filter(value => value !== '').slice(0,
      maxWords),
    ...(region !== null && region !== '' && { region: region.slice(0, 64) }),
    ...(online !== null && { online: online === 'true' }),
    ...(after !== null && { after: { firstSeen: Number(after[1]), id: after[2]! } }),
    limit,
  }, now)
  const last = page.at(-1)
  let next = ''
  if (last !== undefined && page.length === limit) {
    const turned = new URLSearchParams(query)
    turned.set('after', `${last.first_seen}-${last.server_id}`)
    next = `,"next":${JSON.stringify(`/directory/servers?${turned}`)}`
  }
  const entries = page.map(({ document, ...row }) => entryText(row, document, now))
  return {
    status: 200,
    contentType: 'application/json',
    maxAgeSeconds: cacheSeconds,
    body: `{"format":"agentchat-directory/1","server_id":"${serverId}","total":${total},"servers":[${entries.join(',')}]${next}}\n`,
  }
}

/** GET /directory/servers/ID: one relay, also while it waits, and for a while after it was refused. */
export const entryOf = async (db: Db, id: string, now: number): Promise<HttpAnswer> => {
  const found = /^[0-9a-f]{64}$/.test(id) ? await findServer(db, id) : undefined
  if (found === undefined)
    return {
      status: 404,
      contentType: 'application/json',
      body: `${JSON.stringify({ error: 'NOT_FOUND', message: 'No relay of this id is known here; an id is 64 hex digits' })}\n`,
    }
  const { document, ...row } = found
  return { status: 200, contentType: 'application/json', body: `${entryText(row, document, now)}\n` }
}

const refusal = (message: string): HttpAnswer => ({
  status: 400,
  contentType: 'application/json',
  body: `${JSON.stringify({ error: 'INVALID_MSG', message })}\n`,
})
