// @ts-check
// Goes before a relay (`node --import`): how long its event loop stands still, told over IPC whenever that is asked, since it was asked last.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** ms between two looks of the histogram and of the watch. */
const everyMs = 1

if (isMainThread && process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: everyMs })
  delay.enable()
  let utilization = performance.eventLoopUtilization()
  let worked = 0
  let at = performance.now()
  let cpu = process.cpuUsage()
  // Where the loop stands still because another program has the processor, the process works little meanwhile.
  setInterval(() => {
    const now = performance.now()
    const { user, system } = process.cpuUsage(cpu)
    worked = Math.max(worked, Math.min(now - at - everyMs, (user + system) / 1_000))
    at = now
    cpu = process.cpuUsage()
  }, everyMs).unref()
  process.on('message', () => {
    process.send?.({
      max: Math.max(0, delay.max / 1e6 - everyMs), p99: Math.max(0, delay.percentile(99) / 1e6 - everyMs), worked,
      utilization: performance.eventLoopUtilization(utilization).utilization,
    })
    delay.reset()
    worked = 0
    utilization = performance.eventLoopUtilization()
  })
  process.channel?.unref()
}
