// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../court.test.ts')
