// Looking at many relays at once: what each answers now, checked against the keys that were known before.
import { join } from 'node:path'
import { KnownRelays } from '../../../lib/node/known-relays.ts'
import { mergeSightings, urlKey, type Sighting } from '../../domain/directory/sightings.ts'
import { discovery } from '../../outbound/discovery.ts'
import { addressGuard, anywhere } from '../../outbound/guard.ts'
import { readCertificates } from '../certificates.ts'
import type { Call } from '../command.ts'
import { readContexts } from '../contexts.ts'
import { agentchatHome } from '../home.ts'
import type { Io } from '../io.ts'
import { readCache, writeCache } from './cache.ts'
import { namesItselfAt, seen, unchecked, unreachable, type Found } from './found.ts'
import { readDirectories } from './servers-file.ts'
import { directorySightings, ownSightings, type Wanted } from './sources.ts'

export interface SurveyOptions extends Wanted {
  /** Directories beside the user's own. */
  readonly directories?: readonly string[] | undefined
  readonly timeoutMs: number
  /** Networks where relays that only directories name may be looked at, though they are not public. */
  readonly allow?: readonly string[] | undefined
  /** File of certificates that are trusted at every relay; others are those of contexts. */
  readonly ca?: string | undefined
  /** Nothing is asked: what was found before is shown. */
  readonly isOffline?: boolean | undefined
}

const looksAtOnce = 16
/** Where the user points, the user may go. */
const unguarded = addressGuard(anywhere)

export const knownRelaysOf = (env: Io['env']): KnownRelays => new KnownRelays(join(agentchatHome(env), 'known-relays.json'))

/** What is trusted at which relay; a file that several name is read once. */
const certificatesOf = (env: Io['env'], file: string | undefined): (url: string) => string | undefined => {
  const read = new Map<string, string>()
  const textOf = (name: string): string => {
    const text = read.get(name) ?? readCertificates(name)
    read.set(name, text)
    return text
  }
  const contexts = Object.values(readContexts(env).contexts)
  const byUrl = new Map(contexts.flatMap(({ url, ca }) => ca === undefined ? [] : [[urlKey(url), ca] as const]))
  if (file !== undefined) textOf(file)
  return url => {
    const name = file ?? byUrl.get(urlKey(url))
    return name === undefined ? undefined : textOf(name)
  }
}

export const survey = async ({ io, out }: Pick<Call, 'io' | 'out'>, options: SurveyOptions): Promise<readonly Found[]> => {
  const { timeoutMs, allow = [], isOffline } = options
  const cached = readCache(io.env)
  if (isOffline) return offline(ownSightings(io.env), cached)
  const asked = { timeoutMs, caOf: certificatesOf(io.env, options.ca), signal: io.interrupted }
  const [trusted, guarded] = [discovery({ guard: unguarded, ...asked }), discovery({ guard: addressGuard({ allow }), ...asked })]

  const directories = [...new Set([...readDirectories(io.env), ...options.directories ?? []])]
  let read = 0
  const lists = await Promise.all(directories.map(async directory => {
    try {
      return await directorySightings(directory, options, trusted)
    } catch (error) {
      const before = cached.filter(({ from }) => from.includes(directory))
      out.say(
        `warning: ${directory} cannot be read: ${(error as Error).message}${
          before.length === 0 ? '' : `; going by the ${before.length} relay(s) that it named before`
        }`,
      )
      return before.map(({ url }): Sighting => ({ url, from: [directory] }))
    } finally {
      out.progress(`read ${++read} of ${directories.length} directories`)
    }
  }))
  const sightings = mergeSightings([...ownSightings(io.env), ...lists.flat()])

  const known = knownRelaysOf(io.env)
  const waiting = [...sightings]
  const found: Found[] = []
  const atHome = new Set<string>()
  const look = async (): Promise<void> => {
    for (let sighting = waiting.shift(); sighting !== undefined && !io.interrupted.aborted; sighting = waiting.shift()) {
      // Addresses that only a directory named are strangers': they lead nowhere private.
      const { look } = sighting.own === undefined ? guarded : trusted
      const each = sighting
      found.push(
        await look(each.url).then(answer => {
          if (namesItselfAt(each.url, answer)) atHome.add(each.url)
          return seen(each, answer, known, io.now())
        }, (error: unknown) => unreachable(each, (error as Error).message, io.now())),
      )
      out.progress(
        `looked at ${found.length} of ${sightings.length} relays, ${found.filter(({ status }) => status === 'online').length} online`,
      )
    }
  }
  await Promise.all(Array.from({ length: Math.min(looksAtOnce, sightings.length) }, look))
  out.progress('')
  io.interrupted.throwIfAborted()

  // A key is kept for an address where its owner says that it is; the first login shows it for the others.
  known.rememberAll(found.filter(({ trust, url }) => trust === 'new' && atHome.has(url)).map(({ url, server_id }) => [url, server_id!]))
  const before = new Map(cached.map(server => [server.url, server.last_seen]))
  const noted = found.map(server => ({ ...server, last_seen: server.last_seen ?? before.get(server.url) ?? null }))
  writeCache(io.env, noted)
  return noted
}

/** One relay that the user named, as it answers now. Nothing is remembered. */
export const lookAtOne = async (io: Io, url: string): Promise<Found> => {
  const sighting: Sighting = { url: urlKey(url), own: { name: url, description: '', region: '' }, from: [] }
  const { look } = discovery({ guard: unguarded, caOf: certificatesOf(io.env, undefined), signal: io.interrupted })
  return look(url).then(answer => seen(sighting, answer, knownRelaysOf(io.env), io.now()),
    (error: unknown) => unreachable(sighting, (error as Error).message, io.now()))
}

/** What is known without asking anybody. */
const offline = (own: readonly Sighting[], cached: readonly Found[]): readonly Found[] => {
  const known = new Map(cached.map(server => [server.url, server]))
  return [...own.filter(({ url }) => !known.has(url)).map(unchecked), ...cached]
}

const rank: Readonly<Record<Found['status'], number>> = { online: 0, degraded: 1, draining: 2, unchecked: 3, offline: 4 }

/** Those that were asked for, the ones that answer first, the near ones before the far. */
export const chosen = (
  found: readonly Found[],
  { online, region, feature = [], search }: Pick<Wanted, 'region' | 'feature' | 'search'> & { readonly online?: boolean | undefined },
): readonly Found[] => {
  const words = search?.toLowerCase().split(/\s+/).filter(word => word !== '') ?? []
  return found
    .filter(server =>
      (!online || server.status === 'online') && (region === undefined || server.region.toLowerCase() === region.toLowerCase())
      && feature.every(each => server.features.includes(each))
    )
    .filter(({ name, description, url, features }) =>
      words.every(word => `${name} ${description} ${url} ${features.join(' ')}`.toLowerCase().includes(word))
    )
    .toSorted((a, b) =>
      rank[a.status] - rank[b.status] || (a.latency_ms ?? Infinity) - (b.latency_ms ?? Infinity) || (a.url < b.url ? -1 : 1)
    )
}
