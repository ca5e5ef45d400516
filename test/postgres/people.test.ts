// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../people.test.ts')
await import('../people-client.test.ts')
await import('../reputation.test.ts')
await import('../directory.test.ts')
await import('../announcements.test.ts')
await import('../accounts.test.ts')
await import('../account-claims.test.ts')
