// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../http-signed.test.ts')
