// The official conformance suite of MCP, both revisions, through the relay's own door: each scenario that they require passes.
import { execFile, execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newFolder, type Folder } from '../kit/folder.ts'
import { startTestRelay } from '../kit/relay.ts'

let folder: Folder

/** npm has both, or what npm keeps; the suite needs Node 22, which npm has too. */
beforeAll(() => {
  folder = newFolder()
  execFileSync('npm', [
    'install',
    '--no-save',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '@modelcontextprotocol/conformance@0.2.0-alpha.12',
    'node@22',
  ], { cwd: folder.path, stdio: 'pipe', timeout: 280_000 })
}, 300_000)
afterAll(() => folder[Symbol.dispose]())

const suite = (url: string, revision: string) =>
  new Promise<{ readonly code: number, readonly output: string }>(resolve => {
    const script = folder.at('node_modules/@modelcontextprotocol/conformance/dist/index.js')
    execFile(folder.at('node_modules/node/bin/node'), [script, 'server', '--url', url, '--requirements', revision], {
      cwd: folder.path,
      maxBuffer: 64 * 1024 * 1024,
      timeout: 280_000,
    }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : 1, output: `${stdout}\n${stderr}` }))
  })

test.each([['2026-07-28', 37], ['2025-11-25', 30]] as const)('%s: all %i required scenarios pass', { timeout: 300_000 },
  async (revision, count) => {
    await using relay = await startTestRelay({ conformanceFixtures: true })
    const { code, output } = await suite(`${relay.httpUrl.replace('127.0.0.1', 'localhost')}/mcp-conformance`, revision)
    // Exit code 0: of what the revision requires nothing failed. What it does not is told apart.
    const [scored] = output.split('=== SUMMARY ===')[1]!.split('Total:')
    const unscored = new Set([...output.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(match => match[1]!))
    const passed = [...scored!.matchAll(/^✓ (\S+):/gm)].map(match => match[1]!).filter(name => !unscored.has(name))
    expect([code, passed.length], output).toEqual([0, count])
    expect([...scored!.matchAll(/^✗ (\S+):/gm)].map(match => match[1]!).filter(name => !unscored.has(name))).toEqual([])
  })
