// @ts-check
// Ours: everything on (validation, SQLite on disk, seq, ACK), rate limits lifted by configuration.
import { fileURLToPath } from 'node:url'
import { connect } from '../load/client.mjs'
import { paddedContent } from '../load/frames.mjs'
import { ask, websocket } from '../load/websocket.mjs'

export const bin = process.env['AGENTCHAT_BIN'] ?? fileURLToPath(new URL('../../dist/bin/agentchat.js', import.meta.url))

/** @type {import('./index.mjs').Peer} */
export const agentchat = {
  name: 'agentchat',
  is: 'agentchat serve, SQLite (WAL, synchronous=NORMAL), limits lifted; every message validated, numbered, committed, acknowledged',
  command: (dataDir, flags = []) => [
    process.execPath, ...flags, bin, 'serve', '--host', '127.0.0.1', '--port', '0', '--data', dataDir,
    '--msg-rate', '0', '--max-connections-per-ip', '0', '--log-level', 'warn', '--json',
  ],
  async open(url, name) {
    const client = await connect(url, websocket)
    const welcome = await ask(client, { type: 'IDENTIFY', name, autojoin: false }, 'WELCOME')
    client.address = welcome['agent_id']
    return client
  },
  join: (client, room, isFirst) => ask(client, { type: isFirst ? 'CREATE_CHANNEL' : 'JOIN', channel: room }, 'JOINED'),
  pair: async () => undefined,
  message: (to, text) => websocket.frame({ type: 'MSG', to, content: paddedContent(to, text) }),
}
