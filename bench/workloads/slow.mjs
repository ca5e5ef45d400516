// @ts-check
// One subscriber that stops reading: what the others keep of their throughput, what the server keeps for it, and whether it is shown the door.
import { agentchat, metric } from '../peers/agentchat.mjs'
import { residentBytes } from '../load/usage.mjs'
import { openRoom } from './rooms.mjs'

/** The limit our relay is given, for each connection. */
export const pendingBytes = 4 * 2 ** 20
const everyMs = 50

/** @type {import('./index.mjs').Workload} */
export const slow = {
  name: 'slow',
  title: 'one of 51 subscribers never reads, 40 outstanding',
  ratios: ['others keep %', 'memory growth MB'],
  flags: ['--max-pending-bytes', String(pendingBytes)],
  async run({ peer, url, pid, runMs, drive }) {
    const { members, speakers } = await openRoom({ peer, url }, { room: 'bench', members: 51, senders: 10 })
    const group = { members: members.map((member, i) => i === 50 ? { ...member, sleeps: 2 } : member), speakers, perMessage: 50, window: 40 }
    let peak = 0
    const watch = setInterval(() => { peak = Math.max(peak, residentBytes(pid)) }, everyMs)
    const { moments: [from, half, to], closed } = await drive([group], [runMs, 2 * runMs])
    clearInterval(watch)
    const rate = (/** @type {import('./index.mjs').Moment} */ a, /** @type {import('./index.mjs').Moment} */ b) => (b.deliveries - a.deliveries) / (b.at - a.at)
    return {
      'deliveries/s': rate(half, to) * 1e6,
      'others keep %': rate(half, to) / rate(from, half) * 100,
      'memory growth MB': (peak - half.bytes) / 2 ** 20,
      'close code': closed[0] ?? 0,
      'slow closes counted': peer === agentchat ? await metric(url, 'agentchat_slow_closes_total') : 0,
    }
  },
}
