// The index of words, on both engines: what it finds, what goes out of it, and that it follows the log whatever happened meanwhile.
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { migrations } from '../../src/app.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { openDatabase } from '../../src/store/sqlite/driver.ts'
import { openSqlite } from '../../src/store/sqlite/store.ts'
import { marks, partEvents, type FoundMessage, type Sought } from '../../src/store/search-index.ts'
import type { Store, StoreOptions } from '../../src/store/store.ts'
import { wordsIn } from '../../src/store/words.ts'
import { newFolder } from '../kit/folder.ts'
import { held } from '../kit/held.ts'
import { newDatabase } from '../kit/postgres.ts'

interface Engine {
  readonly name: string
  readonly isKept: boolean
  place(): Promise<{
    open(search?: boolean): Promise<Store>
    /** One that is to become of the first version, with an index that knew nothing of files: by `makeOld`, once it is closed. */
    openOld?(): Promise<Store>
    makeOld?(): Promise<void>
    /** Several of them at once. */
    openBeside?(): Promise<Store>
    /** A statement, on a connection of its own. */
    ask?(sql: string): Promise<readonly object[]>
    /** Another process of the database's, in a transaction. */
    begin?(): Promise<pg.Client>
    /** Takes out of the index what is not in it: of what is taken out next it says that it is damaged. */
    damage?(): Promise<void>
    remove(): Promise<void>
  }>
}

const firstSteps = migrations.map(each =>
  each.feature === 'search' ? { ...each, steps: each.steps.slice(0, 1), postgres: each.postgres.slice(0, 1) } : each
)

/** What went wrong in threads. */
const problems: unknown[] = []

const common = (
  search: boolean,
  steps: StoreOptions['migrations'] = migrations,
): Pick<StoreOptions, 'migrations' | 'newEpoch' | 'search' | 'onIndexProblem'> => ({
  migrations: steps,
  newEpoch: () => 'e'.repeat(16),
  search,
  onIndexProblem: error => problems.push(error),
})

const engines: readonly Engine[] = [
  {
    name: 'SQLite in memory',
    isKept: false,
    place: () =>
      Promise.resolve({
        open: (search = true) => Promise.resolve(openSqlite({ data: ':memory:', durability: 'normal', ...common(search) })),
        remove: () => Promise.resolve(),
      }),
  },
  {
    name: 'SQLite in a directory',
    isKept: true,
    place: () => {
      const folder = newFolder()
      return Promise.resolve({
        open: (search = true) => Promise.resolve(openSqlite({ data: folder.at('data'), durability: 'normal', ...common(search) })),
        openOld: () => Promise.resolve(openSqlite({ data: folder.at('data'), durability: 'normal', ...common(true, firstSteps) })),
        makeOld() {
          const db = openDatabase(folder.at('data/search.db'))
          db.pragma('user_version = 1')
          db.close()
          return Promise.resolve()
        },
        damage() {
          const db = openDatabase(folder.at('data/search.db'))
          for (let n = 0; n < 3; n++) db.exec("INSERT INTO words_0 (words_0, rowid, said, marks) VALUES ('delete', 999, '', '')")
          db.close()
          return Promise.resolve()
        },
        remove: () => Promise.resolve(folder[Symbol.dispose]()),
      })
    },
  },
  {
    name: 'PostgreSQL',
    isKept: true,
    place: async () => {
      const database = await newDatabase()
      const open = (search = true) => openPostgres({ url: database.url, ...common(search) })
      return {
        open,
        openBeside: () => openPostgres({ url: database.url, ...common(true), isShared: true }),
        ask: sql => database.ask(sql),
        begin: async () => {
          const client = new pg.Client(database.url)
          await client.connect()
          await client.query('BEGIN')
          return client
        },
        openOld: open,
        makeOld: async () => {
          await database.ask("UPDATE search_words SET words = ts_delete(words, '=hfile')")
          await database.ask("DELETE FROM migrations WHERE feature = 'search' AND step > 0")
        },
        remove: async () => await database[Symbol.asyncDispose](),
      }
    },
  },
]

const say = (
  store: Store,
  content: string,
  {
    stream = '#a',
    author = '@a',
    now = 1_000,
    type = 'MSG',
    replied = undefined as string | undefined,
    files = undefined as
      | readonly object[]
      | undefined,
  } = {},
) =>
  store.write(async tx => {
    const stored = tx.log.append({ stream, author }, now, ({ ts, seq, msgId }) =>
      Buffer.from(
        JSON.stringify({ type, ts, from: author, from_name: 'x', to: stream, content, msg_id: msgId, seq, in_reply_to: replied, files }),
      ))
    await tx.log.flush()
    return stored
  })

/** Everything is indexed, and nothing waits to be taken out. */
const caughtUp = async (store: Store): Promise<void> => {
  for (;;) {
    await store.write(tx => tx.search!.advance())
    const { upto, newest } = await store.aside.search!.standing()
    const waiting = await store.read.tables<{ search_gone: { id: number } }>().selectFrom('search_gone').select('id').execute()
    if (upto === newest && waiting.length === 0) return
    expect(problems).toEqual([])
    await sleep(5)
  }
}

const soughtFor = (text: string, more: Partial<Sought> & { isPrefix?: boolean } = {}): Sought => ({
  words: text.split(' ').map(each => ({ words: [...wordsIn(each.replaceAll('_', ' '))], isPrefix: more.isPrefix ?? false })),
  marks: more.marks ?? [],
})

const page = { before: Number.MAX_SAFE_INTEGER, limit: 100, maxBytes: 1e6 }
const contentOf = ({ text }: FoundMessage) => text === undefined ? undefined : (JSON.parse(text) as { content: string }).content
const found = async (store: Store, text: string, more: Parameters<typeof soughtFor>[1] = {}, part = 0) =>
  (await store.aside.search!.within(part, soughtFor(text, more), page)).map(contentOf)

describe.each(engines)('$name', engine => {
  let place: Awaited<ReturnType<Engine['place']>>
  const stores: Store[] = []
  const open = async (search?: boolean): Promise<Store> => {
    const store = await place.open(search)
    stores.push(store)
    return store
  }
  beforeEach(async () => {
    problems.length = 0
    place = await engine.place()
  })
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
    await place.remove()
  })

  test('finds words whatever their case and accents, phrases and beginnings, the newest first', async () => {
    const store = await open()
    await say(store, 'The Köln train is late')
    await say(store, 'koln, the fast train!')
    await say(store, 'training')
    await say(store, 'a proposal of koln', { type: 'PROPOSAL' })
    await say(store, 'हिन्दी नमस्ते')
    await caughtUp(store)
    expect(await found(store, 'KOLN train')).toEqual(['koln, the fast train!', 'The Köln train is late'])
    expect(await found(store, 'the_fast_train')).toEqual(['koln, the fast train!'])
    expect(await found(store, 'fast_the')).toEqual([])
    expect(await found(store, 'trai', { isPrefix: true })).toEqual(['training', 'koln, the fast train!', 'The Köln train is late'])
    expect(await found(store, 'the_fast_tr', { isPrefix: true })).toEqual(['koln, the fast train!'])
    expect(await found(store, 'हिन्दी')).toEqual(['हिन्दी नमस्ते'])
  })

  test('nothing in a word is an operator', async () => {
    const store = await open()
    await say(store, `AND OR NOT "quoted" it's 100% a*b (c) {d}: e^f -g`)
    await say(store, 'plain')
    await caughtUp(store)
    for (const word of ['AND', 'OR', 'NOT', 'NEAR', 'said', 'marks'])
      expect((await found(store, word)).length).toBe(/AND|OR|NOT/.test(word) ? 1 : 0)
    expect((await found(store, 'quoted')).length).toBe(1)
  })

  test('knows where, by whom and with what it was said', async () => {
    const store = await open()
    await say(store, 'word here')
    await say(store, 'word there', { stream: '#b', author: '@B_-1' })
    await say(store, 'word between', { stream: '@a|@c' })
    await say(store, 'word https://example.com', { stream: '#b', replied: '1-1-eeeeee' })
    await say(store, 'word with "files":[{', { files: [] })
    await say(store, 'word with files', { files: [{ name: 'a' }] })
    await caughtUp(store)
    const by = (...lists: readonly (readonly string[])[]) => found(store, 'word', { marks: lists })
    expect(await by([marks.channels])).toEqual([
      'word with files',
      'word with "files":[{',
      'word https://example.com',
      'word there',
      'word here',
    ])
    expect(await by([marks.channel('#b')], [marks.author('@B_-1')])).toEqual(['word there'])
    expect(await by([marks.channel('#B')])).toEqual([])
    expect(await by([marks.direct('@c'), marks.channel('#a')])).toEqual([
      'word with files',
      'word with "files":[{',
      'word between',
      'word here',
    ])
    expect(await by([marks.has.link], [marks.has.reply])).toEqual(['word https://example.com'])
    expect(await by([marks.has.file])).toEqual(['word with files'])
  })

  test('what is deleted, erased, blanked or changed is out of it, and what it was changed to is in it', async () => {
    const store = await open()
    for (const content of ['secret one', 'secret two', 'secret three', 'secret four']) await say(store, content)
    await say(store, 'secret of another', { author: '@b', stream: '#b' })
    await say(store, 'the last', { author: '@b', stream: '#b' })
    await caughtUp(store)
    expect((await found(store, 'secret')).length).toBe(5)
    await store.write(tx => tx.keep.deleteThrough('#a', 1, 2_000))
    await store.write(tx => tx.keep.blank('#a', 4, 2_000))
    await caughtUp(store)
    expect(await found(store, 'secret')).toEqual(['secret of another', 'secret three', 'secret two'])
    await store.write(tx => tx.keep.beginErasure('@a'))
    while (!(await store.write(tx => tx.keep.eraseSome('@a', ['@a'], 2_000))).done);
    const said = await store.read.log.page('#b', { after: 0, limit: 1, maxBytes: 1e6 })
    const changed = JSON.stringify({ ...JSON.parse(said[0]!.text.toString()) as object, content: 'changed words' })
    await store.write(tx =>
      tx.tables<{ events: { text: unknown, seq: number, author: string } }>().updateTable('events')
        .set({ text: engine.name === 'PostgreSQL' ? changed : Buffer.from(changed) })
        .where('author', '=', '@b').where('seq', '=', 1).execute()
    )
    await caughtUp(store)
    expect(await found(store, 'secret')).toEqual([])
    expect(await found(store, 'changed')).toEqual(['changed words'])
  })

  test('what is changed twice, or changed and deleted, before anybody looks leaves nothing behind', async () => {
    const store = await open()
    await say(store, 'first')
    await say(store, 'other')
    await caughtUp(store)
    const change = (seq: number, content: string) =>
      store.write(async tx => {
        const text = JSON.stringify({ type: 'MSG', content, msg_id: 'x', from: '@a', seq })
        await tx.tables<{ events: { text: unknown, seq: number } }>().updateTable('events')
          .set({ text: engine.name === 'PostgreSQL' ? text : Buffer.from(text) }).where('seq', '=', seq).execute()
      })
    await change(1, 'second')
    await change(1, 'third')
    await say(store, 'fleeting')
    await store.write(tx => tx.keep.deleteThrough('#a', 1, 2_000))
    await change(3, 'lasting')
    await caughtUp(store)
    for (const word of ['first', 'second', 'third', 'fleeting']) expect(await found(store, word), word).toEqual([])
    expect(await found(store, 'lasting')).toEqual(['lasting'])
    await store.write(tx => tx.keep.blank('#a', 3, 2_000))
    await caughtUp(store)
    expect(await found(store, 'lasting')).toEqual([])
  })

  test('what says nothing to the index goes without a trace, however many there are of it, and the others are found', async () => {
    const store = await open()
    for (const content of ['word one', '\0', '\0word', '', '\0', '\0']) await say(store, content)
    await caughtUp(store)
    for (let seq = 2; seq <= 6; seq++) await store.write(tx => tx.keep.blank('#a', seq, 2_000))
    await caughtUp(store)
    await say(store, 'word two')
    await store.write(tx => tx.keep.blank('#a', 1, 2_000))
    await caughtUp(store)
    expect(await found(store, 'word')).toEqual(['word two'])
  })

  test('what is not indexed yet is given as it is; pages end by their number and by their bytes', async () => {
    const store = await open()
    for (let n = 1; n <= 6; n++) await say(store, `word ${n} ${'x'.repeat(300)}`)
    const { upto } = await store.aside.search!.standing()
    expect(upto).toBe(0)
    const tail = await store.aside.search!.unindexed(0, { ...page, limit: 2 })
    expect(tail.map(({ seq }) => seq)).toEqual([6, 5])
    await caughtUp(store)
    const newest = (await store.aside.search!.standing()).newest
    expect(await store.aside.search!.unindexed(newest, page)).toEqual([])
    const few = await store.aside.search!.within(0, soughtFor('word'), { ...page, before: newest, limit: 3, maxBytes: 700 })
    expect(few.map(({ seq, text }) => [seq, text !== undefined])).toEqual([[5, true], [4, false], [3, false]])
    const [large] = await store.aside.search!.within(0, soughtFor('word'), { ...page, limit: 1, maxBytes: 1 })
    expect(large!.text).toContain('word 6')
  })

  test('a rolled-back batch leaves nothing in it', async () => {
    const store = await open()
    await say(store, 'stays')
    await expect(store.write(async tx => {
      void tx.log.append({ stream: '#a', author: '@a' }, 1, () => Buffer.from(JSON.stringify({ type: 'MSG', content: 'fails' })))
      await tx.log.flush()
      await tx.search!.advance()
      throw new Error('no')
    })).rejects.toThrow('no')
    await caughtUp(store)
    expect(await found(store, 'fails')).toEqual([])
    expect(await found(store, 'stays')).toEqual(['stays'])
  })

  test('what was noted of a text that went is forgotten, also where the sweep that forgot it was undone', async () => {
    const store = await open()
    await say(store, 'secret')
    await say(store, 'the last')
    await caughtUp(store)
    await store.write(tx => tx.keep.blank('#a', 1, 2_000))
    // A thread may take it out: until a sweep has forgotten it, and is undone.
    for (let hasForgotten = false; !hasForgotten;) {
      await expect(store.write(async tx => {
        await tx.search!.advance()
        const noted = await tx.tables<{ search_gone: { id: number } }>().selectFrom('search_gone').select('id').execute()
        hasForgotten = noted.length === 0
        throw new Error('no')
      })).rejects.toThrow('no')
      expect(problems).toEqual([])
      await sleep(5)
    }
    await caughtUp(store)
    expect(await found(store, 'secret')).toEqual([])
  })

  test.runIf(engine.isKept)('goes on after a restart; what was deleted while it was off is not in it when it is on again', async () => {
    const first = await open()
    await say(first, 'word one')
    await say(first, 'word two')
    await caughtUp(first)
    await first.close()
    const second = await open()
    await say(second, 'word three')
    await caughtUp(second)
    expect(await found(second, 'word')).toEqual(['word three', 'word two', 'word one'])
    await second.close()
    const off = await open(false)
    expect(off.aside.search).toBeUndefined()
    await off.write(tx => tx.keep.deleteThrough('#a', 1, 2_000))
    await off.close()
    const again = await open()
    await caughtUp(again)
    expect(await found(again, 'word')).toEqual(['word three', 'word two'])
  })

  test.runIf(engine.name === 'SQLite in a directory')('one that is damaged is made anew while it is used, which is told once', async () => {
    const first = await open()
    for (const content of ['secret one', 'word two', 'word three']) await say(first, content)
    await caughtUp(first)
    await first.close()
    await place.damage!()
    const store = await open()
    expect(await found(store, 'secret')).toEqual(['secret one'])
    await store.write(tx => tx.keep.blank('#a', 1, 2_000))
    await say(store, 'word four')
    for (let hasTold = false; !hasTold; await sleep(5)) {
      await store.write(tx => tx.search!.advance())
      hasTold = problems.length > 0
    }
    expect(problems.splice(0).map(String)).toEqual([expect.stringMatching(/search\.db is damaged and is made anew/)])
    await caughtUp(store)
    expect(await found(store, 'word')).toEqual(['word four', 'word three', 'word two'])
    expect(await found(store, 'secret')).toEqual([])
    await store.write(tx => tx.keep.blank('#a', 2, 2_000))
    await caughtUp(store)
    expect(await found(store, 'word')).toEqual(['word four', 'word three'])
  })

  test.runIf(engine.name === 'SQLite in a directory')('when a part ends it is known how common words and marks are in it', async () => {
    const first = await open()
    await first.write(async tx => {
      for (let n = 0; n < 2_200; n++) {
        await tx.log.append({ stream: '#a', author: '@a' }, n, () =>
          Buffer.from(JSON.stringify({ type: 'MSG', content: n % 2 === 0 ? 'word' : 'word odd' })))
      }
    })
    await caughtUp(first)
    expect((await first.aside.search!.standing(['word'])).shares).toBeUndefined()
    await first.write(tx => tx.tables<{ indexed: { upto: number } }>().updateTable('indexed').set({ upto: partEvents - 2 }).execute())
    await first.close()
    const store = await open()
    await say(store, 'word last')
    await caughtUp(store)
    const common = 2_201 / partEvents
    const asked = ['word', 'odd', '=c', '=word', 'none', 'wo*', 'o*']
    let { shares } = await store.aside.search!.standing(asked)
    while (shares === undefined) {
      await sleep(5)
      shares = (await store.aside.search!.standing(asked)).shares
    }
    expect(Object.fromEntries(shares)).toEqual({ 'word': common, '=c': common, 'wo*': common, 'o*': 0 })
  })

  test.runIf(engine.name === 'PostgreSQL')('how common words and marks are is known as soon as the server has counted', async () => {
    const store = await open()
    for (let n = 0; n < 20; n++) await say(store, n % 2 === 0 ? 'word' : 'word odd')
    await caughtUp(store)
    const asked = ['word', 'odd', '=c', '=word', 'none', 'wo*', 'x*']
    const shares = async () => (await store.aside.search!.standing(asked)).shares
    expect(await shares()).toBeUndefined()
    await store.write(tx => sql`ANALYZE search_words_0`.execute(tx.tables() as never))
    expect(Object.fromEntries(await shares() ?? [])).toEqual({ 'word': 1, 'odd': 0.5, '=c': 1, 'wo*': 1, 'x*': 0 })
  })

  test.runIf(engine.isKept)('an index of before messages were found by their files is brought up to date', async () => {
    const first = await place.openOld!()
    await say(first, 'word with files', { files: [{ name: 'a' }] })
    await say(first, 'word without, that says "files":[{}]')
    await caughtUp(first)
    // This one the index does not have yet.
    await say(first, 'word late', { files: [{ name: 'b' }] })
    await first.close()
    await place.makeOld!()
    const store = await open()
    await caughtUp(store)
    expect(await found(store, 'word', { marks: [[marks.has.file]] })).toEqual(['word late', 'word with files'])
    await store.write(tx => tx.keep.deleteThrough('#a', 1, 2_000))
    await caughtUp(store)
    expect(await found(store, 'word')).toEqual(['word late', 'word without, that says "files":[{}]'])
  })

  describe.runIf(engine.name === 'PostgreSQL')('several processes', () => {
    const openBeside = async (): Promise<Store> => {
      const store = await place.openBeside!()
      stores.push(store)
      return store
    }
    test('what one commits behind others that have higher numbers is found, and so are those meanwhile', async () => {
      const [one, two] = [await openBeside(), await openBeside()]
      const late = await held(one, tx => {
        void tx.log.append({ stream: '#a', author: '@a' }, 1_000, () => Buffer.from(JSON.stringify({ type: 'MSG', content: 'word late' })))
        return Promise.resolve()
      })
      await say(two, 'word two', { stream: '#b', author: '@b' })
      for (let pass = 0; pass < 3; pass++) await two.write(tx => tx.search!.advance())
      const { upto } = await two.aside.search!.standing()
      const meanwhile = (await two.aside.search!.unindexed(upto, page)).map(contentOf)
      expect([...meanwhile, ...await found(two, 'word')]).toEqual(['word two'])
      await late.release()
      await say(one, 'word newest')
      await caughtUp(two)
      expect(await found(two, 'word')).toEqual(['word newest', 'word two', 'word late'])
    })

    test('while they go on storing, what was stored before is taken in by whichever passes', async () => {
      const [one, two] = [await openBeside(), await openBeside()]
      for (let n = 1; n <= 3; n++) {
        const next = await held(one, async tx => {
          void tx.log.append({ stream: '#a', author: '@a' }, 1_000, () =>
            Buffer.from(JSON.stringify({ type: 'MSG', content: `word ${n}` })))
          await tx.log.flush()
        })
        await say(two, `other ${n}`, { stream: '#b', author: '@b' })
        await two.write(tx => tx.search!.advance())
        await two.write(tx => tx.search!.advance())
        expect(await found(two, 'word')).toEqual(['word 2', 'word 1'].slice(3 - n))
        await next.release()
      }
    })

    test('what one commits while another takes out what went before it is taken out as well', async () => {
      const [one, two] = [await openBeside(), await openBeside()]
      await say(one, 'secret one')
      await say(two, 'secret two', { stream: '#b', author: '@b' })
      await caughtUp(two)
      const erasing = await held(one, tx => Promise.resolve(tx.keep.blank('#a', 1, 2_000)))
      await two.write(tx => tx.keep.blank('#b', 1, 2_000))
      const other = await place.begin!()
      try {
        await other.query('SELECT FROM search_words ORDER BY event DESC LIMIT 1 FOR UPDATE')
        const pass = two.write(tx => tx.search!.advance())
        const waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        await expect.poll(() => place.ask!(waits)).toHaveLength(1)
        await erasing.release()
        await other.query('ROLLBACK')
        await pass
      } finally {
        await other.end()
      }
      await caughtUp(two)
      expect(await found(two, 'secret')).toEqual([])
    })

    test('what an older version left out, or did not take out, is put right once', async () => {
      const first = await open()
      for (const content of ['secret', 'word two', 'word three']) await say(first, content)
      await caughtUp(first)
      await first.write(tx => tx.keep.blank('#a', 1, 2_000))
      await first.close()
      await place.ask!('DELETE FROM search_gone')
      await place.ask!('DELETE FROM search_words WHERE event = (SELECT max(event) FROM search_words)')
      await place.ask!(
        "DELETE FROM migrations WHERE feature = 'search' AND step = (SELECT max(step) FROM migrations WHERE feature = 'search')",
      )
      const store = await open()
      await caughtUp(store)
      expect(await found(store, 'word')).toEqual(['word three', 'word two'])
      expect(await found(store, 'secret')).toEqual([])
    })
  })

  test.runIf(engine.isKept)('a part ends, and the next one begins', async () => {
    const first = await open()
    await say(first, 'word one')
    await caughtUp(first)
    await first.write(async tx => {
      const last = partEvents - 1
      if (engine.name === 'PostgreSQL') await sql`SELECT setval('events_id_seq', ${last - 1}::bigint)`.execute(tx.tables() as never)
      else await tx.tables<{ indexed: { upto: number } }>().updateTable('indexed').set({ upto: last - 1 }).execute()
    })
    await first.close()
    const store = await open()
    for (const content of ['word last', 'word next', 'word newest']) await say(store, content, { now: 5_000 })
    await caughtUp(store)
    expect(await found(store, 'word', {}, 0)).toEqual(['word last', 'word one'])
    expect(await found(store, 'word', {}, 1)).toEqual(['word newest', 'word next'])
    expect((await store.aside.search!.standing()).parts).toEqual([
      { n: 1, since: 5_001, until: 5_002 },
      { n: 0, since: 1_000, until: 5_000 },
    ])
  })
})
