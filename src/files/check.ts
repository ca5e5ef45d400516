// A command of the operator's that may refuse a file: it is given the path, and its exit code decides. Nothing that a peer wrote reaches it
// as an argument or in its environment.
import { execFile } from 'node:child_process'

export interface CheckOptions {
  /** The command; words behind it are its first arguments. */
  readonly command: string
  /** ms it may take */
  readonly timeoutMs: number
}

/** Commands that run at once; further files wait. */
const maxRunning = 2

/** ok: exit code 0. refused: 1. failed: anything else, and what it took too long for. */
export type Verdict = 'ok' | 'refused' | 'failed'

export const fileCheck = ({ command, timeoutMs }: CheckOptions): (path: string) => Promise<Verdict> => {
  const [program = '', ...words] = command.split(' ').filter(word => word !== '')
  const waiting: (() => void)[] = []
  let running = 0
  const run = (path: string): Promise<Verdict> =>
    new Promise(resolve => {
      execFile(program, [...words, path], { timeout: timeoutMs, killSignal: 'SIGKILL', env: { PATH: process.env['PATH'] } }, error => {
        if (error === null) resolve('ok')
        else resolve(error.code === 1 ? 'refused' : 'failed')
      })
    })
  return async path => {
    if (running >= maxRunning) await new Promise<void>(resolve => waiting.push(resolve))
    running++
    try {
      return await run(path)
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}
