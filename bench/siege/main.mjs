// @ts-check
// npm run siege: every attack of rows.mjs against a fresh relay with its default limits and 512 MiB, beside honest agents that are
// measured before, during and after it.
import { execFileSync, fork } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { memoryMiB, prefer, putFirst, setApart, startRelay } from './relay.mjs'
import { rows } from './rows.mjs'

const usage = `npm run siege -- [options]
  --only NAME,…     these attacks alone
  --rows            lists the attacks, and does nothing
  --seconds N       length of each attack (default 8)
  --addresses N     from so many addresses at once (default 1; the other promise is about 20)
  --tree DIR        another built tree than this one
  --again           repeats a row that fails, once
  --json FILE       writes every figure
  --save            writes the table into bench/RESULTS.md`

const { values: options } = parseArgs({ options: {
  only: { type: 'string' }, rows: { type: 'boolean' }, seconds: { type: 'string', default: '8' }, addresses: { type: 'string', default: '1' },
  tree: { type: 'string', default: fileURLToPath(new URL('../..', import.meta.url)) }, again: { type: 'boolean' }, json: { type: 'string' },
  save: { type: 'boolean' }, help: { type: 'boolean' },
} })

/** What must hold while one address attacks, and what while twenty do. */
const must = { factor: 5, floorMs: 50, crowdMs: 500, loginMs: 1_000, healthzMs: 1_000, recoveryMs: 5_000 }
const quietMs = 4_000
const afterMs = 3_000
/** An attack that takes longer to set up has to begin with what it has. */
const prepareMs = 30_000
/** It comes from elsewhere: it attacks with what it gets, and does not take the processor from who is measured. */
const attackerNice = -10

/** @typedef {{ messages: number[], logins: number[], healthz: number[], closed: string[], lost: number }} Seen */
/** @typedef {{ name: string, kind: number | undefined, quiet: number, during: number, after: number, logins: number, healthz: number, peakMiB: number, cpu: number, closed: string[], ended: boolean, limitMs: number, load: number, faults: string[] }} Result */

const worst = (/** @type {readonly number[]} */ values) => values.length === 0 ? 1e9 : Math.max(...values)
/** Of a few dozen values this is the largest; of hundreds not. */
const p99 = (/** @type {readonly number[]} */ values) => [...values].sort((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? 1e9

/** What ends everything that was started. @type {Set<() => void>} */
const running = new Set()

const child = (/** @type {string} */ file, /** @type {readonly string[]} */ args, nice = -15) => {
  const process_ = fork(fileURLToPath(new URL(file, import.meta.url)), [...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true })
  isPreferred = prefer(process_.pid, nice)
  if (nice < attackerNice) putFirst(process_.pid)
  const kill = () => { process_.kill('SIGKILL') }
  running.add(kill)
  const ended = new Promise(resolve => process_.once('close', resolve)).then(() => running.delete(kill))
  return {
    pid: process_.pid,
    /** @returns {Promise<any>} undefined when it ended first */
    next: () => Promise.race([new Promise(resolve => process_.once('message', resolve)), ended.then(() => undefined)]),
    send: () => { if (process_.connected) process_.send('go') },
    stop: async () => { process_.kill('SIGKILL'); await ended },
  }
}

/** @param {import('./rows.mjs').Row} row @returns {Promise<Result>} */
const besiege = async row => {
  const attackMs = Number(options.seconds) * 1_000
  const count = Number(options.addresses)
  const addresses = Array.from({ length: count }, (_, i) => count === 1 ? '127.0.0.2' : `127.0.0.${10 + i}`)
  const relay = await startRelay(options.tree, row)
  const stop = () => { void relay.stop() }
  running.add(stop)
  memoryKind = relay.memoryLimit
  isFirst = relay.isFirst
  let peak = 0
  const watch = setInterval(() => { peak = Math.max(peak, relay.rssMiB()) }, 50)
  const probe = child('./probe.mjs', [String(relay.port), ...(row.isTls === true ? ['tls'] : [])])
  const attacker = child('./attacker.mjs', [row.name, String(relay.port), ...addresses], attackerNice)
  isApart = setApart(attacker.pid)
  const ask = async () => {
    const answer = probe.next()
    probe.send()
    return /** @type {Seen} */ (await answer)
  }
  try {
    await Promise.all([probe.next(), Promise.race([attacker.next(), sleep(prepareMs)])])
    await sleep(1_000)
    await ask()
    await sleep(quietMs)
    const quiet = await ask()
    const cpuBefore = relay.cpuSeconds()
    attacker.send()
    await sleep(attackMs)
    const during = await ask()
    const cpu = (relay.cpuSeconds() - cpuBefore) / attackMs * 100_000
    await attacker.stop()
    await sleep(must.recoveryMs)
    await ask()
    await sleep(afterMs)
    const after = await ask()
    peak = Math.max(peak, relay.peakMiB())
    const quietP99 = p99(quiet.messages)
    const limitMs = count === 1 ? Math.max(must.factor * quietP99, must.floorMs) : must.crowdMs
    const backMs = Math.max(must.factor * quietP99, must.floorMs)
    const closed = [...quiet.closed, ...during.closed, ...after.closed]
    const result = {
      name: row.name, kind: row.kind, quiet: quietP99, during: p99(during.messages), after: p99(after.messages), logins: worst(during.logins), healthz: worst(during.healthz),
      peakMiB: peak, cpu, closed, ended: relay.isOver(), limitMs, load: loadavg()[0],
    }
    const faults = [
      ...(result.ended ? ['the relay ended'] : []),
      ...(result.during > limitMs ? ['messages'] : []),
      ...(count === 1 && result.logins >= must.loginMs ? ['logins'] : []),
      ...(count === 1 && result.healthz >= must.healthzMs ? ['healthz'] : []),
      ...(peak > memoryMiB ? ['memory'] : []),
      ...(closed.length > 0 ? [`closed ${closed.length}`] : []),
      ...(result.after > backMs || worst(after.logins) >= must.loginMs || worst(after.healthz) >= must.healthzMs ? ['afterwards'] : []),
    ]
    return { ...result, faults }
  } finally {
    clearInterval(watch)
    await Promise.all([attacker.stop(), probe.stop()])
    running.delete(stop)
    await relay.stop()
  }
}

const commitOf = (/** @type {string} */ tree) => {
  try {
    return execFileSync('git', ['-C', tree, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

let memoryKind = ''
let isPreferred = false
let isApart = false
let isFirst = false

const ms = (/** @type {number} */ value) => value >= 1e9 ? 'never' : value < 10 ? value.toFixed(1) : value.toLocaleString('en', { maximumFractionDigits: 0 })

/** @param {readonly Result[]} results */
const report = results => {
  const lines = results.map(({ name, kind, quiet, during, after, logins, healthz, peakMiB, cpu, faults }) => [
    kind === undefined ? '' : String(kind), name, ms(quiet), ms(during), ms(after), ms(logins), ms(healthz), peakMiB.toFixed(0), cpu.toFixed(0), faults.length === 0 ? 'holds' : `FAILS: ${faults.join(', ')}`,
  ])
  const head = ['kind', 'attack', 'p99 quiet', 'p99 during', 'p99 after', 'login', '/healthz', 'MiB', 'CPU %', '']
  const widths = head.map((text, i) => Math.max(text.length, ...lines.map(line => line[i].length)))
  const row = (/** @type {readonly string[]} */ cells) => `| ${cells.map((cell, i) => i < 2 || i === 9 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(' | ')} |`
  return [row(head), `|${widths.map((width, i) => `${'-'.repeat(width + 1)}${i < 2 || i === 9 ? '-' : ':'}`).join('|')}|`, ...lines.map(row)].join('\n')
}

const resultsFile = new URL('../RESULTS.md', import.meta.url)
const [begin, end] = ['<!-- npm run siege -->', '<!-- end of npm run siege -->']

/** Between its two marks, at the end of the file the first time; everything else stays. @param {string} text */
const save = text => {
  const before = readFileSync(resultsFile, 'utf8')
  const [from, to] = [before.indexOf(begin), before.indexOf(end)]
  writeFileSync(resultsFile, from < 0
    ? `${before.trimEnd()}\n\n${begin}\n\n${text}\n\n${end}\n`
    : `${before.slice(0, from)}${begin}\n\n${text}\n\n${before.slice(to)}`)
}

const main = async () => {
  if (options.help) return console.log(usage)
  if (options.rows) return console.log(rows.map(({ name, kind, what }) => `${name.padEnd(16)} ${kind === undefined ? '  ' : String(kind).padStart(2)}  ${what}`).join('\n'))
  const names = options.only?.split(',')
  const unknown = names?.find(name => rows.every(row => row.name !== name))
  if (unknown !== undefined) throw new Error(`There is no attack ${unknown}. --rows lists them`)
  /** @type {Result[]} */
  const results = []
  for (const row of rows) {
    if (names !== undefined && !names.includes(row.name)) continue
    let result = await besiege(row)
    if (options.again && result.faults.length > 0) {
      const second = await besiege(row)
      if (second.faults.length < result.faults.length) result = second
    }
    results.push(result)
    console.error(report([result]).split('\n').at(-1))
  }
  const text = `## Under siege

${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]?.model.trim()} · Node ${process.versions.node} · commit ${commitOf(options.tree)} · load of the machine meanwhile ${Math.min(...results.map(({ load }) => load)).toFixed(0)}–${Math.max(...results.map(({ load }) => load)).toFixed(0)}

Written by \`npm run siege -- --save\`: each attack ${options.seconds} s long, from ${options.addresses} loopback address(es), against a fresh relay with its default limits and ${memoryMiB} MiB (${memoryKind}${isFirst ? '; relay and probe ahead of everything else' : isPreferred ? '; relay, attacker and probe before other programs of the machine' : ''}${isApart ? '; the attacker on one processor' : ''}).
Times in ms. Beside it four honest pairs exchange a message a second each, somebody logs in and somebody asks for /healthz every second; login and /healthz: the slowest during the attack. What has to hold: [docs/SECURITY.md](../docs/SECURITY.md).

${report(results)}`
  console.log(text)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(results, undefined, 1))
  if (options.save) save(text)
  process.exitCode = results.every(({ faults }) => faults.length === 0) ? 0 : 1
}

// The others are sessions of their own: the terminal does not end them.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => { for (const stop of running) stop(); process.exit(130) })

try {
  await main()
} catch (error) {
  console.error(/** @type {Error} */ (error).message)
  process.exitCode = 1
}
