// Once for a run of all tests: the browser that those of the console need. Debian has it; where it is missing and may be installed, it is.
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Set where there is none, with the reason. */
export const noBrowserVariable = 'AGENTCHAT_TEST_NO_BROWSER'

/** Where the browser is: CHROMIUM names another one. */
export const chromiumPath = (): string | undefined => {
  const { CHROMIUM, PATH = '' } = process.env
  const places = CHROMIUM !== undefined
    ? [CHROMIUM]
    : PATH.split(delimiter).flatMap(folder => ['chromium', 'chromium-browser'].map(name => join(folder, name)))
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

export default (): void => {
  if (chromiumPath() !== undefined || process.env[noBrowserVariable] !== undefined) return
  if (hasApt()) {
    say('The tests of the console need chromium: apt-get installs it')
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    for (const args of [['update', '-qq'], ['install', '-y', '-qq', '--no-install-recommends', 'chromium']])
      execFileSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    return
  }
  const reason = 'There is no chromium here, and it cannot be installed by apt-get as root'
  if (process.env['CI'] !== undefined) throw new Error(`${reason}: without it the console is not tested`)
  process.env[noBrowserVariable] = reason
  say(`${reason}. THE TESTS OF THE CONSOLE ARE LEFT OUT: install chromium, or name it by CHROMIUM`)
}
