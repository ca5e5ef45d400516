// @ts-check
// What the bare broadcasters and their clients agree on: a first message says which room to hear and which to tell; every other one is passed on as it is.
import { WebSocketServer } from 'ws'
import { connect } from '../load/client.mjs'
import { paddedContent } from '../load/frames.mjs'
import { ask, websocket } from '../load/websocket.mjs'

/** @typedef {{ readonly hear: string, readonly tell: string }} Places names of rooms */

/** @param {import('../load/client.mjs').Client} client @param {Places} places */
const enter = (client, places) => ask(client, places, 'JOINED')

/** @type {Pick<import('./index.mjs').Peer, 'open' | 'join' | 'pair' | 'message'>} */
export const wsDialect = {
  async open(url, name) {
    const client = await connect(url, websocket)
    client.address = name
    return client
  },
  join: (client, room) => enter(client, { hear: room, tell: room }),
  pair: (a, b) => Promise.all([enter(a, { hear: a.address, tell: b.address }), enter(b, { hear: b.address, tell: a.address })]),
  message: (to, text) => websocket.frame({ type: 'MSG', to, content: paddedContent(to, text) }),
}

/**
 * Listens on a free port, says where, and hands on whoever has entered.
 * @template R
 * @param {() => R} makeRoom
 * @param {(ws: import('ws').WebSocket, socket: import('node:net').Socket, hear: R, tell: R) => void} onEnter
 */
export const listen = (makeRoom, onEnter) => {
  /** @type {Map<string, R>} */
  const rooms = new Map()
  const roomOf = (/** @type {string} */ name) => {
    const room = rooms.get(name) ?? makeRoom()
    rooms.set(name, room)
    return room
  }
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, clientTracking: false, backlog: 4_096 })
  server.on('listening', () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    console.log(JSON.stringify({ url: `ws://127.0.0.1:${port}` }))
  })
  server.on('connection', (ws, { socket }) => {
    ws.on('error', () => undefined)
    ws.once('message', data => {
      const { hear, tell } = /** @type {Places} */ (JSON.parse(data.toString()))
      onEnter(ws, socket, roomOf(hear), roomOf(tell))
      ws.send('{"type":"JOINED"}')
    })
  })
}
