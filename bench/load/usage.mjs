// @ts-check
// What a process has used: CPU time and resident memory, from /proc where there is one, else from ps.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const hasProc = existsSync('/proc/self/stat')
/** Linux tells CPU time in ticks of 10 ms on every architecture. */
const tickMicros = 10_000

/** @param {number} pid @param {string} column */
const ps = (pid, column) => execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)]).toString().trim()

/**
 * CPU time of a process and all its threads, user and system, in µs.
 * @param {number} pid
 */
export const cpuMicros = pid => {
  if (hasProc) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * tickMicros
  }
  // [[days-]hours:]minutes:seconds.hundredths
  const [clock = '', days = '0'] = ps(pid, 'time').split('-').reverse()
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1e6 + Number(days) * 86_400e6
}

/**
 * Resident memory of a process, in bytes.
 * @param {number} pid
 */
export const residentBytes = pid => {
  const kilobytes = hasProc ? /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] : ps(pid, 'rss')
  return Number(kilobytes) * 1024
}
