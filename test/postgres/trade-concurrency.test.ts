// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../trade-concurrency.test.ts')
