// @ts-check
// What a call of an MCP tool over HTTP costs the relay's process in CPU, by the official client and in both eras. Needs a build: npm run build.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { hotSpots } from './profile.mjs'
import { cpuSpeed, reference } from './workloads/machine.mjs'

const { values } = parseArgs({ options: { calls: { type: 'string', default: '100' }, 'max-ms': { type: 'string', default: '3' }, profile: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } } })
if (values.help) {
  console.log('Usage: node bench/mcp.mjs [--calls 100] [--max-ms 3] [--profile] [--json]\nThe first --calls of a kind run code that was not compiled yet; then come four times as many, and the median of the four counts. Exit code 1 if a history of 20 messages takes more CPU than --max-ms in either era, on a machine as fast as the one for which limits are set. --profile: where the time goes.')
  process.exit(0)
}
const count = Number(values.calls)
const bin = process.env['AGENTCHAT_BIN'] ?? fileURLToPath(new URL('../dist/bin/agentchat.js', import.meta.url))
const { AgentChatClient } = await import(new URL('../lib/index.js', `file://${bin}`).href)
const { createVerify, wsTransport } = await import(new URL('../lib/node/index.js', `file://${bin}`).href)
const { generateKeyPair, identityFrom } = await import(new URL('../lib/identity/index.js', `file://${bin}`).href)
const data = mkdtempSync(join(tmpdir(), 'agentchat-mcp-'))
const profiled = values.profile ? hotSpots() : undefined

/** @type {import('node:child_process').ChildProcess} */
let child
const url = await new Promise((resolve, reject) => {
  const flags = ['--host', '127.0.0.1', '--port', '0', '--data', data, '--log-level', 'warn', '--msg-rate', '0', '--address-rate', '0', '--json']
  child = spawn(process.execPath, [...profiled?.nodeFlags ?? [], bin, 'serve', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.once('exit', code => reject(new Error(`the relay ended with ${code}`)))
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', part => {
    text += part
    if (text.includes('\n')) resolve(JSON.parse(text).url)
  })
})

/** CPU of the relay's process so far, all its threads, ms; of those that have ended nothing. */
const cpuMs = () => {
  const tasks = `/proc/${child.pid}/task`
  return readdirSync(tasks).reduce((sum, task) => sum + Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e6
}

/** Hosts take turns, and rest after each round: one token may ask 30 times at once and twice a second, one address 150 times. */
const hostCount = 5
const refillMs = 11_000
const settledRounds = 4
const calls = {
  'history of 20': { name: 'history', arguments: { of: '#general', limit: 20 } },
  'receive, nothing there': { name: 'receive', arguments: {} },
  'find channels': { name: 'find', arguments: { what: 'channels' } },
}

try {
  const wire = new AgentChatClient({ transport: wsTransport, verify: createVerify(), server: url, identity: identityFrom(generateKeyPair().privateKey, { name: 'bench' }), name: 'bench' })
  await wire.connect()
  await wire.join('#general')
  for (let n = 0; n < 20; n++) await wire.send('#general', `${n} ${'a message of an ordinary length, as agents send them to each other. '.repeat(3)}`)
  const results = []
  /** @type {any[]} */
  const speeds = []
  const begun = Number(process.hrtime.bigint() / 1_000n)
  for (const era of ['2026-07-28', '2025-11-25']) {
    for (const [what, call] of Object.entries(calls)) {
      const hosts = []
      for (let n = 0; n < hostCount; n++) {
        const { token, token_id } = await wire.request('TOKEN_CREATE', { name: 'bench' })
        const host = new Client({ name: 'bench', version: '1' }, era === '2026-07-28' ? { versionNegotiation: { mode: 'auto' } } : {})
        const at = new URL(`${url.replace(/^ws/, 'http')}/mcp`)
        await host.connect(new StreamableHTTPClientTransport(at, { requestInit: { headers: { authorization: `Bearer ${token}` } } }))
        const before = cpuMs()
        await host.callTool(call)
        hosts.push({ host, token_id, firstMs: cpuMs() - before })
      }
      const rounds = []
      for (let n = 0; n <= settledRounds; n++) {
        if (n > 0) await new Promise(resolve => setTimeout(resolve, refillMs))
        const before = cpuMs()
        for (let n = 0; n < count; n++) {
          const { isError } = await hosts[n % hosts.length].host.callTool(call)
          if (isError) throw new Error(`${what} failed`)
        }
        rounds.push((cpuMs() - before) / count)
      }
      const [early = NaN, ...settled] = rounds
      results.push({ era, what, cpu_ms: round(median(settled)), early_ms: round(early), first_ms: round(hosts[0].firstMs) })
      for (const { host, token_id } of hosts) {
        await host.close()
        await wire.request('TOKEN_REVOKE', { token_id })
      }
      speeds.push(cpuSpeed())
      // Until all may ask again.
      await new Promise(resolve => setTimeout(resolve, refillMs))
    }
  }
  const ended = Number(process.hrtime.bigint() / 1_000n)
  await wire.close()
  child.kill()
  await new Promise(resolve => child.once('exit', resolve))
  const worst = Math.max(...results.filter(({ what }) => what.startsWith('history')).map(({ cpu_ms }) => cpu_ms))
  // CPU of the same work in the same minutes: whoever shares its caches slows both.
  const slowness = Math.sqrt(Object.entries(reference).reduce((product, [figure, there]) => product * there / median(speeds.map(speed => speed[figure])), 1))
  const limit = round(Number(values['max-ms']) * Math.max(1, slowness))
  if (values.json) console.log(JSON.stringify({ calls: count, results, worst_history_ms: worst, slowness: round(slowness), limit_here_ms: limit }))
  else {
    console.log(`MCP over HTTP, calls one after the other; CPU of the relay's process, ms a call\n`)
    console.log(`${''.padEnd(36)} the first   first ${String(count).padEnd(4)} later`)
    for (const { era, what, cpu_ms, early_ms, first_ms } of results)
      console.log(`${era}  ${what.padEnd(24)} ${[first_ms, early_ms, cpu_ms].map(ms => ms.toFixed(2).padStart(9)).join(' ')}`)
    console.log(`\nhistory: ${worst} ms at worst; the target is ${values['max-ms']}, here, where things take ${slowness.toFixed(1)} times as long, ${limit}`)
  }
  if (profiled) console.log(profiled.render([begun, ended]))
  process.exitCode = worst <= limit ? 0 : 1
} finally {
  child.kill()
  profiled?.remove()
  rmSync(data, { recursive: true, force: true })
}

/** @param {number} ms */
function round(ms) {
  return Math.round(ms * 100) / 100
}

/** @param {readonly number[]} all */
function median(all) {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? NaN
}
