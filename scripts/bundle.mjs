// The command line as few files: a process that says one sentence spends its time finding modules. Library and server stay as they are.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { build } from 'rolldown'

/** Packages of many small files. What is left out finds files of its own beside it. */
const bundled = /^(zod|kysely|prom-client|bintrees|tdigest|@opentelemetry\/api|@scure\/[^/]+|@noble\/[^/]+)(\/|$)/

const { output } = await build({
  input: 'dist/bin/agentchat.js',
  platform: 'node',
  external: id => !/^[./]/.test(id) && !bundled.test(id),
  output: { dir: 'dist/bin', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
})

// Their authors ask for their names to go with their code.
const roots = new Set(output.flatMap(chunk => chunk.type === 'chunk' ? chunk.moduleIds : []).flatMap(id => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
const licence = root => {
  const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
  const file = readdirSync(root).find(entry => /^licen[cs]e/i.test(entry))
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(`${root}/${file}`, 'utf8')}`
}
writeFileSync('dist/bin/LICENSES.txt', [...roots].sort().map(licence).join(`\n${'-'.repeat(80)}\n\n`))
