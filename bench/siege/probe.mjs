// @ts-check
// The honest ones, in a process that does little else: pairs that exchange a message a second, a login a second, GET /healthz a second.
// Told `{ window }` over IPC it answers with what it saw since the last time.
import { get } from 'node:http'
import { get as getByTls } from 'node:https'
import { frame, login, newKey } from './socket.mjs'

const port = Number(process.argv[2])
const isTls = process.argv[3] === 'tls'
const pairs = 4
const everyMs = 1_000

/** @typedef {{ messages: number[], logins: number[], healthz: number[], closed: string[], lost: number }} Seen what took how long, in ms; Infinity: failed, or not within ten seconds */

/** @returns {Seen} */
const nothing = () => ({ messages: [], logins: [], healthz: [], closed: [], lost: 0 })
let seen = nothing()
/** Messages that were sent and did not arrive yet: content → when. @type {Map<string, number>} */
const onTheWay = new Map()
let number = 0

const address = (/** @type {number} */ i) => `127.0.1.${i + 1}`

for (let pair = 0; pair < pairs; pair++) {
  const [a, b] = await Promise.all(['a', 'b'].map((side, i) => login({ port, isTls, from: address(2 * pair + i) }, `honest${pair}${side}`, newKey())))
  if (a === undefined || b === undefined) throw new Error('the relay takes no honest login before the attack')
  for (const client of [a, b]) client.maxTextBytes = 4_096
  for (const client of [a, b]) client.onClose = () => { seen.closed.push(`${client.closeCode || 'cut'}`) }
  b.onText = text => {
    const at = text.indexOf('honest-')
    if (at < 0) return
    const content = text.slice(at, text.indexOf('.', at))
    const sentAt = onTheWay.get(content)
    if (sentAt === undefined || !content.startsWith(`honest-${pair}-`)) return
    onTheWay.delete(content)
    seen.messages.push(performance.now() - sentAt)
  }
  const say = () => {
    const content = `honest-${pair}-${number++}`
    onTheWay.set(content, performance.now())
    a.send(frame({ type: 'MSG', to: pair % 2 === 0 ? '#general' : b.id, content: `${content}.` }))
  }
  setTimeout(() => setInterval(say, everyMs), pair * everyMs / pairs)
}

setInterval(async () => {
  const startedAt = performance.now()
  const client = await login({ port, isTls, from: address(20) }, 'newcomer', newKey())
  seen.logins.push(client === undefined ? Infinity : performance.now() - startedAt)
  client?.destroy()
}, everyMs)

setInterval(() => {
  const startedAt = performance.now()
  const request = (isTls ? getByTls : get)({ host: '127.0.0.1', port, path: '/healthz', localAddress: address(21), agent: false, timeout: 10_000, rejectUnauthorized: false }, response => {
    response.resume()
    response.on('end', () => seen.healthz.push(response.statusCode === 200 ? performance.now() - startedAt : Infinity))
  })
  request.on('timeout', () => request.destroy())
  request.on('error', () => seen.healthz.push(Infinity))
}, everyMs)

process.on('message', () => {
  const now = performance.now()
  // What is still on its way took at least so long.
  const late = [...onTheWay.values()].map(sentAt => now - sentAt).filter(ms => ms > 50)
  for (const [content, sentAt] of onTheWay) if (now - sentAt > 10_000) onTheWay.delete(content)
  process.send?.({ ...seen, messages: [...seen.messages, ...late].map(ms => Number.isFinite(ms) ? ms : 1e9), logins: seen.logins.map(ms => Math.min(ms, 1e9)), healthz: seen.healthz.map(ms => Math.min(ms, 1e9)), lost: late.length })
  seen = nothing()
})
process.send?.('ready')
