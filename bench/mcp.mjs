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

const { values } = parseArgs({ options: { calls: { type: 'string', default: '100' }, 'max-ms': { type: 'string', default: '3' }, profile: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } } })
if (values.help) {
  console.log('Usage: node bench/mcp.mjs [--calls 100] [--max-ms 3] [--profile] [--json]\nExit code 1 if a history of 20 messages takes more CPU than --max-ms in either era. --profile: where the time goes.')
  process.exit(0)
}
const count = Number(values.calls)
const bin = process.env['AGENTCHAT_BIN'] ?? fileURLToPath(new URL('../dist/bin/agentchat.js', import.meta.url))
const { AgentChatClient, createIdentity } = await import(new URL('../lib/index.js', `file://${bin}`).href)
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

/** What the door lets one token ask at once; a call is paced by that, and what it waits is no CPU. */
const burst = 25
const calls = {
  'history of 20': { name: 'history', arguments: { of: '#general', limit: 20 } },
  'receive, nothing there': { name: 'receive', arguments: {} },
  'find channels': { name: 'find', arguments: { what: 'channels' } },
}

try {
  const wire = new AgentChatClient(url, { identity: createIdentity('bench') })
  await wire.connect()
  await wire.join('#general')
  for (let n = 0; n < 20; n++) await wire.send('#general', `${n} ${'a message of an ordinary length, as agents send them to each other. '.repeat(3)}`)
  const results = []
  const begun = Number(process.hrtime.bigint() / 1_000n)
  for (const era of ['2026-07-28', '2025-11-25']) {
    for (const [what, call] of Object.entries(calls)) {
      const hosts = []
      for (let n = 0; n < Math.ceil(count / burst); n++) {
        const { token, token_id } = await wire.request('TOKEN_CREATE', { name: 'bench' })
        const host = new Client({ name: 'bench', version: '1' }, era === '2026-07-28' ? { versionNegotiation: { mode: 'auto' } } : {})
        const at = new URL(`${url.replace(/^ws/, 'http')}/mcp`)
        await host.connect(new StreamableHTTPClientTransport(at, { requestInit: { headers: { authorization: `Bearer ${token}` } } }))
        const before = cpuMs()
        await host.callTool(call)
        hosts.push({ host, token_id, firstMs: cpuMs() - before })
      }
      const before = cpuMs()
      for (let n = 0; n < count; n++) {
        const { isError } = await hosts[n % hosts.length].host.callTool(call)
        if (isError) throw new Error(`${what} failed`)
      }
      const after = cpuMs()
      results.push({ era, what, cpu_ms: round((after - before) / count), first_ms: round(hosts[0].firstMs) })
      for (const { host, token_id } of hosts) {
        await host.close()
        await wire.request('TOKEN_REVOKE', { token_id })
      }
      // Until all may ask again.
      await new Promise(resolve => setTimeout(resolve, 8_000))
    }
  }
  const ended = Number(process.hrtime.bigint() / 1_000n)
  await wire.close()
  child.kill()
  await new Promise(resolve => child.once('exit', resolve))
  const worst = Math.max(...results.filter(({ what }) => what.startsWith('history')).map(({ cpu_ms }) => cpu_ms))
  if (values.json) console.log(JSON.stringify({ calls: count, results, worst_history_ms: worst }))
  else {
    console.log(`MCP over HTTP, ${count} calls one after the other; CPU of the relay's process\n`)
    for (const { era, what, cpu_ms, first_ms } of results) console.log(`${era}  ${what.padEnd(24)} ${cpu_ms.toFixed(2).padStart(7)} ms a call ${first_ms.toFixed(1).padStart(7)} ms the first`)
    console.log(`\nhistory: ${worst} ms at worst; the target is ${values['max-ms']}`)
  }
  if (profiled) console.log(profiled.render([begun, ended]))
  process.exitCode = worst <= Number(values['max-ms']) ? 0 : 1
} finally {
  child.kill()
  profiled?.remove()
  rmSync(data, { recursive: true, force: true })
}

/** @param {number} ms */
function round(ms) {
  return Math.round(ms * 100) / 100
}
