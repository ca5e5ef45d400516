// @ts-check
// What a call at the HTTP door costs the relay: CPU of its process, user and system, per call, over 16 connections of as many agents at as
// many addresses. Beside it, in the same rounds, a bare node:http server that sends the same, and the same page over WebSocket: what no door
// can do without.
// npm run build && node bench/doors.mjs [--calls N] [--only get,post,signed] [--profile]
import { spawn } from 'node:child_process'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { Agent, request } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { cpuMicros } from './load/usage.mjs'
import { hotSpots } from './profile.mjs'

const { values: { calls = '10000', only = '', profile = false } } = parseArgs({
  options: { calls: { type: 'string' }, only: { type: 'string' }, profile: { type: 'boolean' } },
})
const main = process.env['AGENTCHAT_BIN'] ?? fileURLToPath(new URL('../dist/bin/agentchat.js', import.meta.url))
const { identityFrom, signHttpRequest } = await import(new URL('../lib/identity/index.js', `file://${main}`).href)
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
const bare = spawn(process.execPath, [fileURLToPath(new URL('./peers/http.mjs', import.meta.url))], { stdio: ['ignore', 'pipe', 'pipe'] })

/** Where a process listens, by what it says. @param {import('node:child_process').ChildProcess} child @returns {Promise<string>} */
const urlOf = child =>
  new Promise((resolve, reject) => {
    let said = ''
    const hear = (/** @type {Buffer} */ part) => {
      said += String(part)
      const port = /(?:localhost|127\.0\.0\.1):(\d+)/.exec(said)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', () => reject(new Error(said)))
  })
const [url, bareUrl] = await Promise.all([urlOf(relay), urlOf(bare)])

/** @param {string} method @param {string} path @param {{ body?: object, token?: string, lane?: number, at?: string, sign?: (asked: object) => object }} [more] @returns {Promise<{ status: number, text: string }>} */
const ask = (method, path, { body, token, lane = 0, at = url, sign } = {}) =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    /** @type {Record<string, string>} */
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
    }
    const { host, pathname, search } = new URL(path, at)
    const signed = sign?.({ method, authority: host, path: pathname, query: search, header: (/** @type {string} */ name) => headers[name], body: Buffer.from(text) })
    const asking = request(`${at}${path}`, { agent: agents[lane], method, headers: { ...headers, ...signed } }, response => {
      let told = ''
      response.setEncoding('utf8').on('data', part => told += String(part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: told }))
    })
    // A socket that waited through the other rows may have been ended by the server meanwhile.
    asking.on('error', error => {
      if (!asking.reusedSocket) reject(error)
      else ask(method, path, { body, token, lane, at, sign }).then(resolve, reject)
    })
    asking.end(text)
  })

/** A client of the wire, by its key. @param {number} lane @param {string} name */
const wireOf = async (lane, name) => {
  const socket = new WebSocket(url.replace('http', 'ws'), { localAddress: `127.0.0.${lane + 1}` })
  await new Promise(resolve => socket.once('open', resolve))
  let n = 0
  /** @type {Map<string, (frame: any) => void>} */
  const waiting = new Map()
  socket.on('message', data => {
    const text = String(data)
    const id = /"re":"(b\d+)"/.exec(text)?.[1]
    if (id === undefined) return
    waiting.get(id)?.({ status: 200, text })
    waiting.delete(id)
  })
  /** @param {object} frame @returns {Promise<{ status: number, text: string }>} */
  const say = frame =>
    new Promise(resolve => {
      const id = `b${++n}`
      waiting.set(id, resolve)
      socket.send(JSON.stringify({ ...frame, id }))
    })
  await say({ type: 'IDENTIFY', name })
  return { say, socket }
}

/** µs of a process per call. @param {number} pid @param {number} count @param {(lane: number) => Promise<{ status: number, text: string }>} call */
const costOf = async (pid, count, call) => {
  const before = cpuMicros(pid)
  let next = 0
  await Promise.all(agents.map(async (_, lane) => {
    while (next++ < count) {
      const { status, text } = await call(lane)
      if (status >= 300) throw new Error(`${status} ${text}`)
    }
  }))
  return (cpuMicros(pid) - before) / count
}

/** µs of this process's own CPU for one signature. */
const costOfVerifying = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const text = Buffer.alloc(300, 'x')
  const signature = sign(null, text, privateKey)
  const count = 2_000
  for (let n = 0; n < 200; n++) verify(null, text, publicKey, signature)
  const before = process.cpuUsage()
  for (let n = 0; n < count; n++) verify(null, text, publicKey, signature)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

try {
  const guests = await Promise.all(agents.map(async (_, lane) => {
    const { agent_id: agentId, token, private_key: key } = JSON.parse((await ask('POST', '/v1/agents', { body: { name: `bench-${lane}` }, lane })).text)
    await ask('PUT', '/v1/channels/general/members/me', { body: {}, token, lane })
    const identity = identityFrom(key, { name: `bench-${lane}` })
    if (identity.agentId !== agentId) throw new Error('not its key')
    return { token: /** @type {string} */ (token), sign: (/** @type {object} */ asked) => signHttpRequest(identity, asked, Date.now()) }
  }))
  const wires = await Promise.all(agents.map((_, lane) => wireOf(lane, `wire-${lane}`)))
  const content = 'x'.repeat(200)
  const messages = '/v1/channels/general/messages'
  const page = `${messages}?limit=20`
  // A page is full from the first call on.
  for (let n = 0; n < 40; n++) await ask('POST', messages, { body: { content }, token: guests[0]?.token })
  const [relayPid, barePid] = [relay.pid ?? 0, bare.pid ?? 0]
  /** @typedef {readonly [kind: string, name: string, pid: number, call: (lane: number) => Promise<{ status: number, text: string }>]} Row */
  /** @type {readonly Row[]} */
  const all = [
    ['get', 'bare node:http: GET of 8 KB', barePid, lane => ask('GET', page, { at: bareUrl, lane, token: guests[lane]?.token })],
    ['get', 'the same page over WebSocket', relayPid, lane => /** @type {any} */ (wires[lane]).say({ type: 'HISTORY', channel: '#general', limit: 20 })],
    ['get', 'GET /v1, no token', relayPid, lane => ask('GET', '/v1', { lane })],
    ['get', 'GET a page of 20 messages', relayPid, lane => ask('GET', page, { token: guests[lane]?.token, lane })],
    ['get', 'the same page, signed', relayPid, lane => ask('GET', page, { sign: guests[lane]?.sign, lane })],
    ['get', 'GET /v1/channels', relayPid, lane => ask('GET', '/v1/channels', { token: guests[lane]?.token, lane })],
    ['post', 'bare node:http: POST of 200 characters', barePid, lane => ask('POST', messages, { body: { content }, at: bareUrl, lane, token: guests[lane]?.token })],
    ['post', 'the same message over WebSocket', relayPid, lane => /** @type {any} */ (wires[lane]).say({ type: 'MSG', to: '#general', content })],
    ['post', 'POST a message', relayPid, lane => ask('POST', messages, { body: { content }, token: guests[lane]?.token, lane })],
    ['post', 'the same, signed', relayPid, lane => ask('POST', messages, { body: { content }, sign: guests[lane]?.sign, lane })],
  ]
  const rows = all.filter(([kind, name]) => only === '' || only.split(',').some(word => kind === word || name.includes(word)))
  // Warm.
  for (const [, , pid, call] of rows) await costOf(pid, Math.min(3_000, Number(calls)), call)
  const begun = Number(process.hrtime.bigint() / 1_000n)
  /** @type {Map<string, number[]>} */
  const costs = new Map(rows.map(([, name]) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const [, name, pid, call] of rows) costs.get(name)?.push(await costOf(pid, Number(calls), call))
  const window = /** @type {const} */ ([begun, Number(process.hrtime.bigint() / 1_000n)])
  const median = (/** @type {number[]} */ each) => each.toSorted((a, b) => a - b)[Math.floor(each.length / 2)] ?? NaN
  for (const [kind, name] of rows) {
    const each = costs.get(name) ?? []
    const bareOf = median(costs.get(rows.find(row => row[0] === kind)?.[1] ?? '') ?? [])
    console.log(`${name.padEnd(42)} ${each.map(cost => cost.toFixed(0).padStart(5)).join(' ')} µs ${(median(each) / bareOf).toFixed(2).padStart(6)} × bare`)
  }
  console.log(`${'a signature of Ed25519 checked'.padEnd(42)} ${costOfVerifying().toFixed(0).padStart(5)} µs`)
  for (const { socket } of wires) socket.terminate()
  relay.kill('SIGTERM')
  await new Promise(resolve => relay.once('exit', resolve))
  if (spots !== undefined) console.log(spots.render(window))
} finally {
  relay.kill('SIGKILL')
  bare.kill('SIGKILL')
  spots?.remove()
  await rm(data, { recursive: true, force: true })
  for (const agent of agents) agent.destroy()
}
