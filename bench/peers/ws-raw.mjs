// @ts-check
// The plain way to broadcast with ws: `send` to each. Nothing is parsed, checked or stored.
import { WebSocketServer } from 'ws'
import { announce, serverOptions, valueOf, wsDialect } from './ws-dialect.mjs'

const serve = () => {
  /** @type {Map<string, Set<import('ws').WebSocket>>} */
  const rooms = new Map()
  const roomOf = (/** @type {string} */ name) => valueOf(rooms, name, () => new Set())
  const server = new WebSocketServer(serverOptions, () => announce(server))
  server.on('connection', ws => {
    ws.on('error', () => undefined)
    ws.once('message', data => {
      const { hear, tell } = JSON.parse(data.toString())
      const heard = roomOf(hear).add(ws)
      const audience = roomOf(tell)
      ws.on('close', () => heard.delete(ws))
      ws.on('message', message => { for (const member of audience) member.send(message, { binary: false }) })
      ws.send('{"type":"JOINED"}')
    })
  })
}

/** @type {import('./index.mjs').Peer} */
export const wsRaw = { name: 'ws-raw', is: 'a bare ws broadcaster, `send` to each; nothing parsed or stored', serve, ...wsDialect }
