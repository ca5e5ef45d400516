// @ts-check
// What keys cost our relay: sessions that prove one, and messages whose signatures it checks.
import { metric, newKey, openKeyed, signedMessage } from '../peers/agentchat.mjs'
import { inParallel, joinAll, openAll } from '../load/sessions.mjs'
import { cpuMicros } from '../load/usage.mjs'

const logins = 1_000
const rooms = 50
const framesPerSpeaker = 40

/** @type {import('./index.mjs').Workload} */
export const login = {
  name: 'login',
  title: '1,000 logins with Ed25519',
  only: 'agentchat',
  async run({ url, pid, count }) {
    // A tenth comes and goes first, so that code and heap are warm.
    for (const client of await inParallel(Array.from({ length: count(logins / 10) }, newKey), (key, i) => openKeyed(url, `w${i}`, key))) client.destroy()
    const keys = Array.from({ length: count(logins) }, newKey)
    const cpuBefore = cpuMicros(pid)
    const startedAt = performance.now()
    await inParallel(keys, (key, i) => openKeyed(url, `k${i}`, key))
    const ms = performance.now() - startedAt
    return { ms, 'CPU µs/login': (cpuMicros(pid) - cpuBefore) / keys.length }
  },
}

/** @type {import('./index.mjs').Workload} */
export const signed = {
  name: 'signed',
  title: 'signed messages, verified: 50 rooms × 2, 20 outstanding per room',
  only: 'agentchat',
  flags: ['--verify-messages'],
  async run({ peer, url, count, measure }) {
    const groups = []
    for (let i = 0; i < count(rooms); i++) {
      const room = `#bench-${i}`
      const key = newKey()
      const speaker = await openKeyed(url, `s${i}`, key)
      const members = [speaker, ...await openAll(peer, url, 1, `l${i}-`)]
      await joinAll(peer, members, room)
      const frames = Array.from({ length: framesPerSpeaker }, (_, n) => signedMessage(key, room, `hello ${n} `))
      groups.push({ members: members.map(client => ({ client })), speakers: [{ client: speaker, frames }], window: 20 })
    }
    // Each scrape begins a new measurement of the delay.
    await metric(url, 'agentchat_event_loop_delay_p99_seconds')
    const figures = await measure(groups)
    const delay = await metric(url, 'agentchat_event_loop_delay_p99_seconds')
    return { 'messages/s': figures['deliveries/s'] / 2, 'p99 event loop delay ms': delay * 1_000, 'CPU µs/message': figures['CPU µs/delivery'] * 2, 'load ÷ server CPU': figures['load ÷ server CPU'] }
  },
}
