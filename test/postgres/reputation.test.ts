// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../reputation.test.ts')
