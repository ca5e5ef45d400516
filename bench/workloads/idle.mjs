// @ts-check
// Sessions that only sit there: how fast they open and join one channel, and what memory each one keeps.
import { setTimeout as sleep } from 'node:timers/promises'
import { joinAll, openAll } from '../load/sessions.mjs'
import { cpuMicros, residentBytes } from '../load/usage.mjs'

/**
 * @param {{ name: string, title: string, connections: number }} shape
 * @returns {import('./index.mjs').Workload}
 */
export const idle = ({ name, title, connections }) => ({
  name,
  title,
  ratios: ['KB/connection', 'ms to connect'],
  async run({ peer, url, pid, count, runMs }) {
    // A tenth comes and goes first, so that code and heap are warm and only connections count.
    for (const client of await openAll(peer, url, count(connections / 10), 'w')) client.destroy()
    await sleep(runMs / 2)
    const bytesBefore = residentBytes(pid)
    const cpuBefore = cpuMicros(pid)
    const startedAt = performance.now()
    const clients = await openAll(peer, url, count(connections), 'i')
    const openedAt = performance.now()
    const cpu = cpuMicros(pid) - cpuBefore
    await sleep(runMs / 2)
    const bytes = residentBytes(pid) - bytesBefore
    const joiningAt = performance.now()
    await joinAll(peer, clients, '#bench')
    return {
      'KB/connection': bytes / clients.length / 1024,
      'ms to connect': openedAt - startedAt,
      'CPU µs/connect': cpu / clients.length,
      'ms to join one channel': performance.now() - joiningAt,
    }
  },
})
