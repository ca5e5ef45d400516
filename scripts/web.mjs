// Builds the console into dist/web: Vite makes the files, then the service worker learns which there are, and each is packed by brotli.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'vite'
import { licencesOf } from './licences.mjs'

const built = [await build({ configFile: 'web/vite.config.ts' })].flat()

const root = 'dist/web'
const licences = 'LICENSES.txt'
writeFileSync(join(root, licences), licencesOf(built.flatMap(({ output }) => output.flatMap(part => part.type === 'chunk' ? part.moduleIds : []))))
const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  .map(({ parentPath, name }) => relative(root, join(parentPath, name))).sort()

// What the shell is made of: the worker has it when there is no network, and lets an older version of it go.
const shell = files.filter(file => file !== 'index.html' && file !== 'worker.js' && file !== licences)
const version = createHash('sha256').update(files.map(file => readFileSync(join(root, file))).reduce((all, each) => Buffer.concat([all, each]))).digest('hex').slice(0, 12)
const worker = join(root, 'worker.js')
writeFileSync(worker, readFileSync(worker, 'utf8').replace("'VERSION'", JSON.stringify(version)).replace('[/* FILES */]', JSON.stringify(shell)))

// Each is there once: the relay unpacks it for who cannot. Licences are for people.
for (const file of files) {
  if (file === licences) continue
  const bytes = readFileSync(join(root, file))
  const packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } })
  if (packed.length >= bytes.length * 0.9) continue
  writeFileSync(join(root, `${file}.br`), packed)
  rmSync(join(root, file))
}
