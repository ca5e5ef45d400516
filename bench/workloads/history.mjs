// @ts-check
// Coming back to 10,000 messages: four clients that enter again and again, each time from the first one.
import { maskedFrame } from '../load/websocket.mjs'
import { number } from '../load/frames.mjs'
import { joinAll, openAll } from '../load/sessions.mjs'

const stored = 10_000
const room = '#bench'

/** @type {import('./index.mjs').Workload} */
export const history = {
  name: 'history',
  title: 'resume of 10,000 messages, 4 clients',
  only: 'agentchat',
  async run({ peer, url, measure }) {
    const clients = await openAll(peer, url, 4, 'h')
    await joinAll(peer, clients, room)
    await fill(clients[0], peer.message(room, 'hello '))
    const again = Buffer.concat([{ type: 'LEAVE', channel: room }, { type: 'JOIN', channel: room, since: 0 }].map(request => maskedFrame(JSON.stringify(request))))
    const figures = await measure(clients.map(client => ({ members: [{ client }], speakers: [{ client, frames: [{ bytes: again, idAt: 0, mask: 0 }] }], perMessage: stored, window: 1 })))
    return { 'messages/s': figures['deliveries/s'], 'CPU µs/message': figures['CPU µs/delivery'], 'load ÷ server CPU': figures['load ÷ server CPU'] }
  },
}

/** @param {import('../load/client.mjs').Client} client @param {import('../load/frames.mjs').Frame} frame */
const fill = (client, frame) => new Promise(resolve => {
  let heard = 0
  client.onText = (_bytes, _start, _end, kind) => { if (kind === 77 && ++heard === stored) resolve(undefined) }
  for (let i = 0; i < stored; i++) {
    number(frame, i)
    client.send(Buffer.from(frame.bytes))
  }
})
