// @ts-check
// `node bench/cluster.mjs`: what a relay of several processes on one machine costs and brings, with a PostgreSQL and a NATS of its own. Needs the
// built tree (npm run build), initdb, postgres and nats-server.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clusterPlot } from './cluster/plot.mjs'
import { questions } from './cluster/questions.mjs'
import { compileLoad } from './load/native.mjs'
import { machine, table } from './report.mjs'

const usage = `Usage: node bench/cluster.mjs [options]
  --only NAMES    of ${questions.map(({ name, title }) => `\n                    ${name}  ${title}`).join('')}
  --before FILE   for a: dist/bin/agentchat.js of a build from before, which takes turns with this one
  --quick         few clients and short runs: shows that it runs, not how fast
  --json FILE     the figures
  --save          writes its part of bench/RESULTS.md, and bench/cluster.svg (of a whole run: not with --quick or --only)
NAMES are separated by commas.`

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' }, before: { type: 'string' }, quick: { type: 'boolean', default: false }, json: { type: 'string' }, save: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})

const [begin, end] = ['<!-- node bench/cluster.mjs -->', '<!-- end of node bench/cluster.mjs -->']

const save = (/** @type {string} */ text, /** @type {string} */ plot) => {
  const file = new URL('./RESULTS.md', import.meta.url)
  const before = readFileSync(file, 'utf8')
  const [from, to] = [before.indexOf(begin), before.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`RESULTS.md has no ${begin} … ${end}`)
  writeFileSync(new URL('./cluster.svg', import.meta.url), plot)
  writeFileSync(file, `${before.slice(0, from)}${begin}\n\n${text}\n\n![CPU per delivery and messages a second by processes](cluster.svg)\n\n${before.slice(to)}`)
}

const main = async () => {
  if (options.help) return console.log(usage)
  if (options.save && (options.quick || options.only !== '')) throw new Error('--save is for a whole run: leave --quick and --only out')
  const scratch = mkdtempSync(join(tmpdir(), 'agentchat-load-'))
  try {
    const where = machine()
    const how = { loadFile: compileLoad(scratch), runMs: options.quick ? 400 : 3_000, isQuick: options.quick, before: options.before }
    /** @type {Record<string, readonly import('./cluster/questions.mjs').Row[]>} */
    const found = {}
    for (const { name, title, run } of questions.filter(({ name }) => options.only === '' || options.only.split(',').includes(name))) {
      console.error(`${name}: ${title}`)
      found[name] = await run(how)
    }
    const sections = questions.flatMap(({ name, title }) => found[name] === undefined ? [] : [`### (${name}) ${title}\n\n${table(found[name])}`])
    const text = `${where}\n\n${sections.join('\n\n')}`
    console.log(text)
    if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ machine: where, found }, undefined, 1))
    if (options.save) save(text, clusterPlot(found))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

try {
  await main()
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
