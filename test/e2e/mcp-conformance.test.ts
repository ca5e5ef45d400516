// The official conformance suite of MCP, both revisions, through the relay's own door: each scenario that they require passes.
import * as sdk from '@modelcontextprotocol/server'
import { execFile, execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Fixtures } from '../../src/doors/mcp/fixtures.ts'
import { McpDoor } from '../../src/doors/mcp/http.ts'
import { isLoopbackHost } from '../../src/doors/mcp/loopback.ts'
import { isWelcomeOrigin } from '../../src/relay/browser-origin.ts'
import { newFolder, type Folder } from '../kit/folder.ts'

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
    const failures: unknown[] = []
    const fixtures = new Fixtures(sdk, 'a secret of the tests')
    const door = new McpDoor<'suite'>({
      sdk,
      authenticate: () => Promise.resolve('suite'),
      nameOf: () => 'suite',
      serve: () => fixtures,
      isWelcome: (origin, host) => isLoopbackHost(host) && isWelcomeOrigin(origin, host, []),
      secret: 'a secret of the tests',
      now: Date.now,
      failed: error => `${failures.push(error)}`,
    })
    const server = createServer((request, response) => void door.handle(request, response, '127.0.0.1'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as { readonly port: number }
      const { code, output } = await suite(`http://localhost:${port}/mcp-conformance`, revision)
      if (process.env['MCP_OUTPUT'] !== undefined) (await import('node:fs')).writeFileSync(process.env['MCP_OUTPUT'], output)
      expect([code, output]).toEqual([0, expect.stringContaining(`${count}`)])
      expect(failures).toEqual([])
    } finally {
      await door.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  })
