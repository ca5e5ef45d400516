// @ts-check
// The same load in Node, where there is no compiler: it costs nearly what a bare server costs, which the figures show.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { number } from './frames.mjs'

const kindMessage = 77
const kindError = 69
const micros = () => Number(process.hrtime.bigint()) / 1_000

/**
 * @param {import('./plan.mjs').Plan} plan
 * @param {(sample: import('./plan.mjs').Sample) => void} onSample
 * @returns {Promise<import('./plan.mjs').Seen>}
 */
export const driveInNode = async (plan, onSample) => {
  let deliveries = 0
  let phase = 0
  /** @type {import('./plan.mjs').Seen} */
  const seen = { samples: [], closed: [] }
  /** @type {number[]} */
  const latencies = []
  /** @type {(() => void)[]} */
  const starts = []
  /** @type {((atMs: number) => void)[]} */
  const paces = []
  for (const [place, { members, speakers, perMessage = members.length, window = 0, perSecond = 0 }] of plan.groups.entries()) {
    const said = speakers.map(() => 0)
    /** @type {number[]} */
    const sentAt = []
    let sent = 0
    let received = 0
    const say = () => {
      const turn = sent++ % speakers.length
      const { client, frames } = speakers[turn]
      const frame = frames[said[turn] % frames.length]
      // A copy: the socket may still hold the one before.
      const copy = { ...frame, bytes: Buffer.from(frame.bytes) }
      number(copy, said[turn]++)
      if (perSecond > 0) sentAt.push(micros())
      client.send(copy.bytes)
    }
    for (const { client, awaits, sleeps } of members) {
      let heard = 0
      client.onClosed = code => {
        if (sleeps === undefined) throw new Error(`the server closed a connection: ${code}`)
        seen.closed.push(code)
      }
      client.onText = (bytes, start, end, kind) => {
        if (kind === kindError) throw new Error(bytes.toString('utf8', start, end))
        if (kind !== kindMessage || sleeps !== undefined || (awaits !== undefined && !bytes.toString('latin1', start, end).includes(awaits))) return
        deliveries++
        if (perSecond > 0) {
          if (phase > 0) latencies.push(micros() - sentAt[heard])
          heard++
        } else if (++received % perMessage === 0) say()
      }
    }
    starts.push(() => { for (let i = 0; i < window; i++) say() })
    if (perSecond > 0) paces.push(atMs => { while (sent < atMs / 1_000 * perSecond - place / plan.groups.length) say() })
  }
  const sleepers = plan.groups.flatMap(({ members }) => members.filter(({ sleeps }) => sleeps !== undefined))
  for (const start of starts) start()
  const startedAt = performance.now()
  const pacer = setInterval(() => { for (const pace of paces) pace(performance.now() - startedAt) }, 1)
  for (const ms of plan.phases) {
    for (const { client, sleeps } of sleepers) if (sleeps === phase) client.socket.pause()
    await sleep(ms)
    const { user, system } = process.cpuUsage()
    const sample = { at: micros(), deliveries, own: user + system }
    seen.samples.push(sample)
    onSample(sample)
    phase++
  }
  clearInterval(pacer)
  await Promise.all(sleepers.map(({ client: { socket } }) => {
    socket.resume()
    return Promise.race([once(socket, 'close'), sleep(1_000)])
  }))
  latencies.sort((a, b) => a - b)
  const at = (/** @type {number} */ part) => latencies[Math.floor((latencies.length - 1) * part)]
  if (latencies.length > 0) seen.latency = { p50: at(0.5), p99: at(0.99) }
  return seen
}
