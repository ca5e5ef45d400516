// The same on PostgreSQL.
process.env['STORE'] = 'postgres'
await import('../account-language.test.ts')
await import('../account-newcomers.test.ts')
await import('../account-keeping.test.ts')
await import('../account-vault.test.ts')
await import('../account-signin.test.ts')
await import('../account-oidc.test.ts')
