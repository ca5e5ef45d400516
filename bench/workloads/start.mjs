// @ts-check
// How long people wait: for a relay that accepts, for a command that sends one message, and for Node alone.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentchat, bin } from '../peers/agentchat.mjs'
import { connect } from '../load/client.mjs'
import { websocket } from '../load/websocket.mjs'
import { startServer } from '../server.mjs'

const runs = 5

/** How long a process takes, with a home of its own. @param {readonly string[]} args @param {string} home */
const processMs = async (args, home) => {
  const startedAt = performance.now()
  const [code] = await once(spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, HOME: home } }), 'exit')
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return performance.now() - startedAt
}

/** From exec to a socket that is accepted. @param {AbortSignal} signal */
const serveMs = async signal => {
  const startedAt = performance.now()
  const server = await startServer(agentchat, { signal })
  const client = await connect(server.url, websocket)
  const ms = performance.now() - startedAt
  client.destroy()
  await server.stop()
  return ms
}

const subjects = ['agentchat serve', 'agentchat send', 'node -e 0']

/** @type {import('./index.mjs').Workload} */
export const start = {
  name: 'start',
  title: 'start: ms until it accepts, or until the process has ended',
  subjects,
  async run({ subject }) {
    const home = mkdtempSync(join(tmpdir(), 'agentchat-bench-'))
    const { signal } = new AbortController()
    const server = subject === 'agentchat send' ? await startServer(agentchat, { signal }) : undefined
    const once = () => subject === 'agentchat serve' ? serveMs(signal)
      : processMs(server === undefined ? ['-e', '0'] : [bin, 'send', server.url, '#general', 'hello'], home)
    try {
      const times = []
      for (let i = 0; i < runs; i++) times.push(await once())
      return { ms: times.sort((a, b) => a - b)[runs >> 1] }
    } finally {
      await server?.stop()
      rmSync(home, { recursive: true, force: true })
    }
  },
}
