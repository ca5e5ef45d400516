// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../compat.test.ts')
