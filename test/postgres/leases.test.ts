// Leases and floors on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../leases.test.ts')
await import('../floors.test.ts')
