// @ts-check
// Pairs that play ping-pong by direct message: whoever hears the other answers at once.
import { messageMaker } from '../load/client.mjs'
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
  ratios: ['CPU µs/delivery'],
  async run({ peer, url, count, measure }) {
    const tally = { deliveries: 0 }
    const clients = await openAll(peer, url, 2 * count(pairs), 'p')
    const serves = []
    for (let i = 0; i < clients.length; i += 2) {
      const [a, b] = [clients[i], clients[i + 1]]
      await peer.pair(a, b)
      serves.push(play(a, b.address, ping, pong, tally))
      play(b, a.address, pong, ping, tally)
    }
    for (const serve of serves) serve()
    return measure(tally)
  },
})

/**
 * @param {import('../load/client.mjs').Client} client
 * @param {string} partner @param {string} says @param {string} awaits
 * @param {{ deliveries: number }} tally
 */
const play = (client, partner, says, awaits, tally) => {
  const next = messageMaker(partner, says)
  const serve = () => client.send(next())
  client.onText = (bytes, start, end) => {
    const frame = bytes.toString('latin1', start, end)
    if (frame.includes(awaits)) {
      tally.deliveries++
      serve()
    } else if (frame.startsWith('{"type":"ERROR"')) throw new Error(frame)
  }
  return serve
}
