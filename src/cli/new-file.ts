// A file that a command makes: never over another one.
import { CliError } from './exit.ts'

/** @throws CliError where there is one already */
export const write = async (file: string, text: string): Promise<void> => {
  const { writeFileSync } = await import('node:fs')
  try {
    writeFileSync(file, text, { flag: 'wx' })
  } catch (error) {
    throw new CliError('error', `Cannot write ${file}: ${(error as Error).message}`, 'Name a file that is not there yet.', error)
  }
}
