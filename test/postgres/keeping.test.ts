// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../keeping.test.ts')
await import('../restart.test.ts')
await import('../ownership.test.ts')
await import('../nodes.test.ts')
