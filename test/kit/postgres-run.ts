// Once for a run of all tests: a folder for the database server, which the first test that needs it starts, and which ends with the run.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { folderVariable, newServerFolder, stopServer } from './postgres.ts'

export default (): (() => Promise<void>) | undefined => {
  // Of several projects in one run the first sees to it.
  if (process.env[folderVariable] !== undefined) return undefined
  const folder = newServerFolder()
  process.env[folderVariable] = folder
  return async () => {
    const note = join(folder, 'server.json')
    if (existsSync(note)) await stopServer(JSON.parse(readFileSync(note, 'utf8')) as Parameters<typeof stopServer>[0])
    rmSync(folder, { recursive: true, force: true })
  }
}
