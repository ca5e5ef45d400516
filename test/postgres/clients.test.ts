// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../client.test.ts')
await import('../client-connection.test.ts')
await import('../client-conversations.test.ts')
await import('../client-lives.test.ts')
await import('../client-receiving.test.ts')
