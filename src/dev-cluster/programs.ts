// The programs of others that a cluster on one machine needs: where they are looked for, and what to install where they are not found.
import { accessSync, constants, readFileSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The cluster does not start, or not any more; `hint` says what to do. */
export class DevClusterError extends Error {
  override readonly name = 'DevClusterError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The oldest PostgreSQL that a relay takes. */
const oldestPostgres = 15

/** Debian's, the newest first: they are not on PATH. */
const debianFolders = (root: string): readonly string[] => {
  try {
    return readdirSync(root).filter(version => Number(version) >= oldestPostgres).sort((a, b) => Number(b) - Number(a))
      .map(version => join(root, version, 'bin'))
  } catch {
    return []
  }
}

export interface Programs {
  readonly initdb: string
  readonly postgres: string
  readonly nats: string
}

/** @param debian where Debian keeps its versions of PostgreSQL @throws DevClusterError */
export const findPrograms = (path = '', debian = '/usr/lib/postgresql'): Programs => {
  const folders = path.split(delimiter).filter(folder => folder !== '')
  const postgres = [...folders, ...debianFolders(debian)].find(folder =>
    ['initdb', 'postgres'].every(name => isProgram(join(folder, name)))
  )
  // Debian's is where PATH of a user does not lead.
  const nats = [...folders, '/usr/sbin', '/usr/local/sbin'].map(folder => join(folder, 'nats-server')).find(isProgram)
  const missing = [
    ...(postgres === undefined ? [`PostgreSQL ${oldestPostgres} or newer (initdb and postgres)`] : []),
    ...(nats === undefined ? ['nats-server'] : []),
  ]
  if (postgres === undefined || nats === undefined)
    throw new DevClusterError(
      `A cluster on this machine needs ${missing.join(' and ')}: not on PATH${postgres === undefined ? `, nor in ${debian}` : ''}`,
      'Debian, Ubuntu: apt-get install postgresql nats-server. macOS: brew install postgresql nats-server. '
        + 'Or name servers that run elsewhere: --store URL --nats URL, and --node NAME for each process.',
    )
  return { initdb: join(postgres, 'initdb'), postgres: join(postgres, 'postgres'), nats }
}

/** PostgreSQL does not run as root: then it runs as the user that its package made, else as nobody. */
export const databaseUser = (): number | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find(each => each.startsWith('postgres:'))
  return Number(line?.split(':')[2] ?? 65_534)
}
