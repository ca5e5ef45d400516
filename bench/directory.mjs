// @ts-check
// What a query of a directory of 10,000 relays costs the relay's process in CPU, and how long it takes. Needs a build: npm run build.
import { spawn } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'

const { values } = parseArgs({ options: { servers: { type: 'string', default: '10000' }, rounds: { type: 'string', default: '50' }, 'max-ms': { type: 'string', default: '50' }, json: { type: 'boolean' }, help: { type: 'boolean' } } })
if (values.help) {
  console.log('Usage: node bench/directory.mjs [--servers 10000] [--rounds 50] [--max-ms 50] [--json]\nExit code 1 if a query takes more CPU than --max-ms at its median.')
  process.exit(0)
}
const count = Number(values.servers)
const rounds = Number(values.rounds)
const bin = process.env['AGENTCHAT_BIN'] ?? fileURLToPath(new URL('../dist/bin/agentchat.js', import.meta.url))
const data = mkdtempSync(join(tmpdir(), 'agentchat-directory-'))

/** A relay process, and its url once it listens. */
const serve = async () => {
  const child = spawn(process.execPath, [bin, 'serve', '--host', '127.0.0.1', '--port', '0', '--data', data, '--directory', 'yes', '--probe-every-ms', '1d', '--log-level', 'warn', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise((resolve, reject) => {
    let text = ''
    child.once('exit', code => reject(new Error(`the relay ended with ${code}`)))
    child.stdout.setEncoding('utf8').on('data', part => {
      text += part
      if (text.includes('\n')) resolve(JSON.parse(text).url)
    })
  })
  return { child, http: String(url).replace(/^ws/, 'http'), stop: async () => { child.kill(); await new Promise(resolve => child.once('exit', resolve)) } }
}

/** CPU of a process so far, ms; ticks are 10 ms, so many queries are measured together. */
const cpuMs = (/** @type {number} */ pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Entries as announcements leave them, written into the relay's own tables while it is down. */
const fill = () => {
  const db = new Database(join(data, 'agentchat.db'))
  const now = Date.now()
  const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const row = db.prepare(`INSERT INTO servers VALUES (@id, 'listed', @url, @host, @region, @words, @features, @now, @end, 'bench', @seen, @online, @now, @next, 12, 3, 0, NULL, 0.99, 0.98)`)
  const text = db.prepare('INSERT INTO server_documents VALUES (?, ?)')
  const features = ['session', 'identity', 'channels', 'messages', 'inbox', 'history', 'presence', 'proposals', 'escrow', 'receipts', 'skills', 'profiles']
  db.transaction(() => {
    for (let n = 0; n < count; n++) {
      const id = createHash('sha256').update(String(n)).digest('hex')
      const own = features.filter((_, i) => (n + i) % 3 > 0)
      const region = ['eu', 'us', 'asia'][n % 3]
      const url = `wss://relay-${n}.example`
      const description = `Relay number ${n} for ${['builders', 'traders', 'translators', 'reviewers'][n % 4]}, kept by people who like quiet evenings and careful work`
      const document = {
        format: 'agentchat-server/1', server_id: id, pubkey: pem, name: `relay-${n}`, description, region, urls: [url], protocol: 'agentchat/1', version: '0.1.0', status: 'healthy', features: own,
        limits: { max_frame_bytes: 2_097_152, msg_rate: 1, msg_burst: 10, max_page: 200, max_pending_bytes: 8_388_608, ping_interval_ms: 25_000 },
        policies: { registration: 'open', retention: { age_ms: 0, count: 0, bytes: 0 } }, counts: { agents: 3, with_identity: 2, channels: 9, public_channels: 8 },
        started_at: now, uptime_seconds: 60, issued_at: now, expires_at: now + 86_400_000, sig: 'x'.repeat(88),
      }
      row.run({ id, url, host: `relay-${n}.example`, region, words: `relay-${n} ${description} ${region} ${own.join(' ')}`.toLowerCase(), features: ` ${own.join(' ')} `, now, end: now + 86_400_000, seen: now - n, online: n % 5 === 0 ? 0 : 1, next: now + 86_400_000 })
      text.run(id, JSON.stringify(document))
    }
  })()
  db.close()
}

const queries = {
  'first page': '?limit=50',
  'largest page': '?limit=200',
  'a page far behind': '',
  'one word': '?q=translators&limit=50',
  'three words': '?q=careful%20evenings%20relay-99&limit=50',
  'a word nobody has': '?q=zzz',
  'feature, region, online': '?feature=escrow,proposals&region=eu&online=true&limit=50',
}

try {
  await (await serve()).stop()
  fill()
  const relay = await serve()
  const results = []
  try {
    const list = `${relay.http}/directory/servers`
    let far = '?limit=200'
    for (let turned = 0; turned < count / 200 - 2; turned++) far = new URL((await (await fetch(`${list}${far}`)).json()).next, list).search
    for (const [name, query] of Object.entries(queries)) {
      const url = `${list}${query === '' ? far : query}`
      for (let n = 0; n < 5; n++) await (await fetch(url)).arrayBuffer()
      const before = cpuMs(relay.child.pid ?? 0)
      const startedAt = performance.now()
      let bytes = 0
      for (let n = 0; n < rounds; n++) bytes = (await (await fetch(url)).arrayBuffer()).byteLength
      results.push({ query: name, cpu_ms: Math.round((cpuMs(relay.child.pid ?? 0) - before) / rounds * 100) / 100, wall_ms: Math.round((performance.now() - startedAt) / rounds * 100) / 100, bytes })
    }
  } finally {
    await relay.stop()
  }
  const worst = Math.max(...results.map(({ cpu_ms }) => cpu_ms))
  if (values.json) console.log(JSON.stringify({ servers: count, rounds, results, worst_cpu_ms: worst }))
  else {
    console.log(`A directory of ${count} relays, ${rounds} queries each; CPU of the relay's process\n`)
    for (const { query, cpu_ms, wall_ms, bytes } of results) console.log(`${query.padEnd(26)} ${cpu_ms.toFixed(2).padStart(8)} ms CPU ${wall_ms.toFixed(2).padStart(9)} ms ${String(bytes).padStart(9)} bytes`)
    console.log(`\nworst: ${worst} ms of CPU per query; the target is ${values['max-ms']}`)
  }
  process.exitCode = worst <= Number(values['max-ms']) ? 0 : 1
} finally {
  rmSync(data, { recursive: true, force: true })
}
