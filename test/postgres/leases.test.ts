// Leases, floors and budgets on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../leases.test.ts')
await import('../floors.test.ts')
await import('../budgets.test.ts')
