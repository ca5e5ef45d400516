// Breaks what holds a promise on PostgreSQL, of links, of witnesses or of accounts, one line at a time in a copy of the sources, and tells whether a test notices:
// node test/mutations/main.mjs [word of what to break, or of the test's name]. Ends with 1 if one is not noticed.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const table = JSON.parse(readFileSync(join(import.meta.dirname, 'table.json'), 'utf8'))
const [, , word = ''] = process.argv
const chosen = table.filter(({ what, test }) => what.includes(word) || test.includes(word))
const copy = mkdtempSync(join(tmpdir(), 'agentchat-mutations-'))

/** Whether the test fails: undefined if it did not run. */
const fails = ({ test, name }) => {
  const report = join(copy, 'report.json')
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', test, '-t', name, '--retry=0', '--reporter=json', `--outputFile=${report}`], {
    cwd: copy,
    stdio: 'ignore',
  })
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
    return numPassedTests + numFailedTests === 0 ? undefined : status !== 0
  } catch {
    return undefined
  } finally {
    rmSync(report, { force: true })
  }
}

/** Whether a test fails as it is, by its name: several mutations may have the same one. */
const unbroken = new Map()
let unnoticed = 0
try {
  for (const part of ['src', 'lib', 'test', 'web', 'package.json', 'tsconfig.json', 'vitest.config.ts']) cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const mutation of chosen) {
    const file = join(copy, mutation.file)
    const whole = readFileSync(file, 'utf8')
    const ofTest = `${mutation.test} ${mutation.name}`
    if (!unbroken.has(ofTest)) unbroken.set(ofTest, fails(mutation))
    const before = unbroken.get(ofTest)
    writeFileSync(file, whole.replace(mutation.from, () => mutation.to))
    const after = fails(mutation)
    writeFileSync(file, whole)
    const isNoticed = before === false && after === true
    if (!isNoticed) unnoticed++
    const verdict = isNoticed ? 'noticed' : before === false ? 'NOT NOTICED' : 'the test does not pass as it is'
    console.log(`${verdict.padEnd(12)}  ${mutation.what}  (${mutation.test}: ${mutation.name})`)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.exitCode = unnoticed === 0 ? 0 : 1
