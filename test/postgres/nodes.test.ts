// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../nodes.test.ts')
