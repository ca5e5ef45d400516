// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../invariants.test.ts')
