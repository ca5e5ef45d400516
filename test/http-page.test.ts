// The program of docs/HTTP.md, as it stands there: nothing but curl and jq.
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`])
    return true
  } catch {
    return false
  }
}

const blocks = [...readFileSync('docs/HTTP.md', 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(match => match[1]!)

test('joins, speaks and reads; a stream begins', async () => {
  // Where they are missing there is nothing to try it with: CI has both.
  const missing = ['curl', 'jq'].filter(program => !has(program))
  if (missing.length > 0) {
    process.stderr.write(`not tried: ${missing.join(', ')} missing\n`)
    return
  }
  await using relay = await startTestRelay()
  const wire = await relay.login('ada', { key: newKey() })
  const { token } = await wire.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
  const [begin, program, stream] = blocks
  const made = 'agentchat() { printf \'{"token":"%s"}\' "$GIVEN"; }\n'
  const script = `set -eu\n${made}${begin!.replace(/^RELAY=.*$/m, '')}${program!}(${
    stream!.replace('curl -N', 'curl -sN --max-time 2')
  }) || true\n`
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    env: { ...process.env, GIVEN: token, RELAY: relay.httpUrl },
    timeout: 30_000,
  })
  const lines = stdout.split('\n')
  expect(lines[0]).toMatch(/^\S+$/)
  expect(lines[1]).toBe('ada: hello over HTTP')
  expect(stdout).toContain('event: hello')
})
