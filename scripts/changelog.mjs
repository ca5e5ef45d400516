// The changelog and versions: what is under "Unreleased" becomes a release (`npm run release -- minor`), and a release's part is its notes.
//
//   check           fails when there is nothing to release
//   release         gives the version in package.json to what is unreleased
//   notes VERSION   prints the part of a version
import { readFileSync, writeFileSync } from 'node:fs'

const file = 'CHANGELOG.md'
const [command, wanted] = process.argv.slice(2)
const text = readFileSync(file, 'utf8')

/** The text below a heading of the second level, up to the next one. */
const part = name => {
  const lines = text.split('\n')
  const start = lines.findIndex(line => line === `## ${name}` || line.startsWith(`## ${name} `))
  if (start === -1) throw new Error(`${file} has no part ${name}`)
  const end = lines.findIndex((line, i) => i > start && line.startsWith('## '))
  const body = lines.slice(start + 1, end === -1 ? undefined : end).join('\n').trim()
  if (body === '') throw new Error(`${file} has nothing under ${name}`)
  return body
}

try {
  if (command === 'check') part('Unreleased')
  else if (command === 'notes' && wanted !== undefined) process.stdout.write(`${part(wanted)}\n`)
  else if (command === 'release') {
    part('Unreleased')
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    if (text.includes(`\n## ${version} `)) throw new Error(`${file} has a part ${version} already`)
    const today = new Date().toISOString().slice(0, 10)
    writeFileSync(file, text.replace('\n## Unreleased\n', () => `\n## Unreleased\n\n## ${version} (${today})\n`))
  } else throw new Error('Usage: node scripts/changelog.mjs check | release | notes VERSION')
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
