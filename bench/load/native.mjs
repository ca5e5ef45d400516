// @ts-check
// The load as a program of its own, compiled on the spot: opened sockets are handed to it as descriptors, so that no protocol is written twice.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { clientsOf, wordsOf } from './plan.mjs'

/** Compiles it into a directory, and gives the file, or nothing where that is not possible. @param {string} directory */
export const compileLoad = directory => {
  if (process.platform !== 'linux') return undefined
  const file = join(directory, 'load')
  const { status } = spawnSync(process.env['CXX'] ?? 'c++', ['-O2', '-std=c++20', '-o', file, fileURLToPath(new URL('./load.cpp', import.meta.url))], { stdio: ['ignore', 'ignore', 'inherit'] })
  return status === 0 ? file : undefined
}

/**
 * @param {string} file
 * @param {import('./plan.mjs').Plan} plan
 * @param {(sample: import('./plan.mjs').Sample) => void} onSample
 * @returns {Promise<import('./plan.mjs').Seen>}
 */
export const driveNatively = async (file, plan, onSample) => {
  const sockets = clientsOf(plan).map(({ socket }) => socket.pause())
  const child = spawn(file, { stdio: ['pipe', 'pipe', 'inherit', ...sockets] })
  const exited = once(child, 'exit')
  const [input, output] = child.stdio
  input?.end(wordsOf(plan))
  /** @type {import('./plan.mjs').Seen} */
  const seen = { samples: [], closed: [] }
  for await (const line of createInterface({ input: /** @type {import('node:stream').Readable} */ (output) })) {
    const [word, ...rest] = line.split(' ')
    const [first, second, third] = rest.map(Number)
    if (word === 'closed') seen.closed.push(first)
    if (word === 'latency') seen.latency = { p50: first, p99: second }
    if (word === 'sample') {
      seen.samples.push({ at: first, deliveries: second, own: third })
      onSample(seen.samples[seen.samples.length - 1])
    }
  }
  const [code] = await exited
  if (code !== 0) throw new Error(`the load ended with ${code}`)
  return seen
}
