// @ts-check
// What a process keeps. Its resident set alone says mostly how far the heap had grown when it was last collected: by 20 MB more or less, as it
// happens. So V8 is asked to collect first, by the process's inspector.
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../load/client.mjs'
import { maskedFrame, websocket } from '../load/websocket.mjs'

/** Of Node, for a process that is asked. */
export const inspected = ['--inspect=127.0.0.1:0']

/** Time to give back to the system what was collected. */
const settleMs = 300

/**
 * Bytes that stay when everything else is collected: all that is resident, and what of it is JavaScript.
 * @param {import('./servers.mjs').Relay} relay started with `inspected`
 */
export const keptBy = async relay => {
  const [url] = await relay.prints(/ws:\/\/127\.0\.0\.1:\d+\/[\w-]{36}/)
  const inspector = await connect(url, websocket)
  let asked = 0
  /** @param {string} method @returns {Promise<any>} */
  const ask = method => {
    const id = ++asked
    return inspector.exchange(maskedFrame(JSON.stringify({ id, method })), text => {
      const answer = JSON.parse(text)
      return answer.id === id ? answer.result : undefined
    })
  }
  try {
    // What is freed by the first, by finalizers, is collected by the second.
    await ask('HeapProfiler.collectGarbage')
    await ask('HeapProfiler.collectGarbage')
    await sleep(settleMs)
    return { resident: relay.bytes, heap: Number((await ask('Runtime.getHeapUsage')).usedSize) }
  } finally {
    inspector.destroy()
  }
}
