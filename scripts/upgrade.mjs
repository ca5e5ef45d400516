// npm run upgrade -- [TAG]: an earlier version and this one in one cluster, with all its transcripts. Without a tag the last one, or the first
// commit that can be upgraded so.
import { spawnSync } from 'node:child_process'

const [tag] = process.argv.slice(2)
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/cluster/released.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, UPGRADE_ALL: '1', ...tag !== undefined && { UPGRADE_FROM: tag } },
})
process.exitCode = status ?? 1
