// @ts-check
// `npm run bench`: every workload against every peer, round by round, each in fresh processes; medians and ratios at the end.
import { execFileSync, fork } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compileLoad } from './load/native.mjs'
import { lost, peers } from './peers/index.mjs'
import { hotSpots } from './profile.mjs'
import { scalingPlot } from './plot.mjs'
import { lookUp, machine, mediansOf, report } from './report.mjs'
import { startServer } from './server.mjs'
import { workloads } from './workloads/index.mjs'
import { seed } from './workloads/seed.mjs'

const usage = `Usage: npm run bench -- [options]
  --rounds N      rounds per workload and peer; medians are shown (default 3)
  --quick         one short round with fewer clients: shows that it runs, not how fast
  --only NAMES    workloads, by the beginning of their names: ${workloads.map(({ name }) => name).join(' ')}
  --peers         beside our relay and bare ws: Bun (installed into bench/) and nats-server (found); says which are missing
  --servers NAMES only these servers: ${peers.map(({ name }) => name).join(' ')}
  --long          also what takes minutes: 10 million stored messages, seeded into 5 GB of temporary files
  --node-load     load from Node, as where there is no C++ compiler
  --json FILE     every round's figures, as JSON
  --save          writes its part of bench/RESULTS.md, and the plot (of a whole run only: not with --quick, --only or --servers)
  --profile       our relay only, under node --cpu-prof: the functions that take its time
  --help
NAMES are separated by commas. AGENTCHAT_BIN names another build of the relay (default dist/bin/agentchat.js).
AGENTCHAT_BENCH_STORE names a PostgreSQL database: then also store-alone and store-crowd, on it and on SQLite.`

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' }, quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, peers: { type: 'boolean', default: false }, servers: { type: 'string' }, long: { type: 'boolean', default: false }, 'node-load': { type: 'boolean', default: false },
    json: { type: 'string' }, save: { type: 'boolean', default: false }, profile: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})

/** No single round may take longer. */
const roundLimitMs = 120_000
const generatorFile = fileURLToPath(new URL('./load/generator.mjs', import.meta.url))
const interrupt = new AbortController()
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => interrupt.abort(new Error(signal)))

/**
 * @param {import('./load/generator.mjs').Assignment} assignment
 * @param {AbortSignal} signal
 * @returns {Promise<{ figures: import('./workloads/index.mjs').Figures, window: readonly [number, number] }>}
 */
const generate = (assignment, signal) => new Promise((resolve, reject) => {
  const told = { figures: {}, window: /** @type {const} */ ([0, Infinity]) }
  const child = fork(generatorFile, [JSON.stringify(assignment)], { signal, killSignal: 'SIGKILL' })
  child.on('message', message => Object.assign(told, message))
  child.on('error', reject)
  child.on('exit', code => code === 0 ? resolve(told) : reject(new Error(`${assignment.workload} against ${assignment.subject} failed`)))
})

/** A copy of a seeded store; it is seeded once. @param {NonNullable<import('./workloads/index.mjs').Workload['seed']>} what */
const seeded = async what => {
  const original = join(scratch, `seed-${what.messages}`)
  if (!existsSync(original)) {
    mkdirSync(original)
    console.error(`seeding ${what.messages.toLocaleString('en')} messages`)
    await seed(original, { ...what, signal: interrupt.signal })
  }
  const copy = mkdtempSync(join(scratch, 'data-'))
  cpSync(original, copy, { recursive: true })
  return copy
}

/** @param {import('./workloads/index.mjs').Workload} workload @param {string} subject */
const runRound = async (workload, subject) => {
  const dataDir = workload.seed === undefined ? undefined : await seeded(workload.seed)
  const signal = AbortSignal.any([interrupt.signal, AbortSignal.timeout(roundLimitMs)])
  const assignment = { workload: workload.name, subject, isQuick: options.quick, url: '', pid: 0, ...loadFile && { loadFile } }
  if (workload.subjects !== undefined) return generate(assignment, signal)
  const peer = /** @type {import('./peers/index.mjs').Peer} */ (peers.find(({ name }) => name === subject))
  const profiled = options.profile ? hotSpots() : undefined
  const server = await startServer(peer, {
    nodeFlags: profiled?.nodeFlags ?? [],
    ...subject === 'agentchat' && workload.flags && { flags: workload.flags },
    ...dataDir !== undefined && { dataDir },
    signal,
  })
  try {
    const told = await generate({ ...assignment, url: server.url, pid: server.pid }, signal)
    await server.stop()
    if (profiled !== undefined) console.log(`## ${workload.title}\n\n${profiled.render(told.window)}\n`)
    return told
  } catch (error) {
    throw new Error(`${/** @type {Error} */ (error).message}\n${server.said()}`, { cause: error })
  } finally {
    await server.stop()
    if (dataDir !== undefined) rmSync(dataDir, { recursive: true, force: true })
    profiled?.remove()
  }
}

const chosen = (/** @type {readonly { readonly name: string }[]} */ all, /** @type {string} */ names) =>
  all.map(({ name }) => name).filter(name => names.split(',').some(beginning => name.startsWith(beginning)))

const scratch = mkdtempSync(join(tmpdir(), 'agentchat-load-'))
const loadFile = options['node-load'] ? undefined : compileLoad(scratch)

/** The servers to measure; whoever is missing is named, with what would help. */
const present = () => {
  if (options.peers) execFileSync('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd: import.meta.dirname, stdio: ['ignore', 'ignore', 'inherit'] })
  const wanted = options.servers !== undefined ? chosen(peers, options.servers) : peers.filter(({ missing }) => options.peers || missing === undefined).map(({ name }) => name)
  const absent = peers.filter(({ name, missing }) => wanted.includes(name) && missing?.() !== undefined)
  for (const { name, missing } of absent) console.error(`missing: ${name}. To have it: ${missing?.()}`)
  if (options.peers) for (const text of lost) console.error(`missing: ${text}`)
  return wanted.filter(name => !absent.some(peer => peer.name === name))
}

const main = async () => {
  if (options.help) return console.log(usage)
  if (options.save && (options.quick || options.only !== '' || options.servers !== undefined)) throw new Error('--save is for a whole run: leave --quick, --only and --servers out')
  const servers = options.profile ? ['agentchat'] : present()
  const selected = workloads.filter(({ name }) => chosen(workloads, options.only).includes(name)).filter(({ subjects, isLong }) => (!options.profile || subjects === undefined) && (!isLong || options.long))
  // Before anything runs: the checkout may move on meanwhile.
  const where = machine()
  const roundCount = options.quick || options.profile ? 1 : Number(options.rounds)
  /** @type {import('./report.mjs').Round[]} */
  const rounds = []
  for (const workload of selected) {
    const times = workload.isLong ? 1 : roundCount
    for (let round = 1; round <= times; round++) {
      for (const subject of workload.subjects ?? servers.filter(name => name === (workload.only ?? name))) {
        console.error(`${workload.name} ${round}/${times} ${subject}`)
        const { figures } = await runRound(workload, subject)
        rounds.push({ workload: workload.name, subject, figures })
      }
    }
  }
  if (options.profile) return
  const medians = mediansOf(rounds)
  const text = report(medians)
  console.log(text)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ machine: where, rounds }, undefined, 1))
  if (options.save) save(`${heading(where, roundCount)}\n\n${text}`, scalingPlot(lookUp(medians)))
}

const resultsFile = new URL('./RESULTS.md', import.meta.url)
const plotFile = new URL('./scaling.svg', import.meta.url)
const [begin, end] = ['<!-- npm run bench -->', '<!-- end of npm run bench -->']

/** Writes what this run found between its two marks; everything else in the file stays. @param {string} text @param {string | undefined} plot */
const save = (text, plot) => {
  const before = readFileSync(resultsFile, 'utf8')
  const [from, to] = [before.indexOf(begin), before.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`RESULTS.md has no ${begin} … ${end}`)
  if (plot !== undefined) writeFileSync(plotFile, plot)
  writeFileSync(resultsFile, `${before.slice(0, from)}${begin}\n\n${text}\n\n${plot === undefined ? '' : '![CPU per delivery as members and stored messages grow](scaling.svg)\n\n'}${before.slice(to)}`)
}

const heading = (/** @type {string} */ where, /** @type {number} */ roundCount) => `${where}

Written by \`npm run bench -- --peers --save\`: medians of ${roundCount} rounds, every round in fresh processes, loopback, one server process and one process of load.
Messages are 300 bytes of JSON as they are sent. CPU is user and system time of the server process, all threads, per message that reached its reader:
in ping-pong only what the other one gets counts, though agentchat also writes an ACK and a copy to the sender.
Where "server busy" is well below 100 % something else had the processors, or the load was the limit; deliveries/s say little then. CPU per delivery and the ratios move less, but they move too.
"Load ÷ server CPU" is what the load cost: ${loadFile === undefined ? 'it came from Node' : 'a C++ program that reads frames by their headers; it cannot read for less than the kernel takes for a read per write'}.

${peers.map(({ name, is }) => `* **${name}**: ${is}`).join('\n')}${lost.map(text => `\n* ${text}`).join('')}`

try {
  await main()
} catch (error) {
  console.error(/** @type {Error} */ (error).message)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
