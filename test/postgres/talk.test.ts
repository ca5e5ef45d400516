// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../invariants.test.ts')
await import('../compat.test.ts')
await import('../rates.test.ts')
await import('../faults.test.ts')
await import('../files.test.ts')
await import('../growing.test.ts')
