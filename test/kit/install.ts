// The package as its users get it: packed, and installed by npm in a directory of its own, with the dependencies that are tested here.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtBin, builtTree } from './process.ts'

interface Lock {
  readonly lockfileVersion: number
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

const repository = join(import.meta.dirname, '../..')
const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T
/** The compiled part of better-sqlite3. */
const addon = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node'

export interface Installed {
  /** A project that depends on the package. */
  readonly project: string
  readonly bin: string
}

/**
 * Packs and installs into `folder`. AGENTCHAT_E2E_COMPILE=1 also lets npm compile the addon, as a user's npm does; without it
 * the one that `npm ci` compiled for this checkout is taken, which saves a minute.
 */
export const install = (folder: string): Installed => {
  builtBin()
  const compile = process.env['AGENTCHAT_E2E_COMPILE'] === '1'
  const npm = (args: readonly string[], cwd: string): string =>
    execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, encoding: 'utf8' })

  const tarball = join(folder, npm(['pack', '--ignore-scripts', '--pack-destination', folder], builtTree).trim().split('\n').at(-1)!)
  const project = join(folder, 'project')
  mkdirSync(project)
  const { version, dependencies, bin } = readJson<Record<string, unknown>>(join(builtTree, 'package.json'))
  const root = {
    name: 'project',
    private: true,
    type: 'module',
    dependencies: { agentchat: `file:${tarball}` },
    allowScripts: { 'better-sqlite3': true },
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify(root))
  // The repository's lock file, turned into that of a project which depends on the package: no version differs from what is tested.
  const { lockfileVersion, packages } = readJson<Lock>(join(repository, 'package-lock.json'))
  const ours = Object.entries(packages).filter(([path, entry]) => path !== '' && entry.dev !== true)
  writeFileSync(join(project, 'package-lock.json'), JSON.stringify({
    name: root.name,
    lockfileVersion,
    requires: true,
    packages: {
      '': root,
      'node_modules/agentchat': { version, resolved: `file:${tarball}`, dependencies, bin },
      ...Object.fromEntries(ours),
    },
  }))
  npm(['ci', '--prefer-offline', ...(compile ? [] : ['--ignore-scripts'])], project)
  if (!existsSync(join(project, addon))) cpSync(join(repository, addon), join(project, addon))
  return { project, bin: join(project, 'node_modules/.bin/agentchat') }
}
