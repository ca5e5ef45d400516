// @ts-check
// Where a Node server's time goes while it is measured: flags that make it write a CPU profile, and the functions with the most self time.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const shown = 15

/** @typedef {{ id: number, callFrame: { functionName: string, url: string, lineNumber: number } }} ProfileNode */

export const hotSpots = () => {
  const directory = mkdtempSync(join(tmpdir(), 'agentchat-profile-'))
  return {
    nodeFlags: ['--cpu-prof', '--cpu-prof-dir', directory],
    /** The functions that took most between two moments, as text. @param {readonly [number, number]} window in µs */
    render([from, to]) {
      const [file] = readdirSync(directory)
      if (file === undefined) throw new Error('the server wrote no profile: it has to end by itself on SIGTERM')
      const { nodes, samples, timeDeltas, startTime } = JSON.parse(readFileSync(join(directory, file), 'utf8'))
      const names = new Map(nodes.map((/** @type {ProfileNode} */ node) => [node.id, nameOf(node)]))
      /** @type {Map<string, number>} */
      const selfMicros = new Map()
      let at = startTime
      for (const [i, id] of samples.entries()) {
        at += timeDeltas[i]
        // A sample's time lasts until the next one.
        const micros = timeDeltas[i + 1] ?? 0
        if (at >= from && at < to) selfMicros.set(names.get(id), (selfMicros.get(names.get(id)) ?? 0) + micros)
      }
      const total = [...selfMicros.values()].reduce((sum, micros) => sum + micros, 0)
      return [...selfMicros].sort(([, a], [, b]) => b - a).slice(0, shown)
        .map(([name, micros]) => `${(micros / total * 100).toFixed(1).padStart(5)} %  ${name}`).join('\n')
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** @param {ProfileNode} node */
const nameOf = ({ callFrame: { functionName, url, lineNumber } }) => {
  const place = url.split('/').slice(-2).join('/')
  return `${functionName || '(anonymous)'}${place && `  ${place}:${lineNumber + 1}`}`
}
