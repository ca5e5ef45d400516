// What is known of a relay after looking at it: the record that is printed, filtered, and kept for when there is no network.
import { serverDocumentProblem } from '../../../lib/identity/index.ts'
import { createVerify } from '../../../lib/node/crypto.ts'
import { ServerDocument, limits } from '../../../lib/protocol/index.ts'
import { urlKey, type Sighting } from '../../domain/directory/sightings.ts'
import type { Look } from '../../outbound/discovery.ts'

/**
 * known: the key that was there before; new: first seen now; changed: another one; disputed: a directory names another one;
 * unsigned: nothing says who it is; invalid: signed by nobody.
 */
export type Trust = 'known' | 'new' | 'changed' | 'disputed' | 'unsigned' | 'invalid'

export interface Found {
  readonly name: string
  readonly url: string
  readonly status: 'online' | 'degraded' | 'draining' | 'offline' | 'unchecked'
  readonly server_id: string | null
  readonly trust: Trust | null
  readonly description: string
  readonly region: string
  readonly latency_ms: number | null
  readonly agents: number | null
  readonly uptime_seconds: number | null
  /** 0 to 1, as directories saw it; null where none says */
  readonly uptime_week: number | null
  readonly version: string | null
  readonly registration: string | null
  readonly features: readonly string[]
  /** its clock against this one's; null: not known */
  readonly clock_skew_ms: number | null
  /** ms; when it answered last */
  readonly last_seen: number | null
  readonly checked_at: number | null
  /** directories that name it */
  readonly from: readonly string[]
  readonly warnings: readonly string[]
  readonly problem: string | null
}

/** What a source says of a relay before anybody looked. */
export const unchecked = ({ url, own, document, uptime, from }: Sighting): Found => ({
  name: own?.name ?? document?.name ?? new URL(url).host,
  url,
  status: 'unchecked',
  server_id: document?.server_id ?? null,
  trust: null,
  description: own?.description || (document?.description ?? ''),
  region: own?.region || (document?.region ?? ''),
  latency_ms: null,
  agents: null,
  uptime_seconds: null,
  uptime_week: uptime ?? null,
  version: document?.version ?? null,
  registration: document?.policies.registration ?? null,
  features: document?.features ?? [],
  clock_skew_ms: null,
  last_seen: null,
  checked_at: null,
  from,
  warnings: [],
  problem: null,
})

export const unreachable = (sighting: Sighting, problem: string, now: number): Found => ({
  ...unchecked(sighting),
  status: 'offline',
  checked_at: now,
  problem,
})

export interface Known {
  check(url: string, serverId: string): 'new' | 'same' | 'changed'
  get(url: string): string | undefined
}

/** Whether a relay says itself that it is at an address. Whoever copies what another one says cannot show that. */
export const namesItselfAt = (url: string, look: Look): boolean => {
  const parsed = 'document' in look ? ServerDocument.safeParse(look.document) : undefined
  return parsed?.success === true && parsed.data.urls.some(each => urlKey(each) === urlKey(url))
}

/** A relay as it answered. `known` says which key was there before. */
export const seen = (sighting: Sighting, look: Look, known: Known, now: number): Found => {
  const base = { ...unchecked(sighting), latency_ms: look.latencyMs, checked_at: now, last_seen: now }
  if (!('document' in look)) return seenByHealth(base, look.health, known)
  const parsed = ServerDocument.safeParse(look.document)
  if (!parsed.success) return { ...base, status: 'offline', last_seen: null, problem: 'what answers there is no relay' }
  const document = parsed.data
  const { server_id, status, counts, uptime_seconds, version, features, policies, issued_at, urls } = document
  const problem = serverDocumentProblem(document, { now, verify: createVerify() })
  const isForged = problem === 'key' || problem === 'signature'
  const trust = isForged ? 'invalid' : trustOf(sighting, server_id, known)
  const skewMs = issued_at - now
  const isOff = Math.abs(skewMs) > limits.maxClockSkewMs
  const isElsewhere = sighting.own === undefined && urls.length > 0 && !urls.some(url => urlKey(url) === sighting.url)
  return {
    ...base,
    ...described({ ...sighting, document }),
    status: status === 'healthy' ? 'online' : status,
    server_id,
    trust,
    agents: counts.agents,
    uptime_seconds,
    version,
    registration: policies.registration,
    features,
    clock_skew_ms: skewMs,
    warnings: [
      ...(isForged ? ['what it says of itself is NOT signed by its key'] : []),
      ...(trust === 'changed' ? [changedText(sighting, known)] : []),
      ...(trust === 'disputed'
        ? [
          `a directory names another key for it (${
            sighting.document!.server_id.slice(0, 16)
          }…): the directory is wrong, or somebody stands between`,
        ]
        : []),
      ...(isOff
        ? [`its clock is ${spanText(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} this one, or an old copy answers`]
        : problem === 'expired'
        ? ['what it says of itself is over']
        : []),
      ...(isElsewhere ? [`it says that it is at ${urls[0]!}`] : []),
    ],
  }
}

const described = (sighting: Sighting): Pick<Found, 'name' | 'description' | 'region'> => {
  const { name, description, region } = unchecked(sighting)
  return { name, description, region }
}

/**
 * What the user's own list of keys says comes first, and the relay that the user named is believed at first sight; for others,
 * what a directory showed has to agree.
 */
const trustOf = ({ url, own, document }: Sighting, serverId: string, known: Known): Trust => {
  const before = known.check(url, serverId)
  if (before !== 'new') return before === 'same' ? 'known' : 'changed'
  return own === undefined && document !== undefined && document.server_id !== serverId ? 'disputed' : 'new'
}

const changedText = ({ url }: Sighting, known: Known): string =>
  `ITS KEY IS NOT THE ONE FROM BEFORE (known: ${
    known.get(url)?.slice(0, 16)
  }…). It was set up anew, or somebody stands between. If the change is right: agentchat discover trust ${url}`

/** A relay that does not describe itself: only its health is known, and nobody signs that. */
const seenByHealth = (base: Found, health: unknown, known: Known): Found => {
  const { status, version, agents, uptime_seconds: uptime } = (health ?? {}) as {
    readonly status?: unknown
    readonly version?: unknown
    readonly agents?: { readonly connected?: unknown }
    readonly uptime_seconds?: unknown
  }
  if (typeof status !== 'string') return { ...base, status: 'offline', last_seen: null, problem: 'what answers there is no relay' }
  const before = known.get(base.url)
  return {
    ...base,
    status: status === 'healthy' ? 'online' : status === 'draining' ? 'draining' : 'degraded',
    server_id: null,
    trust: 'unsigned',
    agents: count(agents?.connected),
    uptime_seconds: count(uptime),
    version: typeof version === 'string' ? version.slice(0, 64) : null,
    warnings: before === undefined ? [] : ['it showed a key before, and describes itself no more'],
  }
}

const count = (value: unknown): number | null => typeof value === 'number' && Number.isFinite(value) ? value : null

export const spanText = (ms: number): string => {
  const units = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000]] as const
  const [unit, size] = units.find(([, size]) => ms >= size) ?? ['s', 1_000]
  return `${Math.round(ms / size)} ${unit}`
}
