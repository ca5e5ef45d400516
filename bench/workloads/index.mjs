// @ts-check
// THE WORKLOAD TABLE: one question each.
import { commit } from './commit.mjs'
import { direct } from './direct.mjs'
import { idle } from './idle.mjs'
import { rooms } from './rooms.mjs'

/**
 * What a workload gets.
 * @typedef {object} Load
 * @property {import('../peers/index.mjs').Peer} peer
 * @property {string} url of the server
 * @property {number} pid of the server
 * @property {string} subject what is measured, where it is not a server
 * @property {number} runMs how long to measure
 * @property {(full: number) => number} count how many of something: a tenth in a quick run
 * @property {(tally: { deliveries: number }) => Promise<Figures>} measure warms up, measures, gives the figures
 */

/** @typedef {Record<string, number>} Figures by name and unit */

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {readonly string[]} ratios the figures to compare with the peers'
 * @property {readonly string[]} [subjects] what it measures, where that is not servers
 * @property {(load: Load) => Promise<Figures>} run
 */

/** @type {readonly Workload[]} */
export const workloads = [
  ...[1, 10, 40].map(window => rooms({ name: `fanout-${window}`, title: `fan-out 1 × 500, 10 senders, ${window} outstanding`, rooms: 1, members: 500, senders: 10, window })),
  rooms({ name: 'rooms', title: '100 rooms × 10, 10 outstanding per room', rooms: 100, members: 10, senders: 10, window: 10 }),
  direct({ name: 'direct', title: 'direct ping-pong, 200 pairs', pairs: 200 }),
  idle({ name: 'idle', title: '5,000 idle connections', connections: 5_000 }),
  commit,
]
