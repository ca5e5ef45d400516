// @ts-check
// Bun's own server (uWebSockets): publish to a topic, in C++. From npm, installed into bench/ only.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { wsDialect } from './ws-dialect.mjs'

const bin = fileURLToPath(new URL('../node_modules/.bin/bun', import.meta.url))
const server = fileURLToPath(new URL('./bun-server.mjs', import.meta.url))

/** @type {import('./index.mjs').Peer} */
export const bun = {
  name: 'bun',
  is: 'Bun native publish (uWebSockets); nothing parsed or stored',
  missing: () => existsSync(bin) ? undefined : 'npm install --prefix bench (npm run bench -- --peers does it)',
  command: () => [bin, server],
  ...wsDialect,
}
