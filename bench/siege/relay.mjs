// @ts-check
// A relay with its default limits in a process of its own, within a memory limit: by a cgroup where the run may make one, else by the
// size of the heap and what is measured.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { cpus, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'

export const memoryMiB = 512

/** Where a memory cgroup can be made, and the file of its limit. */
const places = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
  { root: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak' },
]

/** @returns {{ dir: string, kind: string } | undefined} */
const makeCgroup = () => {
  for (const { root, limit } of places) {
    const dir = join(root, `agentchat-siege-${process.pid}`)
    try {
      mkdirSync(dir)
      if (!existsSync(join(dir, limit))) throw new Error('no memory controller')
      writeFileSync(join(dir, limit), String(memoryMiB * 2 ** 20))
      return { dir, kind: `cgroup (${limit})` }
    } catch {
      try { rmdirSync(dir) } catch { /* it was not made */ }
    }
  }
  return undefined
}

/** Where others use the machine too, the relay and who measures it are served first. @param {number | undefined} pid @param {number} [nice] */
export const prefer = (pid, nice = -15) => {
  try {
    if (pid === undefined) return false
    setPriority(pid, nice)
    // Kernels that group by session look at the group's value: each of these processes is started as a session of its own.
    if (existsSync(`/proc/${pid}/autogroup`)) writeFileSync(`/proc/${pid}/autogroup`, String(nice))
    return true
  } catch {
    return false
  }
}

/**
 * Ahead of everything that shares its time, where the run may say so: what is measured is the relay, not the machine's other work. Threads
 * that it starts later, for signatures and searches, come after it as they would elsewhere.
 * @param {number | undefined} pid
 */
export const putFirst = pid => {
  try {
    execFileSync('chrt', ['-a', '-R', '-r', '-p', '1', String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * The attacker stands for another machine: it has one processor, and does not take the others from the relay.
 * @param {number | undefined} pid
 */
export const setApart = pid => {
  try {
    if (pid === undefined || cpus().length < 2) return false
    execFileSync('taskset', ['-a', '-c', '-p', String(cpus().length - 1), String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A certificate for localhost in a folder. @param {string} folder @returns {string[]} */
const certificateIn = folder => {
  const [cert, key] = [join(folder, 'siege.crt'), join(folder, 'siege.key')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return ['--cert', cert, '--key', key]
}

/** @param {string} tree a built one @param {{ nofile?: number, isTls?: boolean, flags?: string[] }} how file descriptors that it may have, where they are the matter; whether it has a certificate; and what it is told beside */
export const startRelay = async (tree, { nofile, isTls = false, flags = [] }) => {
  const data = mkdtempSync(join(tmpdir(), 'agentchat-siege-'))
  const cgroup = makeCgroup()
  const args = [...(cgroup === undefined ? [`--max-old-space-size=${memoryMiB - 128}`] : []), join(tree, 'dist/bin/agentchat.js'), 'serve', '--host', '127.0.0.1', '--port', '0', '--data', join(data, 'data'), ...(isTls ? certificateIn(data) : []), ...flags]
  const before = [...(cgroup === undefined ? [] : [`echo $$ > ${cgroup.dir}/cgroup.procs`]), ...(nofile === undefined ? [] : [`ulimit -n ${nofile}`])]
  const child = spawn('sh', ['-c', [...before, 'exec "$@"'].join(' && '), 'sh', process.execPath, ...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  prefer(child.pid)
  let said = ''
  let isOver = false
  const ended = new Promise(resolve => child.once('close', (code, signal) => { isOver = true; resolve(signal ?? code) }))
  const port = await new Promise((resolve, reject) => {
    const hear = (/** @type {Buffer} */ chunk) => {
      said = (said + chunk).slice(-4_000)
      const found = /wss?:\/\/[\w.-]+:(\d+)/.exec(said)?.[1]
      if (found !== undefined) resolve(Number(found))
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    ended.then(code => reject(new Error(`the relay ended with ${code}\n${said}`)))
  })
  const isFirst = putFirst(child.pid)
  const rss = (/** @type {'VmRSS' | 'VmHWM'} */ field) => {
    try {
      return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024
    } catch {
      return 0
    }
  }
  return {
    port,
    isFirst,
    memoryLimit: cgroup?.kind ?? 'heap size, and RSS measured',
    isOver: () => isOver,
    said: () => said,
    rssMiB: () => rss('VmRSS'),
    peakMiB: () => rss('VmHWM'),
    cpuSeconds: () => {
      try {
        const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
        return (Number(fields[11]) + Number(fields[12])) / 100
      } catch {
        return NaN
      }
    },
    stop: async () => {
      child.kill('SIGKILL')
      await ended
      rmSync(data, { recursive: true, force: true })
      if (cgroup !== undefined) try { rmdirSync(cgroup.dir) } catch { /* not empty yet */ }
    },
  }
}
