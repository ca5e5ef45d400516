// A look at a PostgreSQL database, for whoever wants to know whether a relay could use it.
import { configOf, loadDriver } from './client.ts'
import { askNature, problemOf, wrongNature, type Nature } from './problems.ts'

/** Gives its version. @throws StorageError that says what is wrong with it, and what to do */
export const lookAtPostgres = async (url: string): Promise<string> => {
  try {
    const driver = await loadDriver()
    const client = new driver.Client(configOf(driver, url, 'agentchat doctor'))
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows: [nature] } = await client.query<Nature>(askNature)
      const wrong = wrongNature(nature!)
      if (wrong !== undefined) throw wrong
      return `PostgreSQL ${Math.floor(nature!.version / 10_000)}.${nature!.version % 10_000}`
    } finally {
      await client.end().catch(() => undefined)
    }
  } catch (error) {
    throw problemOf(error) ?? error
  }
}
