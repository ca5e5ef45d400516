// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../rates.test.ts')
