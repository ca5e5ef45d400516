// Relays as several sources name them, merged: whatever order the sources come in, and however often they repeat each other,
// the result is the same.
import type { ServerDocument } from '../../../lib/protocol/index.ts'
import { newest } from './documents.ts'

/** A relay as a source names it. What is signed stands in `document`; the rest is the source's word. */
export interface Sighting {
  /** in one spelling; see urlKey */
  readonly url: string
  /** What the user calls it, or wrote about it. */
  readonly own?: { readonly name: string, readonly description: string, readonly region: string } | undefined
  readonly document?: ServerDocument | undefined
  /** share of the last week in which it answered, as the directory saw that was content with it least */
  readonly uptime?: number | undefined
  /** directories that name it, in order */
  readonly from: readonly string[]
}

/** Two spellings of one address are one relay. */
export const urlKey = (url: string): string => {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname.replace(/\/$/, '')}`
}

const mergeTwo = (a: Sighting, b: Sighting): Sighting => {
  const document = a.document === undefined || b.document === undefined ? a.document ?? b.document : newest(a.document, b.document)
  const own = [a.own, b.own].filter(each => each !== undefined).sort((x, y) => textOf(x) < textOf(y) ? -1 : 1)[0]
  const uptime = Math.min(a.uptime ?? Infinity, b.uptime ?? Infinity)
  return {
    url: a.url,
    ...(own !== undefined && { own }),
    ...(document !== undefined && { document }),
    ...(uptime <= 1 && { uptime }),
    from: [...new Set([...a.from, ...b.from])].sort(),
  }
}

const textOf = (own: NonNullable<Sighting['own']>): string => JSON.stringify([own.name, own.description, own.region])

/** By address, sorted by it. */
export const mergeSightings = (sightings: readonly Sighting[]): readonly Sighting[] => {
  const byUrl = new Map<string, Sighting>()
  for (const sighting of sightings) {
    const known = byUrl.get(sighting.url)
    byUrl.set(sighting.url, mergeTwo(known ?? { url: sighting.url, from: [] }, sighting))
  }
  return [...byUrl.values()].sort((a, b) => a.url < b.url ? -1 : 1)
}
