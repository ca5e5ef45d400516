// @ts-check
// THE TARGET TABLE: what must hold, what we aim at, and whether it did in this run.
import { reference } from './workloads/machine.mjs'
import { memberCounts, short, storedCounts } from './workloads/scale.mjs'
import { pendingBytes } from './workloads/slow.mjs'

/** @typedef {(workload: string, subject: string, figure: string) => number} Of NaN: not measured */

/**
 * @typedef {object} Target
 * @property {string} what
 * @property {'must' | 'aim'} level
 * @property {'≤' | '≥'} sign
 * @property {number} limit
 * @property {string} unit
 * @property {(of: Of) => number} value
 * @property {'time' | 'rate'} [clock] a limit in seconds, or per second: read against how fast the machine is
 */

const cpu = 'CPU µs/delivery'
const bareWs = ['ws-joined', 'ws-raw']
/** Our figure as a multiple of the best of some peers. @type {(of: Of, workload: string, figure: string, peers: readonly string[]) => number} */
const multiple = (of, workload, figure, peers) => {
  const theirs = peers.map(peer => of(workload, peer, figure)).filter(value => !Number.isNaN(value))
  return theirs.length === 0 ? NaN : of(workload, 'agentchat', figure) / Math.min(...theirs)
}

/** @type {(what: string, workload: string, figure: string, peers: readonly string[], limits: { must?: number, aim?: number }) => Target[]} */
const atMostTimes = (what, workload, figure, peers, limits) => Object.entries(limits).map(([level, limit]) => ({
  what, level: /** @type {'must' | 'aim'} */ (level), sign: '≤', limit, unit: `× ${peers.length > 1 ? 'bare ws' : peers[0]}`, value: of => multiple(of, workload, figure, peers),
}))

/** How many times slower this machine was, in this run, than the one on which limits of time were set. @param {Of} of */
export const slowness = of => Math.sqrt(Object.entries(reference).reduce((product, [figure, there]) => product * there / of('machine', 'node:crypto, JSON.parse', figure), 1))

/** @type {(what: string, sign: '≤' | '≥', limit: number, unit: string, workload: string, figure: string, subject?: string) => Target} */
const must = (what, sign, limit, unit, workload, figure, subject = 'agentchat') => ({ what, level: 'must', sign, limit, unit, value: of => of(workload, subject, figure) })

/** The largest step up along a curve: 1 is flat. @type {(of: Of, prefix: string, points: readonly number[]) => number} */
const steepest = (of, prefix, points) => {
  const costs = points.map(point => of(`${prefix}-${short(point)}`, 'agentchat', cpu)).filter(cost => !Number.isNaN(cost))
  return costs.length < 2 ? NaN : Math.max(...costs.slice(1).map((cost, i) => cost / costs[i]))
}

/** What the upstream relay reached as a part of what ws-raw did, when both could be measured. */
const upstreamPart = 0.89
/** And how long its 1,000 logins took, as a multiple of 5,000 clients that connect to ws-raw and enter: 12.6 s to 0.75 s. */
const upstreamLogins = 16.8

/** @type {readonly Target[]} */
export const targets = [
  ...atMostTimes('fan-out, 40 outstanding: CPU', 'fanout-40', cpu, ['bun'], { must: 1.5, aim: 1 }),
  {
    what: 'fan-out, 40 outstanding: throughput', level: 'must', sign: '≥', limit: 20, unit: `× upstream (${upstreamPart} × ws-raw)`,
    value: of => of('fanout-40', 'agentchat', 'deliveries/s') / (upstreamPart * of('fanout-40', 'ws-raw', 'deliveries/s')),
  },
  ...atMostTimes('fan-out, 1 outstanding: CPU', 'fanout-1', cpu, ['bun'], { must: 1.4, aim: 1.2 }),
  ...atMostTimes('rooms: CPU', 'rooms', cpu, ['nats'], { must: 0.8 }),
  ...atMostTimes('rooms: CPU', 'rooms', cpu, ['bun'], { aim: 2.5 }),
  ...atMostTimes('ping-pong: CPU', 'direct', cpu, ['nats'], { must: 1.6, aim: 1 }),
  ...atMostTimes('ping-pong: CPU', 'direct', cpu, bareWs, { must: 1.6 }),
  ...atMostTimes('p99 latency at 20,000 deliveries/s', 'latency', 'p99 µs', bareWs, { must: 2, aim: 1.2 }),
  ...atMostTimes('memory per idle connection', 'idle', 'KB/connection', bareWs, { must: 1.4, aim: 1 }),
  ...atMostTimes('5,000 clients into one channel: time', 'idle', 'ms to connect and enter', bareWs, { must: 2, aim: 1.3 }),
  must('5,000 clients: linear', '≤', 1.5, '× the first half', 'idle', 'second ÷ first half'),
  {
    what: '1,000 logins with Ed25519', level: 'must', sign: '≥', limit: 20, unit: `× as fast as upstream (${upstreamLogins} × ws-raw with 5,000)`,
    value: of => upstreamLogins * of('idle', 'ws-raw', 'ms to connect and enter') / of('login', 'agentchat', 'ms'),
  },
  must('never reads: throughput of the others', '≥', 95, '%', 'slow', 'others keep %'),
  must('never reads: memory', '≤', pendingBytes / 2 ** 20 + 16, 'MB', 'slow', 'memory growth MB'),
  must('never reads: closed with its own code and counted', '≥', 1, 'close 4000', 'slow', 'closed 4000 and counted'),
  { ...must('signed messages verified', '≥', 8_000, '/s', 'signed', 'messages/s'), clock: 'rate' },
  { ...must('signed messages: p99 event loop delay', '≤', 20, 'ms', 'signed', 'p99 event loop delay ms'), clock: 'time' },
  { ...must('resume of 10,000 messages', '≥', 200_000, '/s', 'history', 'messages/s'), clock: 'rate' },
  { ...must('agentchat serve accepts', '≤', 400, 'ms', 'start', 'ms', 'agentchat serve'), clock: 'time' },
  { what: 'agentchat send, whole process', level: 'must', sign: '≤', limit: 2.5, unit: '× node -e 0', value: of => of('start', 'agentchat send', 'ms') / of('start', 'node -e 0', 'ms') },
  { what: 'CPU per delivery as members grow', level: 'must', sign: '≤', limit: 1.1, unit: '× the point before', value: of => steepest(of, 'members', memberCounts) },
  { what: 'CPU per delivery as the store grows', level: 'must', sign: '≤', limit: 1.1, unit: '× the point before', value: of => steepest(of, 'stored', storedCounts) },
]

/** The limit as it stands in this run. @param {Target} target @param {Of} of */
export const limitHere = ({ limit, clock }, of) => {
  const times = clock === undefined ? 1 : slowness(of)
  return Number.isNaN(times) ? limit : clock === 'rate' ? limit / times : limit * times
}

/** @param {Target} target @param {Of} of */
export const isMet = (target, of) => target.sign === '≤' ? target.value(of) <= limitHere(target, of) : target.value(of) >= limitHere(target, of)
