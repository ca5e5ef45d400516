// What commands that bring and fetch files have in common: where the relay speaks HTTP, and files that can be read.
import { stat } from 'node:fs/promises'
import type { Call } from './command.ts'
import { CliError } from './exit.ts'

/** How files get to the relay of a command, and from it. */
export const transferOf = async (call: Pick<Call, 'target' | 'io'>) => {
  const { url: server, ca } = await call.target()
  return {
    server,
    ca: ca === undefined ? undefined : (await import('./certificates.ts')).readCertificates(ca),
    signal: call.io.interrupted,
  }
}

/** The path of a file that can be brought. @throws CliError */
export const readable = async (path: string): Promise<string> => {
  const found = await stat(path).catch((error: unknown) => {
    throw new CliError('notFound', `Cannot read ${path}: ${(error as Error).message}`)
  })
  if (!found.isFile()) throw new CliError('usage', `${path} is no file`)
  if (found.size === 0) throw new CliError('usage', `${path} is empty: there is nothing to send`)
  return path
}
