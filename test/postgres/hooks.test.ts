// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../hooks.test.ts')
