// @ts-check
// Ours: everything on (validation, SQLite on disk, seq, ACK), rate limits lifted by configuration.
import { fileURLToPath } from 'node:url'
import { connect } from '../load/client.mjs'

const bin = process.env['AGENTCHAT_BIN'] ?? fileURLToPath(new URL('../../dist/bin/agentchat.js', import.meta.url))

/** @type {import('./index.mjs').Peer} */
export const agentchat = {
  name: 'agentchat',
  is: 'agentchat serve, SQLite (WAL, synchronous=NORMAL), limits lifted; every message validated, numbered, committed, acknowledged',
  command: (dataDir, nodeFlags) => [
    process.execPath, ...nodeFlags, bin, 'serve', '--host', '127.0.0.1', '--port', '0', '--data', dataDir,
    '--msg-rate', '0', '--max-connections-per-ip', '0', '--log-level', 'warn', '--json',
  ],
  async open(url, name) {
    const client = await connect(url)
    const welcome = await client.ask(JSON.stringify({ type: 'IDENTIFY', name, autojoin: false }), 'WELCOME')
    client.address = welcome['agent_id']
    return client
  },
  join: (client, room, isFirst) => client.ask(JSON.stringify({ type: isFirst ? 'CREATE_CHANNEL' : 'JOIN', channel: room }), 'JOINED'),
  pair: async () => undefined,
}
