// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../directory.test.ts')
