// @ts-check
// Goes before a relay (`node --import`): how long its event loop stands still, told over IPC whenever that is asked, since it was asked last.
import { existsSync, readFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** ms between two looks of the histogram and of the watch. */
const everyMs = 1

const schedule = `/proc/self/task/${process.pid}/schedstat`
const hasSchedule = existsSync(schedule)
/** CPU of the thread of the event loop, in ms; where the system does not tell it, of all threads. */
const cpuMs = () => {
  if (hasSchedule) return Number(readFileSync(schedule, 'latin1').split(' ', 1)[0]) / 1e6
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

if (isMainThread && process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: everyMs })
  delay.enable()
  let utilization = performance.eventLoopUtilization()
  let worked = 0
  let at = performance.now()
  let cpu = cpuMs()
  // Where the loop stands still because another program has the processor, its thread works little meanwhile.
  setInterval(() => {
    const now = performance.now()
    const used = cpuMs()
    worked = Math.max(worked, Math.min(now - at - everyMs, used - cpu))
    at = now
    cpu = used
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
