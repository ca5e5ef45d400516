// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../links.test.ts')
await import('../links-kept.test.ts')
await import('../links-erasures.test.ts')
await import('../witnesses.test.ts')
await import('../witness-door.test.ts')
