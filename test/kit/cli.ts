// The CLI inside the test's own process: a command line in, exit code and both outputs out.
import { setMaxListeners } from 'node:events'
import { Readable } from 'node:stream'
import { main } from '../../src/cli/main.ts'
import { newFolder, type Folder } from './folder.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** stdout's lines as JSON */
  readonly json: readonly Record<string, unknown>[]
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array | Readable
  readonly env?: Readonly<Record<string, string>>
  /** stdout and stderr are a terminal */
  readonly isTTY?: boolean
  /** the machine's clock */
  readonly now?: () => number
}

/** A command that has begun. */
export interface Running extends Promise<Ran> {
  /** What Ctrl-C does. */
  interrupt(): void
  /** Resolves once either output holds the text; rejects when the command ends without. */
  prints(text: string): Promise<void>
  /** What it has written to stdout by now. */
  soFar(): string
}

/** A home directory, and commands that live in it. */
export class Cli implements Disposable {
  readonly #home: Folder = newFolder()
  readonly env: Record<string, string> = {}

  /** The path of a file in the home directory. */
  at(name: string): string {
    return this.#home.at(name)
  }

  run(args: readonly string[], { stdin = '', env = {}, isTTY = false, now = Date.now }: RunOptions = {}): Running {
    const interrupted = new AbortController()
    setMaxListeners(0, interrupted.signal)
    const written = { stdout: '', stderr: '' }
    let onWrite: () => void = () => undefined
    const sink = (name: keyof typeof written) => ({
      isTTY,
      write(text: string, taken?: () => void) {
        written[name] += text
        onWrite()
        taken?.()
      },
    })
    const ran = main(args, {
      stdin: stdin instanceof Readable
        ? stdin
        : Readable.from(stdin === '' ? [] : [typeof stdin === 'string' ? Buffer.from(stdin) : stdin]),
      stdout: sink('stdout'),
      stderr: sink('stderr'),
      env: { HOME: this.#home.path, ...this.env, ...env },
      interrupted: interrupted.signal,
      onHangup: () => undefined,
      onWarning: () => undefined,
      now,
      random: Math.random,
    }).then((code): Ran => ({
      code,
      ...written,
      get json() {
        return this.stdout.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Record<string, unknown>)
      },
    }))
    return Object.assign(ran, {
      interrupt: () => interrupted.abort(),
      soFar: () => written.stdout,
      prints: (text: string) =>
        new Promise<void>((resolve, reject) => {
          onWrite = () => {
            if (written.stdout.includes(text) || written.stderr.includes(text)) resolve()
          }
          onWrite()
          void ran.then(() => reject(new Error(`ended without ${JSON.stringify(text)}\n${written.stdout}\n${written.stderr}`)))
        }),
    })
  }

  [Symbol.dispose](): void {
    this.#home[Symbol.dispose]()
  }
}
