// The licences of packages whose code goes into ours: their authors ask for their names to go with it.
import { readFileSync, readdirSync } from 'node:fs'

/** @param {readonly string[]} moduleIds paths of the modules that were bundled */
export const licencesOf = moduleIds => {
  const roots = new Set(moduleIds.flatMap(id => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
  return [...roots].sort().map(licence).join(`\n${'-'.repeat(80)}\n\n`)
}

const licence = root => {
  const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
  const file = readdirSync(root).find(entry => /^licen[cs]e/i.test(entry))
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(`${root}/${file}`, 'utf8')}`
}
