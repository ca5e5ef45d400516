// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../leases.test.ts')
