// A server of NATS for a test: on a free port of the loopback, ended and started again as the test says.
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newFolder, type Folder } from './folder.ts'
import { natsPath } from './nats-run.ts'

export class TestNats implements AsyncDisposable {
  readonly #folder: Folder
  #port: number
  #child: ChildProcess | undefined
  #said = ''

  private constructor(folder: Folder, port: number) {
    this.#folder = folder
    this.#port = port
  }

  /** `more`: lines of its configuration. @example await using nats = await TestNats.start() */
  static async start(maxPayloadBytes?: number, more?: string): Promise<TestNats> {
    const nats = new TestNats(newFolder(), -1)
    await nats.start(maxPayloadBytes, more)
    return nats
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`
  }

  /** How often it has refused who came, since it was started. */
  get refusals(): number {
    return this.#said.split('authentication error').length - 1
  }

  async start(maxPayloadBytes = 4 * 1024 * 1024, more = ''): Promise<void> {
    const path = natsPath()
    if (path === undefined) throw new Error('There is no nats-server: test/kit/nats-run.ts says where it is looked for')
    const config = this.#folder.at('nats.conf')
    writeFileSync(config,
      `listen: "127.0.0.1:${this.#port}"\nmax_payload: ${maxPayloadBytes}\nports_file_dir: "${this.#folder.path}"\n${more}\n`)
    const child = this.#child = spawn(path, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#said = ''
    child.stderr!.on('data', part => this.#said += String(part))
    await new Promise<void>((resolve, reject) => {
      child.stderr!.on('data', () => this.#said.includes('Server is ready') && resolve())
      child.once('exit', code => reject(new Error(`nats-server ended with ${code}: ${this.#said}`)))
    })
    if (this.#port > 0) return
    const file = await this.#portsFile()
    this.#port = Number(new URL((JSON.parse(readFileSync(file, 'utf8')) as { readonly nats: readonly [string] }).nats[0]).port)
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  /** It hangs for as long. */
  async stall(wait: () => Promise<unknown>): Promise<void> {
    const child = this.#child
    child?.kill('SIGSTOP')
    try {
      await wait()
    } finally {
      child?.kill('SIGCONT')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    this.#folder[Symbol.dispose]()
  }

  /** It is written a moment after the server is ready. */
  async #portsFile(): Promise<string> {
    for (let tries = 0; tries < 200; tries++) {
      const name = readdirSync(this.#folder.path).find(each => each.endsWith('.ports'))
      if (name !== undefined && readFileSync(join(this.#folder.path, name), 'utf8') !== '') return this.#folder.at(name)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    throw new Error('nats-server does not say where it listens')
  }
}
