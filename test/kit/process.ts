// The program as its users run it: processes of the built tree, what they print, and how they end.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** The built package: package.json and dist/. AGENTCHAT_E2E_TREE names another one than the repository's. */
export const builtTree = process.env['AGENTCHAT_E2E_TREE'] ?? join(import.meta.dirname, '../..')

export const builtBin = (): string => {
  const bin = join(builtTree, 'dist/bin/agentchat.js')
  if (!existsSync(bin)) throw new Error(`${bin} is not there: npm run build`)
  return bin
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RunOptions {
  readonly cwd?: string
  /** Beside a bare environment: nothing of the tester's own reaches the program. */
  readonly env?: Readonly<Record<string, string>>
  /** It and what it starts are a group of processes, which can be signalled as one. */
  readonly isGroup?: boolean
}

const patienceMs = 30_000

export class Program {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly ended: Promise<Ending>
  stdout = ''
  stderr = ''
  /** Complete lines on stdout so far. */
  lineCount = 0
  #watchers: (() => void)[] = []
  #isOver = false

  constructor(command: string, args: readonly string[], { cwd, env, isGroup = false }: RunOptions = {}) {
    this.#child = spawn(command, args, {
      stdio: 'pipe',
      env: { PATH: process.env['PATH'], ...env },
      detached: isGroup,
      ...(cwd !== undefined && { cwd }),
    })
    this.#child.stdin.on('error', () => undefined)
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.lineCount += text.split('\n').length - 1
      this.#wake()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#wake()
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        this.#isOver = true
        resolve({ code, signal })
        this.#wake()
      })
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  get stdin(): Writable {
    return this.#child.stdin
  }

  /** Every complete line of stdout as JSON. */
  get jsonLines(): readonly Record<string, unknown>[] {
    return this.stdout.split('\n').slice(0, -1).map(line => JSON.parse(line) as Record<string, unknown>)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Resolves once `holds`; fails when the program ends first, or nothing comes of it. */
  until(what: string, holds: () => boolean, timeoutMs = patienceMs): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail('waited in vain'), timeoutMs)
      const fail = (why: string) =>
        reject(new Error(`${why} for ${what}\nstdout: ${this.stdout.slice(-2_000)}\nstderr: ${this.stderr.slice(-2_000)}`))
      const check = () => {
        if (holds()) {
          clearTimeout(timer)
          resolve()
        } else if (this.#isOver) {
          clearTimeout(timer)
          fail('the program ended before')
        } else {
          this.#watchers.push(check)
        }
      }
      check()
    })
  }

  /** What the pattern finds in either output. */
  async prints(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    const find = () => pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
    await this.until(String(pattern), () => find() !== null, timeoutMs)
    return find()!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) this.signal('SIGKILL')
    await this.ended
  }

  #wake(): void {
    for (const check of this.#watchers.splice(0)) check()
  }
}

/** A relay as a process of its own. */
export class ServeProgram extends Program {
  /** Resolves with its url, once it listens. */
  readonly url: Promise<string>

  constructor(bin: string, flags: readonly string[], options?: RunOptions) {
    super(process.execPath, [bin, 'serve', '--host', '127.0.0.1', ...flags], options)
    this.url = this.prints(/wss?:\/\/[\w.-]+:\d+/).then(([url]) => url)
    // Whoever never asks for it learns of a failed start by `ended`.
    this.url.catch(() => undefined)
  }
}
