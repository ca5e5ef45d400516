// @ts-check
// How long the relay's event loop stands still for each dear request: the longest delay that perf_hooks sees in its process while the
// request is repeated by one client, without allowances. Needs a build: npm run build.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { cpuSpeed, reference } from './workloads/machine.mjs'

const { values } = parseArgs({ options: {
  seconds: { type: 'string', default: '3' }, messages: { type: 'string', default: '20000' }, members: { type: 'string', default: '2000' },
  'max-ms': { type: 'string', default: '20' }, only: { type: 'string' }, json: { type: 'boolean' }, save: { type: 'boolean' }, help: { type: 'boolean' },
} })
if (values.help) {
  console.log('Usage: node bench/stalls.mjs [--seconds 3] [--messages 20000] [--members 2000] [--max-ms 20] [--only NAME,…] [--json] [--save]\n'
    + 'Exit code 1 if a request stalls the event loop for longer than --max-ms, on a machine as fast as the one for which limits are set.\n--save: writes the table into bench/RESULTS.md.')
  process.exit(0)
}
const runMs = Number(values.seconds) * 1_000
const [messages, members, maxMs] = [Number(values.messages), Number(values.members), Number(values['max-ms'])]
const channels = 1_000
const skilled = 100
const skillsOfEach = 30
const erased = 5
const bin = process.env['AGENTCHAT_BIN'] ?? fileURLToPath(new URL('../dist/bin/agentchat.js', import.meta.url))
const { AgentChatClient } = await import(new URL('../lib/index.js', `file://${bin}`).href)
const { createVerify, wsTransport } = await import(new URL('../lib/node/index.js', `file://${bin}`).href)
const { generateKeyPair, identityFrom } = await import(new URL('../lib/identity/index.js', `file://${bin}`).href)
const data = mkdtempSync(join(tmpdir(), 'agentchat-stalls-'))
const unlimited = ['msg-rate', 'address-rate', 'frame-rate', 'address-frame-rate', 'max-connections-per-ip', 'max-channels-per-agent', 'max-channels-per-address', 'max-memberships-per-agent', 'max-memberships-per-address']
const relay = spawn(process.execPath, [
  '--import', new URL('./load/loop-watch.mjs', import.meta.url).href, bin, 'serve', '--host', '127.0.0.1', '--port', '0', '--data', data, '--log-level', 'warn', '--json',
  ...unlimited.flatMap(name => [`--${name}`, '0']),
], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
/** @type {string} */
const url = await new Promise((resolve, reject) => {
  relay.once('exit', code => reject(new Error(`the relay ended with ${code}`)))
  let text = ''
  relay.stdout?.setEncoding('utf8').on('data', part => {
    text += part
    if (text.includes('\n')) resolve(JSON.parse(text).url)
  })
})
const httpUrl = url.replace(/^ws/, 'http')

/** What the relay's loop did since it was asked last. @returns {Promise<{ max: number, p99: number, worked: number, utilization: number }>} */
const watched = () => new Promise(resolve => { relay.once('message', resolve); relay.send('tell') })

let asked = 0
/** A client that does little with what it hears. */
const connect = async (/** @type {string} */ name) => {
  const ignored = (/** @type {string} */ _text) => {}
  const ws = new WebSocket(url, { maxPayload: 0 })
  /** @type {Map<string, (frame: any) => void>} */
  const waiting = new Map()
  let onText = ignored
  ws.on('message', (/** @type {Buffer} */ bytes) => {
    if (waiting.size === 0 && onText === ignored) return
    const text = bytes.toString()
    onText(text)
    const re = /"re":"(b\d+)"/.exec(text)?.[1]
    if (re === undefined) return
    const answered = waiting.get(re)
    waiting.delete(re)
    answered?.(JSON.parse(text))
  })
  await new Promise((resolve, reject) => { ws.once('open', resolve); ws.once('error', reject) })
  const client = {
    id: '',
    /** @param {object} request @param {boolean} [mayFail] @returns {Promise<any>} */
    ask: (request, mayFail = false) => new Promise((resolve, reject) => {
      const id = `b${asked++}`
      waiting.set(id, frame => frame.type === 'ERROR' && !mayFail ? reject(new Error(`${frame.code}: ${frame.message}`)) : resolve(frame))
      ws.send(JSON.stringify({ ...request, id }))
    }),
    hear: (heard = ignored) => { onText = heard },
    send: (/** @type {string} */ text) => ws.send(text),
    close: () => ws.terminate(),
  }
  client.id = (await client.ask({ type: 'IDENTIFY', name })).agent_id
  return client
}

/** So many at a time. @template T @param {number} count @param {number} atOnce @param {(i: number) => Promise<T>} work @returns {Promise<T[]>} */
const each = async (count, atOnce, work) => {
  /** @type {T[]} */
  const done = []
  for (let i = 0; i < count; i += atOnce) done.push(...await Promise.all(Array.from({ length: Math.min(atOnce, count - i) }, (_, j) => work(i + j))))
  return done
}

const vocabulary = 'relay agent message channel search history member signature proposal receipt inbox mention thread reaction budget token'.split(' ')
const sentence = (/** @type {number} */ n, words = 40) => Array.from({ length: words }, (_, i) => vocabulary[(n * 7 + i * (1 + n % 5)) % vocabulary.length]).join(' ')
const say = (/** @type {any} */ client, /** @type {string} */ to, /** @type {number} */ count) => each(count, 200, n => client.ask({ type: 'MSG', to, content: sentence(n) }))

const started = []
try {
  const main = await connect('main')
  started.push(main)
  await main.ask({ type: 'CREATE_CHANNEL', channel: '#big' })
  await main.ask({ type: 'CREATE_CHANNEL', channel: '#large' })
  await main.ask({ type: 'CREATE_CHANNEL', channel: '#room' })
  await main.ask({ type: 'CREATE_CHANNEL', channel: '#wrote' })
  await main.ask({ type: 'LEAVE', channel: '#wrote' })
  const [{ msg_id: first }] = await say(main, '#big', messages)
  for (let i = 0; i < 5; i++) await main.ask({ type: 'MSG', to: '#large', content: sentence(i, 90_000).slice(0, 500_000) })
  await each(channels, 100, i => main.ask({ type: 'CREATE_CHANNEL', channel: `#c${i}` }))
  const crowd = await each(members, 100, i => connect(`m${i}`))
  started.push(...crowd)
  await each(100, 100, i => crowd[i].ask({ type: 'JOIN', channel: '#room' }))
  const clientOf = async (/** @type {string} */ name) => {
    const client = new AgentChatClient({ transport: wsTransport, verify: createVerify(), server: url, identity: identityFrom(generateKeyPair().privateKey, { name }), name })
    await client.connect()
    started.push({ close: () => { void client.close() } })
    return client
  }
  await each(skilled, 10, async i => {
    const client = await clientOf(`s${i}`)
    await client.people.registerSkills(Array.from({ length: skillsOfEach }, (_, j) => ({ capability: `${vocabulary[j % vocabulary.length]}-${j}`, description: sentence(i + j), rate: j, currency: 'TEST' })))
  })
  const authors = await each(erased, 1, async i => {
    const author = await clientOf(`author${i}`)
    await author.join('#wrote')
    await each(Math.floor(messages / 4), 200, n => author.send('#wrote', sentence(n)))
    return author
  })
  const { token } = await authors[0].request('TOKEN_CREATE', { scopes: ['read'] })
  const get = async (/** @type {string} */ path, /** @type {Record<string, string>} */ headers = {}) => { const answer = await fetch(`${httpUrl}${path}`, { headers }); await answer.arrayBuffer(); if (!answer.ok) throw new Error(`${path}: ${answer.status}`) }
  const big = Buffer.alloc(2 * 1024 * 1024 - 100, 'x').toString()

  /** All that is told of #big, from the beginning. */
  const replay = () => new Promise((resolve, reject) => {
    main.hear(text => { if (text.includes(`"seq":${messages}`) && text.includes('"to":"#big"')) { main.hear(); resolve(undefined) } })
    main.ask({ type: 'JOIN', channel: '#big', since: 0 }).catch(reject)
  })
  /** @type {Readonly<Record<string, () => Promise<unknown>>>} */
  const requests = {
    'nothing': () => new Promise(resolve => setTimeout(resolve, 50)),
    'HISTORY, 200 messages': () => main.ask({ type: 'HISTORY', channel: '#big', after: 0, limit: 200 }),
    'HISTORY, five messages of 500 kB': () => main.ask({ type: 'HISTORY', channel: '#large', after: 0, limit: 200 }),
    'THREAD of a message': () => main.ask({ type: 'THREAD', msg_id: first }),
    'SEARCH of a word that every message has': () => main.ask({ type: 'SEARCH', text: 'relay' }),
    'SEARCH of nine words and a beginning, best first': () => main.ask({ type: 'SEARCH', text: `${vocabulary.slice(0, 9).join(' ')} pro*`, sort: 'best' }),
    'SEARCH_SKILLS of ten words': () => main.ask({ type: 'SEARCH_SKILLS', query: { text: vocabulary.slice(0, 10).join(' ') } }),
    'LIST_AGENTS': () => main.ask({ type: 'LIST_AGENTS', channel: '#general' }),
    'MEMBERS': () => main.ask({ type: 'MEMBERS', channel: '#general' }),
    'LIST_CHANNELS': () => main.ask({ type: 'LIST_CHANNELS' }),
    'LEADERBOARD': () => main.ask({ type: 'LEADERBOARD' }),
    'JOIN since 0': replay,
    'a login into channels of the others': async () => { (await connect('late')).close() },
    'MSG of 500 kB to 100 members': () => main.ask({ type: 'MSG', to: '#room', content: big.slice(0, 500_000) }),
    'a frame of 2 MiB, whose content is too large': () => main.ask({ type: 'MSG', to: '#room', content: big }, true),
    'a frame of 2 MiB of `{"a":`': async () => { main.send('{"a":'.repeat(400_000)); await main.ask({ type: 'PING' }) },
    'GET a page of 200': () => get('/v1/channels/wrote/messages?limit=200', { authorization: `Bearer ${token}` }),
    'GET /v1/openapi.json': () => get('/v1/openapi.json'),
    'GET /metrics': () => get('/metrics'),
    'ERASE of an author': async () => { const author = authors.pop(); if (author === undefined) return true; await author.request('ERASE', {}); return undefined },
  }
  // The index of words is made beside the commits.
  await new Promise(resolve => setTimeout(resolve, 5_000))
  const names = values.only?.split(',')
  const speed = cpuSpeed()
  const slowness = Math.max(1, Math.sqrt(Object.entries(reference).reduce((product, [what, there]) => product * there / speed[/** @type {keyof typeof speed} */ (what)], 1)))
  const rows = []
  for (const [name, run] of Object.entries(requests)) {
    if (names !== undefined && !names.some(each => name.includes(each))) continue
    await run()
    await new Promise(resolve => setTimeout(resolve, 300))
    await watched()
    let calls = 0
    for (const until = performance.now() + runMs; performance.now() < until; calls++) if (await run() === true) break
    rows.push({ name, calls, ...await watched() })
    if (!values.json) console.error(name)
  }
  const here = maxMs * slowness
  const ms = (/** @type {number} */ value) => value < 10 ? value.toFixed(1) : value.toFixed(0)
  const cells = rows.map(({ name, calls, max, p99, worked, utilization }) => [
    name, String(calls), ms(p99), ms(max), ms(worked), `${(utilization * 100).toFixed(0)} %`, worked <= here ? 'pass' : 'FAIL',
  ])
  const head = ['asked, again and again', 'times', 'p99 ms', 'longest ms', 'of it at work ms', 'loop busy', '']
  const widths = head.map((text, i) => Math.max(text.length, ...cells.map(line => line[i].length)))
  const line = (/** @type {readonly string[]} */ texts) => `| ${texts.map((text, i) => i === 0 || i === 6 ? text.padEnd(widths[i]) : text.padStart(widths[i])).join(' | ')} |`
  const table = [line(head), `|${widths.map((width, i) => i === 0 || i === 6 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`).join('|')}|`, ...cells.map(line)].join('\n')
  const text = `## How long the event loop stands still

${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]?.model.trim()} · Node ${process.versions.node} · load of the machine ${loadavg()[0].toFixed(0)} · ${slowness.toFixed(1)} times as slow as the machine for which limits are set: ${maxMs} ms there are ${ms(here)} here

Written by \`node bench/stalls.mjs --save\`: one client asks, without allowances, of a relay with ${messages.toLocaleString('en')} messages in #big and ${(messages * erased / 4).toLocaleString('en')} in #wrote, ${members.toLocaleString('en')} members connected, ${channels.toLocaleString('en')} channels and ${(skilled * skillsOfEach).toLocaleString('en')} skills. \`monitorEventLoopDelay\` in the relay's process, of a resolution of 1 ms; *at work*: so much CPU the loop's own thread took in one gap
at most: where that is less, another program had the processor. The limit is for that.

${table}`
  console.log(values.json ? JSON.stringify({ slowness, rows }) : text)
  if (values.save) {
    const file = new URL('RESULTS.md', import.meta.url)
    const [begin, end] = ['<!-- node bench/stalls.mjs -->', '<!-- end of node bench/stalls.mjs -->']
    const before = readFileSync(file, 'utf8')
    const [from, to] = [before.indexOf(begin), before.indexOf(end)]
    const section = `${begin}\n\n${text}\n\n`
    writeFileSync(file, from < 0 ? before.replace('## Under siege', `${section}${end}\n\n## Under siege`) : `${before.slice(0, from)}${section}${before.slice(to)}`)
  }
  process.exitCode = rows.every(({ worked }) => worked <= here) ? 0 : 1
} finally {
  for (const each of started) each.close()
  relay.kill()
  await new Promise(resolve => relay.exitCode === null ? relay.once('exit', resolve) : resolve(undefined))
  rmSync(data, { recursive: true, force: true })
}
