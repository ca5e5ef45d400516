// A relay whose database falls short while it runs: of locks, connections, room or the right to write. Those who ask hear a typed error, what
// was acknowledged stays, and the relay goes on by itself when there is enough again.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import {
  asked,
  crash,
  giveToServer,
  newDatabase,
  newServerFolder,
  startServer,
  startStandby,
  stopServer,
  urlOf,
  type Server,
} from '../kit/postgres.ts'
import { newFolder } from '../kit/folder.ts'
import { newProxy } from '../kit/proxy.ts'
import { startTestRelay, type TestRelay } from '../kit/relay.ts'
import { newKey, type Wire } from '../kit/wire.ts'

/** Above what a relay waits for, more than once. */
const waitMs = 45_000
const patient = { timeout: waitMs, interval: 100 }

/** Somebody else on the database, who holds what he took until he lets go. */
const stranger = async (url: string) => {
  const client = new pg.Client({ connectionString: url, application_name: 'a stranger' })
  client.on('error', () => undefined)
  await client.connect()
  return { ask: (sql: string) => client.query(sql), [Symbol.asyncDispose]: () => client.end() }
}

/** What a message is answered with, however long that takes. */
const said = async (wire: Wire, to: string, id: string, content = id) => {
  wire.send({ type: 'MSG', to, content, id })
  return vi.waitFor(() => {
    const answer = wire.heard.find(frame => 're' in frame && frame.re === id)
    if (answer === undefined) throw new Error(`no answer to ${id}`)
    return answer
  }, patient)
}

/** A disk that is small enough to be filled wants the right to mount it. */
const canMount = (): boolean => {
  using folder = newFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder.path], { stdio: 'ignore' })
    execFileSync('umount', [folder.path])
    return true
  } catch {
    return false
  }
}

const ready = async (relay: TestRelay) => (await fetch(`${relay.httpUrl}/readyz`)).status

const refusal = { type: 'ERROR', code: 'STORAGE_UNAVAILABLE', retry_after_ms: expect.any(Number) as number }

/** It is refused, and the relay says that it is not ready; when `mend` has been done it is, by itself, and takes what was refused. */
const refusedUntil = async (relay: TestRelay, wire: Wire, mend: () => Promise<unknown>, content = 'later') => {
  expect(await said(wire, '#general', `${content.slice(0, 20)} 1`, content)).toMatchObject(refusal)
  expect(await ready(relay)).toBe(503)
  await mend()
  await vi.waitFor(async () => {
    expect(await ready(relay)).toBe(200)
  }, patient)
  expect(await said(wire, '#general', `${content.slice(0, 20)} 2`, content)).toMatchObject({ type: 'ACK' })
}

const kept = async (url: string) =>
  (await asked<{ seq: number }>(url,
    "SELECT e.seq::int FROM events e JOIN streams s ON s.id = e.stream WHERE s.name = '#general' ORDER BY seq")).map(({ seq }) => seq)

/** So many connections to it wait for a lock. */
const waiting = (database: { readonly name: string, readonly url: string }, count: number) =>
  vi.waitFor(async () => {
    const rows = await asked(database.url, "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    expect(rows).toHaveLength(count)
  }, patient)

describe.concurrent('a server that falls short', { timeout: 4 * waitMs }, () => {
  test('a deadlock with somebody else: the relay is the one that is undone, and runs it again; nobody hears of it', async () => {
    await using database = await newDatabase()
    await using relay = await startTestRelay({ store: database.url })
    await using bob = await relay.login('bob', { key: newKey() })
    await using alice = await relay.login('alice')
    const [stream, inbox] = ["SELECT 1 FROM streams WHERE name NOT LIKE '#%' FOR UPDATE", 'SELECT 1 FROM inbox_heads FOR UPDATE']
    expect(await said(alice, bob.id, '1')).toMatchObject({ type: 'ACK', seq: 1 })
    await using crosser = await stranger(database.url)
    // The relay is the one who looks for deadlocks first. It takes the stream and then the inbox; now the other way round.
    await crosser.ask(`SET deadlock_timeout = '1min'; BEGIN; ${inbox}`)
    const answer = said(alice, bob.id, '2')
    await waiting(database, 1)
    await crosser.ask(stream)
    await crosser.ask('COMMIT')
    expect(await answer).toMatchObject({ type: 'ACK', seq: 2 })
    expect((await bob.take('MSG', 2)).map(({ content }) => content)).toEqual(['1', '2'])
    await vi.waitFor(async () => {
      const { rows: [counted] } = await crosser.ask('SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()')
      expect(counted!['deadlocks']).toBeGreaterThan(0)
    }, patient)
  })

  test('a lock of somebody else on a row: it is waited for, then refused, and others who write meanwhile are served afterwards', async () => {
    await using database = await newDatabase()
    await using relay = await startTestRelay({ store: database.url })
    await using alice = await relay.login('alice')
    expect(await said(alice, '#general', '1')).toMatchObject({ type: 'ACK', seq: 1 })
    await using holder = await stranger(database.url)
    await holder.ask("BEGIN; SELECT 1 FROM streams WHERE name = '#general' FOR UPDATE")
    expect(await said(alice, '#general', '2')).toMatchObject(refusal)
    await holder.ask('COMMIT')
    expect(await said(alice, '#general', '3')).toMatchObject({ type: 'ACK', seq: 2 })
    expect(await kept(database.url)).toEqual([1, 2])
  })

  test('no connection is left when the relay has lost its own', async () => {
    await using database = await newDatabase()
    await database.ask('DO $$ BEGIN CREATE ROLE owner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$')
    for (
      const sql of [
        `ALTER DATABASE ${database.name} OWNER TO owner`,
        'GRANT ALL ON ALL TABLES IN SCHEMA public TO owner',
        'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO owner',
        'GRANT ALL ON SCHEMA public TO owner',
      ]
    )
      await database.ask(sql)
    const url = new URL(database.url)
    url.username = 'owner'
    await using relay = await startTestRelay({ store: url.href })
    await using alice = await relay.login('alice')
    expect(await said(alice, '#general', '1')).toMatchObject({ type: 'ACK', seq: 1 })
    await database.ask(`ALTER DATABASE ${database.name} CONNECTION LIMIT 0`)
    await database.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'owner'")
    await refusedUntil(relay, alice, () => database.ask(`ALTER DATABASE ${database.name} CONNECTION LIMIT -1`))
    expect(await kept(database.url)).toEqual([1, 2])
  })

  test('no lock is left, and then the server may not be written, while the relay runs', async () => {
    const server = await startServer(newServerFolder(), ['max_connections=20', 'max_locks_per_transaction=64'])
    try {
      const url = urlOf(server, 'postgres')
      await using relay = await startTestRelay({ store: url })
      await using alice = await relay.login('alice')
      expect(await said(alice, '#general', '1')).toMatchObject({ type: 'ACK', seq: 1 })
      {
        const greedy = await stranger(url)
        // Locks of a session outlive the statement that fails.
        for (let n = 0; n < 5; n++)
          await expect(greedy.ask(`SELECT pg_advisory_lock(1, n) FROM generate_series(${n * 1e6}, ${n * 1e6 + 999_999}) AS n`)).rejects
            .toMatchObject({ code: '53200' })
        await refusedUntil(relay, alice, () => greedy[Symbol.asyncDispose]())
      }
      const set = async (sql: string) => {
        await asked(url, `ALTER SYSTEM ${sql}`)
        await asked(url, 'SELECT pg_reload_conf()')
      }
      await set('SET default_transaction_read_only = on')
      await refusedUntil(relay, alice, () => set('RESET default_transaction_read_only'), 'much later')
      expect(await kept(url)).toEqual([1, 2, 3])
    } finally {
      await stopServer(server)
    }
  })

  test('a failover: the standby is read-only until it is promoted, and then has all that was acknowledged', async () => {
    const primary = await startServer(newServerFolder(), ['max_wal_senders=2', 'hot_standby=on'])
    let standby: Server | undefined
    try {
      standby = await startStandby(primary)
      await asked(urlOf(primary, 'postgres'), "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
      await asked(urlOf(primary, 'postgres'), 'SELECT pg_reload_conf()')
      await using line = await newProxy(primary.port)
      const url = new URL(urlOf(primary, 'postgres', true))
      url.port = String(line.port)
      await using relay = await startTestRelay({ store: url.href })
      await using alice = await relay.login('alice')
      for (let n = 1; n <= 20; n++) expect(await said(alice, '#general', `${n}`)).toMatchObject({ type: 'ACK', seq: n })
      line.leadTo(standby.port)
      await crash(primary)
      const there = urlOf(standby, 'postgres')
      await refusedUntil(relay, alice, () => asked(there, 'SELECT pg_promote()'))
      expect(await kept(there)).toEqual(Array.from({ length: 21 }, (_, n) => n + 1))
      // A repeat is known there too.
      expect(await said(alice, '#general', '20')).toMatchObject({ type: 'ACK', seq: 20 })
    } finally {
      if (standby !== undefined) await stopServer(standby)
      await stopServer(primary)
    }
  })

  test.skipIf(!canMount())('a disk that is really full (where a small one can be mounted)', async () => {
    const server = await startServer(newServerFolder())
    const disk = join(server.folder, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', disk])
    try {
      const tables = join(disk, 'tables')
      mkdirSync(tables)
      giveToServer(tables, 0o700)
      await asked(urlOf(server, 'postgres'), `CREATE TABLESPACE small LOCATION '${tables}'`)
      await asked(urlOf(server, 'postgres'), 'CREATE DATABASE full_one TABLESPACE small TEMPLATE template0')
      const url = urlOf(server, 'full_one')
      await using relay = await startTestRelay({ store: url })
      await using alice = await relay.login('alice')
      const filler = join(disk, 'filler')
      const { bavail, bsize } = statfsSync(disk)
      writeFileSync(filler, Buffer.alloc((bavail - 32) * bsize))
      // What little is left on pages that are there already is used up.
      let acked = 0
      while ((await said(alice, '#general', `full ${acked}`, randomBytes(30_000).toString('hex'))).type === 'ACK')
        expect(++acked).toBeLessThan(50)
      await refusedUntil(relay, alice, () => Promise.resolve(rmSync(filler)), randomBytes(30_000).toString('hex'))
      expect(await kept(url)).toEqual(Array.from({ length: acked + 1 }, (_, n) => n + 1))
    } finally {
      await crash(server)
      execFileSync('umount', ['-l', disk])
      await stopServer(server)
    }
  })
})
