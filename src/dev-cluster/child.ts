// A process that was started: what it says line by line, how it ended, and ending it. A signal of the terminal does not reach it: who started
// it ends all in their order.
import { spawn, type ChildProcess } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import { timerMs } from '../../lib/protocol/timer.ts'
import { DevClusterError } from './programs.ts'

export interface ChildOptions {
  /** As people know it: PostgreSQL, NATS, a */
  readonly name: string
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly uid?: number | undefined
  /** Gets every line, of stdout and of stderr. */
  readonly onLine?: (line: string, from: 'stdout' | 'stderr') => void
}

/** Of what it said last, for whoever asks why it ended. */
const keptLines = 12
/** Of a line that does not end, the last part is kept. */
const maxLineChars = 64 * 1_024

export class Child {
  readonly name: string
  /** How it ended: `exit code 1`, `SIGKILL`, or why it could not be started. */
  readonly ended: Promise<string>
  readonly #process: ChildProcess
  readonly #lines: string[] = []
  readonly #watchers = new Set<(line: string) => void>()
  #how: string | undefined

  constructor({ name, argv: [program, ...args], env, cwd, uid, onLine }: ChildOptions) {
    this.name = name
    this.#process = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env },
      cwd,
      detached: true,
      ...(uid !== undefined && { uid, gid: uid }),
    })
    for (const from of ['stdout', 'stderr'] as const) {
      const decoder = new StringDecoder('utf8')
      let rest = ''
      this.#process[from]!.on('data', (bytes: Buffer) => {
        const lines = (rest + decoder.write(bytes)).split('\n')
        rest = lines.pop()!.slice(-maxLineChars)
        for (const line of lines) {
          this.#lines.push(line)
          if (this.#lines.length > keptLines) this.#lines.shift()
          onLine?.(line, from)
          for (const watcher of [...this.#watchers]) watcher(line)
        }
      })
    }
    this.ended = new Promise(resolve => {
      const end = (how: string) => resolve(this.#how = how)
      this.#process.once('error', error => this.#process.pid === undefined && end(error.message))
      this.#process.once('close', (code, signal) => end(signal ?? `exit code ${code}`))
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get isOver(): boolean {
    return this.#how !== undefined
  }

  /** What it said last. */
  get tail(): string {
    return this.#lines.join('\n')
  }

  /** Resolves with what the pattern finds in a line. @throws DevClusterError when it ends before */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    let watcher: (line: string) => void = () => undefined
    try {
      return await new Promise((resolve, reject) => {
        watcher = line => {
          const found = pattern.exec(line)
          if (found !== null) resolve(found)
        }
        for (const line of this.#lines) watcher(line)
        this.#watchers.add(watcher)
        void this.ended.then(how => reject(new DevClusterError(`${this.name} did not start (${how}):\n${this.tail}`)))
      })
    } finally {
      this.#watchers.delete(watcher)
    }
  }

  /** Asks it to end; after `patienceMs` it is ended by `last`. */
  async stop(signal: NodeJS.Signals, patienceMs: number, last: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.isOver) return
    this.#signal(signal)
    const late = setTimeout(() => this.#signal(last), timerMs(patienceMs))
    await this.ended
    clearTimeout(late)
  }

  /** One that was stopped (SIGSTOP) hears it as well: it goes on. */
  #signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
    this.#process.kill('SIGCONT')
  }
}
