// A command of the user's that gets one text on its standard input: bounded in time and in what it may say. Nothing of the text is on its
// command line.
import { spawn } from 'node:child_process'
import { timerMs } from '../../lib/protocol/timer.ts'

export interface HandOver {
  /** A line for the shell, the user's own. */
  readonly command: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly input: string
  /** What it may take, in ms. */
  readonly timeMs: number
  /** Takes what it says; without it that goes where this program's own output goes. */
  readonly maxAnswerBytes?: number | undefined
  /** Ends it. */
  readonly stop: readonly AbortSignal[]
}

export type HandedOver =
  | { readonly kind: 'ended', readonly code: number, readonly answer: string }
  | { readonly kind: 'killed', readonly signal: string }
  | { readonly kind: 'late' }
  | { readonly kind: 'too much' }
  | { readonly kind: 'stopped' }

/** How long a command has to end once it is told to. */
const graceMs = 3_000

/** How long its output may stay open once it has ended: what left its group is beyond reach, and may hold it for ever. */
const outputMs = 1_000

/** Runs it, in a process group of its own, so that what it started ends with it. @throws when there is no shell to run it */
export const handOver = ({ command, env, input, timeMs, maxAnswerBytes, stop }: HandOver): Promise<HandedOver> =>
  new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], {
      env: { ...env },
      stdio: ['pipe', maxAnswerBytes === undefined ? 'inherit' : 'pipe', 'inherit'],
      detached: true,
    })
    const parts: Buffer[] = []
    let bytes = 0
    let ending: HandedOver | undefined
    let forced: NodeJS.Timeout | undefined
    const signalAll = (signal: NodeJS.Signals) => {
      try {
        process.kill(-child.pid!, signal)
      } catch {
        // It is gone.
      }
    }
    const end = (as: HandedOver) => {
      if (ending !== undefined || child.pid === undefined) return
      ending = as
      signalAll('SIGTERM')
      forced = setTimeout(() => signalAll('SIGKILL'), timerMs(graceMs))
    }
    const stopped = () => end({ kind: 'stopped' })
    const late = setTimeout(() => end({ kind: 'late' }), timerMs(timeMs))
    for (const each of stop) each.addEventListener('abort', stopped, { once: true })
    if (stop.some(each => each.aborted)) stopped()
    child.stdout?.on('data', (part: Buffer) => {
      bytes += part.length
      if (bytes > maxAnswerBytes!) end({ kind: 'too much' })
      else if (ending === undefined) parts.push(part)
    })
    // Who does not read it does not want it.
    child.stdin!.on('error', () => undefined)
    child.stdin!.end(input)
    const over = () => {
      clearTimeout(late)
      clearTimeout(forced)
      for (const each of stop) each.removeEventListener('abort', stopped)
    }
    child.on('error', error => {
      over()
      reject(error)
    })
    child.on('exit', (code, signal) => {
      // What it left behind would hold its output open.
      signalAll('SIGKILL')
      // What it said before is read first, however late that is.
      const cut = setTimeout(() => setImmediate(() => child.stdout?.destroy()), timerMs(outputMs))
      child.once('close', () => {
        clearTimeout(cut)
        over()
        resolve(ending ?? (code === null
          ? { kind: 'killed', signal: signal ?? 'a signal' }
          : { kind: 'ended', code, answer: Buffer.concat(parts).toString() }))
      })
    })
  })
