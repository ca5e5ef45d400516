// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../transcripts/transcripts.test.ts')
