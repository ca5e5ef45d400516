// @ts-check
// The servers of a cluster on this machine: PostgreSQL with its data in memory where there is such a place, NATS, and processes of the relay.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cpuMicros, residentBytes } from '../load/usage.mjs'
import { bin as ownBin } from '../peers/agentchat.mjs'

const endMs = 15_000
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A process that was started, and what it says. */
class Server {
  /** @param {string} program @param {readonly string[]} args @param {import('node:child_process').SpawnOptions} [options] */
  constructor(program, args, options) {
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    this.said = ''
    this.exited = once(this.child, 'exit')
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.on('data', part => { this.said = (this.said + part).slice(-20_000) })
  }

  get pid() {
    return Number(this.child.pid)
  }

  /** @param {RegExp} pattern */
  async prints(pattern) {
    for (;;) {
      const found = pattern.exec(this.said)
      if (found !== null) return found
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}:\n${this.said}`)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal) {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const late = setTimeout(() => this.child.kill('SIGKILL'), endMs)
    this.child.kill(signal)
    await this.exited
    clearTimeout(late)
  }
}

/** A process of the relay. */
export class Relay extends Server {
  url = ''
  /** ms from when it was started until it served */
  startMs = 0

  get cpu() {
    return cpuMicros(this.pid)
  }

  get bytes() {
    return residentBytes(this.pid)
  }
}

const limitsOff = [
  '--host', '127.0.0.1', '--port', '0', '--json', '--log-level', 'warn', '--msg-rate', '0', '--max-connections', '100000', '--max-connections-per-ip', '0',
  '--max-channels', '1000000', '--max-channels-per-agent', '1000000', '--max-channels-per-address', '0', '--max-inbox', '0', '--max-inbox-per-sender', '0',
]

/** @param {readonly string[]} flags @param {string} [bin] @param {readonly string[]} [nodeFlags] */
export const startRelay = async (flags, bin = ownBin, nodeFlags = []) => {
  const begun = performance.now()
  // A build from before may not know of files.
  const noFiles = bin === ownBin ? ['--max-file-bytes', '0'] : []
  const relay = new Relay(process.execPath, [...nodeFlags, bin, 'serve', ...limitsOff, ...noFiles, ...flags])
  const [, url = ''] = await relay.prints(/"url":\s*"([^"]+)"/)
  relay.startMs = performance.now() - begun
  relay.url = url.replace('0.0.0.0', '127.0.0.1')
  return relay
}

/** One relay on SQLite, with a commit that survives a power loss, as PostgreSQL's does. @param {string} [bin] @param {'normal' | 'full'} [durability] @param {readonly string[]} [nodeFlags] */
export const startAlone = async (bin, durability = 'full', nodeFlags = []) => {
  const data = mkdtempSync(join(memory, 'agentchat-bench-'))
  const relay = await startRelay(['--data', data, '--durability', durability], bin, nodeFlags)
  return {
    relay,
    async stop() {
      await relay.end('SIGTERM')
      rmSync(data, { recursive: true, force: true })
    },
  }
}

export class Cluster {
  /** @type {Relay[]} */
  relays = []
  #started = 0

  /** @param {string} folder @param {Server} postgres @param {Server | undefined} nats @param {readonly string[]} flags */
  constructor(folder, postgres, nats, flags) {
    this.folder = folder
    this.postgres = postgres
    this.nats = nats
    this.flags = flags
  }

  /** One more process. */
  async add() {
    const relay = await startRelay([...this.flags, ...this.nats === undefined ? [] : ['--node', `n${++this.#started}`]])
    this.relays.push(relay)
    return relay
  }

  /** CPU time of the database, all its processes, in µs. */
  get postgresCpu() {
    return familyOf(this.postgres.pid).reduce((sum, pid) => sum + cpuMicros(pid), 0)
  }

  get natsCpu() {
    return this.nats === undefined ? 0 : cpuMicros(this.nats.pid)
  }

  async stop() {
    await Promise.all(this.relays.map(relay => relay.end('SIGTERM')))
    await this.nats?.end('SIGTERM')
    await this.postgres.end('SIGINT')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A process and those that it started. @param {number} pid */
const familyOf = pid => [pid, ...readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(each => {
  try {
    const stat = readFileSync(`/proc/${each}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid
  } catch {
    return false
  }
})]

/**
 * @param {number} count of processes that serve
 * @param {{ readonly isAlone?: boolean, readonly publicUrl?: string }} [options] `isAlone`: on the database without NATS
 */
export const startCluster = async (count, { isAlone = false, publicUrl } = {}) => {
  const { findPrograms, databaseUser } = await import(pathToFileURL(join(dirname(ownBin), '../src/dev-cluster/programs.js')).href)
  const programs = findPrograms(process.env['PATH'])
  const uid = databaseUser()
  const folder = mkdtempSync(join(memory, 'agentchat-bench-'))
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (uid !== undefined) for (const path of [folder, data]) chownSync(path, uid, uid)
  chmodSync(folder, 0o755)
  const as = { cwd: folder, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' }, ...uid !== undefined && { uid, gid: uid } }
  const made = new Server(programs.initdb, ['-D', data, '-U', 'agentchat', '-E', 'UTF8', '--locale=C', '--auth=trust', '--no-sync'], as)
  await made.exited
  const postgres = new Server(programs.postgres, ['-D', data, '-p', '5432', ...['listen_addresses=', `unix_socket_directories=${folder}`, 'max_connections=300', 'max_locks_per_transaction=256'].flatMap(each => ['-c', each])], as)
  await postgres.prints(/ready to accept connections/)
  const store = `postgres://agentchat@localhost:5432/postgres?host=${encodeURIComponent(folder)}`
  /** @type {Server | undefined} */
  let nats
  let natsFlags = /** @type {readonly string[]} */ ([])
  if (!isAlone) {
    const config = join(folder, 'nats.conf')
    writeFileSync(config, 'listen: "127.0.0.1:-1"\nmax_payload: 4194304\n')
    nats = new Server(programs.nats, ['-c', config])
    const [, port] = await nats.prints(/Listening for client connections on 127\.0\.0\.1:(\d+)/)
    await nats.prints(/Server is ready/)
    natsFlags = ['--nats', `nats://127.0.0.1:${port}`]
  }
  const cluster = new Cluster(folder, postgres, nats, ['--store', store, ...natsFlags, '--data', folder, ...publicUrl === undefined ? [] : ['--public-urls', publicUrl]])
  try {
    for (let i = 0; i < count; i++) await cluster.add()
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
