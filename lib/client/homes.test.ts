// Which relay a host means, by what one's own relay shows of it: what may be shown, and what is held against it.
import { expect, test, vi } from 'vitest'
import { generateKeyPair, identityFrom, makeRotation } from '../identity/index.ts'
import type { Frame, ServerDocument } from '../protocol/index.ts'
import { paperRelay } from '../../test/kit/describe.ts'
import { ConnectionError, RelayError } from './errors.ts'
import { Homes, type HomesOptions } from './homes.ts'
import { MemoryKnownRelays } from './known-relays.ts'

const host = 'b.example'
const urls = [`wss://${host}`]
const paper = paperRelay()

/** Homes whose relay shows these documents, one after the other; an error is what it answers. */
const shown = (documents: readonly (ServerDocument | Error)[], options: Partial<HomesOptions> = {}) => {
  const knownRelays = options.knownRelays ?? new MemoryKnownRelays()
  let asked = 0
  const homes = new Homes({
    ask: async host => {
      const document = documents[Math.min(asked++, documents.length - 1)]!
      if (document instanceof Error) throw document
      return { type: 'HOME', ts: 0, host, trust: 'both', document } as Frame<'HOME'>
    },
    confirmRelay: undefined,
    now: Date.now,
    ...options,
    knownRelays,
  })
  return { homes, knownRelays, asked: () => asked }
}

test('it is the relay that says itself, under its signature, that it is at the host; it is asked once, and kept', async () => {
  const { homes, knownRelays, asked } = shown([paper.describe({ urls })])
  expect(homes.known(host)).toBeUndefined()
  expect(await homes.of(host)).toEqual({ serverId: paper.serverId, key: paper.publicKey, former: [] })
  await homes.of(host)
  expect([homes.known(host)?.serverId, asked(), knownRelays.get(urls[0]!)]).toEqual([paper.serverId, 1, paper.serverId])
  homes.lost()
  await homes.of(host)
  expect(asked()).toBe(2)
})

test('not in time is good enough: the home may be away for long', async () => {
  const { homes } = shown([paper.describe({ urls, issued_at: Date.now() - 86_400_000 })])
  expect(await homes.of(host)).toMatchObject({ serverId: paper.serverId })
})

test('what is not signed, of a relay elsewhere, or of one that says no place is refused', async () => {
  const document = paper.describe({ urls })
  const refusals = await Promise.all([
    { ...document, name: 'changed' },
    { ...document, server_id: paperRelay().serverId },
    // Its words are its own, and it is not there: what is signed for it would be good at another place.
    paper.describe({ urls: ['wss://c.example'] }),
    paper.describe({ urls: [] }),
  ].map(each => shown([each]).homes.of(host).catch((error: { code?: string }) => error.code)))
  expect(refusals).toEqual(['DOCUMENT_INVALID', 'DOCUMENT_INVALID', 'OTHER_HOST', 'OTHER_HOST'])
  // A place on this machine has no name that a relay could say of itself.
  expect(await shown([paper.describe({ urls: [] })]).homes.of('localhost:6668')).toMatchObject({ serverId: paper.serverId })
})

test('another key than the one that is known at the host is refused, unless that one signed over, or somebody confirms it', async () => {
  const stranger = identityFrom(generateKeyPair().privateKey)
  const [first, second] = [paperRelay(), paperRelay()]
  const knownRelays = new MemoryKnownRelays()
  knownRelays.remember(urls[0]!, first.serverId)
  const changed = shown([second.describe({ urls })], { knownRelays })
  await expect(changed.homes.of(host)).rejects.toMatchObject({ code: 'RELAY_CHANGED', doubt: { known: first.serverId } })
  expect(changed.homes.known(host)).toBeUndefined()
  expect(knownRelays.get(urls[0]!)).toBe(first.serverId)
  const forged = shown([second.describe({ urls, rotations: [{ ...makeRotation(stranger, second.publicKey, Date.now()) }] })], {
    knownRelays,
  })
  await expect(forged.homes.of(host)).rejects.toMatchObject({ code: 'RELAY_CHANGED' })
  const confirmed = shown([second.describe({ urls })], { knownRelays, confirmRelay: () => true })
  expect(await confirmed.homes.of(host)).toMatchObject({ serverId: second.serverId })
})

test('who refuses is asked again after a minute, who is busy in a moment; a cut is no answer', async () => {
  let now = 0
  const refusing = shown([new RelayError('LINK_REFUSED', 'no')], { now: () => now })
  for (const _ of [1, 2]) await expect(refusing.homes.of(host)).rejects.toMatchObject({ code: 'LINK_REFUSED' })
  expect(refusing.asked()).toBe(1)
  now = 60_000
  await expect(refusing.homes.of(host)).rejects.toMatchObject({ code: 'LINK_REFUSED' })
  expect(refusing.asked()).toBe(2)
  const busy = shown([new RelayError('BUSY', 'wait', 1), paper.describe({ urls })])
  expect(await busy.homes.of(host)).toMatchObject({ serverId: paper.serverId })
  const cut = shown([new ConnectionError('LOST', 'cut'), paper.describe({ urls })])
  await expect(cut.homes.of(host)).rejects.toMatchObject({ code: 'LOST' })
  expect(await cut.homes.of(host)).toMatchObject({ serverId: paper.serverId })
})

test('a relay that wants to be asked again in days is asked sooner, and not for ever', async () => {
  vi.useFakeTimers()
  try {
    const { homes, asked } = shown([new RelayError('BUSY', 'later', 1e9)])
    const failed = expect(homes.of(host)).rejects.toThrow('later')
    await vi.advanceTimersByTimeAsync(40_000)
    await failed
    expect(asked()).toBe(5)
  } finally {
    vi.useRealTimers()
  }
})
