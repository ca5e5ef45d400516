// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../client.test.ts')
