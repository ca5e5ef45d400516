// Carries a plan out: what stands in its place already, writing its files, running its commands.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { makeFolder } from '../../lib/node/folder.ts'
import type { Plan, PlannedCommand, PlannedFile } from './plan.ts'

/** What is there now. `foreign`: another text, which was not written by a deployment. */
export type FileState = 'new' | 'same' | 'changed' | 'foreign'

/** In every file that a plan writes. */
const mark = 'Written from deploy.yaml by `agentchat deploy`'

/** Reads, and writes nothing. */
export const stateOf = ({ path, text }: PlannedFile): FileState => {
  if (!existsSync(path)) return 'new'
  const present = readFileSync(path, 'utf8')
  return present === text ? 'same' : present.includes(mark) ? 'changed' : 'foreign'
}

/** Each file is written whole or not at all; what is the same is left alone. */
export const writeFiles = ({ files }: Plan): void => {
  for (const file of files) {
    if (stateOf(file) === 'same') continue
    makeFolder(dirname(file.path))
    const temporary = `${file.path}.${randomBytes(6).toString('hex')}.tmp`
    try {
      writeFileSync(temporary, file.text, { mode: 0o644, flag: 'wx' })
      renameSync(temporary, file.path)
    } finally {
      rmSync(temporary, { force: true })
    }
  }
}

/** Programs that the plan runs and that are not installed. */
export const missingPrograms = ({ commands }: Plan, path = ''): readonly string[] => {
  const isThere = (program: string) =>
    path.split(delimiter).some(folder => {
      try {
        accessSync(join(folder, program), constants.X_OK)
        return folder !== ''
      } catch {
        return false
      }
    })
  return [...new Set(commands.map(({ argv }) => argv[0]))].filter(program => !isThere(program))
}

export interface RunOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Gets every line that the program writes. */
  readonly onLine: (line: string) => void
}

/** Runs one command without a shell. Resolves with how it ended: an exit code, or the signal's name. */
export const runCommand = ({ argv: [program, ...args] }: PlannedCommand, { env, signal, onLine }: RunOptions): Promise<number | string> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env }, signal, killSignal: 'SIGTERM' })
    for (const stream of [child.stdout, child.stderr]) {
      const decoder = new StringDecoder('utf8')
      let rest = ''
      stream.on('data', (bytes: Buffer) => {
        const lines = (rest + decoder.write(bytes)).split('\n')
        rest = lines.pop()!.slice(-maxLineChars)
        for (const line of lines) onLine(line)
      })
      stream.on('end', () => {
        if (rest !== '') onLine(rest)
      })
    }
    child.once('error', reject)
    child.once('close', (code, name) => resolve(code ?? name!))
  })

/** Of a line that does not end, the last part is kept. */
const maxLineChars = 64 * 1_024

/** As it would be typed into a shell. */
export const shellText = ({ argv }: PlannedCommand): string =>
  argv.map(word => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`).join(' ')
