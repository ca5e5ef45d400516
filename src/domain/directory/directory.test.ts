// The directory's rules, under random orders and repeats: what holds is the same whatever came first, and nothing lives longer
// than it said.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ServerDocument } from '../../../lib/protocol/index.ts'
import { admit, type FillLimits, type Kept, type ServerState } from './admission.ts'
import { endOf, isLive, isNewer, maxLifetimeMs, newest, type Dated } from './documents.ts'
import { mergeSightings, urlKey, type Sighting } from './sightings.ts'
import { hourMs, uptimeOf } from './uptime.ts'

const dated = fc.record({
  issued_at: fc.integer({ min: 0, max: 50 }),
  expires_at: fc.integer({ min: 0, max: 100 }),
  sig: fc.constantFrom('a', 'b', 'c', 'd'),
})
/** A signature covers the rest: of one moment, one signature is one description. */
const documentOf = ({ issued_at, sig }: Dated): Dated => ({ issued_at, sig, expires_at: issued_at + 1 + sig.charCodeAt(0) % 7 })
const document = dated.map(documentOf)

describe('which description holds', () => {
  test('the same one, in whatever order they come, and however often', () => {
    fc.assert(fc.property(fc.array(document, { minLength: 1, maxLength: 12 }), fc.infiniteStream(fc.nat()), (documents, picks) => {
      const fold = (list: readonly Dated[]) => list.reduce(newest)
      const shuffled = [...documents, ...documents].map(each => ({ each, at: picks.next().value! })).sort((a, b) => a.at - b.at).map((
        { each },
      ) => each)
      expect(fold(shuffled)).toEqual(fold(documents))
    }))
  })
  test('and none is newer than itself, nor two than each other', () => {
    fc.assert(fc.property(document, document, (a, b) => {
      expect(isNewer(a, a)).toBe(false)
      expect(isNewer(a, b) && isNewer(b, a)).toBe(false)
    }))
  })
  test('it ends when it said, and in a week at the latest', () => {
    fc.assert(fc.property(fc.nat(1e12), fc.nat(1e11), fc.nat(2e11), (issued_at, lifetime, later) => {
      const one = { issued_at, expires_at: issued_at + lifetime, sig: '' }
      expect(endOf(one)).toBeLessThanOrEqual(one.expires_at)
      expect(endOf(one) - issued_at).toBeLessThanOrEqual(maxLifetimeMs)
      expect(isLive(one, issued_at + later)).toBe(later < Math.min(lifetime, maxLifetimeMs))
    }))
  })
})

describe('announcements', () => {
  const limits: FillLimits = { maxServers: 1_000, maxPending: 100, maxPendingHere: 20, maxAtHost: 64 }
  const empty = { servers: 0, pending: 0, pendingHere: 0, atHost: 0 }
  const server = (one: Dated, url: string) => ({ ...one, urls: [url] }) as unknown as ServerDocument
  const url = fc.constantFrom('wss://a.example', 'wss://a.example/x', 'wss://b.example')

  test('replays and loops change nothing: whatever comes in whatever order, the newest that was live stands, and never for longer than it said', () => {
    fc.assert(fc.property(fc.array(fc.tuple(document, url, fc.nat(60)), { maxLength: 30 }), announcements => {
      let kept: Kept | undefined
      const seen: ServerDocument[] = []
      for (const [one, url, now] of announcements) {
        const announced = server(one, url)
        const admission = admit(announced, kept, empty, limits, now)
        if (admission.kind === 'take') {
          expect(isLive(announced, now)).toBe(true)
          expect(kept === undefined || isNewer(announced, kept.document)).toBe(true)
          // An address that did not answer with the key yet is asked, whatever was listed before.
          if (admission.state === 'listed') expect(kept).toMatchObject({ state: 'listed', document: { urls: [url] } })
          kept = { document: announced, state: admission.state }
          seen.push(announced)
          expect(admit(announced, kept, empty, limits, now)).toEqual({ kind: 'leave' })
        }
        if (kept?.state === 'pending') kept = { ...kept, state: 'listed' }
      }
      if (seen.length > 0) expect(kept!.document.sig).toBe(seen.reduce(newest).sig)
    }))
  })

  test('nothing from the future is taken', () => {
    fc.assert(fc.property(fc.nat(1e7), aheadMs => {
      const admission = admit(server({ issued_at: 1e12 + aheadMs, expires_at: 2e12, sig: 'a' }, 'wss://a.example'), undefined, empty,
        limits, 1e12)
      expect(admission.kind).toBe(aheadMs > 5 * 60_000 ? 'refuse' : 'take')
    }))
  })

  test('bounds hold whatever is asked', () => {
    const fill = fc.record({ servers: fc.nat(1_200), pending: fc.nat(150), pendingHere: fc.nat(30), atHost: fc.nat(80) })
    fc.assert(
      fc.property(fill, fc.option(fc.constantFrom<ServerState>('pending', 'listed', 'refused'), { nil: undefined }), (full, state) => {
        const kept = state && { state, document: server({ issued_at: 1, expires_at: 100, sig: 'a' }, 'wss://b.example') }
        const admission = admit(server({ issued_at: 5, expires_at: 100, sig: 'b' }, 'wss://a.example'), kept, full, limits, 10)
        if (state === 'pending') return
        const isFull = full.atHost >= limits.maxAtHost || full.pending >= limits.maxPending || full.pendingHere >= limits.maxPendingHere
          || (kept === undefined && full.servers >= limits.maxServers)
        expect(admission.kind).toBe(isFull ? 'refuse' : 'take')
      }),
    )
  })
})

describe('sources', () => {
  const own = fc.record({
    name: fc.constantFrom('home', 'work'),
    description: fc.constantFrom('', 'mine'),
    region: fc.constantFrom('', 'eu'),
  })
  const sighting: fc.Arbitrary<Sighting> = fc.record({
    url: fc.constantFrom('wss://a.example', 'wss://b.example', 'wss://c.example'),
    own: fc.option(own, { nil: undefined }),
    document: fc.option(document.map(one => one as ServerDocument), { nil: undefined }),
    uptime: fc.option(fc.constantFrom(0, 0.5, 1), { nil: undefined }),
    from: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')),
  })
  const sightings = fc.array(sighting, { maxLength: 15 })

  test('merge to the same in any order, in any grouping, and however often', () => {
    fc.assert(fc.property(sightings, sightings, sightings, (a, b, c) => {
      const merged = mergeSightings([...a, ...b, ...c])
      expect(mergeSightings([...c, ...a, ...b])).toEqual(merged)
      expect(mergeSightings([...mergeSightings([...a, ...b]), ...c])).toEqual(merged)
      expect(mergeSightings([...merged, ...merged])).toEqual(merged)
      expect(new Set(merged.map(({ url }) => url)).size).toBe(merged.length)
    }))
  })
  test('one address has one key, however it is spelled', () => {
    expect(['WSS://A.example:443/', 'wss://a.example', 'wss://a.example/?x#y'].map(urlKey)).toEqual(Array(3).fill('wss://a.example'))
    expect(urlKey('ws://a.example:6667/path/')).toBe('ws://a.example:6667/path')
  })
})

describe('uptime', () => {
  test('is a share, of hours that were looked at, and only of the last ones', () => {
    const hour = fc.integer({ min: 0, max: 300 }).chain(at =>
      fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 60 })).map(([ok, total]) => ({ hour: at, ok: Math.min(ok, total), total }))
    )
    fc.assert(fc.property(fc.uniqueArray(hour, { selector: ({ hour }) => hour }), hours => {
      const now = 300 * hourMs + 5
      const share = uptimeOf(hours, now, 24)
      const last = hours.filter(({ hour }) => hour > 276)
      if (last.length === 0) expect(share).toBeNull()
      else {
        expect(share).toBeGreaterThanOrEqual(0)
        expect(share).toBeLessThanOrEqual(1)
        if (last.every(({ ok, total }) => ok === total)) expect(share).toBe(1)
        if (last.every(({ ok }) => ok === 0)) expect(share).toBe(0)
      }
    }))
  })
})
