// What every store does, whatever engine it keeps its data in: one list of cases for all of them.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pairStream, type Stamp } from '../../src/store/log.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { openSqlite } from '../../src/store/sqlite/store.ts'
import type { Migration, Store, Tx } from '../../src/store/store.ts'
import { migrations } from '../../src/app.ts'
import { newFolder } from '../kit/folder.ts'
import { newDatabase } from '../kit/postgres.ts'

const own: Migration = { feature: 'contract', steps: ['CREATE TABLE t (n INTEGER)'], postgres: ['CREATE TABLE t (n BIGINT)'] }
const newEpoch = () => 'e'.repeat(16)
const all = [...migrations, own]

interface Engine {
  readonly name: string
  /** It can be opened again. */
  readonly isKept: boolean
  /** What reads and what writes is one connection. */
  readonly isOneConnection: boolean
  /** A place for a store: what opens it, as often as it is called, and what removes it. */
  place(): Promise<{ open(): Promise<Store>, remove(): Promise<void> }>
}

const engines: readonly Engine[] = [
  {
    name: 'SQLite in memory',
    isKept: false,
    isOneConnection: true,
    place: () =>
      Promise.resolve({
        open: () => Promise.resolve(openSqlite({ data: ':memory:', durability: 'normal', migrations: all, newEpoch })),
        remove: () => Promise.resolve(),
      }),
  },
  {
    name: 'SQLite in a directory',
    isKept: true,
    isOneConnection: false,
    place: () => {
      const folder = newFolder()
      return Promise.resolve({
        open: () => Promise.resolve(openSqlite({ data: folder.at('data'), durability: 'normal', migrations: all, newEpoch })),
        remove: () => Promise.resolve(folder[Symbol.dispose]()),
      })
    },
  },
  {
    name: 'PostgreSQL',
    isKept: true,
    isOneConnection: false,
    place: async () => {
      const database = await newDatabase()
      return {
        open: () => openPostgres({ url: database.url, migrations: all, newEpoch }),
        remove: async () => await database[Symbol.asyncDispose](),
      }
    },
  },
]

/** As a batch has it: a promise that is kept when the log is flushed. */
const say = (
  tx: { readonly log: Pick<Tx['log'], 'append'> },
  stream: string,
  text: string,
  extra: { id?: string, inbox?: readonly string[], now?: number } = {},
) =>
  tx.log.append(
    { stream, author: '@a', ...(extra.id && { key: { agent: '@a', id: extra.id } }), ...(extra.inbox && { inbox: extra.inbox }) },
    extra.now ?? 1_000,
    stamp => Buffer.from(JSON.stringify({ text, ...stamp, msg_id: stamp.msgId })),
  )

/** Numbered at once, so that what follows can be decided by it. */
const appended = async (tx: Tx, ...args: Parameters<Tx['log']['append']>) => {
  const result = tx.log.append(...args)
  await tx.log.flush()
  return result
}

const said = async (tx: Tx, ...args: Parameters<typeof say> extends [unknown, ...infer R] ? R : never) => {
  const result = say(tx, ...args)
  await tx.log.flush()
  return result
}

const texts = async (store: Store, stream: string, after = 0) =>
  (await store.read.log.page(stream, { after, limit: 100, maxBytes: 1e6 })).map(row =>
    (JSON.parse(row.text.toString()) as { text: string }).text
  )

describe.each(engines)('$name', engine => {
  let place: Awaited<ReturnType<Engine['place']>>
  const stores: Store[] = []
  const open = async (): Promise<Store> => {
    const store = await place.open()
    stores.push(store)
    return store
  }
  beforeEach(async () => {
    place = await engine.place()
  })
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
    await place.remove()
  })

  test('streams are numbered apart, from 1, with rising times', async () => {
    const store = await open()
    const stamps: Stamp[] = []
    await store.write(async tx => {
      for (const [stream, now] of [['#a', 1_000], ['#b', 1_000], ['#a', 1_000], ['#a', 900]] as const)
        stamps.push((await said(tx, stream, 'x', { now })).stamp)
    })
    expect(stamps.map(({ seq, ts }) => [seq, ts])).toEqual([[1, 1_000], [1, 1_000], [2, 1_001], [3, 1_002]])
    expect(new Set(stamps.map(stamp => stamp.msgId)).size).toBe(4)
    expect(await store.read.log.head('#a')).toEqual({ seq: 3, oldest: 1, ts: 1_002 })
  })

  test('what names an event is found from it, counted, and goes with it', async () => {
    const store = await open()
    const naming = (tx: Tx, kind: 'reply' | 'change', target: number, text: string) =>
      tx.log.append({ stream: '#a', author: '@a', link: { kind, target } }, 1_000, ({ seq, ts, msgId }) =>
        Buffer.from(JSON.stringify({ text, msg_id: msgId, seq, ts })))
    const ids: string[] = []
    await store.write(async tx => {
      for (const text of ['1', '2', '3']) ids.push((await said(tx, '#a', text)).stamp.msgId)
    })
    // In one batch: numbered together.
    await store.write(async tx => {
      const appended = [naming(tx, 'reply', 1, '4'), naming(tx, 'reply', 1, '5'), naming(tx, 'reply', 3, '6'), naming(tx, 'change', 4, '7')]
      await tx.log.flush()
      for (const each of appended) ids.push((await each).stamp.msgId)
      expect(await tx.links.newest('#a', 'reply', { from: 1, to: 3 })).toMatchObject([{ target: 1, seq: 5, count: 2 }, {
        target: 3,
        seq: 6,
        count: 1,
      }])
    })
    const { links } = store.read
    expect(await links.newest('#a', 'reply', { from: 2, to: 9 })).toMatchObject([{ target: 3, seq: 6, count: 1 }])
    expect(await links.newest('#a', 'reply', { from: 1, to: 2 })).toMatchObject([{ target: 1, seq: 5, count: 2 }])
    expect(await links.newest('#a', 'change', { from: 1, to: 9 })).toMatchObject([{ target: 4, seq: 7, count: 1 }])
    expect(await links.newest('#b', 'change', { from: 1, to: 9 })).toEqual([])
    const page = async (after: number, limit: number, maxBytes = 1e6) =>
      (await links.page('#a', 'reply', 1, { after, limit, maxBytes })).map(({ seq }) => seq)
    expect([await page(0, 9), await page(4, 9), await page(0, 1), await page(0, 9, 1)]).toEqual([[4, 5], [5], [4], [4]])
    for (const most of [1e6, Infinity]) expect((await links.texts('#a', [5, 1, 99], most)).map(({ seq }) => seq)).toEqual([1, 5])
    expect(await links.page('#a', 'reply', 1, { after: 0, limit: 9, maxBytes: Infinity })).toHaveLength(2)
    expect(await store.read.log.page('#a', { after: 0, limit: 3, maxBytes: Infinity })).toHaveLength(3)
    expect(await links.size('#a', 'reply', 1, 9)).toBe(
      (await links.texts('#a', [4, 5], 1e6)).reduce((sum, { text }) => sum + text.length, 0),
    )
    // The thread of a message: that of what it answers, of an edit that of what it edits.
    for (const [id, root] of [[1, 1], [2, 2], [4, 1], [5, 1], [6, 3], [7, 1]] as const)
      expect(await links.rootOf('#a', ids[id - 1]!), `of ${id}`).toEqual({ seq: root, msgId: ids[root - 1] })
    expect(await links.rootOf('#b', ids[0]!)).toBeUndefined()
    expect(await links.rootOf('#a', ids[0]!.replace('-1-', '-01-'))).toBeUndefined()
    expect(await links.find(ids[3]!)).toMatchObject({ stream: '#a', seq: 4, author: '@a' })
    for (const id of [ids[3]!.replace('-4-', '-9-'), ids[3]!.replace(/-e+$/, '-aaaaaa'), ids[3]!.toUpperCase(), 'x'])
      expect(await links.find(id), id).toBeUndefined()

    await store.write(tx => tx.keep.deleteThrough('#a', 1, 2_000))
    expect(await links.newest('#a', 'reply', { from: 1, to: 9 })).toMatchObject([{ target: 3 }])
    expect(await links.rootOf('#a', ids[3]!)).toEqual({ seq: 4, msgId: ids[3] })
    await store.write(tx => tx.log.end('#a'))
    expect([await links.find(ids[5]!), await links.rootOf('#a', ids[5]!)]).toEqual([undefined, undefined])
  })

  test('what was numbered elsewhere, with gaps, is found by its number, also before it is indexed', async () => {
    const store = await open()
    const add = (tx: Tx, seq: number, link?: { kind: 'reply' | 'change', target: number }) =>
      tx.log.append({
        stream: '#m@b',
        author: '@a',
        inbox: ['@b'],
        at: { seq, ts: 1_000 + seq, msgId: `1-${seq}-${'a'.repeat(16)}` },
        link,
      }, 1_000, stamp => Buffer.from(JSON.stringify({ text: String(seq), seq, ts: stamp.ts, msg_id: stamp.msgId })))
    await store.write(async tx => {
      add(tx, 5)
      add(tx, 8)
      add(tx, 9, { kind: 'reply', target: 8 })
      add(tx, 10, { kind: 'reply', target: 6 })
      await tx.log.flush()
    })
    const { log, links } = store.read
    const waiting = await log.inbox('@b', { after: 0, limit: 10, maxBytes: 1e6, now: 0 })
    expect(waiting.map(({ seq, text }) => [seq, (JSON.parse(String(text)) as { text: string }).text])).toEqual([
      [1, '5'],
      [2, '8'],
      [3, '9'],
      [4, '10'],
    ])
    const numbers = [4, 5, 6, 7, 8, 9, 10, 11]
    expect((await links.texts('#m@b', numbers, 1e6)).map(({ seq, text }) => [seq, (JSON.parse(String(text)) as { seq: number }).seq]))
      .toEqual([[5, 5], [8, 8], [9, 9], [10, 10]])
    expect((await links.newest('#m@b', 'reply', { from: 1, to: 9 })).map(({ target, seq }) => [target, seq])).toEqual([[6, 10], [8, 9]])
    expect((await links.page('#m@b', 'reply', 8, { after: 0, limit: 9, maxBytes: 1e6 })).map(({ seq }) => seq)).toEqual([9])
  })

  test('a rolled-back batch gives its numbers back', async () => {
    const store = await open()
    await store.write(tx => said(tx, '#a', 'one'))
    await expect(store.write(async tx => {
      await said(tx, '#a', 'lost')
      throw new Error('no')
    })).rejects.toThrow('no')
    await store.write(tx => said(tx, '#a', 'two'))
    expect(await texts(store, '#a')).toEqual(['one', 'two'])
    expect((await store.read.log.head('#a')).seq).toBe(2)
  })

  test('a publish key stores once and gives the first stamp again, also after a restart', async () => {
    let store = await open()
    const first = await store.write(tx => said(tx, '#a', 'one', { id: 'k' }))
    if (engine.isKept) {
      await store.close()
      store = await open()
    }
    const again = await store.write(tx => said(tx, '#a', 'one', { id: 'k' }))
    expect(first.kind).toBe('stored')
    expect(again).toMatchObject({ kind: 'duplicate', stamp: first.stamp })
    expect(await texts(store, '#a')).toEqual(['one'])
    await store.write(async tx => {
      await tx.log.forgetKeys(2_000)
    })
    expect((await store.write(tx => said(tx, '#a', 'one', { id: 'k' }))).kind).toBe('stored')
  })

  test('pages go both ways, by count and by bytes', async () => {
    const store = await open()
    await store.write(async tx => {
      for (let i = 1; i <= 10; i++) void say(tx, '#a', String(i))
    })
    const seqs = async (query: object) => (await store.read.log.page('#a', { limit: 3, maxBytes: 1e6, ...query })).map(row => row.seq)
    expect(await seqs({ after: 4 })).toEqual([5, 6, 7])
    expect(await seqs({ before: 4 })).toEqual([1, 2, 3])
    expect(await seqs({})).toEqual([8, 9, 10])
    expect(await seqs({ after: 0, maxBytes: 1 })).toEqual([1])
    expect(await seqs({ after: 10 })).toEqual([])
  })

  test('an inbox has its own numbers, a cursor that only moves forward, and can be handed on', async () => {
    const store = await open()
    const stream = pairStream('@b', '@a')
    const sent = await store.write(
      async tx => [await said(tx, stream, 'one', { inbox: ['@b'] }), await said(tx, '#x', 'two', { inbox: ['@b'] })],
    )
    expect(sent.map(result => result.kind === 'stored' && result.inboxSeqs)).toEqual([[1], [2]])
    const waiting = async (agent: string) =>
      (await store.read.log.inbox(agent, { after: (await store.read.log.inboxHead(agent)).cursor, limit: 10, maxBytes: 1e6, now: 0 })).map(
        row => row.seq,
      )
    expect(await waiting('@b')).toEqual([1, 2])
    await store.write(async tx => {
      expect(await tx.log.inboxSeqOf('@b', sent[0]!.stamp.msgId)).toBe(1)
      expect(await tx.log.inboxSeqOf('@c', sent[0]!.stamp.msgId)).toBeUndefined()
      for (const [upTo, cursor] of [[1, 1], [0, 1], [99, 2]] as const) {
        await tx.log.progress('@b', 'received', upTo, 5_000)
        expect((await tx.log.inboxHead('@b')).cursor).toBe(cursor)
      }
    })
    await store.write(tx => said(tx, stream, 'three', { inbox: ['@b'] }))
    await store.write(async tx => {
      await tx.log.moveInbox('@b', '@new')
    })
    expect(await waiting('@b')).toEqual([])
    expect((await store.read.log.inbox('@new', { after: 0, limit: 10, maxBytes: 1e6, now: 0 })).map(row => [row.seq, row.stream])).toEqual([
      [
        1,
        stream,
      ],
    ])
  })

  test("an entry of an inbox whose event is gone takes nobody's place in a page", async () => {
    const store = await open()
    await store.write(tx => said(tx, '#x', 'one', { inbox: ['@b'] }))
    await store.write(tx => tx.log.progress('@b', 'received', 1, 10))
    await store.write(tx => tx.keep.deleteThrough('#x', 1, 20))
    await store.write(tx => said(tx, '#y', 'two', { inbox: ['@b'] }))
    const page = await store.read.log.inbox('@b', { after: 0, limit: 1, maxBytes: 1e6, now: 30 })
    expect(page.map(row => [row.seq, row.stream])).toEqual([[2, '#y']])
  })

  test("a message's fate: stored, offered, received, read, each with its time, told only to authors who asked", async () => {
    const store = await open()
    const send = (receipts: boolean, ttlMs?: number) =>
      store.write(tx =>
        appended(tx, { stream: pairStream('@a', '@b'), author: '@a', inbox: ['@b'], receipts, ...(ttlMs && { ttlMs }) }, 1_000, stamp =>
          Buffer.from(JSON.stringify({ msg_id: stamp.msgId })))
      )
    const progress = (state: 'offered' | 'received' | 'read', upTo: number, now: number) =>
      store.write(tx => tx.log.progress('@b', state, upTo, now))
    const { msgId } = (await send(true)).stamp
    await send(false)
    expect((await store.read.log.fate(msgId))?.receipts).toEqual([{
      agent: '@b',
      offeredAt: null,
      receivedAt: null,
      readAt: null,
      expiredAt: null,
    }])
    expect(await progress('offered', 2, 10)).toMatchObject([{ msgId, author: '@a', receipts: [{ agent: '@b', offeredAt: 10 }] }])
    expect(await progress('offered', 2, 11)).toEqual([])
    expect(await progress('read', 2, 20)).toMatchObject([{ receipts: [{ offeredAt: 10, receivedAt: 20, readAt: 20 }] }])
    expect(await progress('received', 2, 30)).toEqual([])
    expect((await store.read.log.inboxHead('@b')).cursor).toBe(2)
    expect(await store.read.log.fate('1-99-eeeeee')).toBeUndefined()
    expect(await store.read.log.fate(msgId.replace(/e$/, 'f'))).toBeUndefined()
  })

  test('what is not received in time is expired, told once, and not offered any more', async () => {
    const store = await open()
    const send = (ttlMs: number) =>
      store.write(tx =>
        appended(tx, { stream: '@a|@b', author: '@a', inbox: ['@b'], receipts: true, ttlMs }, 1_000, stamp =>
          Buffer.from(JSON.stringify({ msg_id: stamp.msgId })))
      )
    const short = await send(500)
    const long = await send(5_000)
    const waiting = async (now: number) =>
      (await store.read.log.inbox('@b', { after: 0, limit: 10, maxBytes: 1e6, now })).map(row => row.seq)
    expect(await waiting(1_499)).toEqual([1, 2])
    expect(await waiting(1_500)).toEqual([2])
    expect(await store.write(tx => tx.log.expire(1_499))).toEqual([])
    expect(await store.write(tx => tx.log.expire(1_500))).toMatchObject([{ msgId: short.stamp.msgId, receipts: [{ expiredAt: 1_500 }] }])
    expect(await store.write(tx => tx.log.expire(1_501))).toEqual([])
    await store.write(tx => tx.log.progress('@b', 'received', 2, 2_000))
    expect(await store.write(tx => tx.log.expire(99_999))).toEqual([])
    expect((await store.read.log.fate(long.stamp.msgId))?.receipts).toMatchObject([{ receivedAt: 2_000, expiredAt: null }])
  })

  test('a batch that writes nothing begins no transaction, and reads see commits only', async () => {
    const store = await open()
    interface Tables {
      t: { n: number }
    }
    await store.write(async tx => {
      expect(tx.writes).toBe(0)
      await tx.tables<Tables>().insertInto('t').values({ n: 1 }).execute()
      expect(tx.writes).toBe(1)
      if (!engine.isOneConnection) expect(await store.read.tables<Tables>().selectFrom('t').selectAll().execute()).toEqual([])
    })
    expect(await store.read.tables<Tables>().selectFrom('t').selectAll().execute()).toEqual([{ n: 1 }])
  })

  test('numbers go on after a restart', async () => {
    if (!engine.isKept) return
    const first = await open()
    await first.write(tx => said(tx, '#a', 'one'))
    await first.close()
    const second = await open()
    await second.write(tx => said(tx, '#a', 'two', { now: 5 }))
    expect(await texts(second, '#a')).toEqual(['one', 'two'])
    expect(await second.read.log.head('#a')).toEqual({ seq: 2, oldest: 1, ts: 1_001 })
    expect(second.epoch).toBe(first.epoch)
  })

  test('a key that repeats within a batch is one event, and numbers have no gap', async () => {
    const store = await open()
    const results = await store.write(async tx => {
      const appended = [
        say(tx, '#a', 'one', { id: '1' }),
        say(tx, '#a', 'one', { id: '1' }),
        say(tx, '#a', 'two', { id: '2', inbox: ['@b', '@c'] }),
        say(tx, '#b', 'three', { inbox: ['@c'] }),
      ]
      await tx.log.flush()
      return Promise.all(appended)
    })
    expect(results.map(({ kind, stamp: { seq } }) => [kind, seq])).toEqual([['stored', 1], ['duplicate', 1], ['stored', 2], ['stored', 1]])
    expect(results.map(result => result.kind === 'stored' ? result.inboxSeqs : result.text?.toString())).toEqual([
      [],
      expect.stringContaining('"text":"one"'),
      [1, 1],
      [2],
    ])
    expect(await texts(store, '#a')).toEqual(['one', 'two'])
  })

  test('a repeat takes no number and no time, alone and beside others, of streams and of inboxes', async () => {
    const store = await open()
    const first = { id: '1', inbox: ['@b'] }
    const heads = async () => [
      await store.read.log.head('#a'),
      (await store.read.log.inboxHead('@b')).seq,
      (await store.read.log.inboxHead('@c')).seq,
    ]
    await store.write(tx => said(tx, '#a', 'one', first))
    const before = await heads()
    await store.write(tx => said(tx, '#a', 'one', { ...first, inbox: ['@b', '@c'], now: 5_000 }))
    await store.write(tx => said(tx, '#new', 'one', { ...first, now: 5_000 }))
    expect(await heads()).toEqual(before)
    expect(await store.read.log.head('#new')).toEqual({ seq: 0, oldest: 0, ts: 0 })
    const results = await store.write(async tx => {
      const appended = [
        say(tx, '#a', 'two', { id: '2', inbox: ['@b'], now: 6_000 }),
        say(tx, '#a', 'one', { ...first, now: 6_000 }),
        say(tx, '#a', 'three', { id: '3', inbox: ['@c', '@b'], now: 6_000 }),
      ]
      await tx.log.flush()
      return Promise.all(appended)
    })
    expect(results.map(({ kind, stamp: { seq, ts } }) => [kind, seq, ts])).toEqual([['stored', 2, 6_000], ['duplicate', 1, 1_000], [
      'stored',
      3,
      6_001,
    ]])
    expect(results.map(result => result.kind === 'stored' ? result.inboxSeqs : [])).toEqual([[2], [], [1, 3]])
    expect(await heads()).toEqual([{ seq: 3, oldest: 1, ts: 6_001 }, 3, 1])
    await store.write(tx => said(tx, '#a', 'four'))
    expect(await texts(store, '#a')).toEqual(['one', 'two', 'three', 'four'])
  })

  test('several events of one request are stored together, or are all told as a repeat and take no numbers', async () => {
    const store = await open()
    const both = async (...ids: readonly string[]) => {
      const results = await store.write(async tx => {
        const appended = ids.flatMap(id => {
          const log = tx.log.together()
          return [say({ log }, '#a', `${id} first`, { id }), say({ log }, '#b', `${id} second`, { inbox: ['@b'] })]
        })
        await tx.log.flush()
        return Promise.all(appended)
      })
      return results.map(({ kind, stamp: { seq } }) => [kind, seq])
    }
    expect(await both('1')).toEqual([['stored', 1], ['stored', 1]])
    expect(await both('1')).toEqual([['duplicate', 1], ['duplicate', 1]])
    // In one batch with what it repeats, too.
    expect(await both('1', '2', '2', '3')).toEqual([
      ['duplicate', 1],
      ['duplicate', 1],
      ['stored', 2],
      ['stored', 2],
      ['duplicate', 2],
      ['duplicate', 2],
      ['stored', 3],
      ['stored', 3],
    ])
    expect(await texts(store, '#a')).toEqual(['1 first', '2 first', '3 first'])
    expect(await texts(store, '#b')).toEqual(['1 second', '2 second', '3 second'])
    expect((await store.read.log.inboxHead('@b')).seq).toBe(3)
  })

  test('what a batch appended counts for what is read behind it', async () => {
    const store = await open()
    await store.write(async tx => {
      void say(tx, '#a', 'one', { id: '1', inbox: ['@b'] })
      expect(await tx.log.isPublished({ agent: '@a', id: '1' })).toBe(true)
      expect((await tx.log.head('#a')).seq).toBe(1)
      void say(tx, '#a', 'two')
      expect((await tx.log.page('#a', { after: 0, limit: 10, maxBytes: 1e6 })).map(row => row.seq)).toEqual([1, 2])
      expect(await tx.log.inboxHead('@b')).toEqual({ seq: 1, cursor: 0 })
    })
  })

  test('a stream that ends leaves a number out, and its positions are none of what comes', async () => {
    const store = await open()
    await store.write(async tx => {
      await said(tx, '#a', 'one')
      await tx.log.end('#a')
    })
    expect(await store.read.log.head('#a')).toEqual({ seq: 2, oldest: 3, ts: 1_000 })
    await store.write(tx => said(tx, '#a', 'two'))
    expect(await store.read.log.head('#a')).toEqual({ seq: 3, oldest: 3, ts: 1_001 })
    await store.write(tx => tx.log.end('#never'))
  })

  test('texts are kept byte for byte', async () => {
    const store = await open()
    const all = ['é 🙂 𝄞', '\u0000 and \ud800', '"quoted" \\ {}', '', 'x'.repeat(100_000)]
    await store.write(async tx => {
      for (const text of all) void say(tx, '#a', text)
    })
    const page = await store.read.log.page('#a', { after: 0, limit: 100, maxBytes: 1e9 })
    expect(page.map(({ seq, text }) => [seq, text.toString()])).toEqual(
      all.map((text, i) => [i + 1, expect.stringContaining(JSON.stringify(text))]),
    )
  })

  test('a zero in an id, a text or a column does no harm', async () => {
    const store = await open()
    const ids = ['a\0', 'a\u2400', 'a\u24000', 'a', 'a\0']
    const kinds = await store.write(async tx => {
      const results = ids.map(id => say(tx, '#a', `said under ${id}`, { id }))
      expect(await tx.log.isPublished({ agent: '@a', id: 'a\0' })).toBe(true)
      await tx.log.flush()
      return (await Promise.all(results)).map(({ kind }) => kind)
    })
    expect(kinds).toEqual(['stored', 'stored', 'stored', 'stored', 'duplicate'])
    expect((await store.write(tx => said(tx, '#a', 'said under a\0', { id: 'a\0' }))).kind).toBe('duplicate')
    expect((await texts(store, '#a'))[0]).toBe('said under a\0')
    await store.write(tx => tx.tables<{ endings: { channel: string } }>().insertInto('endings').values({ channel: '#\0' }).execute())
  })

  test('text is in the order of its bytes', async () => {
    const store = await open()
    const names = ['#Z', '#a', '#é', '#b', '#_', '@a', '#10', '#9']
    interface Tables {
      endings: { channel: string }
    }
    await store.write(tx => tx.tables<Tables>().insertInto('endings').values(names.map(channel => ({ channel }))).execute())
    const rows = await store.read.tables<Tables>().selectFrom('endings').select('channel').orderBy('channel').execute()
    expect(rows.map(({ channel }) => channel)).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  })

  test('a statement that fails undoes the whole, and the next write goes on', async () => {
    const store = await open()
    const failing = store.write(async tx => {
      await said(tx, '#a', 'lost')
      const before = tx.writes
      await expect(tx.tables<{ nothing: { n: number } }>().insertInto('nothing').values({ n: 1 }).execute()).rejects.toThrow('nothing')
      expect(tx.writes).toBeGreaterThanOrEqual(before)
      throw new Error('told')
    })
    await expect(failing).rejects.toThrow()
    await store.write(tx => said(tx, '#a', 'kept'))
    expect(await texts(store, '#a')).toEqual(['kept'])
  })

  test('sums and counts are numbers', async () => {
    const store = await open()
    await store.write(async tx => {
      await tx.tables<{ t: { n: number } }>().insertInto('t').values([{ n: 2 ** 52 }, { n: 1 }]).execute()
    })
    const row = await store.read.tables<{ t: { n: number } }>().selectFrom('t')
      .select(({ fn }) => [fn.sum<number>('n').as('sum'), fn.countAll<number>().as('count'), fn.max('n').as('max')]).executeTakeFirst()
    expect(row).toEqual({ sum: 2 ** 52 + 1, count: 2, max: 2 ** 52 })
  })
})
