// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../keeping.test.ts')
