// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../trade.test.ts')
await import('../trade-races.test.ts')
await import('../trade-concurrency.test.ts')
await import('../trade-client.test.ts')
