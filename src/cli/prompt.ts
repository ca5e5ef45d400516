// Questions at a terminal, one after another, and such whose answer is not shown. Elsewhere there is nobody to ask, and that is an error.
import { CliError } from './exit.ts'
import type { Io } from './io.ts'
import { visible } from './terminal.ts'

const maxAnswerChars = 1_024

export class Prompt implements Disposable {
  readonly #io: Pick<Io, 'stdin' | 'stderr' | 'interrupted'>
  readonly #input: AsyncIterator<Uint8Array>
  readonly #stop = () => void this.#io.stdin.destroy()
  /** Typed ahead of the next question. */
  #rest = ''

  constructor(io: Pick<Io, 'stdin' | 'stderr' | 'interrupted'>) {
    this.#io = io
    this.#input = io.stdin[Symbol.asyncIterator]()
    io.interrupted.addEventListener('abort', this.#stop)
  }

  get canAsk(): boolean {
    return this.#io.stdin.isTTY === true
  }

  /** One line, as it was typed. */
  ask(question: string): Promise<string> {
    this.#mustBeTerminal()
    this.#io.stderr.write(visible(question))
    return this.#line()
  }

  /** Anything but yes is no. */
  async confirm(question: string): Promise<boolean> {
    return /^y(es)?$/i.test((await this.ask(`${question} [y/N] `)).trim())
  }

  /** One line that does not appear. */
  async secret(question: string): Promise<string> {
    this.#mustBeTerminal()
    const { stdin, stderr } = this.#io
    if (stdin.setRawMode === undefined)
      throw new CliError('usage', 'This terminal cannot hide what is typed', 'Give the password with --password-file FILE.')
    stderr.write(visible(question))
    stdin.setRawMode(true)
    try {
      return await this.#line()
    } finally {
      stdin.setRawMode(false)
      stderr.write('\n')
    }
  }

  [Symbol.dispose](): void {
    this.#io.interrupted.removeEventListener('abort', this.#stop)
    this.#stop()
  }

  /** Up to the end of the line; in raw mode the terminal neither ends lines nor takes back characters nor interrupts: that is done here. */
  async #line(): Promise<string> {
    let line = ''
    for (;;) {
      for (const char of this.#rest) {
        this.#rest = this.#rest.slice(char.length)
        if (char === '\n' || char === '\r') return line
        if (char === '\u0003' || char === '\u0004') throw new CliError('interrupted', 'Interrupted')
        line = char === '\u007f' || char === '\b' ? line.slice(0, -1) : line + char
        if (line.length > maxAnswerChars) throw new CliError('usage', 'The answer is too long')
      }
      const { value, done } = await this.#input.next()
      if (done === true) throw new CliError('usage', 'The input ended before the answer')
      this.#rest = Buffer.from(value as Uint8Array).toString('utf8')
    }
  }

  #mustBeTerminal(): void {
    if (!this.canAsk)
      throw new CliError('usage', 'There is no terminal to ask on',
        'Say --yes instead of answering questions, and --password-file FILE instead of typing the password.')
  }
}
