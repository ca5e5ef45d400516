// Once for a run of all tests: the language that the second verifier of transcripts is written in.
import { absenceOf, install, pathOf, type Program } from './debian.ts'

const python: Program = { names: ['python3'], package: 'python3', variable: 'PYTHON', use: 'The tests of the second verifier' }

/** Why there is none; undefined: there is one. */
export const noPython: string | undefined = process.env[absenceOf(python)]

export const pythonPath = (): string | undefined => pathOf(python)

export default (): void => install(python)
