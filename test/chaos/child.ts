// A process of the run, started from a file beside this one, spoken to by messages, and never left behind.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export class Child<Command, Report> implements Disposable {
  readonly #process: ChildProcess
  readonly ended: Promise<void>
  #isOver = false

  constructor(file: string, start: object, onReport: (report: Report) => void) {
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(start)], {
      serialization: 'advanced',
      execArgv: [],
    })
    this.#process.on('message', report => onReport(report as Report))
    this.ended = new Promise(resolve =>
      this.#process.once('exit', () => {
        this.#isOver = true
        resolve()
      })
    )
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** What is told to a process that is ending is lost. */
  tell(command: Command): void {
    if (this.#process.connected) this.#process.send(command as object, () => undefined)
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL')
  }
}
