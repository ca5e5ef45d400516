// A relay's data moves to PostgreSQL and back: every row, every answer, every position of a client; and what is in the way is told.
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { oldSkillsTexts } from '../lib/identity/index.ts'
import { migrations } from '../src/app.ts'
import { databaseName } from '../src/keeping/files.ts'
import { openPostgres } from '../src/store/postgres/store.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import type { Store, Tx } from '../src/store/store.ts'
import { answersOf, strangers } from './kit/answers.ts'
import { Cli } from './kit/cli.ts'
import { courtConfig, openCourt } from './kit/court.ts'
import { newFolder } from './kit/folder.ts'
import { newDatabase } from './kit/postgres.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key } from './kit/wire.ts'

/** A relay's data with a bit of everything: talk, a deal that is disputed, money, receipts, ratings, skills, keys, what waits. */
const lived = async (data: string): Promise<readonly Key[]> => {
  await using relay = await startTestRelay({ data, ...courtConfig })
  await using court = await openCourt(relay, { jurors: 3 })
  await court.file()
  const juror = [...court.jury.values()][0]!
  await court.ann.wire.ask({ type: 'MSG', to: juror.id, content: 'hello, juror', id: 'a \0 and a \u2400', receipts: true }, 'ACK')
  await court.ann.wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  await court.ann.wire.ask({ type: 'MSG', to: '#general', content: 'a \0, a 🦊 and a \\u0000', id: 'k1' }, 'ACK')
  await court.ann.wire.ask({ type: 'BLOCK', agent: juror.id }, 'OK')
  const skills = [{ capability: 'Code-Review', description: 'Reads carefully what others wrote', rate: 2.5, currency: 'TEST' }]
  const sig = signWith(court.ann.key, oldSkillsTexts(skills)[0]!)
  await court.ann.wire.ask({ type: 'REGISTER_SKILLS', skills, sig }, 'SKILLS_REGISTERED')
  return [court.ann.key, juror.key]
}

const migrate = async (cli: Cli, ...args: readonly string[]) => {
  const ran = await cli.run(['migrate', ...args, '--json'])
  return { ...ran, text: ran.stdout + ran.stderr }
}

/** Rows of each table by their text; what words are found by, and the keys of events that are indexed, are of each engine. */
const rowsOf = (data: string): Readonly<Record<string, readonly string[]>> => {
  const db = new BetterSqlite3(join(data, databaseName), { readonly: true })
  try {
    const names = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()
      .filter(name => !/^skill_(?:words|parts)/.test(name))
    return Object.fromEntries(names.map(name => {
      const rows = db.prepare<[], Record<string, unknown>>(`SELECT * FROM "${name}"`).all()
      return [
        name,
        rows.filter(row => !/^mov(?:ed|ing)_/.test(String(row['key']))).map(({ key, text, ...row }) =>
          JSON.stringify({ ...row, ...(name !== 'events' && { key }), text: Buffer.isBuffer(text) ? text.toString() : text })
        ).sort(),
      ]
    }))
  } finally {
    db.close()
  }
}

/** What is found by a word, and by a part of one. */
const foundOn = async (data: string, store?: string): Promise<readonly string[]> => {
  await using relay = await startTestRelay({ data, store })
  await using wire = await relay.login('seeker')
  const asked = [{ text: 'careful' }, { capability: 'ode-rev' }].map(query =>
    wire.ask({ type: 'SEARCH_SKILLS', query, query_id: 'q' }, 'SEARCH_RESULTS')
  )
  return (await Promise.all(asked)).flatMap(({ results }) => results.map(({ capability }) => capability))
}

const triggersOf = (data: string): readonly string[] => {
  const db = new BetterSqlite3(join(data, databaseName), { readonly: true })
  try {
    return db.prepare<[], string>("SELECT sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name").pluck().all()
  } finally {
    db.close()
  }
}

test('what a relay left is the same on PostgreSQL, to whoever asks, and the same again back in its directory', async () => {
  using folder = newFolder()
  await using database = await newDatabase('template0')
  using cli = new Cli()
  const [data, before] = [folder.at('data'), folder.at('before')]
  const keys = await lived(data)
  cpSync(data, before, { recursive: true })
  const others = strangers()

  const moved = await migrate(cli, '--data', data, '--to', database.url, '--yes')
  expect(moved.text).not.toContain('password')
  expect(moved.code, moved.text).toBe(0)
  expect(moved.json[0]).toMatchObject({ from: data, rows: { agents: rowsOf(before)['agents']!.length } })
  const answers = { was: await answersOf(before, keys, others), is: await answersOf(data, keys, others, database.url) }
  expect(answers.is).toEqual(answers.was)
  expect(await foundOn(data, database.url)).toEqual(['Code-Review', 'Code-Review'])
}, 120_000)

test('there and back again all tables are as they were', async () => {
  using folder = newFolder()
  await using database = await newDatabase('template0')
  using cli = new Cli()
  const [data, other] = [folder.at('data'), folder.at('other')]
  await lived(data)
  expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).code).toBe(0)
  const back = await migrate(cli, '--data', other, '--back', '--from', database.url, '-y')
  expect(back.code, back.text).toBe(0)
  // The source was indexed by the move, so that it is what was moved.
  expect(rowsOf(other)).toEqual(rowsOf(data))
  expect(triggersOf(other)).toEqual(triggersOf(data))
  expect(await foundOn(other)).toEqual(['Code-Review', 'Code-Review'])
})

test('an export of a database on a server, while a relay runs on it, is that of the directory; it is imported into either', async () => {
  using folder = newFolder()
  await using database = await newDatabase('template0')
  await using other = await newDatabase('template0')
  await using empty = await newDatabase('template0')
  using cli = new Cli()
  const data = folder.at('data')
  await lived(data)
  const exported = async (...from: readonly string[]) => {
    const ran = await cli.run(['export', ...from])
    expect(ran.code, ran.stderr).toBe(0)
    // The first line names the moment, the last one signs it.
    // Heads are signed by a relay, and one that was imported has no key yet.
    const records = ran.stdout.trim().split('\n').slice(1, -1).filter(line => !line.startsWith('{"kind":"head"'))
    return { text: ran.stdout, records }
  }
  const first = await exported('--data', data)
  expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).code).toBe(0)
  const store = await openPostgres({ url: database.url, migrations, newEpoch: () => '' })
  const second = await exported('--store', database.url)
  await store.close()
  expect(second.records).toEqual(first.records)

  const imported = await cli.run(['import', '-', '--store', 'env'], { stdin: second.text, env: { AGENTCHAT_STORE: other.url } })
  expect(imported.code, imported.stderr).toBe(0)
  expect((await exported('--store', other.url)).records).toEqual(first.records)
  expect((await cli.run(['import', '-', '--store', other.url], { stdin: second.text })).code).toBe(5)
  expect((await cli.run(['export', '--store', 'env'])).code).toBe(2)
  expect((await cli.run(['export', '--store', empty.url])).stderr).toContain('holds nothing of a relay')
})

test('clients go on from their positions: nothing is lost, nothing comes twice, no number is given again', async () => {
  using folder = newFolder()
  await using database = await newDatabase('template0')
  using cli = new Cli()
  const data = folder.at('data')
  const [alice, bob] = [newKey(), newKey()]
  const seqs: number[] = []
  const epochs = new Set<string>()
  /** Bob has all so far and goes; what is said then waits for him until the next life, which is on the other engine. */
  const live = async (n: number, store?: string) => {
    await using relay = await startTestRelay({ data, store })
    epochs.add(relay.store.epoch)
    await using talker = await relay.login('alice', { key: alice })
    const say = (to: string, content: string) => talker.ask({ type: 'MSG', to, content, id: content }, 'ACK')
    {
      await using reader = await relay.login('bob', { key: bob, autojoin: false })
      if (n > 1) {
        expect((await reader.next('MSG')).content).toBe(`direct ${n - 1}`)
        expect(await reader.ask({ type: 'INBOX' }, 'INBOX')).toMatchObject({ seq: n - 1, cursor: n - 2 })
        await reader.ask({ type: 'RECEIVED', seq: n - 1 }, 'OK')
        const since = seqs.at(-2)!
        expect(await reader.ask({ type: 'JOIN', channel: '#general', since }, 'JOINED')).toMatchObject({ recovered: true })
        expect((await reader.next('MSG'))['seq']).toBe(since + 1)
        expect(await say('#general', `left ${n - 1}`)).toMatchObject({
          seq: since + 1,
          duplicate: true,
        })
      } else await reader.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
      seqs.push((await say('#general', `seen ${n}`)).seq)
      expect((await reader.next('MSG')).content).toBe(`seen ${n}`)
      await reader.barrier()
      expect(reader.unread.filter(({ type }) => type === 'MSG')).toEqual([])
    }
    seqs.push((await say('#general', `left ${n}`)).seq)
    await say(bob.id, `direct ${n}`)
  }
  const move = async (...args: readonly string[]) => expect(await migrate(cli, '--data', data, ...args, '-y')).toMatchObject({ code: 0 })
  await live(1)
  await move('--to', database.url)
  await live(2, database.url)
  await move('--back', '--from', database.url)
  await live(3)
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6])
  expect(epochs.size).toBe(1)
})

test('a stream that ended, and one whose events are gone, go on behind their last number', async () => {
  using folder = newFolder()
  await using database = await newDatabase('template0')
  using cli = new Cli()
  const [data, other] = [folder.at('data'), folder.at('other')]
  const say = (tx: Tx, stream: string, n: number) =>
    tx.log.append({ stream, author: 'a' }, n, ({ seq, msgId, ts }) =>
      Buffer.from(JSON.stringify({ type: 'MSG', from: 'a', to: stream, content: '', ts, msg_id: msgId, seq })))
  const epoch = () => 'e'.repeat(16)
  {
    const store = openSqlite({ data, durability: 'normal', migrations, newEpoch: epoch })
    await store.write(async tx => {
      for (const stream of ['#ended', '#cleared']) {
        for (const n of [10, 20, 30]) await say(tx, stream, n)
        await tx.log.end(stream)
      }
      while ((await tx.keep.clearEnded('#cleared', 40)).deleted > 0) continue
      await say(tx, '#ended', 50)
    })
    await store.close()
  }
  // A relay has a key of its own, by which an empty database is told from a full one.
  await (await startTestRelay({ data })).drain()
  const headsOf = async (store: Store) => [await store.read.log.head('#ended'), await store.read.log.head('#cleared')]
  expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).code).toBe(0)
  const there = await openPostgres({ url: database.url, migrations, newEpoch: epoch })
  expect(await headsOf(there)).toEqual([{ seq: 5, oldest: 5, ts: 50 }, { seq: 4, oldest: 5, ts: 0 }])
  const appended = await there.write(async tx => {
    const [ended, cleared] = [say(tx, '#ended', 60), say(tx, '#cleared', 60)]
    await tx.log.flush()
    return [(await ended).stamp.seq, (await cleared).stamp.seq]
  })
  expect(appended).toEqual([6, 5])
  await there.close()
  expect((await migrate(cli, '--data', other, '--back', '--from', database.url, '-y')).code).toBe(0)
  const back = openSqlite({ data: other, durability: 'normal', migrations, newEpoch: epoch })
  expect(await headsOf(back)).toEqual([{ seq: 6, oldest: 5, ts: 60 }, { seq: 5, oldest: 5, ts: 60 }])
  await back.close()
})

describe('what is in the way', () => {
  const started = async (data: string) => {
    await using relay = await startTestRelay({ data })
    await using _alice = await relay.login('alice', { key: newKey() })
  }

  test('a relay refuses to start on what was moved away, and says where it went; back in the same directory the old is put aside', async () => {
    using folder = newFolder()
    await using database = await newDatabase('template0')
    using cli = new Cli()
    const data = folder.at('data')
    await started(data)
    expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).code).toBe(0)
    await expect(startTestRelay({ data })).rejects.toThrow(/moved to postgres:\/\/localhost/)
    expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).text).toContain('moved to postgres://')

    const back = await migrate(cli, '--data', data, '--back', '--from', database.url, '-y')
    expect(back.code, back.text).toBe(0)
    expect(readdirSync(data).some(name => name.startsWith(`${databaseName}.before-`))).toBe(true)
    await expect(openPostgres({ url: database.url, migrations, newEpoch: () => '' })).rejects.toThrow(`moved to ${data}`)
    await using relay = await startTestRelay({ data })
    await using wire = await relay.login('alice')
    expect(await wire.ask({ type: 'MSG', to: '#general', content: 'hi' }, 'ACK')).toMatchObject({ type: 'ACK' })
  })

  test('a database with something in it, a relay that runs on either, a directory that is in use or not there', async () => {
    using folder = newFolder()
    await using database = await newDatabase()
    using cli = new Cli()
    const data = folder.at('data')
    expect(await migrate(cli, '--data', data, '--to', database.url, '-y')).toMatchObject({ code: 4 })
    expect(await migrate(cli, '--data', data, '--to', database.url, '--back', '-y')).toMatchObject({ code: 2 })
    expect(await migrate(cli, '--data', data, '--to', 'mysql://x', '-y')).toMatchObject({ code: 2 })
    expect(await migrate(cli, '--data', data, '--back', '--from', database.url, '-y')).toMatchObject({ code: 4 })
    {
      await using relay = await startTestRelay({ data })
      await using _alice = await relay.login('alice', { key: newKey() })
      expect(await migrate(cli, '--data', data, '--to', database.url, '-y')).toMatchObject({ code: 8 })
    }
    expect(await migrate(cli, '--data', data, '--to', database.url)).toMatchObject({ code: 2 })
    {
      await using other = await startTestRelay({ data: folder.at('other'), store: database.url })
      await using _bob = await other.login('bob', { key: newKey() })
      expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).text).toContain('Another relay runs on this database')
    }
    const full = await migrate(cli, '--data', data, '--to', database.url, '-y')
    expect(full).toMatchObject({ code: 5 })
    expect(full.text).toContain('is not empty')
    expect(await migrate(cli, '--data', data, '--back', '--from', database.url, '-y')).toMatchObject({ code: 5 })
    // Nothing of it went anywhere.
    await started(data)
  })

  test('a table that one of the two does not have', async () => {
    using folder = newFolder()
    await using database = await newDatabase()
    using cli = new Cli()
    const data = folder.at('data')
    await started(data)
    await database.ask('CREATE TABLE forgotten (id BIGINT PRIMARY KEY)')
    expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).text).toContain('same tables: forgotten')
    await database.ask('DROP TABLE forgotten')
    await database.ask('ALTER TABLE agents ADD COLUMN forgotten BIGINT')
    expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).text).toContain('same tables: agents')
    await database.ask('ALTER TABLE agents DROP COLUMN forgotten')
    const db = new BetterSqlite3(join(data, databaseName))
    db.exec('CREATE TABLE left_behind (id INTEGER PRIMARY KEY)')
    db.close()
    expect((await migrate(cli, '--data', data, '--to', database.url, '-y')).text).toContain('same tables: left_behind')
    await started(data)
  })

  test('what arrives otherwise than it was sent undoes the whole', async () => {
    using folder = newFolder()
    await using database = await newDatabase()
    using cli = new Cli()
    const data = folder.at('data')
    await started(data)
    await database.ask(`CREATE RULE spoiled AS ON INSERT TO agents DO ALSO UPDATE agents SET name = name || '!'`)
    const spoiled = await migrate(cli, '--data', data, '--to', database.url, '-y')
    expect(spoiled).toMatchObject({ code: 5 })
    expect(spoiled.text).toContain('Table agents is not the same')
    expect(await database.ask('SELECT 1 FROM agents')).toEqual([])
    await started(data)
  })
})
