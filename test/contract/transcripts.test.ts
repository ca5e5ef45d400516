// The tree over a stream, whatever happens to the log: after any mix of appending, blanking, erasing, retention, trimming, the end of a channel and
// restarts its root is that over all original texts, and what is there can be proved.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  consistencySpans,
  entryOf,
  inclusionSpans,
  isConsistent,
  isIncluded,
  TranscriptRange,
} from '../../lib/identity/transcripts/index.ts'
import { migrations } from '../../src/app.ts'
import { Trees } from '../../src/features/talk/transcripts/trees.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { openSqlite } from '../../src/store/sqlite/store.ts'
import type { Store } from '../../src/store/store.ts'
import { GoneError } from '../../src/store/transcripts.ts'
import { newFolder } from '../kit/folder.ts'
import { newDatabase } from '../kit/postgres.ts'

const newEpoch = () => 'e'.repeat(16)

interface Place {
  open(): Promise<Store>
  remove(): Promise<void>
}
const engines: readonly { readonly name: string, place(): Promise<Place> }[] = [
  {
    name: 'SQLite',
    place: () => {
      const folder = newFolder()
      return Promise.resolve({
        open: () => Promise.resolve(openSqlite({ data: folder.at('data'), durability: 'normal', migrations, newEpoch })),
        remove: () => Promise.resolve(folder[Symbol.dispose]()),
      })
    },
  },
  {
    name: 'PostgreSQL',
    place: async () => {
      const database = await newDatabase()
      return {
        open: () => openPostgres({ url: database.url, migrations, newEpoch }),
        remove: async () => await database[Symbol.asyncDispose](),
      }
    },
  },
]

/** mulberry32 */
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

describe.each(engines)('$name', engine => {
  let place: Place
  let store: Store
  let trees: Trees
  /** The leaves of each stream, whatever became of its events: undefined where a number was left out. */
  let said: Map<string, (Uint8Array | undefined)[]>

  const reopen = async () => {
    await store?.close()
    store = await place.open()
    trees = new Trees({ pause: () => Promise.resolve(), maxWaiting: 1_000, maxPerAddress: 1_000 })
  }
  beforeEach(async () => {
    place = await engine.place()
    said = new Map()
    await reopen()
  })
  afterEach(async () => {
    await store.close()
    await place.remove()
  })

  const append = (stream: string, author: string, count: number) =>
    store.write(async tx => {
      for (let i = 0; i < count; i++) {
        void tx.log.append({ stream, author }, 1_000, ({ seq, ts, msgId }) => {
          const text = JSON.stringify({
            ...{ type: 'MSG', ts, from: author, from_name: 'x', to: stream, content: `${seq} ${'y'.repeat(seq % 50)}` },
            ...(seq % 7 === 3 && { edit: { of: 'a-1-eeeeee', n: 1 } }),
            ...{ msg_id: msgId, seq, salt: `s${seq}` },
          })
          const leaves = said.get(stream) ?? []
          said.set(stream, leaves)
          while (leaves.length < seq - 1) leaves.push(undefined)
          leaves.push(entryOf(text).leaf)
          return Buffer.from(text)
        })
      }
      await tx.log.flush()
    })

  const rangeOf = (stream: string, size: number): TranscriptRange => {
    const range = new TranscriptRange()
    for (const leaf of (said.get(stream) ?? []).slice(0, size)) {
      if (leaf === undefined) range.addVoidsTo(range.size + 1)
      else range.add(leaf)
    }
    range.addVoidsTo(size)
    return range
  }

  const rootOf = async (stream: string) => {
    const id = await store.read.log.streamId(stream)
    return trees.ask(store.read, stream, id, 'here', async tree => {
      const range = await tree.range(store.read)
      return { size: tree.size, root: range.root, text: range.toString() }
    })
  }
  const provesAll = async (stream: string, random: () => number, hasTiles = true) => {
    const { seq: size, oldest } = await store.read.log.head(stream)
    const id = await store.read.log.streamId(stream)
    const { root } = rangeOf(stream, size)
    const check = (seq: number, from: number) =>
      trees.ask(store.read, stream, id, 'here', async (tree, events) => {
        const included = await tree.hashesOf(store.read, events, inclusionSpans(seq - 1, size))
        const leaf = said.get(stream)![seq - 1]
        if (leaf !== undefined) expect(isIncluded({ leaf, index: seq - 1, size, proof: included, root })).toBe(true)
        const consistent = await tree.hashesOf(store.read, events, consistencySpans(from, size))
        expect(isConsistent({ size: from, root: rangeOf(stream, from).root }, { size, root }, consistent)).toBe(true)
      })
    for (let i = 0; i < 6; i++) {
      const seq = oldest + Math.floor(random() * (size - oldest + 1))
      await check(seq, Math.max(oldest - 1, Math.floor(random() * size)))
    }
    await check(oldest, oldest - 1)
    await check(size, size)
    // Of what went, whole tiles are kept.
    for (let from = 0; hasTiles && from < oldest - 1; from += 256) await check(size, from)
  }

  test.each([1, 2, 3])('the root is that over everything that was ever said, seed %i', async seed => {
    const random = seeded(seed)
    const streams = ['#a', '#b', '@x|@y']
    for (let step = 0; step < 45; step++) {
      const stream = streams[Math.floor(random() * streams.length)]!
      const { seq, oldest } = await store.read.log.head(stream)
      const kind = Math.floor(random() * 10)
      if (kind < 4) await append(stream, random() < 0.5 ? '@x' : '@y', 1 + Math.floor(random() * 220))
      else if (kind === 4 && seq >= oldest && seq > 0)
        await store.write(tx => tx.keep.blank(stream, oldest + Math.floor(random() * (seq - oldest + 1)), 2_000))
      else if (kind === 5) {
        await store.write(tx => tx.keep.beginErasure('@x'))
        while (!(await store.write(tx => tx.keep.eraseSome('@x', ['@x'], 2_000))).done) { /* in pieces */ }
      } else if (kind === 6 && seq - oldest > 10) {
        const last = oldest + Math.floor(random() * Math.min(240, seq - oldest))
        await store.write(tx => tx.keep.deleteThrough(stream, Math.min(last, seq - 1), 2_000))
      } else if (kind === 7) await store.write(tx => tx.keep.trim(0, 2_000, 2_000))
      else if (kind === 8 && stream.startsWith('#') && random() < 0.4) {
        await store.write(async tx => {
          await tx.log.end(stream)
        })
        if (random() < 0.7) { while ((await store.write(tx => tx.keep.clearEnded(stream, 2_000))).deleted > 0) { /* in pieces */ } }
      } else if (kind === 9) {
        const committed = await store.write(tx => trees.store(tx))
        committed?.()
        if (random() < 0.5) await reopen()
      }
      if (random() < 0.4) {
        const { seq: size } = await store.read.log.head(stream)
        expect(await rootOf(stream), `step ${step}`).toEqual({
          size,
          root: Buffer.from(rangeOf(stream, size).root),
          text: rangeOf(stream, size).toString(),
        })
      }
    }
    for (const stream of streams) {
      await append(stream, '@y', 3)
      await provesAll(stream, random)
      await reopen()
      await provesAll(stream, random)
    }
  })

  test('what went before there was a tree is none of it', async () => {
    await append('#old', '@x', 900)
    await store.write(async tx => {
      await tx.keep.deleteThrough('#old', 200, 1)
      await tx.keep.deleteThrough('#old', 400, 1)
      await tx.keep.deleteThrough('#old', 600, 1)
      // As a relay left it that kept no trees.
      await tx.tables<{ tiles: object, cuts: object }>().deleteFrom('tiles').execute()
      await tx.tables<{ tiles: object, cuts: object }>().deleteFrom('cuts').execute()
    })
    said.get('#old')!.fill(undefined, 0, 600)
    for (let again = 0; again < 2; again++) {
      expect((await rootOf('#old')).text).toBe(rangeOf('#old', 900).toString())
      await provesAll('#old', seeded(1), false)
      ;(await store.write(tx => trees.store(tx)))?.()
      await reopen()
    }
    await store.write(tx => tx.keep.deleteThrough('#old', 700, 1))
    await append('#old', '@x', 300)
    expect((await rootOf('#old')).text).toBe(rangeOf('#old', 1_200).toString())
  })

  test('a channel that ends and is cleared behind a tree that was read changes none of its leaves', async () => {
    await append('#a', '@x', 100)
    await rootOf('#a')
    await append('#a', '@x', 200)
    await store.write(async tx => {
      await tx.log.end('#a')
    })
    while ((await store.write(tx => tx.keep.clearEnded('#a', 1))).deleted > 0) { /* in pieces */ }
    const { seq } = await store.read.log.head('#a')
    expect((await rootOf('#a')).text).toBe(rangeOf('#a', seq).toString())
    await reopen()
    expect((await rootOf('#a')).text).toBe(rangeOf('#a', seq).toString())
  })

  test.each<[way: string, go: () => Promise<unknown>]>([
    ['by retention', () => store.write(tx => tx.keep.deleteThrough('#a@home', 2 ** 17 + 1, 1))],
    ['by the quota', () => store.write(tx => tx.keep.trim(0, 1_000_000, 1))],
    ['with its channel', async () => {
      await store.write(async tx => {
        await tx.log.end('#a@home')
      })
      while ((await store.write(tx => tx.keep.clearEnded('#a@home', 1))).deleted > 0) { /* in pieces */ }
    }],
  ])('of a mirror, whose numbers are as far apart as its home likes, no tree is made when its events go %s', async (_, go) => {
    const stream = '#a@home'
    for (const seq of [1, 2 ** 17 + 1, 2 ** 17 + 2]) {
      await store.write(async tx => {
        void tx.log.append({ stream, author: '@x', at: { seq, ts: 1, msgId: `m${seq}` } }, 1, () => Buffer.from('{"type":"MSG"}'))
        await tx.log.flush()
      })
    }
    await go()
    expect((await store.read.log.page(stream, { after: 0, limit: 9, maxBytes: 1e6 })).map(({ seq }) => seq)).not.toContain(2 ** 17 + 1)
    for (const table of ['tiles', 'cuts'] as const)
      expect(await store.read.tables<{ tiles: object, cuts: object }>().selectFrom(table).selectAll().execute()).toEqual([])
  })

  test('however many trees are asked for at once, none signs less than there is', async () => {
    await append('#a', '@x', 700)
    for (let i = 0; i < 120; i++) await append(`#c${i}`, '@x', 1)
    const all = Promise.all([...Array.from({ length: 120 }, (_, i) => rootOf(`#c${i}`)), rootOf('#a'), rootOf('#a')])
    expect((await all).map(({ size }) => size)).toEqual([...Array.from({ length: 120 }, () => 1), 700, 700])
    expect((await rootOf('#a')).size).toBe(700)
  })

  test('a proof through what is gone is refused, and events that go while a tree is read make it load again', async () => {
    await append('#a', '@x', 700)
    await rootOf('#a')
    await store.write(tx => tx.keep.deleteThrough('#a', 200, 1))
    await store.write(tx => tx.keep.deleteThrough('#a', 400, 1))
    const id = await store.read.log.streamId('#a')
    const ask = (from: number) =>
      trees.ask(store.read, '#a', id, 'here', (tree, events) => tree.hashesOf(store.read, events, consistencySpans(from, tree.size)))
    await expect(ask(300)).rejects.toThrow(GoneError)
    await expect(ask(399)).rejects.toThrow(GoneError)
    for (const from of [0, 256, 400, 401, 512, 700]) await expect(ask(from)).resolves.toBeDefined()
    expect((await rootOf('#a')).text).toBe(rangeOf('#a', 700).toString())
  })
})
