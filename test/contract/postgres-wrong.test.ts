// What can be wrong with a PostgreSQL database: a sentence for each, and what to do. On a real server, as far as one can be made wrong.
import { expect, test, vi } from 'vitest'
import { migrations } from '../../src/app.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { problemOf, wrongNature } from '../../src/store/postgres/problems.ts'
import { freePort, newDatabase, password, urlOf, type TestDatabase } from '../kit/postgres.ts'

let opens = 0
const opened = (url: string) => openPostgres({ url, migrations, newEpoch: () => `${++opens}`.padStart(16, '0') })

const refused = async (url: string, message: string | RegExp, hint: string): Promise<void> => {
  const problem = await opened(url).then(async store => {
    await store.close()
    return undefined
  }, (error: unknown) => error)
  expect(problem).toMatchObject({
    name: 'StorageError',
    message: typeof message === 'string' ? expect.stringContaining(message) as string : expect.stringMatching(message) as string,
    hint: expect.stringContaining(hint) as string,
  })
  // Whatever is said of it, its secret is not.
  expect(JSON.stringify([String(problem), (problem as { hint: string }).hint])).not.toContain(password)
}

test('no server', async () => {
  await refused(`postgres://agentchat:${encodeURIComponent(password)}@127.0.0.1:${await freePort()}/agentchat`, /ECONNREFUSED/,
    'No PostgreSQL answers there')
})

test('a wrong password', async () => {
  await using database = await newDatabase()
  const url = new URL(urlOf(database.server, database.name, true))
  url.password = 'wrong'
  await refused(url.href, 'password authentication failed', 'The password or the user')
})

test('a url without its password, and PGPASSWORD beside it', async () => {
  await using database = await newDatabase()
  const url = new URL(urlOf(database.server, database.name, true))
  url.password = ''
  vi.stubEnv('PGPASSWORD', password)
  try {
    await (await openPostgres({ url: url.href, migrations, newEpoch: () => 'e'.repeat(16) })).close()
    vi.stubEnv('PGPASSWORD', 'wrong')
    await refused(url.href, 'password authentication failed', 'The password or the user')
  } finally {
    vi.unstubAllEnvs()
  }
})

test('no such database', async () => {
  await using database = await newDatabase()
  await refused(urlOf(database.server, 'nothing'), 'does not exist', 'CREATE DATABASE')
})

test('too old', () => {
  const nature = { encoding: 'UTF8', by_bytes: true, may_create: true, read_only: false, ours: true, others: 30 }
  expect(wrongNature({ ...nature, version: 140_012 })).toMatchObject({ message: 'The database is PostgreSQL 14, which is too old' })
  expect(wrongNature({ ...nature, version: 150_000 })).toBeUndefined()
})

test('no pg_trgm', () => {
  const missing = Object.assign(new Error('extension "pg_trgm" is not available'), { code: '0A000' })
  expect(problemOf(missing)).toMatchObject({ hint: expect.stringContaining('contrib modules') as string })
})

test('not UTF-8', async () => {
  await using database = await newDatabase('template0', "ENCODING 'SQL_ASCII'")
  await refused(database.url, 'encoded in SQL_ASCII', "ENCODING 'UTF8'")
})

test('another order of text', async () => {
  await using database = await newDatabase('template0', "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
  await refused(database.url, 'does not order text by its bytes', "LC_COLLATE 'C'")
})

test('tables of something else', async () => {
  await using database = await newDatabase('template0')
  await database.ask('CREATE TABLE customers (id INT)')
  await refused(database.url, 'holds tables of something else', 'Name an empty database')
})

test('a newer version', async () => {
  await using database = await newDatabase()
  await database.ask("INSERT INTO migrations VALUES ('log', 99)")
  await refused(database.url, 'written by a newer AgentChat (feature "log")', 'Run the newer version')
})

test('read-only, as a standby is', async () => {
  await using database = await newDatabase()
  await database.ask(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`)
  await refused(database.url, 'read-only', 'name the primary')
})

/** Somebody who may do no more than others. */
const asGuest = async (database: TestDatabase): Promise<string> => {
  await database.ask('DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$')
  const url = new URL(database.url)
  url.username = 'guest'
  return url.href
}

test('no right to make tables, none to write in those that are there', async () => {
  {
    await using database = await newDatabase('template0')
    await refused(await asGuest(database), 'may not make tables', 'make it the owner')
  }
  await using database = await newDatabase()
  await refused(await asGuest(database), 'permission denied', 'make it the owner')
})

test('no connection is left', async () => {
  await using database = await newDatabase()
  const url = await asGuest(database)
  await database.ask(`ALTER DATABASE ${database.name} CONNECTION LIMIT 0`)
  await refused(url, 'too many connections', 'raise max_connections')
})

test('another relay on it, until that one has gone', async () => {
  await using database = await newDatabase()
  const first = await opened(database.url)
  try {
    await refused(database.url, /Another relay runs on this database: agentchat on .+, process \d+, \w+/, '--nats')
  } finally {
    await first.close()
  }
  await (await opened(database.url)).close()
})

test('a full disk, and nothing of the batch is stored', async () => {
  await using database = await newDatabase()
  const store = await opened(database.url)
  try {
    await database.ask(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`)
    await database.ask('CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION full_disk()')
    const write = () =>
      store.write(async tx => {
        const appended = tx.log.append({ stream: '#a', author: '@a' }, 1, () => Buffer.from('{}'))
        await tx.log.flush()
        return appended
      })
    await expect(write()).rejects.toMatchObject({
      name: 'StorageError',
      hint: expect.stringContaining('disk of the database is full') as string,
    })
    await database.ask('DROP TRIGGER full_disk ON events')
    expect(await write()).toMatchObject({ kind: 'stored', stamp: { seq: 1 } })
  } finally {
    await store.close()
  }
})

test('a number that would not be exact here', async () => {
  await using database = await newDatabase()
  const store = await opened(database.url)
  try {
    await database.ask(`INSERT INTO nonces (agent, nonce, at) VALUES ('@a', 'n', ${2n ** 53n})`)
    const read = store.read.tables<{ nonces: { at: number } }>().selectFrom('nonces').select('at').execute()
    await expect(read).rejects.toMatchObject({ name: 'StorageError', message: expect.stringContaining('9007199254740992') as string })
  } finally {
    await store.close()
  }
})
