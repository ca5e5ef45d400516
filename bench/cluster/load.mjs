// @ts-check
// Rooms whose members are at processes of a relay, driven like those of the other workloads; what it cost at each process, and the servers.
import { driveNatively } from '../load/native.mjs'
import { driveInNode } from '../load/node.mjs'
import { inParallel } from '../load/sessions.mjs'
import { agentchat as peer } from '../peers/agentchat.mjs'

/**
 * @typedef {object} Shape
 * @property {number} rooms
 * @property {(room: number) => readonly number[]} at which process each member of a room is at; the first one speaks first
 * @property {number} [senders] how many of them speak (1)
 * @property {number} [window] messages outstanding per room …
 * @property {number} [perSecond] … or said, with the time that they take
 * @property {number} [counts] of the members, from the end on, so many are counted; all
 */

/**
 * @typedef {object} Measured
 * @property {number} deliveries per second, in all
 * @property {number} messages per second
 * @property {readonly number[]} micros CPU time per delivery at each process
 * @property {readonly number[]} busy % of a core, each process
 * @property {number} postgres CPU µs per message
 * @property {number} postgresBusy % of a core
 * @property {number} nats CPU µs per message
 * @property {{ readonly p50: number, readonly p99: number }} [latency] in µs
 */

let names = 0

/**
 * @param {readonly import('./servers.mjs').Relay[]} relays
 * @param {Shape} shape
 * @param {{ readonly loadFile: string | undefined, readonly runMs: number, readonly postgresCpu?: () => number, readonly natsCpu?: () => number }} how
 * @returns {Promise<Measured>}
 */
export const measure = async (relays, { rooms, at, senders = 1, window, perSecond, counts }, { loadFile, runMs, postgresCpu = () => 0, natsCpu = () => 0 }) => {
  const run = ++names
  const groups = []
  let share = /** @type {number[]} */ (relays.map(() => 0))
  for (let room = 0; room < rooms; room++) {
    const places = at(room)
    const channel = `bench-${run}-${room}`
    const clients = await inParallel(places, (place, i) => peer.open(relays[place].url, `${channel}-${i}`))
    await peer.join(clients[0], `#${channel}`, true)
    await inParallel(clients.slice(1), client => peer.join(client, `#${channel}`, false))
    const heard = counts === undefined ? clients : clients.slice(-counts)
    // Who is not counted hears all the same; it is not a member of the plan's but in what it speaks.
    groups.push({
      members: clients.map(client => ({ client, ...!heard.includes(client) && { awaits: 'never said' } })),
      speakers: clients.slice(0, senders).map(client => ({ client, frames: [peer.message(`#${channel}`, 'hello ')] })),
      perMessage: heard.length,
      ...window !== undefined && { window },
      ...perSecond !== undefined && { perSecond },
    })
    places.forEach((place, i) => { share[place] += heard.includes(clients[i]) ? 1 : 0 })
  }
  const all = share.reduce((sum, each) => sum + each, 0)
  /** @type {{ at: number, deliveries: number, relays: number[], postgres: number, nats: number }[]} */
  const moments = []
  const onSample = (/** @type {import('../load/plan.mjs').Sample} */ { at: now, deliveries }) => {
    moments.push({ at: now, deliveries, relays: relays.map(({ cpu }) => cpu), postgres: postgresCpu(), nats: natsCpu() })
  }
  const plan = { phases: [runMs / 2, runMs], groups }
  try {
    const { latency } = await (loadFile === undefined ? driveInNode(plan, onSample) : driveNatively(loadFile, plan, onSample))
    const [from, to] = moments
    const seconds = (to.at - from.at) / 1e6
    const deliveries = to.deliveries - from.deliveries
    if (deliveries === 0) throw new Error('nothing was delivered')
    const messages = deliveries / (all / rooms)
    return {
      deliveries: deliveries / seconds,
      messages: messages / seconds,
      micros: relays.map((_, i) => share[i] === 0 ? NaN : (to.relays[i] - from.relays[i]) / (deliveries * share[i] / all)),
      busy: relays.map((_, i) => (to.relays[i] - from.relays[i]) / seconds / 1e4),
      postgres: (to.postgres - from.postgres) / messages,
      postgresBusy: (to.postgres - from.postgres) / seconds / 1e4,
      nats: (to.nats - from.nats) / messages,
      ...latency && { latency },
    }
  } finally {
    for (const { members } of groups) for (const { client } of members) client.destroy()
  }
}
