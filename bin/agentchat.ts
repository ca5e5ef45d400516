#!/usr/bin/env node
// The executable: hands arguments, streams and signals to the CLI. The only place that sets the exit code.
import { setMaxListeners } from 'node:events'
import { fstatSync, readFileSync } from 'node:fs'
import { main } from '../src/cli/main.ts'

const interrupted = new AbortController()
// Every line that waits for its acknowledgement listens to it.
setMaxListeners(0, interrupted.signal)
let isReaderGone = false
let outputProblem: Error | undefined

/** The first signal asks; the next one finds no handler and ends the process at once. */
const ask = (): void => {
  process.off('SIGINT', ask)
  process.off('SIGTERM', ask)
  interrupted.abort()
}
// Until the relay is there to reload, a hangup changes nothing; it ends other commands, as it does everywhere.
if (process.argv[2] === 'serve') process.on('SIGHUP', () => undefined)
process.on('SIGINT', ask)
process.on('SIGTERM', ask)

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `agentchat listen | head -1`: the reader has had enough, and that is a good end. A full disk is none.
  if (error.code === 'EPIPE') isReaderGone = true
  else outputProblem ??= error
  interrupted.abort()
})
// With nobody to read the talk there is nobody to tell.
process.stderr.on('error', () => undefined)

const isPipe = (): boolean => {
  try {
    return fstatSync(1).isFIFO()
  } catch {
    return false
  }
}

const code = await main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: Object.assign(process.stdout, { isPipe: isPipe() }),
  stderr: process.stderr,
  env: process.env,
  rawArguments: () => {
    try {
      return readFileSync('/proc/self/cmdline')
    } catch {
      return undefined
    }
  },
  interrupted: interrupted.signal,
  onHangup: listener => process.on('SIGHUP', listener),
  onWarning: listener => {
    process.removeAllListeners('warning')
    process.on('warning', listener)
  },
  now: Date.now,
  random: Math.random,
})
if (outputProblem !== undefined) process.stderr.write(`error: Cannot write to standard output: ${outputProblem.message}\n`)
process.exitCode = outputProblem !== undefined ? 1 : isReaderGone ? 0 : code
