// @ts-check
// Ours: everything on (validation, SQLite on disk, seq, ACK), rate limits lifted by configuration.
import { generateKeyPairSync, sign } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { connect } from '../load/client.mjs'
import { paddedContent } from '../load/frames.mjs'
import { ask, websocket } from '../load/websocket.mjs'

export const bin = process.env['AGENTCHAT_BIN'] ?? fileURLToPath(new URL('../../dist/bin/agentchat.js', import.meta.url))

/** @param {import('../load/client.mjs').Client} client @param {Record<string, any>} welcome */
const welcomed = (client, welcome) => {
  client.address = welcome['agent_id']
  return client
}

/** @type {import('./index.mjs').Peer} */
export const agentchat = {
  name: 'agentchat',
  is: 'agentchat serve, SQLite (WAL, synchronous=NORMAL), limits lifted; every message validated, numbered, committed, acknowledged',
  command: (dataDir, nodeFlags) => [
    process.execPath, ...nodeFlags, bin, 'serve', '--host', '127.0.0.1', '--port', '0', '--data', dataDir,
    '--msg-rate', '0', '--max-connections-per-ip', '0', '--max-channels-per-address', '0', '--max-inbox', '0', '--max-inbox-per-sender', '0', '--log-level', 'warn', '--json',
  ],
  async open(url, name) {
    const client = await connect(url, websocket)
    return welcomed(client, await ask(client, { type: 'IDENTIFY', name, autojoin: false }, 'WELCOME'))
  },
  join: (client, room, isFirst) => isFirst
    ? ask(client, { type: 'CREATE_CHANNEL', channel: room }, 'JOINED').catch(() => ask(client, { type: 'JOIN', channel: room, limit: 0 }, 'JOINED'))
    : ask(client, { type: 'JOIN', channel: room, limit: 0 }, 'JOINED'),
  pair: async () => undefined,
  message: (to, text) => websocket.frame({ type: 'MSG', to, content: paddedContent(to, text) }),
}

export const newKey = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { privateKey, pem: String(publicKey.export({ type: 'spki', format: 'pem' })) }
}

/** @typedef {ReturnType<typeof newKey>} Key */

/** @param {Key} key @param {string} text */
const signature = ({ privateKey }, text) => sign(null, Buffer.from(text), privateKey).toString('base64')

/** Opens a session that proves a key. @param {string} url @param {string} name @param {Key} key */
export const openKeyed = async (url, name, key) => {
  const client = await connect(url, websocket)
  const { nonce, challenge_id } = await ask(client, { type: 'IDENTIFY', name, pubkey: key.pem, autojoin: false }, 'CHALLENGE')
  const timestamp = Date.now()
  const proof = { type: 'VERIFY_IDENTITY', challenge_id, timestamp, signature: signature(key, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`) }
  return welcomed(client, await ask(client, proof, 'WELCOME'))
}

/** A message with its signature. @param {Key} key @param {string} to @param {string} text */
export const signedMessage = (key, to, text) => {
  const content = paddedContent(to, text)
  const ts = Date.now()
  return websocket.frame({ type: 'MSG', to, content, ts, sig: signature(key, JSON.stringify({ to, content, ts })) })
}

/** A number that the relay tells its operator. @param {string} url @param {string} name */
export const metric = async (url, name) => {
  const text = await (await fetch(`${url.replace('ws:', 'http:')}/metrics`)).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
}
