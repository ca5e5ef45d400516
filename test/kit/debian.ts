// Programs that tests need beside Node: where they are looked for, and having Debian's installed where that may be done.
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program that tests run. */
export interface Program {
  /** what it is called, the best first */
  readonly names: readonly string[]
  /** Debian's package that has it */
  readonly package: string
  /** The variable of the environment that names another one. */
  readonly variable: string
  /** what it is for, in a few words */
  readonly use: string
}

/** The variable that is set where there is none, with the reason. */
export const absenceOf = ({ variable }: Program): string => `AGENTCHAT_TEST_NO_${variable}`

/** Where it is. */
export const pathOf = ({ names, variable }: Program): string | undefined => {
  const own = process.env[variable]
  const places = own !== undefined
    ? [own]
    : (process.env['PATH'] ?? '').split(delimiter).flatMap(folder => names.map(name => join(folder, name)))
  return places.find(place => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

const hasApt = (): boolean => {
  try {
    execFileSync('apt-get', ['--version'], { stdio: 'ignore' })
    return process.getuid?.() === 0
  } catch {
    return false
  }
}

/** Seen in every report: tests that are left out are no tests. */
const say = (text: string): void => void process.stderr.write(`\n*** ${text}\n\n`)

/** Once for a run of all tests. @throws where it has to be there, which is in CI */
export const install = (program: Program): void => {
  const absence = absenceOf(program)
  if (pathOf(program) !== undefined || process.env[absence] !== undefined) return
  const { package: name, use, variable } = program
  if (hasApt()) {
    say(`${use} need ${name}: apt-get installs it`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    for (const args of [['update', '-qq'], ['install', '-y', '-qq', '--no-install-recommends', name]])
      execFileSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    return
  }
  const reason = `There is no ${name} here, and it cannot be installed by apt-get as root`
  if (process.env['CI'] !== undefined) throw new Error(`${reason}: without it ${use.toLowerCase()} do not run`)
  process.env[absence] = reason
  say(`${reason}. ${use.toUpperCase()} ARE LEFT OUT: install ${name}, or name it by ${variable}`)
}
