// A slice of the run of three linked relays. Real processes, so it is compiled first; what has to turn it red: test/mutations/table.json.
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import type { LinksResult } from './links-run.ts'

const repository = join(import.meta.dirname, '../..')
/** Its own: the other run's may be written anew while this one goes on. */
const compiled = join(repository, 'dist-chaos-links')

beforeAll(() => {
  execFileSync(process.execPath, [
    join(repository, 'node_modules/typescript/bin/tsc'),
    '--noCheck',
    '-p',
    join(repository, 'test/chaos/tsconfig.json'),
    '--outDir',
    compiled,
  ])
})

test('three linked relays are killed, stand still and are parted, and all that was said is at its home and in each mirror', async () => {
  const main = join(compiled, 'test/chaos/main.js')
  const run = promisify(execFile)(process.execPath, [main, '--links', '--seed', '1', '--messages', '1200', '--minutes', '0.3'])
  const { stdout } = await run.catch((error: { stdout: string, stderr: string }) => {
    if (error.stdout === '') throw new Error(error.stderr)
    return error
  })
  const outcome = JSON.parse(stdout) as LinksResult
  const none = { lost: 0, doubled: 0, reordered: 0, misplaced: 0, refused: 0, unsettled: 0, unlike: 0, unfit: 0, fallen: 0 }
  expect(outcome).toMatchObject({ ...none, notes: [] })
  // It did happen.
  expect(outcome.handedOn).toBeGreaterThan(700)
  for (const [what, count] of Object.entries(outcome.blows)) expect(count, what).toBeGreaterThan(1)
}, 300_000)
