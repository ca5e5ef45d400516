// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../http-guests.test.ts')
