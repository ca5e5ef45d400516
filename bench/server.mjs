// @ts-check
// A peer's server as a child process: started on a free port with a fresh data directory, stopped with everything it left.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const serveFile = fileURLToPath(new URL('./peers/serve.mjs', import.meta.url))
const stopMs = 10_000

/**
 * @typedef {object} Server
 * @property {string} url
 * @property {number} pid
 * @property {() => string} said what it wrote to stderr
 * @property {() => Promise<void>} stop
 */

/**
 * @param {import('./peers/index.mjs').Peer} peer
 * @param {{ readonly nodeFlags: readonly string[], readonly signal: AbortSignal }} options
 * @returns {Promise<Server>}
 */
export const startServer = async (peer, { nodeFlags, signal }) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'agentchat-bench-'))
  const [file = '', ...args] = peer.command?.(dataDir, nodeFlags) ?? [process.execPath, ...nodeFlags, serveFile, peer.name]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' })
  const exited = once(child, 'exit')
  let said = ''
  child.stderr.on('data', chunk => { said = (said + chunk).slice(-2_000) })
  const stop = async () => {
    const kill = setTimeout(() => child.kill('SIGKILL'), stopMs)
    child.kill('SIGTERM')
    await exited.catch(() => undefined)
    clearTimeout(kill)
    await rm(dataDir, { recursive: true, force: true })
  }
  const isOver = exited.then(([code]) => { throw new Error(`${peer.name} ended with ${code} before it served: ${file} ${args.join(' ')}\n${said}`) })
  try {
    const { url } = await Promise.race([firstJson(child.stdout), isOver])
    isOver.catch(() => undefined)
    return { url, pid: Number(child.pid), said: () => said, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @param {import('node:stream').Readable} output */
const firstJson = async output => {
  let text = ''
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += chunk
    try {
      const document = JSON.parse(text)
      output.resume()
      return document
    } catch {
      // More of it is to come.
    }
  }
  return new Promise(() => undefined)
}
