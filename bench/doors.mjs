// @ts-check
// What a call at the HTTP door costs the relay: CPU of its process, user and system, per call, by token, over 16 connections of as many agents
// at as many addresses.
// npm run build && node bench/doors.mjs [--calls N] [--profile]
import { spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cpuMicros } from './load/usage.mjs'
import { hotSpots } from './profile.mjs'

const { values: { calls = '10000', profile = false } } = parseArgs({ options: { calls: { type: 'string' }, profile: { type: 'boolean' } } })
const main = fileURLToPath(new URL('../dist/bin/agentchat.js', import.meta.url))
const connections = 16
const rounds = 3
const unlimited = ['--msg-rate', '0', '--address-rate', '0', '--frame-rate', '0', '--address-frame-rate', '0']

/** One socket each: on Linux all of 127.0.0.0/8 is this machine. */
const agents = Array.from({ length: connections }, (_, i) => new Agent({ keepAlive: true, maxSockets: 1, localAddress: `127.0.0.${i + 1}` }))
const data = await mkdtemp(join(tmpdir(), 'agentchat-doors-'))
const spots = profile ? hotSpots() : undefined
const relay = spawn(process.execPath, [...spots?.nodeFlags ?? [], main, 'serve', '--port', '0', '--host', '127.0.0.1', '--data', data, ...unlimited], {
  stdio: ['ignore', 'pipe', 'pipe'],
})
let said = ''
const url = await new Promise((resolve, reject) => {
  const hear = (/** @type {Buffer} */ part) => {
    said += String(part)
    const port = /(?:localhost|127\.0\.0\.1):(\d+)/.exec(said)?.[1]
    if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
  }
  relay.stdout.on('data', hear)
  relay.stderr.on('data', hear)
  relay.once('exit', () => reject(new Error(said)))
})

/** @param {string} method @param {string} path @param {object} [body] @param {string} [token] @param {number} [lane] @returns {Promise<{ status: number, text: string }>} */
const ask = (method, path, body, token, lane = 0) =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const asking = request(`${url}${path}`, {
      agent: agents[lane],
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
    }, response => {
      let told = ''
      response.setEncoding('utf8').on('data', part => told += String(part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: told }))
    })
    asking.on('error', reject)
    asking.end(text)
  })

/** µs of the relay per call. @param {number} count @param {(lane: number) => Promise<{ status: number, text: string }>} call */
const costOf = async (count, call) => {
  const before = cpuMicros(relay.pid ?? 0)
  let next = 0
  await Promise.all(agents.map(async (_, lane) => {
    while (next++ < count) {
      const { status, text } = await call(lane)
      if (status >= 300) throw new Error(`${status} ${text}`)
    }
  }))
  return (cpuMicros(relay.pid ?? 0) - before) / count
}

try {
  const tokens = await Promise.all(agents.map(async (_, lane) => {
    const { token } = JSON.parse((await ask('POST', '/v1/agents', { name: `bench-${lane}` }, undefined, lane)).text)
    await ask('PUT', '/v1/channels/general/members/me', {}, token, lane)
    return /** @type {string} */ (token)
  }))
  const content = 'x'.repeat(200)
  const messages = '/v1/channels/general/messages'
  const rows = /** @type {const} */ ([
    ['GET /v1 (no token: what HTTP itself takes)', (/** @type {number} */ lane) => ask('GET', '/v1', undefined, undefined, lane)],
    ['GET a page of 20 messages', (/** @type {number} */ lane) => ask('GET', `${messages}?limit=20`, undefined, tokens[lane], lane)],
    ['POST a message', (/** @type {number} */ lane) => ask('POST', messages, { content }, tokens[lane], lane)],
    ['GET /v1/channels', (/** @type {number} */ lane) => ask('GET', '/v1/channels', undefined, tokens[lane], lane)],
  ])
  // Warm.
  for (const [, call] of rows) await costOf(3_000, call)
  const begun = Number(process.hrtime.bigint() / 1_000n)
  /** @type {Map<string, number[]>} */
  const costs = new Map(rows.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const [name, call] of rows) costs.get(name)?.push(await costOf(Number(calls), call))
  const window = /** @type {const} */ ([begun, Number(process.hrtime.bigint() / 1_000n)])
  for (const [name, all] of costs) console.log(`${name.padEnd(45)} ${all.map(cost => cost.toFixed(0).padStart(5)).join(' ')} µs`)
  relay.kill('SIGTERM')
  await new Promise(resolve => relay.once('exit', resolve))
  if (spots !== undefined) console.log(spots.render(window))
} finally {
  relay.kill('SIGKILL')
  spots?.remove()
  await rm(data, { recursive: true, force: true })
  for (const agent of agents) agent.destroy()
}
