// agentchat completion: a script for the shell.
import { command } from '../command.ts'
import { CliError } from '../exit.ts'

export const completion = command({
  name: 'completion',
  summary: 'Print a completion script for bash, zsh or fish',
  arguments: { shell: { doc: 'bash, zsh or fish' } },
  options: {},
  examples: [
    { command: 'source <(agentchat completion bash)', doc: 'In ~/.bashrc; the same with zsh' },
    { command: 'agentchat completion fish > ~/.config/fish/completions/agentchat.fish', doc: 'For fish' },
  ],
  async run({ args: { shell }, out }) {
    const [{ completionScript, isShell }, { allCommands }] = await Promise.all([import('../completion.ts'), import('./index.ts')])
    if (!isShell(shell)) throw new CliError('usage', `No completion for ${JSON.stringify(shell)}`, 'Known: bash, zsh, fish')
    const script = completionScript(shell, await allCommands())
    if (out.isJson) out.one({ shell, script }, () => script)
    else out.raw(script)
  },
})
