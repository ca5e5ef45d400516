// @ts-check
// Rooms that talk: each keeps `window` messages outstanding; one is done when as many deliveries as the room has members came back for it.
import { messageMaker } from '../load/client.mjs'
import { joinAll, openAll } from '../load/sessions.mjs'

/** The tenth byte of `{"type":"M…` tells a message from everything else. */
const typeAt = 9
const isMessage = 'M'.charCodeAt(0)
const isError = 'E'.charCodeAt(0)

/**
 * @param {{ name: string, title: string, rooms: number, members: number, senders: number, window: number }} shape
 * @returns {import('./index.mjs').Workload}
 */
export const rooms = ({ name, title, rooms, members, senders, window }) => ({
  name,
  title,
  ratios: ['CPU µs/delivery'],
  async run({ peer, url, count, measure }) {
    const tally = { deliveries: 0 }
    const talkers = []
    for (let r = 0; r < count(rooms); r++) {
      const room = `#bench-${r}`
      const clients = await openAll(peer, url, members, `r${r}-`)
      await joinAll(peer, clients, room)
      const speakers = clients.slice(0, senders).map(client => ({ client, next: messageMaker(room, 'hello ') }))
      let received = 0
      let sent = 0
      const send = () => {
        const { client, next } = speakers[sent++ % senders]
        client.send(next())
      }
      for (const client of clients) {
        client.onText = (bytes, start, end) => {
          const type = bytes[start + typeAt]
          if (type === isMessage) {
            tally.deliveries++
            if (++received % members === 0) send()
          } else if (type === isError) throw new Error(bytes.toString('utf8', start, end))
        }
      }
      talkers.push(() => { for (let i = 0; i < window; i++) send() })
    }
    for (const start of talkers) start()
    return measure(tally)
  },
})
