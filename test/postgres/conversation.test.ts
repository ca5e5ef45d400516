// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../edits.test.ts')
await import('../conversation.test.ts')
