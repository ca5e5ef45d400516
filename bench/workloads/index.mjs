// @ts-check
// THE WORKLOAD TABLE: one question each.
import { commit } from './commit.mjs'
import { direct } from './direct.mjs'
import { durability } from './durability.mjs'
import { history } from './history.mjs'
import { idle } from './idle.mjs'
import { login, signed } from './keys.mjs'
import { machine } from './machine.mjs'
import { rooms } from './rooms.mjs'
import { scale } from './scale.mjs'
import { slow } from './slow.mjs'
import { start } from './start.mjs'
import { stores, storeWrite } from './stores.mjs'

/**
 * What a workload gets.
 * @typedef {object} Load
 * @property {import('../peers/index.mjs').Peer} peer
 * @property {string} url of the server
 * @property {number} pid of the server
 * @property {string} subject what is measured, where it is not a server
 * @property {number} runMs how long to measure
 * @property {(full: number) => number} count how many of something: a tenth in a quick run
 * @property {(groups: readonly import('../load/plan.mjs').Group[], phases?: readonly number[]) => Promise<import('../load/plan.mjs').Seen & { readonly moments: readonly Moment[] }>} drive warms up, then runs the phases (ms)
 * @property {(groups: readonly import('../load/plan.mjs').Group[]) => Promise<Figures>} measure the same with one phase, as figures
 */

/** @typedef {import('../load/plan.mjs').Sample & { readonly server: number, readonly bytes: number }} Moment a sample with the server's CPU time in µs and its memory */

/** @typedef {Record<string, number>} Figures by name and unit */

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {string} [family] the curve it is a point of
 * @property {readonly string[]} [ratios] the figures to compare with the peers'
 * @property {readonly string[]} [subjects] what it measures, where that is not servers
 * @property {'agentchat'} [only] what only our relay does
 * @property {readonly string[]} [flags] for our relay
 * @property {{ readonly room: string, readonly messages: number }} [seed] what our relay's store holds before it starts
 * @property {boolean} [isLong] only with --long, and once
 * @property {(load: Load) => Promise<Figures>} run
 */

const fanOut = { rooms: 1, members: 500, senders: 10 }

/** @type {readonly Workload[]} */
export const workloads = [
  ...[1, 10, 40].map(window => rooms({ name: `fanout-${window}`, title: `fan-out 1 × 500, 10 senders, ${window} outstanding`, ...fanOut, window })),
  rooms({ name: 'rooms', title: '100 rooms × 10, 10 outstanding per room', rooms: 100, members: 10, senders: 10, window: 10 }),
  direct({ name: 'direct', title: 'direct ping-pong, 200 pairs', pairs: 200 }),
  rooms({ name: 'latency', title: 'latency at 20,000 deliveries/s: 100 rooms × 10', ratios: ['p99 µs', 'p50 µs'], rooms: 100, members: 10, senders: 1, perSecond: 20 }),
  idle({ name: 'idle', title: '5,000 idle connections', connections: 5_000 }),
  slow,
  machine,
  login,
  signed,
  history,
  start,
  ...scale,
  ...durability,
  ...stores,
  storeWrite,
  commit,
]
