// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../tokens.test.ts')
