// @ts-check
// nats-server, core only: subjects over TCP, nothing stored.
import { spawnSync } from 'node:child_process'
import { connect } from '../load/client.mjs'
import { paddedContent } from '../load/frames.mjs'
import { nats as wire } from '../load/nats.mjs'

/** Subscribes, and waits until the server has read it. @param {import('../load/client.mjs').Client} client @param {string} subject */
const subscribe = (client, subject) => client.exchange(Buffer.from(`SUB ${subject} 1\r\nPING\r\n`), text => text === 'PONG' || undefined)

/** @type {import('./index.mjs').Peer} */
export const nats = {
  name: 'nats',
  is: 'nats-server, core: TCP instead of WebSocket, nothing parsed or stored',
  missing: () => spawnSync('nats-server', ['--version']).error === undefined ? undefined : 'apt-get install nats-server',
  command: () => ['nats-server', '-a', '127.0.0.1', '-p', '-1'],
  place: /Listening for client connections on (\S+)/,
  async open(url, name) {
    const client = await connect(url, wire)
    client.address = name
    return client
  },
  join: (client, room) => subscribe(client, room),
  pair: (a, b) => Promise.all([subscribe(a, a.address), subscribe(b, b.address)]),
  message: (to, text) => wire.frame({ type: 'MSG', to, content: paddedContent(to, text) }),
}
