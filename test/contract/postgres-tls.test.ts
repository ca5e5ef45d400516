// TLS between the relay and its database, on a real server with a certificate: what is checked, and what is said where it does not hold.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { migrations } from '../../src/app.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { problemOf } from '../../src/store/postgres/problems.ts'
import type { Store } from '../../src/store/store.ts'
import { newCertificate, type Certificate } from '../kit/certificate.ts'
import { newFolder } from '../kit/folder.ts'
import {
  asked,
  giveToServer,
  newDatabase,
  newServerFolder,
  password,
  startServer,
  stopServer,
  urlOf,
  type Server,
} from '../kit/postgres.ts'

const files = newFolder()
let server: Server

const opened = (url: string) => openPostgres({ url, migrations, newEpoch: () => 'e'.repeat(16) })

const append = (store: Store) =>
  store.write(async tx => {
    const appended = tx.log.append({ stream: '#a', author: '@a' }, 1, () => Buffer.from('{}'))
    await tx.log.flush()
    return appended
  })

beforeAll(async () => {
  server = await startServer(newServerFolder())
})

afterAll(async () => {
  await stopServer(server)
  files[Symbol.dispose]()
})

/** With `query` behind it, as somebody else's machine is reached. */
const remote = (query: string, host = 'localhost'): string => {
  const url = new URL(urlOf(server, 'postgres', true))
  url.hostname = host
  return `${url.href}?${query}`
}

const isEncrypted = async (url: string): Promise<boolean> =>
  (await asked<{ ssl: boolean }>(url, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'))[0]!.ssl

/** The server has this certificate from now on. */
const certify = async ({ cert, key }: Certificate): Promise<void> => {
  for (const [from, to] of [[cert, 'server.crt'], [key, 'server.key']] as const) {
    const path = join(server.folder, 'data', to)
    copyFileSync(from, path)
    giveToServer(path)
  }
  const local = urlOf(server, 'postgres')
  await asked(local, 'ALTER SYSTEM SET ssl = on')
  await asked(local, 'SELECT pg_reload_conf()')
  await vi.waitFor(async () => {
    await asked(remote(`sslmode=verify-full&sslrootcert=${cert}`), 'SELECT 1').catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 'ERR_TLS_CERT_ALTNAME_INVALID') throw error
    })
  })
}

const refused = async (url: string, message: string | RegExp, hint: string): Promise<void> => {
  const problem = await opened(url).then(async store => {
    await store.close()
    return undefined
  }, (error: unknown) => error)
  expect(problem).toMatchObject({
    name: 'StorageError',
    message: expect.stringMatching(message) as string,
    hint: expect.stringContaining(hint) as string,
  })
  expect(JSON.stringify([String(problem), (problem as { hint: string }).hint])).not.toContain(password)
}

test('a certificate that is checked, and the names that its checking has', async () => {
  const own = newCertificate(files, 'localhost')
  await certify(own)
  for (const mode of ['verify-full', 'verify-ca', 'require', 'prefer']) {
    const trusted = remote(`sslmode=${mode}&sslrootcert=${own.cert}`)
    expect(await isEncrypted(trusted)).toBe(true)
    // The driver has one meaning for all of them: who cannot be trusted is not talked to, encrypted or not.
    await refused(remote(`sslmode=${mode}`), 'self-signed certificate', 'sslmode=verify-full&sslrootcert=')
  }
  const store = await opened(remote(`sslmode=verify-full&sslrootcert=${own.cert}`))
  try {
    await append(store)
    const { rows } = await asked<{ rows: number }>(urlOf(server, 'postgres'), `SELECT count(*)::int AS rows FROM pg_stat_ssl
      JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name LIKE 'agentchat on %'`).then(([row]) => row!)
    expect(rows).toBeGreaterThan(0)
  } finally {
    await store.close()
  }
})

test('nothing is checked where the url says so, and nothing is encrypted where it says nothing', async () => {
  expect(await isEncrypted(remote('sslmode=no-verify'))).toBe(true)
  expect(await isEncrypted(remote('sslmode=disable'))).toBe(false)
  expect(await isEncrypted(remote(''))).toBe(false)
})

test('a certificate of another host, and a host by its address', async () => {
  const own = newCertificate(files, 'localhost')
  await certify(own)
  await refused(remote(`sslmode=verify-full&sslrootcert=${own.cert}`, '127.0.0.1'), 'does not match', 'a host name in the store url')
  const other = newCertificate(files, 'db.example')
  await certify(other)
  await refused(remote(`sslmode=verify-full&sslrootcert=${other.cert}`), 'does not match', 'a host name in the store url')
  await refused(remote(`sslmode=verify-full&sslrootcert=${own.cert}`), 'self-signed', 'Nobody whom the relay trusts')
})

test('files that are not there, or no certificates', async () => {
  await refused(remote(`sslmode=verify-full&sslrootcert=${files.at('nowhere.pem')}`), 'ENOENT', 'Check the files that the store url names')
  const nonsense = files.at('nonsense.pem')
  writeFileSync(nonsense, '-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n')
  await refused(remote(`sslmode=verify-full&sslrootcert=${nonsense}`), /./, 'certificate')
})

test('a server without TLS, and one that wants it', async () => {
  await using database = await newDatabase()
  const url = urlOf(database.server, database.name, true)
  await refused(`${url}?sslmode=verify-full`, 'does not support SSL', 'Turn TLS on at the database')
  const rules = join(server.folder, 'data/pg_hba.conf')
  writeFileSync(rules, readFileSync(rules, 'utf8').replaceAll(/^host /gm, 'hostssl '))
  await asked(urlOf(server, 'postgres'), 'SELECT pg_reload_conf()')
  await vi.waitFor(() => refused(remote(''), 'no encryption', 'sslmode=verify-full in the store url'), { timeout: 10_000 })
})

test('a certificate that is over', () => {
  const expired = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' })
  expect(problemOf(expired)).toMatchObject({ hint: expect.stringContaining('Renew the certificate') as string })
})

test('a relay whose database shows a certificate that it cannot trust says so, and goes on when it shows its own', async () => {
  const own = newCertificate(files, 'localhost')
  await certify(own)
  const store = await opened(remote(`sslmode=verify-full&sslrootcert=${own.cert}`))
  const write = () => append(store)
  try {
    await write()
    await certify(newCertificate(files, 'db.example'))
    await asked(urlOf(server, 'postgres'),
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'agentchat on %'")
    // The first hears that its transaction is undone, or waits for a line as the second does.
    await write().catch(() => undefined)
    await expect(write()).rejects.toMatchObject({
      name: 'StorageError',
      hint: expect.stringContaining('Nobody whom the relay trusts') as string,
    })
    await certify(own)
    await vi.waitFor(write, { timeout: 10_000 })
    expect(await store.read.log.page('#a', { after: 1, limit: 10, maxBytes: 1e6 })).toHaveLength(2)
  } finally {
    await store.close()
  }
})
