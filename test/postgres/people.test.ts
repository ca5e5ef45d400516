// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../people.test.ts')
