// @ts-check
// Rounds to medians, medians to tables and ratios. The same Markdown goes to the terminal and into RESULTS.md.
import { execFileSync } from 'node:child_process'
import { cpus, totalmem, type } from 'node:os'
import { peers } from './peers/index.mjs'
import { isMet, limitHere, slowness, targets } from './targets.mjs'
import { workloads } from './workloads/index.mjs'
import { reference } from './workloads/machine.mjs'

/** @typedef {import('./workloads/index.mjs').Figures} Figures */
/** @typedef {{ readonly workload: string, readonly subject: string, readonly figures: Figures }} Round */
/** @typedef {Map<string, Map<string, Figures>>} Medians workload → subject → figures */

/** @param {readonly number[]} values */
const median = values => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** @param {readonly Round[]} rounds @returns {Medians} */
export const mediansOf = rounds => {
  /** @type {Medians} */
  const medians = new Map()
  for (const { workload, subject, figures } of rounds) {
    const same = rounds.filter(round => round.workload === workload && round.subject === subject)
    const bySubject = medians.get(workload) ?? new Map()
    medians.set(workload, bySubject.set(subject, Object.fromEntries(Object.keys(figures).map(name => [name, median(same.map(round => round.figures[name]))]))))
  }
  return medians
}

const format = (/** @type {number} */ value) => value >= 1_000
  ? Math.round(Number(value.toPrecision(4))).toLocaleString('en')
  : String(Number(value.toPrecision(3)))

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
const cellsOf = (head, rows) => {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map(row => row[i].length)))
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(' | ')} |`
  return [line(head), `|${widths.map((width, i) => i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`).join('|')}|`, ...rows.map(line)].join('\n')
}

/** Rows by their columns' names. @param {readonly Record<string, number | string>[]} rows */
export const table = rows => {
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))]
  return cellsOf(names, rows.map(row => names.map(name => typeof row[name] === 'number' ? format(row[name]) : row[name] ?? '')))
}

/** @param {import('./workloads/index.mjs').Workload} workload @param {Map<string, Figures>} bySubject */
const section = ({ title }, bySubject) => {
  const names = Object.keys([...bySubject.values()][0])
  return `## ${title}\n\n${cellsOf(['', ...names], [...bySubject].map(([subject, figures]) => [subject, ...names.map(name => format(figures[name]))]))}`
}

/** @param {Medians} medians @returns {import('./targets.mjs').Of} */
export const lookUp = medians => (workload, subject, figure) => medians.get(workload)?.get(subject)?.[figure] ?? NaN

/** Each target that this run measured, with its verdict. @param {Medians} medians */
const verdicts = medians => {
  const of = lookUp(medians)
  const rows = targets.map(target => ({ target, value: target.value(of) })).filter(({ value }) => !Number.isNaN(value))
  if (rows.length === 0) return []
  const cells = rows.map(({ target, value }) => [
    target.what, target.level, `${target.sign} ${format(target.limit)} ${target.unit}`, target.clock === undefined ? '' : format(limitHere(target, of)), format(value), isMet(target, of) ? 'pass' : 'FAIL',
  ])
  const times = slowness(of)
  const note = Number.isNaN(times) ? 'Limits of time were set on another machine, and how fast this one is was not measured in this run.'
    : `Limits of time were set on a machine that verifies ${format(reference['verify/s'])} signatures and parses ${format(reference['parse/s'])} messages a second on one thread; by the same two pieces of work this one was ${format(times)} times slower in this run, and "here" is the limit that goes with it.`
  return [`## Targets\n\n${note}\n\n${cellsOf(['', '', 'target', 'here', 'measured', ''], cells)}`]
}

/** What the first peer's figures are as a multiple of the others'. @param {Medians} medians */
const ratios = medians => {
  const measured = peers.map(({ name }) => name).filter(name => [...medians.values()].some(bySubject => bySubject.has(name)))
  const [ours = '', ...others] = measured
  const of = lookUp(medians)
  if (others.length === 0) return []
  const rows = workloads.flatMap(({ name, title, ratios = [] }) =>
    ratios.map(figure => [`${title}: ${figure}`, ...others.map(other => format(of(name, ours, figure) / of(name, other, figure)))])).filter(cells => !cells.includes('NaN'))
  return [`## ${ours} as a multiple of its peers\n\n${cellsOf(['', ...others.map(other => `÷ ${other}`)], rows)}`]
}

/** Points of a curve: a row each. @param {string} family @param {Medians} medians */
const curve = (family, medians) => {
  const points = workloads.filter(workload => workload.family === family && medians.has(workload.name))
  const rows = points.flatMap(({ name, title }) => [...medians.get(name)?.values() ?? []].map(figures => ({ title, figures })))
  const names = Object.keys(rows[0].figures)
  return `## ${family}\n\n${cellsOf(['', ...names], rows.map(({ title, figures }) => [title, ...names.map(name => format(figures[name]))]))}`
}

/** @param {Medians} medians */
export const report = medians => [
  ...verdicts(medians),
  ...workloads.filter(({ name, family }) => medians.has(name) && family === undefined).map(workload => section(workload, medians.get(workload.name) ?? new Map())),
  ...new Set(workloads.flatMap(({ name, family }) => medians.has(name) && family !== undefined ? [curve(family, medians)] : [])),
  ...ratios(medians),
].join('\n\n')

/** Where and when it was measured, in one line. */
export const machine = () => {
  const model = cpus()[0]?.model.trim()
  return [new Date().toISOString().slice(0, 10), `${cpus().length} × ${model}`, `${Math.round(totalmem() / 2 ** 30)} GB`, type(), `Node ${process.versions.node}`, ...commit()].join(' · ')
}

/** The commit of this checkout, marked where files differ from it; a copy without history has none. */
const commit = () => {
  try {
    return [`commit ${execFileSync('git', ['describe', '--always', '--dirty', '--exclude', '*'], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim()}`]
  } catch {
    return []
  }
}
