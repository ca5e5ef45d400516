// The same on PostgreSQL.
import { describe } from 'vitest'

process.env['STORE'] = 'postgres'
await import('../invariants.test.ts')
await import('../compat.test.ts')
await import('../rates.test.ts')
await import('../faults.test.ts')
await import('../files.test.ts')
// Their clock stands still, and only theirs.
describe('growing', async () => {
  await import('../growing.test.ts')
})
