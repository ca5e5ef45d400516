// The CLI's own files in ~/.agentchat: where they are, and JSON in them.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { writePrivateFile } from '../../lib/node/private-file.ts'
import { readTextFile } from '../../lib/node/text-file.ts'
import { CliError } from './exit.ts'
import type { Io } from './io.ts'

export const agentchatHome = (env: Io['env']): string => join(env['HOME'] || homedir(), '.agentchat')

/** The identity file that is used where none is named. */
export const defaultIdentity = (env: Io['env']): string => join(agentchatHome(env), 'identity.json')

/** A JSON object in a file; undefined when there is no file. */
export const readJson = (file: string): Record<string, unknown> | undefined => {
  let value: unknown
  try {
    value = JSON.parse(readTextFile(file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CliError('error', `Cannot read ${file}: ${(error as Error).message}`, 'Repair it, or move it away and set it up again.',
      error)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new CliError('error', `${file} does not hold a JSON object`, 'Repair it, or move it away and set it up again.')
}

/** Written whole or not at all, for the owner's eyes only. */
export const writeJson = (file: string, value: unknown): void => {
  try {
    writePrivateFile(file, `${JSON.stringify(value, null, 2)}\n`, { overwrite: true })
  } catch (error) {
    throw new CliError('error', `Cannot write ${file}: ${(error as Error).message}`, undefined, error)
  }
}
