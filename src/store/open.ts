// Which store a relay gets: the embedded one in its directory, or one on a database server, whose code is loaded only then.
import { openSqlite } from './sqlite/store.ts'
import type { OpenStore } from './store.ts'

export const openStore: OpenStore = async options => {
  const { store: url } = options
  if (url === undefined) return openSqlite(options)
  const { openPostgres } = await import('./postgres/store.ts')
  return openPostgres({ ...options, url })
}
