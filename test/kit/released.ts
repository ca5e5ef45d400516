// An earlier version as its users have it: the tree of a commit, built, packed, and unpacked where it finds the dependencies of this one.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as app from '../../src/app.ts'

const repository = join(import.meta.dirname, '../..')
/** What was built once is there for the next run. */
const kept = join(repository, 'node_modules/.cache/released')

export interface Released {
  readonly commit: string
  readonly bin: string
  /** Its transcripts. */
  readonly transcripts: string
  /** What its package gives to programs that run a relay. */
  readonly server: typeof app
}

const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim()

/** @param revision a tag or commit of this repository */
export const released = async (revision: string): Promise<Released> => {
  const commit = git('rev-parse', '--verify', `${revision}^{commit}`)
  const folder = join(kept, commit)
  if (!existsSync(folder)) build(commit, folder)
  return {
    commit,
    bin: join(folder, 'package/dist/bin/agentchat.js'),
    transcripts: join(folder, 'transcripts'),
    server: await import(pathToFileURL(join(folder, 'package/dist/src/app.js')).href) as typeof app,
  }
}

const build = (commit: string, target: string): void => {
  mkdirSync(kept, { recursive: true })
  // Beneath this repository its compiler and its dependencies are found.
  const work = mkdtempSync(join(kept, 'build-'))
  const archive = join(mkdtempSync(join(tmpdir(), 'agentchat-released-')), 'tree.tar')
  const run = (command: string, ...args: readonly string[]) =>
    execFileSync(command, args, { cwd: join(work, 'tree'), stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    mkdirSync(join(work, 'tree'))
    mkdirSync(join(work, 'out'))
    git('archive', '-o', archive, commit)
    run('tar', 'xf', archive)
    // The command line in its few files, and the console, are as they are; what is tested is the relay.
    run(process.execPath, join(repository, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--noCheck')
    const tarball = String(run('npm', 'pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', join(work, 'out'))).trim()
      .split('\n').at(-1)!
    execFileSync('tar', ['xf', join(work, 'out', tarball), '-C', join(work, 'out')])
    renameSync(join(work, 'tree/test/transcripts'), join(work, 'out/transcripts'))
    renameSync(join(work, 'out'), target)
  } finally {
    rmSync(work, { recursive: true, force: true })
    rmSync(join(archive, '..'), { recursive: true, force: true })
  }
}
