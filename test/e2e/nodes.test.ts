// The package on the Nodes it is made for, with the newest driver that it accepts: npm fetches both, as it does for a user.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newFolder, type Folder } from '../kit/folder.ts'
import { install, type Installed } from '../kit/install.ts'
import { Program } from '../kit/process.ts'

/** What the package `node` is without its install script: the executable, as npm has it for each platform. */
const nodePackage = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

let folder: Folder
let installed: Installed

/** Fails with npm's own words when there is no registry. */
const npmInstall = (cwd: string, ...packages: readonly string[]): void => {
  execFileSync('npm', [
    'install',
    '--no-save',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packages,
  ], {
    cwd,
    stdio: 'pipe',
    timeout: 240_000,
  })
}
const nodeAt = (major: number): string => folder.at(`nodes/node_modules/node${major}/bin/node${process.platform === 'win32' ? '.exe' : ''}`)
const agentchat = (major: number, ...args: readonly string[]) =>
  new Program(nodeAt(major), [installed.bin, ...args], { cwd: folder.path, env: { HOME: folder.path } })
const listens = /ws:\/\/[\w.-]+:\d+/
const serve = (major: number, data: string) => agentchat(major, 'serve', '--host', '127.0.0.1', '--port', '0', '--data', data)
const run = async (major: number, ...args: readonly string[]) => {
  await using program = agentchat(major, ...args)
  return { ...await program.ended, stdout: program.stdout, stderr: program.stderr }
}

beforeAll(() => {
  folder = newFolder()
  installed = install(folder.path)
  npmInstall(installed.project, 'better-sqlite3@13.2')
  mkdirSync(folder.at('nodes'))
  npmInstall(folder.at('nodes'), ...[20, 22, 24].map(major => `node${major}@npm:${nodePackage}@${major}`))
}, 300_000)
afterAll(() => folder[Symbol.dispose]())

test('the package accepts the driver that was picked: there is one, as it was published', () => {
  const driver = join(installed.project, 'node_modules/better-sqlite3')
  expect(JSON.parse(readFileSync(join(driver, 'package.json'), 'utf8'))).toMatchObject({ version: expect.stringMatching(/^13\.2\./) })
  expect(existsSync(join(driver, 'build'))).toBe(false)
  expect(existsSync(join(installed.project, 'node_modules/agentchat/node_modules/better-sqlite3'))).toBe(false)
})

describe.each([22, 24])('on Node %i', major => {
  test('a relay runs, agents talk, and what was said is kept, backed up and good', { timeout: 60_000 }, async () => {
    expect(execFileSync(nodeAt(major), ['--version'], { encoding: 'utf8' })).toMatch(new RegExp(`^v${major}\\.`))
    const [data, copy] = [folder.at(`data${major}`), folder.at(`copy${major}.db`)]
    await using relay = serve(major, data)
    const [url] = await relay.prints(listens)
    await using listener = agentchat(major, 'listen', url, '#general', '--max-messages', '1')
    await listener.prints(/Connected as/)

    const said = `hello from Node ${major}`
    expect(await run(major, 'send', url, '#general', said)).toMatchObject({ code: 0 })
    expect(await listener.ended, listener.stderr).toEqual({ code: 0, signal: null })
    expect(listener.jsonLines).toMatchObject([{ content: said }])
    const history = await run(major, 'history', url, '#general', '--json')
    expect(history).toMatchObject({ code: 0, stdout: expect.stringContaining(said) })

    expect(await run(major, 'backup', copy, '--data', data)).toMatchObject({ code: 0 })
    const verified = await run(major, 'backup', '--verify', copy, '--json')
    expect(verified).toMatchObject({ code: 0 })
    expect(JSON.parse(verified.stdout)).toMatchObject({ events: 1 })
    expect(await run(major, 'doctor', url, '--json')).toMatchObject({ stdout: expect.stringMatching(/"check":"sqlite","status":"ok"/) })

    relay.signal('SIGTERM')
    expect(await relay.ended, relay.stderr).toEqual({ code: 0, signal: null })
  })
})

describe('on Node 20, where that driver ends the process', () => {
  const sentence = 'npm install better-sqlite3@12'

  test('every command that needs it says instead what to install', { timeout: 60_000 }, async () => {
    const [kept, copy, restored] = [folder.at('kept'), folder.at('kept.db'), folder.at('restored')]
    {
      await using relay = serve(22, kept)
      await relay.prints(listens)
      expect(await run(22, 'backup', copy, '--data', kept)).toMatchObject({ code: 0 })
    }
    for (
      const words of [
        ['serve', '--host', '127.0.0.1', '--port', '0', '--data', folder.at('data20')],
        ['export', '--data', kept, '--out', folder.at('all.jsonl')],
        ['backup', folder.at('copy20.db'), '--data', kept],
        ['backup', '--verify', copy],
        ['restore', copy, '--data', restored],
      ]
    ) {
      const { code, signal, stderr } = await run(20, ...words)
      expect({ words, code, signal }).toEqual({ words, code: 1, signal: null })
      expect(stderr).toMatch(/better-sqlite3 13\.2\.\d+ needs Node 22 or newer, and this is Node 20\./)
      expect(stderr).toContain(sentence)
      expect(stderr).not.toContain('    at ')
    }
    expect(existsSync(restored)).toBe(false)
    const { code, signal, stdout } = await run(20, 'doctor', 'ws://127.0.0.1:9', '--json')
    expect({ code, signal }).toEqual({ code: 1, signal: null })
    expect(stdout).toContain(sentence)
  })

  test('what needs no database works', async () => {
    expect(await run(20, 'identity', 'generate', '--name', 'old', '--file', folder.at('old.json'))).toMatchObject({ code: 0 })
  })
})
