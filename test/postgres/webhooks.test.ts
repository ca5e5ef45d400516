// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../webhooks.test.ts')
