// @ts-check
// The process that makes the load: opens the sessions of one workload, drives them once, and tells its parent the figures.
import { peers } from '../peers/index.mjs'
import { workloads } from '../workloads/index.mjs'
import { driveNatively } from './native.mjs'
import { driveInNode } from './node.mjs'
import { cpuMicros, residentBytes } from './usage.mjs'

/** @typedef {{ workload: string, subject: string, url: string, pid: number, isQuick: boolean, loadFile?: string }} Assignment `loadFile`: the compiled load, where there is one */

const assignment = /** @type {Assignment} */ (JSON.parse(process.argv[2] ?? ''))
const { subject, url, pid, isQuick, loadFile } = assignment
const runMs = isQuick ? 400 : 2_000
const warmMs = runMs / 2

/** @type {import('../workloads/index.mjs').Load['drive']} */
const drive = async (groups, phases = [runMs]) => {
  /** @type {import('../workloads/index.mjs').Moment[]} */
  const moments = []
  const onSample = (/** @type {import('./plan.mjs').Sample} */ sample) => {
    moments.push({ ...sample, server: cpuMicros(pid), bytes: residentBytes(pid) })
  }
  const plan = { phases: [warmMs, ...phases], groups }
  const seen = await (loadFile === undefined ? driveInNode(plan, onSample) : driveNatively(loadFile, plan, onSample))
  const [from, to] = moments
  // By the machine's monotonic clock in µs, which CPU profiles use too.
  process.send?.({ window: [from.at, to.at] })
  return { ...seen, moments }
}

/** @type {import('../workloads/index.mjs').Load['measure']} */
const measure = async groups => {
  const { moments: [from, to], latency } = await drive(groups)
  const micros = to.at - from.at
  const deliveries = to.deliveries - from.deliveries
  const server = to.server - from.server
  if (deliveries === 0) throw new Error('nothing was delivered')
  return {
    'deliveries/s': deliveries / micros * 1e6,
    'CPU µs/delivery': server / deliveries,
    ...latency && { 'p50 µs': latency.p50, 'p99 µs': latency.p99 },
    'server busy %': server / micros * 100,
    'load ÷ server CPU': (to.own - from.own) / server,
  }
}

const workload = /** @type {import('../workloads/index.mjs').Workload} */ (workloads.find(({ name }) => name === assignment.workload))
const peer = /** @type {import('../peers/index.mjs').Peer} */ (peers.find(({ name }) => name === subject))
const figures = await workload.run({ peer, subject, url, pid, runMs, drive, measure, count: full => isQuick ? Math.ceil(full / 10) : full })
process.send?.({ figures }, () => process.exit())
