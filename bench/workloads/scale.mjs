// @ts-check
// Work that grows: members of a room, and messages in the store. What is measured is one point of a curve.
import { rooms } from './rooms.mjs'

export const memberCounts = [10, 100, 1_000, 5_000]
export const storedCounts = [1_000, 100_000, 10_000_000]
export const short = (/** @type {number} */ n) => n >= 1e6 ? `${n / 1e6}M` : n >= 1e3 ? `${n / 1e3}k` : String(n)

const shape = { only: /** @type {const} */ ('agentchat'), family: 'cost as work grows: agentchat', ratios: [], rooms: 1, senders: 10, window: 10 }

/** @type {readonly import('./index.mjs').Workload[]} */
export const scale = [
  ...memberCounts.map(members => rooms({ ...shape, name: `members-${short(members)}`, title: `one room of ${members.toLocaleString('en')}, 10 outstanding`, members })),
  ...storedCounts.map(messages => rooms({
    ...shape, name: `stored-${short(messages)}`, title: `one room of 100 with ${messages.toLocaleString('en')} messages stored, 10 outstanding`, members: 100,
    seed: { room: '#bench-0', messages }, isLong: messages > 1e6,
  })),
]
