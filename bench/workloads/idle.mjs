// @ts-check
// Sessions that only sit there: how fast they open and enter one channel, whether the second half takes longer than the first, what memory each one keeps.
import { setTimeout as sleep } from 'node:timers/promises'
import { joinAll, openAll } from '../load/sessions.mjs'
import { cpuMicros, residentBytes } from '../load/usage.mjs'

/** @param {() => Promise<unknown>} work */
const timed = async work => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/**
 * @param {{ name: string, title: string, connections: number }} shape
 * @returns {import('./index.mjs').Workload}
 */
export const idle = ({ name, title, connections }) => ({
  name,
  title,
  ratios: ['KB/connection', 'ms to connect and enter'],
  async run({ peer, url, pid, count, runMs }) {
    // A tenth comes and goes first, so that code and heap are warm and only connections count.
    for (const client of await openAll(peer, url, count(connections / 10), 'w')) client.destroy()
    await sleep(runMs / 2)
    const bytesBefore = residentBytes(pid)
    const cpuBefore = cpuMicros(pid)
    /** @type {Awaited<ReturnType<typeof openAll>>[]} */
    const halves = []
    const opening = []
    for (const prefix of ['a', 'b']) opening.push(await timed(async () => halves.push(await openAll(peer, url, count(connections / 2), prefix))))
    const cpu = cpuMicros(pid) - cpuBefore
    await sleep(runMs / 2)
    const bytes = residentBytes(pid) - bytesBefore
    const joining = []
    for (const half of halves) joining.push(await timed(() => joinAll(peer, half, '#bench')))
    const opened = halves.flat().length
    return {
      'KB/connection': bytes / opened / 1024,
      'CPU µs/connect': cpu / opened,
      'ms to connect': opening[0] + opening[1],
      'ms to connect and enter': opening[0] + opening[1] + joining[0] + joining[1],
      'second ÷ first half': (opening[1] + joining[1]) / (opening[0] + joining[0]),
    }
  },
})
