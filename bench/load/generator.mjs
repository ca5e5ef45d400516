// @ts-check
// The process that makes the load: runs one workload once, and tells its parent the figures.
import { setTimeout as sleep } from 'node:timers/promises'
import { peers } from '../peers/index.mjs'
import { workloads } from '../workloads/index.mjs'
import { cpuMicros } from './usage.mjs'

/** @typedef {{ workload: string, subject: string, url: string, pid: number, isQuick: boolean }} Assignment */

const assignment = /** @type {Assignment} */ (JSON.parse(process.argv[2] ?? ''))
const { subject, url, pid, isQuick } = assignment
const runMs = isQuick ? 400 : 3_000
const warmMs = runMs / 2

/** @param {{ readonly deliveries: number }} tally */
const sample = ({ deliveries }) => {
  const { user, system } = process.cpuUsage()
  return { at: Number(process.hrtime.bigint()) / 1_000, deliveries, server: cpuMicros(pid), own: user + system }
}

/** @type {import('../workloads/index.mjs').Load['measure']} */
const measure = async tally => {
  await sleep(warmMs)
  const from = sample(tally)
  await sleep(runMs)
  const to = sample(tally)
  const micros = to.at - from.at
  const deliveries = to.deliveries - from.deliveries
  const server = to.server - from.server
  const own = to.own - from.own
  if (deliveries === 0) throw new Error('nothing was delivered')
  // By the machine's monotonic clock in µs, which CPU profiles use too.
  process.send?.({ window: [from.at, to.at] })
  return {
    'deliveries/s': deliveries / micros * 1e6,
    'CPU µs/delivery': server / deliveries,
    'server busy %': server / micros * 100,
    'generator ÷ server CPU': own / server,
  }
}

const workload = /** @type {import('../workloads/index.mjs').Workload} */ (workloads.find(({ name }) => name === assignment.workload))
const peer = /** @type {import('../peers/index.mjs').Peer} */ (peers.find(({ name }) => name === subject))
const figures = await workload.run({ peer, subject, url, pid, runMs, measure, count: full => isQuick ? Math.ceil(full / 10) : full })
process.send?.({ figures }, () => process.exit())
