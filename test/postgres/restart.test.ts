// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../restart.test.ts')
