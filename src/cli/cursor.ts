// How far a listener has come, in a file that the user named.
import { PositionsFile } from '../../lib/node/index.ts'
import { CliError } from './exit.ts'

/** Positions in a file of the user's; `fail` is told when it can be written no more. @throws CliError when it cannot be read or written */
export const openCursor = (file: string, fail: (error: unknown) => void): PositionsFile => {
  const cannotWrite = (error: unknown) =>
    new CliError('usage', `Cannot write the cursor file ${file}: ${(error as Error).message}`,
      'Name one in a directory that you may write to, on a disk that has room.', error)
  let positions: PositionsFile
  try {
    positions = new PositionsFile(file, { onError: error => fail(cannotWrite(error)) })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== undefined) throw new CliError('usage', `Cannot read the cursor file ${file}: ${message}`, undefined, error)
    throw new CliError('usage', `${file} is not a cursor file`, 'Give another name, or delete it to begin anew.', error)
  }
  try {
    positions.checkWritable()
  } catch (error) {
    throw cannotWrite(error)
  }
  return positions
}
