// @ts-check
// What it costs that a commit survives a power loss: one fsync per batch, seen by a sender who waits for each message, and by a thousand who do not.
import { rooms } from './rooms.mjs'

const shape = { only: /** @type {const} */ ('agentchat'), family: 'durability: agentchat', ratios: [] }

/** @type {readonly import('./index.mjs').Workload[]} */
export const durability = ['normal', 'full'].flatMap(durability => [
  rooms({ ...shape, name: `alone-${durability}`, title: `${durability}: one sender, 1 outstanding`, flags: ['--durability', durability], rooms: 1, members: 1, senders: 1, window: 1 }),
  rooms({ ...shape, name: `crowd-${durability}`, title: `${durability}: 100 rooms × 10, 10 outstanding per room`, flags: ['--durability', durability], rooms: 100, members: 10, senders: 10, window: 10 }),
])
