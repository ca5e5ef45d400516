// @ts-check
// A peer's server as a child process: started on a free port, with a fresh data directory unless one is given; stopped with everything it left.
import { spawn } from 'node:child_process'
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
 * @property {() => string} said what it wrote last
 * @property {() => Promise<void>} stop
 */

/**
 * @param {import('./peers/index.mjs').Peer} peer
 * @param {{ readonly nodeFlags?: readonly string[], readonly flags?: readonly string[], readonly dataDir?: string, readonly signal: AbortSignal }} options
 * @returns {Promise<Server>}
 */
export const startServer = async (peer, { nodeFlags = [], flags = [], dataDir: given, signal }) => {
  const dataDir = given ?? await mkdtemp(join(tmpdir(), 'agentchat-bench-'))
  const [file = '', ...args] = peer.command?.(dataDir, nodeFlags) ?? [process.execPath, ...nodeFlags, serveFile, peer.name]
  const child = spawn(file, [...args, ...flags], { stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' })
  let said = ''
  const stop = async () => {
    const kill = setTimeout(() => child.kill('SIGKILL'), stopMs)
    child.kill('SIGTERM')
    await exited
    clearTimeout(kill)
    if (given === undefined) await rm(dataDir, { recursive: true, force: true })
  }
  /** @type {Promise<string>} */
  const serves = new Promise((resolve, reject) => {
    const onData = (/** @type {Buffer} */ chunk) => {
      said = (said + chunk).slice(-4_000)
      const place = (peer.place ?? /"url":\s*"([^"]+)"/).exec(said)?.[1]
      if (place !== undefined) resolve(place.includes('://') ? place : `tcp://${place}`)
    }
    child.stdout.on('data', onData)
    child.stderr.on('data', onData)
    child.on('error', reject)
    child.on('exit', code => reject(new Error(`${peer.name} ended with ${code} before it served: ${file} ${args.join(' ')}\n${said}`)))
  })
  const exited = new Promise(resolve => child.on('close', resolve))
  try {
    return { url: await serves, pid: Number(child.pid), said: () => said, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
