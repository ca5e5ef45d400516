// Where relays are named: the user's own list, contexts, directories, and files in the form of either.
import { statSync } from 'node:fs'
import { readTextFile } from '../../../lib/node/text-file.ts'
import { ServerDocument } from '../../../lib/protocol/index.ts'
import { urlKey, type Sighting } from '../../domain/directory/sightings.ts'
import { listUrl, type Discovery } from '../../outbound/discovery.ts'
import { readContexts } from '../contexts.ts'
import type { Io } from '../io.ts'
import { isServerUrl } from '../target.ts'
import { ownServersOf, readOwnServers, type OwnServer } from './servers-file.ts'

/** What a directory is asked for; files are filtered afterwards. */
export interface Wanted {
  readonly search?: string | undefined
  readonly region?: string | undefined
  readonly feature?: readonly string[] | undefined
  readonly limit: number
}

/** Who knows no relay perhaps runs one. */
const here = { name: 'local', url: 'ws://localhost:6667', description: '', region: 'local' }

const maxFileBytes = 4 * 1024 * 1024

export const isPage = (word: string): boolean => /^https?:\/\//i.test(word)

/** The relays that the user knows: by servers.json, by a context, by AGENTCHAT_URL. */
export const ownRelays = (env: Io['env']): readonly OwnServer[] => {
  const contexts = Object.entries(readContexts(env).contexts).map(([name, { url }]) => ({ name, url, description: '', region: '' }))
  const current = env['AGENTCHAT_URL']
  const named = current && isServerUrl(current) && URL.canParse(current)
    ? [{ name: new URL(current).host, url: current, description: '', region: '' }]
    : []
  const own = readOwnServers(env)
  const isNew = ({ url }: { readonly url: string }) => !own.some(server => urlKey(server.url) === urlKey(url))
  return [...own, ...contexts.filter(isNew), ...named.filter(isNew)]
}

export const ownSightings = (env: Io['env']): readonly Sighting[] => {
  const known = ownRelays(env)
  return (known.length === 0 ? [here] : known).map(({ url, ...own }) => ({ url: urlKey(url), own, from: [] }))
}

/** Entries of a list, whoever made it: signed descriptions, or names and urls. */
const sightingsOf = (entries: readonly unknown[], from: string): readonly Sighting[] =>
  entries.flatMap((entry): readonly Sighting[] => {
    const parsed = ServerDocument.safeParse((entry as { readonly document?: unknown } | null)?.document)
    if (parsed.success) {
      const [url] = parsed.data.urls
      const uptime = (entry as { readonly status?: { readonly uptime_week?: unknown } }).status?.uptime_week
      return url === undefined
        ? []
        : [{
          url: urlKey(url),
          document: parsed.data,
          ...(typeof uptime === 'number' && uptime >= 0 && uptime <= 1 && { uptime }),
          from: [from],
        }]
    }
    // Unsigned: the name is the list's word, and stands only until the relay speaks for itself.
    return ownServersOf({ servers: [entry] }).map(({ url }) => ({ url: urlKey(url), from: [from] }))
  })

/** What a directory names, at most `limit` relays of it. @throws OutboundError, or an error of the file */
export const directorySightings = async (
  directory: string,
  wanted: Wanted,
  discovery: Pick<Discovery, 'page'>,
): Promise<readonly Sighting[]> => {
  if (!isPage(directory) && !isServerUrl(directory)) return fileSightings(directory).slice(0, wanted.limit)
  const { limit, search, region, feature } = wanted
  const first = new URL(listUrl(directory))
  if (first.pathname.endsWith('/directory/servers')) {
    first.searchParams.set('limit', String(Math.min(limit, 200)))
    if (search !== undefined) first.searchParams.set('q', search)
    if (region !== undefined) first.searchParams.set('region', region)
    for (const each of feature ?? []) first.searchParams.append('feature', each)
  }
  const found: Sighting[] = []
  for (let url: string | undefined = first.href; url !== undefined && found.length < limit;) {
    const page: Awaited<ReturnType<Discovery['page']>> = await discovery.page(url)
    if (page === undefined || page.servers.length === 0) break
    found.push(...sightingsOf(page.servers, directory))
    url = page.next
  }
  return found.slice(0, limit)
}

const fileSightings = (file: string): readonly Sighting[] => {
  if (statSync(file).size > maxFileBytes) throw new Error(`larger than ${maxFileBytes} bytes`)
  const value: unknown = JSON.parse(readTextFile(file))
  const servers = Array.isArray(value) ? value as readonly unknown[] : (value as { readonly servers?: unknown } | null)?.servers
  if (!Array.isArray(servers)) throw new Error('it is no list of relays')
  return sightingsOf(servers, file)
}
