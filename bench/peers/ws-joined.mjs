// @ts-check
// The fast way to broadcast with ws: what a room gets in one turn is framed once, joined, and written raw to each. Nothing is parsed, checked or stored.
import { Sender, WebSocketServer } from 'ws'
import { announce, serverOptions, valueOf, wsDialect } from './ws-dialect.mjs'

const frameOptions = { fin: true, opcode: 1, mask: false, readOnly: false, rsv1: false }

/** @typedef {{ readonly sockets: Set<import('node:net').Socket>, readonly name: string, frames: Buffer[] }} Room */

const serve = () => {
  /** @type {Map<string, Room>} */
  const rooms = new Map()
  const roomOf = (/** @type {string} */ name) => valueOf(rooms, name, () => ({ name, sockets: new Set(), frames: [] }))
  /** @type {Room[]} */
  let touched = []
  const flush = () => {
    for (const room of touched.splice(0)) {
      const bytes = Buffer.concat(room.frames)
      room.frames = []
      for (const socket of room.sockets) socket.write(bytes)
    }
  }
  const server = new WebSocketServer(serverOptions, () => announce(server))
  server.on('connection', (ws, { socket }) => {
    ws.on('error', () => undefined)
    ws.once('message', data => {
      const { hear, tell } = JSON.parse(data.toString())
      const heard = roomOf(hear)
      const audience = roomOf(tell)
      heard.sockets.add(socket)
      ws.on('close', () => heard.sockets.delete(socket))
      ws.on('message', message => {
        if (touched.length === 0) setImmediate(flush)
        if (audience.frames.length === 0) touched.push(audience)
        audience.frames.push(...Sender.frame(/** @type {Buffer} */ (message), frameOptions))
      })
      ws.send('{"type":"JOINED"}')
    })
  })
}

/** @type {import('./index.mjs').Peer} */
export const wsJoined = { name: 'ws-joined', is: 'a bare ws broadcaster, the frames of a room joined once per turn and written raw; nothing parsed or stored', serve, ...wsDialect }
