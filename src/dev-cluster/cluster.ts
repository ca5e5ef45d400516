// A cluster for trying it, on one machine: PostgreSQL, NATS and three processes of one relay, started in their order and ended in the other one.
// What they are reached by (a socket, a password) is in a folder that goes with them; the database's files are where they were wanted.
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { envName, type Config, type SettingKey } from '../config/schema.ts'
import { Child, type ChildOptions } from './child.ts'
import { Guardian } from './guardian.ts'
import { databaseUser, DevClusterError, findPrograms } from './programs.ts'

export { DevClusterError } from './programs.ts'

export interface DevClusterOptions {
  /** Of each process of the relay; where it listens is counted up from it. */
  readonly config: Config
  /** What its processes get, beside what is said here. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the database's files are kept; undefined: they go with the cluster. */
  readonly data: string | undefined
  /** Node and this program. */
  readonly program: readonly [string, ...string[]]
  /** Gets every line of a process's log. */
  readonly onLog: (node: string, line: string) => void
  /** One that was not asked to has ended. */
  readonly onEnd: (name: string, pid: number, how: string) => void
}

/** A process of the relay. */
export interface DevNode {
  readonly name: string
  readonly pid: number
  readonly url: string
  /** What `serve --json` says of it. */
  readonly said: Readonly<Record<string, unknown>>
}

const nodeNames = ['a', 'b', 'c'] as const
const user = 'agentchat'
/** Beside the largest frame, as the relay wants it; NATS itself begins with 1 MiB. */
const payloadBytes = ({ maxFrameBytes }: Config): number => Math.max(1_024 ** 2, maxFrameBytes + 64 * 1_024)
/** Beside what a process of the relay may take for its drain. */
const stopMs = 10_000

export class DevCluster {
  readonly #options: DevClusterOptions
  /** Its folder, for nobody but the user that runs it: socket, password, logs. */
  readonly folder: string
  readonly #data: string
  readonly #guardian: Guardian
  /** In the order in which they were started. */
  readonly #servers: Child[] = []
  readonly #relays: Child[] = []
  #initdb: Child | undefined
  #isStopping = false
  #store = ''
  #nats = ''

  private constructor(options: DevClusterOptions) {
    this.#options = options
    this.folder = mkdtempSync(join(tmpdir(), 'agentchat-cluster-'))
    this.#data = options.data === undefined ? join(this.folder, 'postgres') : join(resolve(options.data), 'postgres')
    this.#guardian = new Guardian(this.folder)
  }

  /**
   * Resolves with the cluster and its processes; what was started is ended where one does not start, or `signal` is aborted.
   * @throws DevClusterError
   */
  static async start(options: DevClusterOptions, signal: AbortSignal): Promise<{ cluster: DevCluster, nodes: readonly DevNode[] }> {
    const programs = findPrograms(options.env['PATH'])
    const cluster = new DevCluster(options)
    const aborted = new Promise<never>((_, reject) => {
      const stop = () => reject(new DevClusterError('Stopped before it ran'))
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
    })
    try {
      return await Promise.race([
        aborted,
        (async () => {
          await cluster.#startPostgres(programs)
          await cluster.#startNats(programs.nats)
          // The first makes the tables.
          const first = await cluster.#startRelay(0)
          const others = await Promise.all(nodeNames.slice(1).map((_, i) => cluster.#startRelay(i + 1)))
          return { cluster, nodes: [first, ...others] }
        })(),
      ])
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  /** Of the database: no password, since its socket is in the folder. */
  get storeUrl(): string {
    return this.#store
  }

  /** Of NATS, with its password: for one more process. */
  get natsUrl(): string {
    return this.#nats
  }

  get postgresPid(): number {
    return this.#servers[0]!.pid
  }

  get natsPid(): number {
    return this.#servers[1]!.pid
  }

  /** Resolves when no process of the relay is left. */
  async lost(): Promise<void> {
    await Promise.all(this.#relays.map(({ ended }) => ended))
  }

  /** The relay's processes drain, then the servers end; nothing is left but the data that is kept. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#initdb?.stop('SIGTERM', stopMs)
    await Promise.all(this.#relays.map(relay => relay.stop('SIGTERM', this.#options.config.drainMs + stopMs)))
    const [postgres, nats] = this.#servers
    await nats?.stop('SIGTERM', stopMs)
    // Fast: it ends who is still connected, and writes everything to its files.
    await postgres?.stop('SIGINT', stopMs, 'SIGQUIT')
    await this.#guardian.end()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** For servers, of which one may run as another user: without what is the relay's, secrets among it. */
  get #plainEnv(): DevClusterOptions['env'] {
    return Object.fromEntries(Object.entries(this.#options.env).filter(([name]) => !name.startsWith('AGENTCHAT_')))
  }

  /** @throws DevClusterError it is to end */
  #run(list: Child[], options: ChildOptions): Child {
    if (this.#isStopping) throw new DevClusterError('Stopped before it ran')
    const child = new Child(options)
    list.push(child)
    this.#guardian.watch(child.pid)
    void child.ended.then(how => {
      this.#guardian.forget(child.pid)
      if (!this.#isStopping) this.#options.onEnd(child.name, child.pid, how)
    })
    return child
  }

  async #startPostgres({ initdb, postgres }: { readonly initdb: string, readonly postgres: string }): Promise<void> {
    const { data: kept } = this.#options
    const uid = databaseUser()
    const data = this.#data
    const isMade = existsSync(join(data, 'PG_VERSION'))
    if (!isMade && existsSync(data) && readdirSync(data).length > 0)
      throw new DevClusterError(`${data} is not empty, and holds no database`, 'Name another folder: --data DIR')
    mkdirSync(data, { recursive: true, mode: 0o700 })
    if (uid !== undefined) { for (const path of [this.folder, data]) chownSync(path, uid, uid) }
    chmodSync(data, 0o700)
    const as = { env: { ...this.#plainEnv, LC_ALL: 'C', TZ: 'UTC' }, cwd: this.folder, uid }
    if (!isMade) {
      const made = this.#initdb = new Child({
        name: 'initdb',
        argv: [initdb, '-D', data, '-U', user, '-E', 'UTF8', '--locale=C', '--auth=trust', ...(kept === undefined ? ['--no-sync'] : [])],
        ...as,
      })
      const how = await made.ended
      if (how !== 'exit code 0') {
        rmSync(data, { recursive: true, force: true })
        throw new DevClusterError(`initdb failed (${how}):\n${made.tail}`, uid === undefined
          ? undefined
          : 'PostgreSQL does not run as root: its user has to reach the folder. Leave --data out, or run as another user.')
      }
    }
    const settings = [
      // Whoever reaches the socket is let in: it is where nobody else gets to.
      'listen_addresses=',
      `unix_socket_directories=${this.folder}`,
      'max_locks_per_transaction=256',
      // What goes with the cluster need not outlast a power loss.
      ...(kept === undefined ? ['fsync=off', 'full_page_writes=off'] : []),
    ]
    const server = this.#run(this.#servers, {
      name: 'PostgreSQL',
      argv: [postgres, '-D', data, '-p', '5432', ...settings.flatMap(setting => ['-c', setting])],
      ...as,
    })
    await server.prints(/database system is ready to accept connections/)
    this.#store = `postgres://${user}@localhost:5432/postgres?host=${encodeURIComponent(this.folder)}`
  }

  async #startNats(program: string): Promise<void> {
    const password = randomBytes(16).toString('hex')
    const config = join(this.folder, 'nats.conf')
    writeFileSync(config, [
      'listen: "127.0.0.1:-1"',
      `max_payload: ${payloadBytes(this.#options.config)}`,
      `authorization: { user: "${user}", password: "${password}" }`,
      '',
    ].join('\n'), { mode: 0o600 })
    const server = this.#run(this.#servers, { name: 'NATS', argv: [program, '-c', config], env: this.#plainEnv, cwd: this.folder })
    const [, port] = await server.prints(/Listening for client connections on 127\.0\.0\.1:(\d+)/)
    await server.prints(/Server is ready/)
    this.#nats = `nats://${user}:${password}@127.0.0.1:${port}`
  }

  async #startRelay(place: number): Promise<DevNode> {
    const { config, env, program, onLog } = this.#options
    const name = nodeNames[place]!
    const port = (first: number) => String(first === 0 ? 0 : first + place)
    const own: { readonly [K in SettingKey]?: string } = {
      store: this.#store,
      nats: this.#nats,
      node: name,
      port: port(config.port),
      data: this.folder,
      ...(config.webPort !== undefined && { webPort: port(config.webPort) }),
      ...(config.metricsPort !== undefined && { metricsPort: port(config.metricsPort) }),
      // Bytes are shared in a bucket, or not at all.
      ...(config.filesBucket === undefined && { maxFileBytes: '0' }),
    }
    const child = this.#run(this.#relays, {
      name,
      argv: [...program, 'serve', '--json'],
      env: { ...env, ...Object.fromEntries(Object.entries(own).map(([key, value]) => [envName(key as SettingKey), value])) },
      cwd: process.cwd(),
      onLine: (line, from) => from === 'stderr' && onLog(name, line),
    })
    const [line] = await child.prints(/^\{"url":.*\}$/)
    const document = JSON.parse(line) as Record<string, unknown>
    return { name, pid: child.pid, url: String(document['url']), said: document }
  }
}
