// @ts-check
// The fast way to broadcast with ws: what a room gets in one turn is framed once, joined, and written raw to each.
// @ts-expect-error @types/ws leaves Sender out.
import { Sender } from 'ws'
import { listen, wsDialect } from './ws-dialect.mjs'

const frameOptions = { fin: true, opcode: 1, mask: false, readOnly: false, rsv1: false }

const makeRoom = () => ({
  sockets: /** @type {Set<import('node:net').Socket>} */ (new Set()),
  frames: /** @type {Buffer[]} */ ([]),
})

const serve = () => {
  /** @type {ReturnType<typeof makeRoom>[]} */
  const touched = []
  const flush = () => {
    for (const { frames, sockets } of touched.splice(0)) {
      const bytes = Buffer.concat(frames.splice(0))
      for (const socket of sockets) socket.write(bytes)
    }
  }
  listen(makeRoom, (ws, socket, hear, tell) => {
    hear.sockets.add(socket)
    ws.on('close', () => hear.sockets.delete(socket))
    ws.on('message', message => {
      if (touched.length === 0) setImmediate(flush)
      if (tell.frames.length === 0) touched.push(tell)
      tell.frames.push(...Sender.frame(message, frameOptions))
    })
  })
}

/** @type {import('./index.mjs').Peer} */
export const wsJoined = { name: 'ws-joined', is: 'a bare ws broadcaster, the frames of a room joined once per turn and written raw; nothing parsed or stored', serve, ...wsDialect }
