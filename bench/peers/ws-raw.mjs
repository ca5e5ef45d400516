// @ts-check
// The plain way to broadcast with ws: `send` to each.
import { listen, wsDialect } from './ws-dialect.mjs'

const makeRoom = () => /** @type {Set<import('ws').WebSocket>} */ (new Set())

const serve = () => listen(makeRoom, (ws, _socket, hear, tell) => {
  hear.add(ws)
  ws.on('close', () => hear.delete(ws))
  ws.on('message', message => { for (const member of tell) member.send(message, { binary: false }) })
})

/** @type {import('./index.mjs').Peer} */
export const wsRaw = { name: 'ws-raw', is: 'a bare ws broadcaster, `send` to each; nothing parsed or stored', serve, ...wsDialect }
