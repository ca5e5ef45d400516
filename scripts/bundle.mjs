// The command line as few files without white space: a process that says one sentence spends its time finding modules. Names stay, so that a stack says
// where it was; library and server stay as they are.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build } from 'rolldown'
import { licencesOf } from './licences.mjs'

/** Packages of many small files. What is left out finds files of its own beside it. */
const bundled = /^(zod|kysely|prom-client|bintrees|tdigest|@opentelemetry\/api|@scure\/[^/]+|@marcbachmann\/cel-js|@noble\/[^/]+|@simplewebauthn\/server|openid-client|oauth4webapi|jose|@hexagon\/base64|@levischuck\/tiny-cbor|@peculiar\/[^/]+|asn1js|pvtsutils|pvutils|bytestreamjs|tslib|tsyringe|reflect-metadata)(\/|$)/

const { output } = await build({
  input: 'dist/bin/agentchat.js',
  platform: 'node',
  external: id => !/^[./]/.test(id) && !bundled.test(id),
  output: { dir: 'dist/bin', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', comments: { legal: true, annotation: false, jsdoc: false }, minify: { compress: false, mangle: false, codegen: true } },
})

writeFileSync('dist/bin/LICENSES.txt', licencesOf(output.flatMap(chunk => chunk.type === 'chunk' ? chunk.moduleIds : [])))

// What nobody can import is not shipped: the command line is in its few files, and a module's types are only for those who reach them.
const { exports: entries } = JSON.parse(readFileSync('package.json', 'utf8'))
const reached = new Set()
const reach = file => {
  if (reached.has(file)) return
  reached.add(file)
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)) {
    const target = join(dirname(file), name)
    reach(file.endsWith('.d.ts') ? target.replace(/(\.d)?\.[jt]s$/, '.d.ts') : target)
  }
}
for (const entry of Object.values(entries)) for (const file of Object.values(entry)) if (typeof file === 'string' && file.startsWith('./dist')) reach(join(file))
const isShipped = file => file.startsWith('dist/web/') ? true : file.startsWith('dist/bin/') ? /\.(js|txt)$/.test(file) : reached.has(file.replace(/\.map$/, ''))
const built = readdirSync('dist', { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
writeFileSync('dist/.npmignore', built.filter(file => !isShipped(file)).map(file => `/${relative('dist', file)}\n`).sort().join(''))
