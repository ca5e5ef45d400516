// @ts-check
// How to speak to the raw broadcasters: a first message says which room to hear and which to write to; all others are passed on as they are.
import { connect } from '../load/client.mjs'

/** @typedef {{ readonly hear: string, readonly tell: string }} Places */

/** @param {import('../load/client.mjs').Client} client @param {Places} places */
const enter = (client, places) => client.ask(JSON.stringify(places), 'JOINED')

/** @type {Pick<import('./index.mjs').Peer, 'open' | 'join' | 'pair'>} */
export const wsDialect = {
  async open(url, name) {
    const client = await connect(url)
    client.address = name
    return client
  },
  join: (client, room) => enter(client, { hear: room, tell: room }),
  pair: (a, b) => Promise.all([enter(a, { hear: a.address, tell: b.address }), enter(b, { hear: b.address, tell: a.address })]),
}

export const serverOptions = { host: '127.0.0.1', port: 0, perMessageDeflate: false, clientTracking: false, backlog: 4_096 }

/** @param {import('ws').WebSocketServer} server */
export const announce = server => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(JSON.stringify({ url: `ws://127.0.0.1:${port}/` }))
}

/**
 * The value of a key, made when it is first asked for.
 * @template V
 * @param {Map<string, V>} map @param {string} key @param {() => V} make
 */
export const valueOf = (map, key, make) => {
  let value = map.get(key)
  if (value === undefined) map.set(key, value = make())
  return value
}
