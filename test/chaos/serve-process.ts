// `agentchat serve` as its users run it, but that it does not outlive the run: it ends by SIGKILL, and when nobody listens to it any more.
import { main } from '../../src/cli/main.ts'

export interface ServeStart {
  readonly flags: readonly string[]
}

/** What it prints when it listens. */
export interface Serving {
  readonly port: number
  readonly server_id: string
}

const { flags } = JSON.parse(process.argv[2]!) as ServeStart

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.exitCode = await main(['serve', '--json', ...flags], {
  stdin: process.stdin,
  stdout: {
    write: (text, taken) => {
      process.send!(JSON.parse(text) as Serving)
      taken?.()
    },
  },
  stderr: process.stderr,
  env: {},
  interrupted: new AbortController().signal,
  onHangup: () => undefined,
  onWarning: () => undefined,
  now: Date.now,
  random: Math.random,
})
process.disconnect()
