// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../court.test.ts')
await import('../court-restart.test.ts')
await import('../court-client.test.ts')
