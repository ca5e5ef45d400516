// A relay whose database goes away in the middle of things: what it acknowledged is stored, once, in its order, and what it cannot know it says.
import { sql, type Kysely } from 'kysely'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { migrations } from '../../src/app.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { UndoneError, type Store, type Tx } from '../../src/store/store.ts'
import { asked, crashAndRestart, newDatabase, newServerFolder, startServer, stopServer, urlOf, type TestDatabase } from '../kit/postgres.ts'
import { newProxy } from '../kit/proxy.ts'
import { startTestRelay, type TestRelay } from '../kit/relay.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const opened = (url: string, onDoubt?: (outcome: string) => void) =>
  openPostgres({ url, migrations, newEpoch: () => 'e'.repeat(16), ...(onDoubt !== undefined && { onDoubt }) })

const through = (database: Pick<TestDatabase, 'server' | 'name'>, port: number): string => {
  const url = new URL(urlOf(database.server, database.name, true))
  url.port = String(port)
  return url.href
}

const append = (store: Store, id: string) =>
  store.write(async tx => {
    const appended = tx.log.append({ stream: '#a', author: '@a', key: { agent: '@a', id } }, 1_000,
      ({ seq }) => Buffer.from(JSON.stringify({ seq, id })))
    await tx.log.flush()
    return appended
  })

const stored = async (store: Store) =>
  (await store.read.log.page('#a', { after: 0, limit: 1_000, maxBytes: 1e9 })).map((
    { seq, text },
  ) => [seq, (JSON.parse(text.toString()) as { id: string }).id])

/** Ends everybody's connection to a database but one's own. */
const terminate = (database: TestDatabase, which = 'true') =>
  database.ask(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}' AND pid <> pg_backend_pid() AND ${which}`,
  )

test('a transaction whose connection ends is undone, and the next goes on with the number it had', async () => {
  await using database = await newDatabase()
  const store = await opened(database.url)
  try {
    await append(store, '1')
    const broken = store.write(async tx => {
      const appended = tx.log.append({ stream: '#a', author: '@a' }, 1_000, () => Buffer.from('{"id":"lost"}'))
      await tx.log.flush()
      await terminate(database)
      return appended
    })
    await expect(broken).rejects.toBeInstanceOf(UndoneError)
    expect((await append(store, '2')).stamp.seq).toBe(2)
    expect(await stored(store)).toEqual([[1, '1'], [2, '2']])
  } finally {
    await store.close()
  }
})

test('a commit whose answer is lost is found as stored; one that never came is undone', async () => {
  await using database = await newDatabase()
  await using proxy = await newProxy(database.server.port)
  const outcomes: string[] = []
  const store = await opened(through(database, proxy.port), outcome => outcomes.push(outcome))
  try {
    await append(store, '1')
    proxy.cutAt('answer')
    expect(await append(store, '2')).toMatchObject({ kind: 'stored', stamp: { seq: 2 } })
    proxy.cutAt('lost')
    await expect(append(store, '3')).rejects.toBeInstanceOf(UndoneError)
    expect(await append(store, '3')).toMatchObject({ kind: 'stored', stamp: { seq: 3 } })
    expect(proxy.cuts).toBe(2)
    expect(outcomes).toEqual(['committed', 'aborted'])
    // That the line to ask by breaks as well does not make it undone, nor that it breaks again and again.
    proxy.cutQuestions(2)
    proxy.cutAt('answer')
    expect(await append(store, '4')).toMatchObject({ kind: 'stored', stamp: { seq: 4 } })
    proxy.cutQuestions(5)
    proxy.cutAt('answer')
    await expect(append(store, '5')).rejects.toMatchObject({ name: 'StorageError', inDoubt: true })
    expect(outcomes).toEqual(['committed', 'aborted', 'committed', 'unknown'])
    expect(await stored(store)).toEqual([[1, '1'], [2, '2'], [3, '3'], [4, '4'], [5, '5']])
  } finally {
    await store.close()
  }
})

test('a server that crashed gives the number of a lost transaction once more: that one is not taken for stored', async () => {
  let server = await startServer(newServerFolder())
  await using proxy = await newProxy(server.port)
  const url = urlOf(server, 'postgres')
  const outcomes: string[] = []
  const store = await opened(through({ server, name: 'postgres' }, proxy.port), outcome => outcomes.push(outcome))
  try {
    await append(store, '1')
    const numberOf = async () => Number((await asked<{ xid: string }>(url, 'SELECT pg_current_xact_id()::text AS xid'))[0]!.xid)
    const lost = await numberOf() + 1
    proxy.holdAt('COMMIT', 1, false)
    const second = append(store, '2').catch((error: unknown) => error)
    await vi.waitFor(() => expect(proxy.isHeld).toBe(true))
    // It cannot ask what became of it before somebody else has the number.
    proxy.leadTo(1)
    server = await crashAndRestart(server)
    expect(await numberOf()).toBeLessThanOrEqual(lost)
    while (await numberOf() < lost);
    proxy.leadTo(server.port)
    expect(await second).toMatchObject({ name: 'StorageError', inDoubt: true })
    expect(outcomes).toEqual(['unknown'])
    expect(await append(store, '2')).toMatchObject({ kind: 'stored', stamp: { seq: 2 } })
    expect(await stored(store)).toEqual([[1, '1'], [2, '2']])
  } finally {
    await store.close()
    await stopServer(server)
  }
})

test('a line that stalls is given up, and what is left of it at the server is ended', async () => {
  await using database = await newDatabase()
  await using proxy = await newProxy(database.server.port)
  const store = await opened(through(database, proxy.port))
  try {
    await append(store, '1')
    proxy.stall()
    await expect(append(store, '2')).rejects.toBeInstanceOf(UndoneError)
    expect(await append(store, '2')).toMatchObject({ kind: 'stored', stamp: { seq: 2 } })
  } finally {
    await store.close()
  }
})

test('a store whose line stalls closes all the same, and nothing of what waited is stored behind it', async () => {
  await using database = await newDatabase()
  await using proxy = await newProxy(database.server.port)
  const store = await opened(through(database, proxy.port))
  await append(store, '1')
  proxy.stall()
  const waiting = ['2', '3'].map(id => append(store, id).then(() => 'stored', (error: Error) => error.message))
  await store.close()
  expect(await Promise.all(waiting)).toEqual([expect.not.stringMatching('stored'), 'The store is closed'])
  expect(await database.ask('SELECT 1 FROM events')).toHaveLength(1)
})

test('numbers follow what somebody else gave out meanwhile: a row is locked before it is read', async () => {
  await using database = await newDatabase()
  const store = await opened(database.url)
  const other = new pg.Client({ connectionString: database.url })
  await other.connect()
  try {
    await append(store, '1')
    await other.query("BEGIN; UPDATE streams SET seq = seq + 10 WHERE name = '#a'")
    const waits = append(store, '2')
    await vi.waitFor(async () => {
      expect(await database.ask("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"))
        .toHaveLength(1)
    }, 4_000)
    await other.query('COMMIT')
    expect((await waits).stamp.seq).toBe(12)
  } finally {
    await other.end()
    await store.close()
  }
})

test('a read whose line is cut off is made again on another one', async () => {
  await using database = await newDatabase()
  await using proxy = await newProxy(database.server.port)
  const store = await opened(through(database, proxy.port))
  try {
    const read = sql<{ one: number }>`SELECT 1 AS one FROM pg_sleep(0.5)`.execute(store.read.tables() as Kysely<unknown>)
    for (let cuts = 0; cuts < 3; cuts++) {
      await pause(150)
      proxy.cut()
    }
    expect((await read).rows).toEqual([{ one: 1 }])
  } finally {
    await store.close()
  }
})

/** Three who say on until everything is acknowledged, while faults come; gives what a fourth heard. */
const saidDuring = async (relay: TestRelay, each: number, faults: () => Promise<void>) => {
  const senders: Wire[] = []
  for (const name of ['alice', 'bob', 'carol']) senders.push(await relay.login(name, { key: newKey() }))
  await using listener = await relay.login('listener')
  const saying = senders.map(async (sender, who) => {
    for (let n = 0; n < each; n++) {
      const id = `${who}-${n}`
      for (;;) {
        const answer = await sender.answer({ type: 'MSG', to: '#general', content: id, id })
        if (answer.type === 'ACK') break
        expect(answer).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
        await pause(50)
      }
    }
  })
  await Promise.all([faults(), ...saying])
  const heard = (await listener.take('MSG', senders.length * each)).map(({ seq, content }) => [seq, content] as const)
  expect(heard.map(([seq]) => seq)).toEqual(heard.map((_, i) => i + 1))
  expect(new Set(heard.map(([, content]) => content)).size).toBe(senders.length * each)
  for (const who of senders.keys()) {
    const own = heard.map(([, content]) => content).filter(content => content.startsWith(`${who}-`))
    expect(own).toEqual(own.map((_, n) => `${who}-${n}`))
  }
  return heard
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

const seqsOf = async (url: string) =>
  (await asked<{ seq: number }>(url,
    "SELECT e.seq::int FROM events e JOIN streams s ON s.id = e.stream WHERE s.name = '#general' ORDER BY seq"))
    .map(({ seq }) => seq)

test('while connections are ended and commits cut off, every message is acknowledged, stored once, and heard in its order', async () => {
  await using database = await newDatabase()
  await using proxy = await newProxy(database.server.port)
  await using relay = await startTestRelay({ store: through(database, proxy.port) })
  const faults = async () => {
    for (let n = 0; n < 12; n++) {
      if (n % 3 === 0) proxy.cutAt('answer')
      else if (n % 3 === 1) proxy.cutAt('lost')
      else await terminate(database)
      await pause(60)
    }
  }
  // As long as the faults take, on any machine.
  const heard = await saidDuring(relay, 300, faults)
  expect(proxy.cuts).toBeGreaterThan(3)
  expect(await seqsOf(database.url)).toEqual(heard.map(([seq]) => seq))
  expect(await (await fetch(`${relay.httpUrl}/metrics`)).text()).toMatch(/^agentchat_indoubt_total\{outcome="committed"\} [1-9]/m)
})

test('a server that crashes and comes back has every message that was acknowledged', async () => {
  const folder = newServerFolder()
  let server = await startServer(folder)
  try {
    const url = urlOf(server, 'postgres')
    await using relay = await startTestRelay({ store: url })
    let crashes = 0
    const faults = async () => {
      for (; crashes < 2; crashes++) {
        await pause(300)
        server = await crashAndRestart(server)
      }
    }
    const heard = await saidDuring(relay, 100, faults)
    expect(crashes).toBe(2)
    expect(await seqsOf(url)).toEqual(heard.map(([seq]) => seq))
  } finally {
    await stopServer(server)
  }
})

test('two processes that store one publish key in two streams at once: the later one is decided anew, and is a repeat then', async () => {
  await using database = await newDatabase()
  const options = { url: database.url, migrations, newEpoch: () => 'e'.repeat(16), isShared: true }
  const [one, other] = [await openPostgres(options), await openPostgres(options)]
  const said = (stream: string) => async (tx: Tx) => {
    const appended = tx.log.append({ stream, author: '@a', key: { agent: '@a', id: 'k' } }, 1_000, () => Buffer.from(`{"in":"${stream}"}`))
    await tx.log.flush()
    return appended
  }
  try {
    let later: Promise<unknown> | undefined
    await one.write(async tx => {
      const appended = await said('#a')(tx)
      later = other.write(said('#b'))
      later.catch(() => undefined)
      // It waits for the key.
      const waits = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
      while ((await database.ask<{ n: string }>(waits))[0]!.n === '0') await new Promise(resolve => setTimeout(resolve, 5))
      return appended
    })
    await expect(later).rejects.toBeInstanceOf(UndoneError)
    expect(await other.write(said('#b'))).toMatchObject({ kind: 'duplicate' })
  } finally {
    await one.close()
    await other.close()
  }
})

test('a stream of other numbers that begins anew is no loss of what was acknowledged', async () => {
  await using database = await newDatabase()
  const renewals: string[] = []
  let epochs = 0
  const store = await openPostgres({
    url: database.url,
    migrations,
    newEpoch: () => String(++epochs).padStart(16, '0'),
    onRenewed: epoch => renewals.push(epoch),
  })
  try {
    await append(store, '1')
    const at = { seq: 7, ts: 1_000, msgId: 'm' }
    await store.write(async tx => {
      const appended = tx.log.append({ stream: '#far@elsewhere', author: '@a', at }, 1_000, () => Buffer.from('{"id":"7"}'))
      await tx.log.flush()
      return appended
    })
    await store.write(async tx => {
      await tx.log.beginAnew('#far@elsewhere')
    })
    await terminate(database)
    await vi.waitFor(() => append(store, '2'))
    expect([renewals, (await stored(store)).length]).toEqual([[], 2])
  } finally {
    await store.close()
  }
})
