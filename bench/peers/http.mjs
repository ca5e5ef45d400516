// @ts-check
// A bare node:http server that answers what the relay answers at its HTTP door, and does nothing for it: what HTTP itself takes.
import { createServer } from 'node:http'

const content = 'x'.repeat(200)
const event = (/** @type {number} */ seq) =>
  JSON.stringify({ type: 'MSG', ts: 1_790_000_000_000, from: '@8addfe276526c9f6', from_name: 'bench-1', to: '#general', content, msg_id: `1-${seq}-5b1f0c`, seq, via: 'http', auth: 'token' })
const page = Buffer.from(`{"type":"HISTORY","channel":"#general","more":true,"items":[${Array.from({ length: 20 }, (_, seq) => event(seq)).join(',')}]}`)
const stored = JSON.stringify({ type: 'ACK', ts: 1_790_000_000_000, msg_id: '1-16-5b1f0c', seq: 16, re: 'x'.repeat(16) })

/** @param {import('node:http').ServerResponse} response @param {number} status @param {string | Buffer} body */
const send = (response, status, body) => {
  response.writeHead(status, {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'Retry-After, Link, ETag, Location, Idempotency-Replayed, RateLimit, RateLimit-Policy',
    'cache-control': 'no-store',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

const server = createServer((request, response) => {
  if (request.method !== 'POST') return send(response, 200, page)
  /** @type {Buffer[]} */
  const parts = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    JSON.parse(Buffer.concat(parts).toString())
    send(response, 201, stored)
  })
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`))
