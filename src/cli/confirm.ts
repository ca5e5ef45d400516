// A question before something is done: yes by flag, or typed at a terminal. Anything else is no.
import type { Call } from './command.ts'
import { CliError } from './exit.ts'
import { linesOf } from './lines.ts'
import { visible } from './terminal.ts'

/** @throws CliError where nobody can be asked */
export const confirm = async (
  question: string,
  { io: { stdin, stderr, interrupted }, yes }: Pick<Call, 'io'> & { readonly yes: boolean },
): Promise<boolean> => {
  if (yes) return true
  if (stdin.isTTY !== true)
    throw new CliError('usage', 'There is no terminal to ask on', 'Read what would happen (agentchat deploy plan), then say --yes.')
  stderr.write(`${visible(question)} [y/N] `)
  const stop = () => stdin.destroy()
  interrupted.addEventListener('abort', stop)
  try {
    for await (const answer of linesOf(stdin, 1_024)) return /^y(es)?$/i.test(answer.trim())
    return false
  } finally {
    interrupted.removeEventListener('abort', stop)
    stop()
  }
}
