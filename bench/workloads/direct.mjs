// @ts-check
// Pairs that play ping-pong by direct message: whoever hears the other answers at once.
import { openAll } from '../load/sessions.mjs'

/** Contents begin so; a sender that gets its own message back is told by it. */
const ping = 'ping '
const pong = 'pong '

/**
 * @param {{ name: string, title: string, pairs: number }} shape
 * @returns {import('./index.mjs').Workload}
 */
export const direct = ({ name, title, pairs }) => ({
  name,
  title,
  ratios: ['CPU µs/delivery', 'deliveries/s'],
  async run({ peer, url, count, measure }) {
    const clients = await openAll(peer, url, 2 * count(pairs), 'p')
    const groups = []
    for (let i = 0; i < clients.length; i += 2) {
      const [a, b] = [clients[i], clients[i + 1]]
      await peer.pair(a, b)
      groups.push({
        members: [{ client: a, awaits: pong }, { client: b, awaits: ping }],
        speakers: [{ client: a, frames: [peer.message(b.address, ping)] }, { client: b, frames: [peer.message(a.address, pong)] }],
        perMessage: 1,
        window: 1,
      })
    }
    return measure(groups)
  },
})
