// @ts-check
// Rooms that talk: each keeps `window` messages outstanding, or says `perSecond`, and every member hears every message.
import { joinAll, openAll } from '../load/sessions.mjs'

/**
 * Opens a room full of clients; the first `senders` of them will speak.
 * @param {Pick<import('./index.mjs').Load, 'peer' | 'url'>} load
 * @param {{ readonly room: string, readonly members: number, readonly senders: number }} shape
 */
export const openRoom = async ({ peer, url }, { room, members, senders }) => {
  const clients = await openAll(peer, url, members, `${room}-`)
  await joinAll(peer, clients, `#${room}`)
  return {
    members: clients.map(client => ({ client })),
    speakers: clients.slice(0, senders).map(client => ({ client, frames: [peer.message(`#${room}`, 'hello ')] })),
  }
}

/**
 * @param {Omit<import('./index.mjs').Workload, 'run'> & { rooms: number, members: number, senders: number, window?: number, perSecond?: number }} shape
 * @returns {import('./index.mjs').Workload}
 */
export const rooms = ({ rooms, members, senders, window, perSecond, ...facts }) => ({
  ratios: ['CPU µs/delivery', 'deliveries/s'],
  ...facts,
  async run({ peer, url, count, measure }) {
    const groups = []
    for (let i = 0; i < count(rooms); i++) {
      groups.push({ ...await openRoom({ peer, url }, { room: `bench-${i}`, members, senders }), ...window && { window }, ...perSecond && { perSecond } })
    }
    return measure(groups)
  },
})
