// @ts-check
// How fast this machine is, now: two pieces of work that are the same everywhere, alone on one thread. Limits of time are read against it.
import { generateKeyPairSync, sign, verify } from 'node:crypto'

const text = JSON.stringify({ type: 'MSG', to: '#bench', id: '1', content: 'x'.repeat(262) })

/** How often `work` runs in a second. @param {number} ms @param {() => void} work */
const perSecond = (ms, work) => {
  for (let i = 0; i < 200; i++) work()
  let runs = 0
  const startedAt = performance.now()
  while (performance.now() - startedAt < ms) {
    for (let i = 0; i < 50; i++) work()
    runs += 50
  }
  return runs / (performance.now() - startedAt) * 1_000
}

/** Runs of `work` in a second of this process's own CPU: other work on the machine makes it no slower. @param {() => void} work */
const perCpuSecond = work => {
  for (let n = 0; n < 200; n++) work()
  const before = process.cpuUsage()
  let runs = 0
  for (let used = 0; used < 200_000;) {
    for (let n = 0; n < 50; n++) work()
    runs += 50
    const { user, system } = process.cpuUsage(before)
    used = user + system
  }
  return runs / 0.2
}

/** The two pieces of work in a second of CPU. */
export const cpuSpeed = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const message = Buffer.from(text)
  const signature = sign(null, message, privateKey)
  return {
    'verify/s': perCpuSecond(() => { verify(null, message, publicKey, signature) }),
    'parse/s': perCpuSecond(() => { JSON.parse(text) }),
  }
}

/** @type {import('./index.mjs').Workload} */
export const machine = {
  name: 'machine',
  title: 'this machine, one thread: Ed25519 signatures verified, messages of 312 bytes parsed',
  subjects: ['node:crypto, JSON.parse'],
  async run({ runMs }) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const message = Buffer.from(text)
    const signature = sign(null, message, privateKey)
    return {
      'verify/s': perSecond(runMs / 2, () => { verify(null, message, publicKey, signature) }),
      'parse/s': perSecond(runMs / 2, () => { JSON.parse(text) }),
    }
  },
}

/** The machine on which the limits of time were set. */
export const reference = { 'verify/s': 17_000, 'parse/s': 2_700_000 }
